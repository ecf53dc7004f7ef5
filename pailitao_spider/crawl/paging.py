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

__all__ = ["AHEAD", "PAGE_LIMIT", "Hints", "Paging", "coverage"]

PAGE_LIMIT = 1000
"""No search is followed further, whatever the gateway claims."""
AHEAD = 3
"""So many pages are asked for behind the last one that brought something new: what a total that
lies can cost, with the second try of the first of them.
"""
_MOST_ASKS = 3
"""A page that brings nothing, with others behind it that do, is asked for so often in all."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a page says of its search."""

    total: int | None = None
    """Offers that can be returned."""
    page_count: int | None = None
    has_next: bool | None = None
    next_cursor: str | None = None
    """What the next page is asked by, where a gateway has cursors in place of numbers."""


@dataclass(slots=True)
class _Asked:
    """What is known of one page."""

    asks: int = 0
    answers: int = 0
    rows: int = 0
    """The most that came on it."""
    last_rows: int = 0
    fresh: int = 0
    """Offers that no lower page brought."""
    unnamed: int = 0
    """Rows without a usable id."""
    came: bool = False
    is_lost: bool = False
    """Its last call was given up."""

    @property
    def is_new(self) -> bool:
        return self.fresh > 0 or self.unnamed > 0

    @property
    def is_blank(self) -> bool:
        return self.came and not self.is_new

    @property
    def is_open(self) -> bool:
        return self.asks > self.answers


