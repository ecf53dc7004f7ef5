"""The searches under way: which pages of which picture are still to come.

A search ends when every page asked for is settled: its offers went through the pipelines, or it
was given up. Then its seeds get their final lines. A search that the run leaves open gets none,
so that the next run takes it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.pages import Page, rank
from pailitao_spider.offers import Offer
from pailitao_spider.paging import PAGE_LIMIT, Paging
from pailitao_spider.results.ledger import LedgerLine, Status
from pailitao_spider.seeds import Seed

__all__ = ["OpenSearch", "OpenSearches", "Search", "Searches", "now_text", "twin_line"]


def now_text() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class OpenSearch(Protocol):
    """A search under way, as the parts of a crawl see it."""

    calls: int

    @property
    def seed(self) -> Seed: ...
    def needs(self, page: int) -> bool:
        """The page may still hold something."""

    def take_in(self, number: int, page: Page) -> range:
        """Takes in a page that came; returns the pages to ask for next."""

    def wrote(self, item: Any) -> None:
        """One item of the search has gone through all pipelines to the feeds."""


class OpenSearches(Protocol):
    """The searches under way, by seed and page."""

    def __len__(self) -> int: ...
    def find(self, seed_id: str | None, page: int | None) -> OpenSearch | None: ...
    def settle(self, seed_id: str, page: int, given_up: str | None = None) -> None: ...


@dataclass(slots=True)
class Search:
    """One picture's search. `twins` are seeds with the same picture that wait for its end."""

    seed: Seed
    picture: PictureRef
    paging: Paging
    started_at: str
    twins: list[Seed] = field(default_factory=list)
    open_pages: set[int] = field(default_factory=lambda: {1})
    fetched: int = 0
    rows_seen: int = 0
    offers_new: int = 0
    calls: int = 0
    given_up: dict[int, str] = field(default_factory=dict)

    def needs(self, page: int) -> bool:
        return not self.paging.is_past_end(page)

    def take_in(self, number: int, page: Page) -> range:
        rows, paging = page.rows, self.paging
        ids = [row.num_iid for row in rows if isinstance(row, Offer)]
        new = paging.came(number, ids, len(rows), page.total, page.page_count)
        self.open_pages.update(new)
        self.fetched += 1
        self.rows_seen += len(rows)
        if number > 1 and paging.size is not None:
            rank(page, number, paging.size)
        return new

    def wrote(self, item: Any) -> None:
        self.offers_new += 1

    def line(self) -> LedgerLine:
        """The seed's final line."""
        status, reason = self._outcome()
        return LedgerLine(
            seed_id=self.seed.seed_id,
            image=self.seed.image.label,
            status=status,
            reason=reason,
            pages_expected=self.paging.expected,
            pages_fetched=self.fetched,
            rows_seen=self.rows_seen,
            offers_new=self.offers_new,
            total_reported=self.paging.total,
            calls=self.calls,
            started_at=self.started_at,
            finished_at=now_text(),
        )

    def _outcome(self) -> tuple[Status, str | None]:
        missing = {page: why for page, why in self.given_up.items() if self.needs(page)}
        if missing:
            page, reason = min(missing.items())
            if self.fetched:
                return "partial", f"page {page}: {reason}"
            return "failed", reason
        if self.paging.planned >= PAGE_LIMIT and self.paging.end is None:
            return "partial", f"page_limit: not followed beyond page {PAGE_LIMIT}"
        return ("done" if self.rows_seen else "empty"), None


class Searches:
    """All open searches of a crawl, by seed and by picture.

    `finished` is called with a search and its seeds' final lines when it ends.
    """

    def __init__(self, finished: Callable[[Search, LedgerLine], None]) -> None:
        self._finished = finished
        self._by_seed: dict[str, Search] = {}
        self._by_picture: dict[str, Search] = {}

    def __len__(self) -> int:
        return len(self._by_seed)

    def find(self, seed_id: str | None, page: int | None) -> Search | None:
        """Pages of one seed belong to one search here."""
        return self._by_seed.get(seed_id or "")

    def with_picture(self, key: str) -> Search | None:
        return self._by_picture.get(key)

    def open(self, search: Search) -> None:
        self._by_seed[search.seed.seed_id] = search
        self._by_picture[search.picture.key] = search

    def settle(self, seed_id: str, page: int, given_up: str | None = None) -> None:
        """One page is through; `given_up` says why it brought nothing."""
        search = self.find(seed_id, page)
        if search is None:
            return
        if given_up is not None:
            search.given_up[page] = given_up
        search.open_pages.discard(page)
        if search.open_pages:
            return
        del self._by_seed[seed_id]
        if self._by_picture.get(search.picture.key) is search:
            del self._by_picture[search.picture.key]
        self._finished(search, search.line())


def twin_line(line: LedgerLine, seed: Seed) -> LedgerLine:
    """The line of a seed whose picture was searched for another one."""
    reason = f"same_picture: searched once, for {line.seed_id}"
    return replace(
        line,
        seed_id=seed.seed_id,
        image=seed.image.label,
        reason=f"{reason}; {line.reason}" if line.reason else reason,
        offers_new=0,
        calls=0,
    )
