"""How many pages a search has: the first answer tells, hints are checked against what comes.

The page size is learnt from the rows that came, not from what was asked. Totals and page counts
are hints, and capped. An empty page, or one that only repeats earlier pages, ends the search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

__all__ = ["PAGE_LIMIT", "Paging"]

PAGE_LIMIT = 1000
"""No search is followed further, whatever the gateway claims."""


@dataclass(slots=True)
class Paging:
    """The pages of one search. `max_pages` and `max_rows` are the user's limits."""

    asked_size: int
    max_pages: int | None = None
    max_rows: int | None = None
    size: int | None = None
    total: int | None = None
    end: int | None = None
    """The last page that can hold something new, once an answer showed it."""
    planned: int = 1
    """Pages 1 to this one have been asked for."""
    _first_page: dict[str, int] = field(default_factory=dict)
    """The lowest page on which each offer came."""
    _rows: dict[int, int] = field(default_factory=dict)

    @property
    def expected(self) -> int:
        """How many pages the search has, as far as is known."""
        return self.planned if self.end is None else min(self.end, self.planned)

    def is_past_end(self, page: int) -> bool:
        return self.end is not None and page > self.end

    def came(
        self, page: int, ids: list[str], rows: int, total: int | None, page_count: int | None
    ) -> range:
        """Takes in a page; returns the pages to ask for next.

        `ids` are the usable offer ids on it, `rows` counts all its rows.
        """
        if page == 1:
            self.size = max(rows, 1)
        self.total = max(filter(None, (self.total, total)), default=total)
        self._ends_at(page, ids, rows)
        self._rows[page] = rows
        for each in ids:
            if self._first_page.setdefault(each, page) > page:
                self._first_page[each] = page
        wanted = min(self._hinted(page, rows, page_count), self._most())
        new = range(self.planned + 1, wanted + 1)
        self.planned = max(self.planned, wanted)
        return new

    def _ends_at(self, page: int, ids: list[str], rows: int) -> None:
        repeats = bool(ids) and all(self._first_page.get(each, page) < page for each in ids)
        if rows == 0 or repeats:
            last = page - 1 if page > 1 else 1
            self.end = last if self.end is None else min(self.end, last)

    def _hinted(self, page: int, rows: int, page_count: int | None) -> int:
        if self.size is None or self.end is not None:
            return self.planned
        if self.total is not None and self.total > self.size:
            hinted = ceil(self.total / self.size)
            return self.planned + 1 if self._more_came_than(self.total) else hinted
        if page_count is not None and page_count > 1:
            return page_count
        if self.total is not None and self.total == self.size:
            return 1
        # No hint, or one that is less than what came: the next page is asked for, one at a time.
        may_go_on = rows >= self.size if page > 1 else page_count is None or rows >= self.asked_size
        return page + 1 if may_go_on and page == self.planned else self.planned

    def _more_came_than(self, total: int) -> bool:
        """The total is too low, and the last page asked for does not look like the last one."""
        is_full = self._rows.get(self.planned, 0) >= (self.size or 1)
        return is_full and sum(self._rows.values()) > total

    def _most(self) -> int:
        limits = [PAGE_LIMIT, self.max_pages or PAGE_LIMIT]
        if self.max_rows is not None and self.size is not None:
            limits.append(ceil(self.max_rows / self.size))
        return max(min(limits), 1)
