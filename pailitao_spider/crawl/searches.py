"""The searches under way: which pages of which picture are still to come.

A search ends when every page asked for is settled: its offers went through the pipelines, or it
was given up. Then its seeds get their final lines. A search that the run leaves open gets none,
so that the next run takes it up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pailitao_spider.crawl.paging import PAGE_LIMIT, Hints, Paging, coverage
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.pages import Page, rank
from pailitao_spider.gateways.refusals import RefusalClass
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.records import LedgerLine, Status
from pailitao_spider.results.twins import twin_reason
from pailitao_spider.seeds.model import Seed

__all__ = ["Part", "Search", "Searches", "now_text", "twin_line"]


def now_text() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(slots=True, eq=False)
class Part:
    """One list of pages: a picture, or a region of it, at one gateway."""

    key: str
    search: Search
    paging: Paging
    region: str | None = None
    open_pages: Counter[int] = field(default_factory=lambda: Counter({1: 1}))
    """Calls under way by page, until what they brought has gone through the pipelines."""
    fetched: set[int] = field(default_factory=set)
    rows_seen: int = 0
    offers_new: int = 0
    calls: int = 0
    given_up: dict[int, str] = field(default_factory=dict)
    is_moved: bool = False
    """Another part goes on in its place: what did not come is not missing."""

    @property
    def seed(self) -> Seed:
        return self.search.seed

    def needs(self, page: int) -> bool:
        return not self.is_moved and self.paging.is_wanted(page)

    def take_in(self, number: int, page: Page) -> list[int]:
        rows, paging = page.rows, self.paging
        ids = [row.num_iid for row in rows if isinstance(row, Offer)]
        hints = Hints(page.total, page.page_count, page.has_next, page.next_cursor)
        new = self._asked(paging.came(number, ids, len(rows), hints))
        self.fetched.add(number)
        self.given_up.pop(number, None)
        self.rows_seen += len(rows)
        if number > 1 and paging.size is not None:
            rank(page, number, paging.size)
        return new

    def will_not_come(self, number: int, given_up: str | None) -> list[int]:
        """The page was given up, or not asked for after all; returns the pages to ask for now."""
        if given_up is None:
            return self._asked(self.paging.dropped(number))
        new = self.paging.failed(number, is_refused=given_up.startswith(RefusalClass.BAD_SEED))
        if self.paging.is_missing(number):
            self.given_up[number] = given_up
        return self._asked(new)

    def _asked(self, pages: list[int]) -> list[int]:
        if self.is_moved:
            return []
        self.open_pages.update(pages)
        return pages

    def wrote(self, item: Any) -> None:
        self.offers_new += 1

    @property
    def useful(self) -> int:
        """The pages that came and are not past the end."""
        return sum(page <= self.expected for page in self.fetched)

    @property
    def expected(self) -> int:
        return len(self.fetched) if self.is_moved else self.paging.expected

    def missing(self) -> str | None:
        """Why pages are missing, by the first of them."""
        if self.is_moved:
            return None
        paging, lost = self.paging, self.given_up.items()
        missing = {page: why for page, why in lost if not paging.is_past_end(page)}
        if (hole := paging.hole()) is not None:
            missing.setdefault(*hole)
        if missing:
            page, reason = min(missing.items())
            return f"page {page}: {reason}" if self.search.fetched else reason
        if paging.ignores_pages:
            return "repeats: every further page shows the first one again"
        if paging.is_at_limit:
            return f"page_limit: not followed beyond page {PAGE_LIMIT}"
        return None


class Search:
    """One seed's search, of one part or several. `twins` are seeds with the same picture that wait
    for its end.
    """

    def __init__(self, seed: Seed, picture: PictureRef, paging: Paging, started_at: str) -> None:
        self.seed = seed
        self.picture = picture
        self.started_at = started_at
        self.twins: list[Seed] = []
        self.parts = [Part(seed.seed_id, self, paging)]
        self.open_parts = set(self.parts)

    @property
    def fetched(self) -> int:
        return sum(len(part.fetched) for part in self.parts)

    @property
    def offers_seen(self) -> int:
        """Distinct offers of all parts."""
        pagings = [part.paging for part in self.parts]
        return len(set().union(*(paging.offers for paging in pagings)))

    def _can_return(self) -> int | None:
        """The least that the gateway says it can return, over all parts; None: it does not say."""
        told = [part.paging.can_return() for part in self.parts if not part.is_moved]
        return None if None in told else sum(filter(None, told))

    def line(self) -> LedgerLine:
        """The seed's final line."""
        status, reason = self._outcome()
        seen, expected = self.offers_seen, self._can_return()
        totals = [part.paging.total for part in self.parts if part.paging.total is not None]
        return LedgerLine(
            seed_id=self.seed.seed_id,
            image=self.seed.image.label,
            status=status,
            reason=reason,
            pages_expected=sum(part.expected for part in self.parts),
            pages_fetched=sum(part.useful for part in self.parts),
            rows_seen=sum(part.rows_seen for part in self.parts),
            offers_seen=seen,
            offers_expected=expected,
            coverage=coverage(seen, expected),
            offers_new=sum(part.offers_new for part in self.parts),
            total_reported=max(totals, default=None),
            calls=sum(part.calls for part in self.parts),
            started_at=self.started_at,
            finished_at=now_text(),
            seed_extra=self.seed.extra,
            image_sha256=self.picture.sha256,
        )

    def _outcome(self) -> tuple[Status, str | None]:
        missing = [(part, why) for part in self.parts if (why := part.missing()) is not None]
        if missing:
            part, why = missing[0]
            region = f"region {part.region}: " if part.region else ""
            return ("partial" if self.fetched else "failed"), f"{region}{why}"
        has_rows = any(part.rows_seen for part in self.parts)
        return ("done" if has_rows else "empty"), None