_NEVER_ASKED = _Asked()


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
    size: int | None = None
    """The rows of the first page."""
    total: int | None = None
    end: int | None = None
    """The last page that holds something, once the answers showed it."""
    planned: int = 1
    """The highest page that was asked for."""
    base: int = 0
    """The highest page that brought something new."""
    _pages: dict[int, _Asked] = field(default_factory=lambda: {1: _Asked(asks=1)})
    _lowest: dict[str, int] = field(default_factory=dict)
    """The lowest page on which each offer came."""
    _largest: int = 0
    """The most rows of a page behind the first one."""
    _further: int = 0
    """Pages behind the first one that brought rows."""
    _page_count: int | None = None
    _last_by_next: int | None = None
    """The page that said that none follows."""
    _next_after: int = 0
    """The highest page that said that another one follows."""
    _cursors: dict[int, str] = field(default_factory=dict)
    """What pages are asked by; one that has none yet cannot be asked for."""
    _rows: int = 0
    _unnamed: int = 0
    _open: int = 1
    _sweep: int | None = None
    """The next page of a further pass."""

    # what is known

    @property
    def expected(self) -> int:
        """How many pages the search has, as far as is known."""
        if self.end is not None:
            return min(self.end, self.planned)
        hinted = self._hinted_pages()
        return self.planned if hinted is None else max(self.planned, min(hinted, self._most()))

    @property
    def offers(self) -> Set[str]:
        """The ids of all offers that came."""
        return self._lowest.keys()

    @property
    def offers_seen(self) -> int:
        """Distinct offers."""
        return len(self._lowest)

    @property
    def is_at_limit(self) -> bool:
        return self.end is None and self.planned >= PAGE_LIMIT

    @property
    def ignores_pages(self) -> bool:
        """Every further page showed the first one again."""
        second, third = self._page(2), self._page(3)
        is_repeated = second.is_blank and second.last_rows > 0 and second.answers > 1
        return self.end == 1 and is_repeated and not (third.came and third.last_rows == 0)

    def is_wanted(self, page: int) -> bool:
        """A call for the page is still worth making."""
        if self._sweep is not None:
            return self._is_short
        if page <= self.base:
            return True
        return self.end is None and page <= self._last_wanted()

    def is_past_end(self, page: int) -> bool:
        return self.end is not None and page > self.end

    def cursor_of(self, page: int) -> str | None:
        """What a page is asked by; None: its number."""
        return self._cursors.get(page)

    def times_answered(self, page: int) -> int:
        return self._page(page).answers

    def is_missing(self, page: int) -> bool:
        """Its last call was given up, and none before brought anything."""
        asked = self._page(page)
        return asked.is_lost and not asked.is_new

    def hole(self) -> tuple[int, str] | None:
        """The first page that brought nothing though later ones did, and what came instead."""
        for number in range(2, self.base):
            page = self._page(number)
            if page.is_blank:
                what = "only offers of other pages" if page.last_rows else "no rows"
                return number, f"{what}, asked {page.answers} times"
        return None

    def can_return(self) -> int | None:
        """The least that the gateway says it has to show, within the user's limits."""
        told = []
        if (last := self._page_hint()) is not None:
            told.append(self._rows_of(last))
        if self.total:
            told.append(self.offers_seen if self._is_total_void else self.total)
        if told and self.max_pages is not None:
            told.append(self._rows_of(self.max_pages))
        if told and self.max_rows is not None:
            told.append(self.max_rows)
        return min(told, default=None)

    # what comes

    def came(self, page: int, ids: list[str], rows: int, hints: Hints) -> list[int]:
        """Takes in an answer; returns the pages to ask for now, some of them once more.

        `ids` are the usable offer ids on it, `rows` counts all its rows.
        """
        asked = self._answered(page)
        asked.came, asked.is_lost, asked.last_rows = True, False, rows
        self._further += page > 1 and rows > 0 and asked.rows == 0
        asked.rows = max(asked.rows, rows)
        self._unnamed += max(rows - len(ids) - asked.unnamed, 0)
        asked.unnamed = max(asked.unnamed, rows - len(ids))
        if page == 1 and self.size is None:
            self.size = max(rows, 1)
        elif page > 1:
            self._largest = max(self._largest, rows)
        self._rows += rows
        self._take(page, hints)
        self._own(page, ids)
        self._move_base(page)
        return self._ask()

    def failed(self, page: int, *, is_refused: bool = False) -> list[int]:
        """The page was given up. Where nothing says that it exists, its refusal is the end."""
        if is_refused and page > 1 and not self._told_more(page):
            return self.came(page, [], 0, Hints())
        self._answered(page).is_lost = True
        return self._ask()

    def dropped(self, page: int) -> list[int]:
        """The page was not asked for after all, since nobody wanted it when its turn came."""
        self._pages[page].asks -= 1
        self._open -= 1
        while self.planned > 1 and not self._page(self.planned).asks:
            self.planned -= 1
        return self._ask()

    def _answered(self, page: int) -> _Asked:
        """One that is not waited for any more, since it was given up, counts for what it brings."""
        asked = self._pages.setdefault(page, _Asked())
        if asked.is_open:
            asked.answers += 1
            self._open -= 1
        return asked

    def _take(self, page: int, hints: Hints) -> None:
        if hints.total is not None:
            self.total = max(self.total or 0, hints.total)
        if hints.page_count is not None:
            self._page_count = max(self._page_count or 0, hints.page_count)
        has_next = self._has_next(page, hints)
        if has_next is True:
            self._next_after = max(self._next_after, page)
        elif has_next is False:
            self._last_by_next = min(self._last_by_next or page, page)

    def _has_next(self, page: int, hints: Hints) -> bool | None:
        if hints.next_cursor is not None:
            self._cursors[page + 1] = hints.next_cursor
            return True
        return False if self._cursors and hints.has_next is None else hints.has_next

    def _own(self, page: int, ids: list[str]) -> None:
        mine = self._pages[page]
        for each in ids:
            lowest = self._lowest.get(each)
            if lowest is not None and lowest <= page:
                continue
            if lowest is not None:
                self._pages[lowest].fresh -= 1
            self._lowest[each] = page
            mine.fresh += 1

    def _move_base(self, page: int) -> None:
        if self._page(page).is_new:
            self.base = max(self.base, page)
        while self.base > 0 and not self._page(self.base).is_new:
            self.base -= 1
        if self.end is not None and self.base > self.end:
            self.end = None
        if self._last_by_next is not None and self.base > self._last_by_next:
            self._last_by_next = None

    # what to ask

    def _ask(self) -> list[int]:
        if self._sweep is None:
            asks = [*self._holes(), *self._at_the_end()]
            asks += self._ahead() if self.end is None else []
        else:
            asks = self._next_of_sweep()
        for page in asks:
            self._pages.setdefault(page, _Asked()).asks += 1
            self._open += 1
            self.planned = max(self.planned, page)
        return asks or self._swept()

    def _holes(self) -> list[int]:
        holes = [(number, self._page(number)) for number in range(2, self.base)]
        return [
            number
            for number, page in holes
            if page.is_blank and not page.is_open and page.answers < _MOST_ASKS
        ]

    def _at_the_end(self) -> list[int]:
        """Looks at the first page behind the last new one; asks for it once more, or ends."""
        number = self.base + 1
        first = self._page(number)
        if not first.is_blank or first.is_open or first.is_lost:
            return []
        if number > 1 and self._told_more(number):
            if first.answers < 2:
                return [number]
            after = self._page(number + 1)
            if not after.is_blank and number + 1 <= self._last_wanted():
                return []
        self.end = max(self.base, 1)
        return []

    def _told_more(self, number: int) -> bool:
        hinted = self._hinted_pages()
        if hinted is not None:
            return number <= hinted
        if self._next_after >= number - 1:
            return True
        return self._is_second_a_repetition and number == 2

    @property
    def _is_second_a_repetition(self) -> bool:
        """Page 2 shows again a first page as large as was asked for: its number may be ignored."""
        second = self._page(2)
        is_full = self.size is not None and self.size >= self.asked_size
        return second.is_blank and second.last_rows > 0 and is_full

    def _ahead(self) -> list[int]:
        has_hint = self._hinted_pages() is not None
        last = self.base + AHEAD if has_hint else self._next_by_rows()
        last = min(last, self._last_wanted())
        return [page for page in range(self.base + 1, last + 1) if not self._page(page).asks]

    def _next_by_rows(self) -> int:
        """Without hints: one page at a time, as long as full ones come."""
        base = self._page(self.base)
        if self.base == 0:
            return 0
        if self.base == 1 and self._is_second_a_repetition:
            return 3
        if self.base == 1:
            goes_on = self._page_count is None or base.rows >= self.asked_size
        else:
            goes_on = base.rows >= (self.size or 1)
        return self.base + 1 if goes_on or self._next_after >= self.base else self.base

    def _last_wanted(self) -> int:
        """The last page that hints and limits leave; only the two in question at a likely end."""
        hinted = self._hinted_pages()
        most = self._most() if hinted is None else min(hinted, self._most())
        if self._cursors:
            most = min(most, max(self._cursors))
        return min(most, self.base + 2) if self._page(self.base + 1).is_blank else most

    # hints

    def _hinted_pages(self) -> int | None:
        """The least number of pages that a hint says, of those that the rows do not contradict."""
        told = [self._page_hint()]
        if self.total and not self._is_total_void:
            told.append(ceil(self.total / self._full))
        elif self._page_count == 1 and self.base < 2 and (self.size or 0) < self.asked_size:
            told.append(1)
        return min((each for each in told if each is not None), default=None)

    def _page_hint(self) -> int | None:
        """By page count and "no next page". A gateway that never told of a next page may not know
        of any, so that its "none" does not stand against other hints.
        """
        counted = self._page_count
        if counted is not None and (counted < 2 or self._is_count_void(counted)):
            counted = None
        last = self._last_by_next
        if last is None:
            return counted
        is_told_otherwise = counted is not None or bool(self.total and not self._is_total_void)
        if is_told_otherwise and self._next_after == 0:
            return counted
        return last if counted is None else min(last, counted)

    def _is_count_void(self, counted: int) -> bool:
        """Later pages came, or it was counted in pages of the size that was asked for, while
        smaller ones come.
        """
        total, full = self.total or 0, self._full
        is_of_asked = full < self.asked_size and counted == ceil(total / self.asked_size)
        return counted < self.base or (is_of_asked and counted * full < total)

    @property
    def _is_total_void(self) -> bool:
        return self.total is not None and self.offers_seen + self._unnamed > self.total

    @property
    def _full(self) -> int:
        """The rows of a full page. Further pages tell it best, once one of two must be full: the
        first may hold more or fewer.
        """
        return self._largest if self._further > 1 else max(self._largest, self.size or 1)

    def _rows_of(self, last: int) -> int:
        """What pages 1 to `last` hold; a page that did not come counts as a full one."""
        rows = [page.rows for number, page in self._pages.items() if number <= last and page.rows]
        return sum(rows) + (last - len(rows)) * self._full

    def _most(self) -> int:
        limits = [PAGE_LIMIT, self.max_pages or PAGE_LIMIT]
        if self.max_rows is not None and self.size is not None:
            limits.append(ceil(self.max_rows / self.size))
        return max(min(limits), 1)

    # a further pass

    def _swept(self) -> list[int]:
        """Begins a further pass once all pages have come, where one may help."""
        if self.passes < 2 or self._open or self.ignores_pages or not self._is_short:
            return []
        self.passes -= 1
        self._sweep = 1
        return self._ask()

    def _next_of_sweep(self) -> list[int]:
        assert self._sweep is not None
        last = min(self._sweep + AHEAD - self._open - 1, self.base) if self._is_short else 0
        pages = [page for page in range(self._sweep, last + 1) if not self._page(page).is_open]
        self._sweep = max(self._sweep, last + 1)
        if not pages and not self._open:
            self._sweep = None
        return pages

    @property
    def _is_short(self) -> bool:
        """Pages repeated each other's rows, and offers are missing."""
        most = self.can_return()
        repeats = self._rows > self.offers_seen + self._unnamed
        return repeats and (most is None or self.offers_seen < most)

    def _page(self, number: int) -> _Asked:
        return self._pages.get(number, _NEVER_ASKED)


def coverage(offers_seen: int, can_return: int | None) -> float | None:
    """The share of the offers that a gateway can show; never rounded up to the whole."""
    if not can_return:
        return None
    return min(floor(offers_seen / can_return * 10_000) / 10_000, 1.0)
