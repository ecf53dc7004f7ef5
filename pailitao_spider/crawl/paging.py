"""Which pages of a search are worth a call: a decision without I/O, page by page.

A gateway's total, page count and "no next page" are hints. The least of them is the plan; one that
the rows contradict is void. Pages are asked for from the lowest on, a few ahead of the last one
that brought something new. The first page behind it that brings nothing is asked for once more and
the one after it is looked at: both bring nothing, and the search has ended. A later page that
brings something makes a hole of it, which is asked for again and at last named.

`cluster/lua/exchange/3_paging.lua` is its twin: tests/test_cluster_paging.py holds the two against
each other.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from math import ceil, floor

from pailitao_spider.crawl.asked_pages import AskedPages
from pailitao_spider.crawl.paging_hints import Facts, Hints, HintsSoFar

__all__ = ["AHEAD", "PAGE_LIMIT", "Hints", "Paging", "coverage"]

PAGE_LIMIT = 1000
"""No search is followed further, whatever the gateway claims."""
AHEAD = 3
"""So many pages are asked for behind the last one that brought something new: what a total that
lies can cost, with the second try of the first of them.
"""
_MOST_ASKS = 3
"""A page that brings nothing, with others behind it that do, is asked for so often in all."""


@dataclass(slots=True)
class Paging:
    """The pages of one search. `max_pages` and `max_rows` are the user's limits.

    With `passes` above 1 the pages are gone over once more where they repeated each other's rows
    and offers are missing.
    """

    asked_size: int
    max_pages: int | None = None
    max_rows: int | None = None
    passes: int = 1
    end: int | None = None
    """The last page that holds something, once the answers showed it."""
    pages: AskedPages = field(default_factory=AskedPages)
    _hints: HintsSoFar = field(default_factory=HintsSoFar)
    _sweep: int | None = None
    """The next page of a further pass."""

    # what is known

    @property
    def expected(self) -> int:
        """How many pages the search has, as far as is known."""
        if self.end is not None:
            return min(self.end, self.planned)
        hinted = self._hinted_pages
        return self.planned if hinted is None else max(self.planned, min(hinted, self._most()))

    @property
    def size(self) -> int | None:
        """The rows of the first page."""
        return self.pages.size

    @property
    def total(self) -> int | None:
        """The most that was told."""
        return self._hints.total

    @property
    def planned(self) -> int:
        """The highest page that was asked for."""
        return self.pages.planned

    @property
    def offers(self) -> Set[str]:
        """The ids of all offers that came."""
        return self.pages.offers

    @property
    def offers_seen(self) -> int:
        """Distinct offers."""
        return len(self.pages.offers)

    @property
    def is_at_limit(self) -> bool:
        return self.end is None and self.planned >= PAGE_LIMIT

    @property
    def ignores_pages(self) -> bool:
        """Every further page showed the first one again."""
        second, third = self.pages[2], self.pages[3]
        is_repeated = second.is_blank and second.last_rows > 0 and second.answers > 1
        return self.end == 1 and is_repeated and not (third.came and third.last_rows == 0)

    def is_wanted(self, page: int) -> bool:
        """A call for the page is still worth making."""
        if self._sweep is not None:
            return self._is_short
        if page <= self._base:
            return True
        return self.end is None and page <= self._last_wanted()

    def is_past_end(self, page: int) -> bool:
        return self.end is not None and page > self.end

    def cursor_of(self, page: int) -> str | None:
        """What a page is asked by; None: its number."""
        return self._hints.cursors.get(page)

    def times_answered(self, page: int) -> int:
        return self.pages[page].answers

    def is_missing(self, page: int) -> bool:
        """Its last call was given up, and none before brought anything."""
        asked = self.pages[page]
        return asked.is_lost and not asked.is_new

    def hole(self) -> tuple[int, str] | None:
        """The first page that brought nothing though later ones did, and what came instead."""
        for number in range(2, self._base):
            page = self.pages[number]
            if page.is_blank:
                what = "only offers of other pages" if page.last_rows else "no rows"
                return number, f"{what}, asked {page.answers} times"
        return None

    def can_return(self) -> int | None:
        """The least that the gateway says it has to show, within the user's limits."""
        told = []
        if (last := self._hints.last_page(self._facts)) is not None:
            told.append(self.pages.rows_of(last))
        if self.total:
            told.append(self.offers_seen if self._hints.is_total_void(self._facts) else self.total)
        if told and self.max_pages is not None:
            told.append(self.pages.rows_of(self.max_pages))
        if told and self.max_rows is not None:
            told.append(self.max_rows)
        return min(told, default=None)

    # what comes

    def came(self, page: int, ids: list[str], rows: int, hints: Hints) -> list[int]:
        """Takes in an answer; returns the pages to ask for now, some of them once more.

        `ids` are the usable offer ids on it, `rows` counts all its rows.
        """
        self.pages.came(page, ids, rows)
        self._hints.take(page, hints)
        if self.end is not None and self._base > self.end:
            self.end = None
        self._hints.forget_end_before(self._base)
        return self._ask()

    def failed(self, page: int, *, is_refused: bool = False) -> list[int]:
        """The page was given up. Where nothing says that it exists, its refusal is the end."""
        if is_refused and page > 1 and not self._told_more(page):
            return self.came(page, [], 0, Hints())
        self.pages.answered(page).is_lost = True
        return self._ask()

    def dropped(self, page: int) -> list[int]:
        """The page was not asked for after all, since nobody wanted it when its turn came."""
        self.pages.drop(page)
        return self._ask()

    # what to ask

    def _ask(self) -> list[int]:
        if self._sweep is None:
            asks = [*self._holes(), *self._at_the_end()]
            asks += self._ahead() if self.end is None else []
        else:
            asks = self._next_of_sweep()
        for page in asks:
            self.pages.ask(page)
        return asks or self._swept()

    def _holes(self) -> list[int]:
        holes = [(number, self.pages[number]) for number in range(2, self._base)]
        return [
            number
            for number, page in holes
            if page.is_blank and not page.is_open and page.answers < _MOST_ASKS
        ]

    def _at_the_end(self) -> list[int]:
        """Looks at the first page behind the last new one; asks for it once more, or ends."""
        number = self._base + 1
        first = self.pages[number]
        if not first.is_blank or first.is_open or first.is_lost:
            return []
        if number > 1 and self._told_more(number):
            if first.answers < 2:
                return [number]
            after = self.pages[number + 1]
            if not after.is_blank and number + 1 <= self._last_wanted():
                return []
        self.end = max(self._base, 1)
        return []

    def _told_more(self, number: int) -> bool:
        hinted = self._hinted_pages
        if hinted is not None:
            return number <= hinted
        if self._hints.next_after >= number - 1:
            return True
        return self._is_second_a_repetition and number == 2

    @property
    def _is_second_a_repetition(self) -> bool:
        """Page 2 shows again a first page as large as was asked for: its number may be ignored."""
        second = self.pages[2]
        is_full = self.size is not None and self.size >= self.asked_size
        return second.is_blank and second.last_rows > 0 and is_full

    def _ahead(self) -> list[int]:
        has_hint = self._hinted_pages is not None
        last = self._base + AHEAD if has_hint else self._next_by_rows()
        last = min(last, self._last_wanted())
        return [page for page in range(self._base + 1, last + 1) if not self.pages[page].asks]

    def _next_by_rows(self) -> int:
        """Without hints: one page at a time, as long as full ones come."""
        base = self.pages[self._base]
        if self._base == 0:
            return 0
        if self._base == 1 and self._is_second_a_repetition:
            return 3
        if self._base == 1:
            goes_on = not self._hints.page_count or base.rows >= self.asked_size
        else:
            goes_on = base.rows >= (self.size or 1)
        return self._base + 1 if goes_on or self._hints.next_after >= self._base else self._base

    def _last_wanted(self) -> int:
        """The last page that hints and limits leave; only the two in question at a likely end."""
        hinted = self._hinted_pages
        most = self._most() if hinted is None else min(hinted, self._most())
        if self._hints.cursors:
            most = min(most, max(self._hints.cursors))
        return min(most, self._base + 2) if self.pages[self._base + 1].is_blank else most

    # hints

    @property
    def _hinted_pages(self) -> int | None:
        return self._hints.pages(self._facts)

    @property
    def _facts(self) -> Facts:
        pages = self.pages
        return Facts(self.asked_size, pages.size or 0, pages.full_size, pages.base, pages.distinct)

    @property
    def _base(self) -> int:
        return self.pages.base

    def _most(self) -> int:
        limits = [PAGE_LIMIT, self.max_pages or PAGE_LIMIT]
        if self.max_rows is not None and self.size is not None:
            limits.append(ceil(self.max_rows / self.size))
        return max(min(limits), 1)

    # a further pass

    def _swept(self) -> list[int]:
        """Begins a further pass once all pages have come, where one may help."""
        if self.passes < 2 or self.pages.open or self.ignores_pages or not self._is_short:
            return []
        self.passes -= 1
        self._sweep = 1
        return self._ask()

    def _next_of_sweep(self) -> list[int]:
        assert self._sweep is not None
        last = min(self._sweep + AHEAD - self.pages.open - 1, self._base) if self._is_short else 0
        pages = [page for page in range(self._sweep, last + 1) if not self.pages[page].is_open]
        self._sweep = max(self._sweep, last + 1)
        if not pages and not self.pages.open:
            self._sweep = None
        return pages

    @property
    def _is_short(self) -> bool:
        """Pages repeated each other's rows, and offers are missing."""
        most = self.can_return()
        repeats = self.pages.rows > self.pages.distinct
        return repeats and (most is None or self.offers_seen < most)


def coverage(offers_seen: int, can_return: int | None) -> float | None:
    """The share of the offers that a gateway can show; never rounded up to the whole."""
    if not can_return:
        return None
    return min(floor(offers_seen / can_return * 10_000) / 10_000, 1.0)