class Searches:
    """All open searches of a crawl, by key and by picture.

    `finished` is called with a search and its seeds' final lines when it ends.
    """

    def __init__(self, finished: Callable[[Search, LedgerLine], None]) -> None:
        self._finished = finished
        self._parts: dict[str, Part] = {}
        self._open: set[Search] = set()
        self._by_picture: dict[str, Search] = {}

    def __len__(self) -> int:
        return len(self._open)

    def find(self, key: str | None) -> Part | None:
        return self._parts.get(key or "")

    def with_picture(self, key: str) -> Search | None:
        return self._by_picture.get(key)

    def open(self, search: Search) -> None:
        self._open.add(search)
        for part in search.parts:
            self._parts[part.key] = part
        self._by_picture[search.picture.key] = search

    def add(self, search: Search, paging: Paging, region: str | None = None) -> Part:
        """A further part of an open search."""
        key = f"{search.seed.seed_id}\0{len(search.parts)}"
        part = Part(key, search, paging, region)
        search.parts.append(part)
        search.open_parts.add(part)
        self._parts[key] = part
        return part

    def settle(self, key: str, page: int, given_up: str | None = None) -> None:
        """One call for a page is through; `given_up` says why what it brought is not whole."""
        part = self.find(key)
        if part is None or part not in part.search.open_parts:
            return
        if given_up is not None:
            part.given_up[page] = given_up
        part.open_pages[page] -= 1
        if part.open_pages.total() <= 0:
            self._end(part)

    def settle_all(self, given_up: str) -> list[Seed]:
        """Nothing more will come: every open page is given up. Returns the seeds this ends."""
        seeds = [search.seed for search in self._open]
        for part in list(self._parts.values()):
            for page in sorted(part.open_pages.elements()):
                self.settle(part.key, page, given_up)
        return seeds

    def _end(self, part: Part) -> None:
        search = part.search
        search.open_parts.discard(part)
        if search.open_parts:
            return
        self._open.discard(search)
        for each in search.parts:
            del self._parts[each.key]
        if self._by_picture.get(search.picture.key) is search:
            del self._by_picture[search.picture.key]
        self._finished(search, search.line())
        search.parts.clear()  # they know the ids of all their offers, and hold the search in turn


def twin_line(line: LedgerLine, seed: Seed) -> LedgerLine:
    """The line of a seed whose picture was searched for another one."""
    return replace(
        line,
        seed_id=seed.seed_id,
        image=seed.image.label,
        reason=twin_reason(line.seed_id, line.reason),
        offers_new=0,
        calls=0,
        seed_extra=seed.extra,
    )
