"""What a gateway says of how many pages a search has: hints, of which the least counts.

One that the rows contradict is void. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

__all__ = ["Facts", "Hints", "HintsSoFar"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a page says of its search."""

    total: int | None = None
    """Offers that can be returned."""
    page_count: int | None = None
    has_next: bool | None = None
    next_cursor: str | None = None
    """What the next page is asked by, where a gateway has cursors in place of numbers."""


class Facts(NamedTuple):
    """What came, to hold hints against."""

    asked_size: int
    first_size: int
    """The rows of page 1."""
    full_size: int
    """The rows of a full page."""
    base: int
    """The highest page that brought something new."""
    rows: int
    """Distinct offers, and rows without an id."""


@dataclass(slots=True)
class HintsSoFar:
    """The hints of all pages of one search."""

    total: int | None = None
    """The most that was told."""
    page_count: int | None = None
    """Likewise."""
    next_after: int = 0
    """The highest page that said that another one follows."""
    last_by_next: int | None = None
    """The lowest page that said that none follows."""
    cursors: dict[int, str] = field(default_factory=dict)
    """What pages are asked by; one that has none yet cannot be asked for."""

    def take(self, page: int, hints: Hints) -> None:
        if hints.total is not None:
            self.total = max(self.total or 0, hints.total)
        if hints.page_count is not None:
            self.page_count = max(self.page_count or 0, hints.page_count)
        has_next = self._has_next(page, hints)
        if has_next is True:
            self.next_after = max(self.next_after, page)
        elif has_next is False:
            self.last_by_next = min(self.last_by_next or page, page)

    def _has_next(self, page: int, hints: Hints) -> bool | None:
        if hints.next_cursor is not None:
            self.cursors[page + 1] = hints.next_cursor
            return True
        return False if self.cursors and hints.has_next is None else hints.has_next

    def forget_end_before(self, base: int) -> None:
        """Pages came behind the one that said that it was the last."""
        if self.last_by_next is not None and base > self.last_by_next:
            self.last_by_next = None

    def pages(self, facts: Facts) -> int | None:
        """The least number of pages that a hint says."""
        told = [self.last_page(facts)]
        if self._has_total(facts):
            told.append(ceil((self.total or 0) / facts.full_size))
        elif self.page_count == 1 and facts.base < 2 and facts.first_size < facts.asked_size:
            told.append(1)
        return min((each for each in told if each is not None), default=None)

    def last_page(self, facts: Facts) -> int | None:
        """By page count and "no next page". A gateway that never told of a next page may not know
        of any, so that its "none" does not stand against other hints.
        """
        counted = self.page_count
        if counted is not None and (counted < 2 or self._is_count_void(counted, facts)):
            counted = None
        last = self.last_by_next
        if last is None:
            return counted
        is_told_otherwise = counted is not None or self._has_total(facts)
        if is_told_otherwise and self.next_after == 0:
            return counted
        return last if counted is None else min(last, counted)

    def is_total_void(self, facts: Facts) -> bool:
        return self.total is not None and facts.rows > self.total

    def _has_total(self, facts: Facts) -> bool:
        return bool(self.total) and not self.is_total_void(facts)

    def _is_count_void(self, counted: int, facts: Facts) -> bool:
        """Later pages came, or it was counted in pages of the size that was asked for, while
        smaller ones come.
        """
        total, full = self.total or 0, facts.full_size
        is_of_asked = full < facts.asked_size and counted == ceil(total / facts.asked_size)
        return counted < facts.base or (is_of_asked and counted * full < total)
