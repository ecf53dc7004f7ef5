"""The pages of one search as they were asked for and came, without any decision."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

__all__ = ["AskedPage", "AskedPages"]


@dataclass(slots=True)
class AskedPage:
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
        """It brought something that no lower page did."""
        return self.fresh > 0 or self.unnamed > 0

    @property
    def is_blank(self) -> bool:
        return self.came and not self.is_new

    @property
    def is_open(self) -> bool:
        return self.asks > self.answers


_NEVER_ASKED = AskedPage()


@dataclass(slots=True)
class AskedPages:
    """All pages of a search; the first one is asked for from the beginning."""

    planned: int = 1
    """The highest page that was asked for."""
    base: int = 0
    """The highest page that brought something new."""
    open: int = 1
    """Calls under way."""
    size: int | None = None
    """The rows of the first page."""
    rows: int = 0
    """All that came, repetitions among them."""
    unnamed: int = 0
    _pages: dict[int, AskedPage] = field(default_factory=lambda: {1: AskedPage(asks=1)})
    _lowest: dict[str, int] = field(default_factory=dict)
    """The lowest page on which each offer came."""
    _largest: int = 0
    """The most rows of a page behind the first one."""
    _further: int = 0
    """Pages behind the first one that brought rows."""

    def __getitem__(self, number: int) -> AskedPage:
        return self._pages.get(number, _NEVER_ASKED)

    @property
    def offers(self) -> Set[str]:
        """The ids of all offers that came."""
        return self._lowest.keys()

    @property
    def distinct(self) -> int:
        """Offers, and rows that cannot be told apart."""
        return len(self._lowest) + self.unnamed

    @property
    def full_size(self) -> int:
        """The rows of a full page. Further pages tell it best, once one of two must be full: the
        first may hold more or fewer.
        """
        return self._largest if self._further > 1 else max(self._largest, self.size or 1)

    def rows_of(self, last: int) -> int:
        """What pages 1 to `last` hold; a page that did not come counts as a full one."""
        rows = [page.rows for number, page in self._pages.items() if number <= last and page.rows]
        return sum(rows) + (last - len(rows)) * self.full_size

    def ask(self, number: int) -> None:
        self._pages.setdefault(number, AskedPage()).asks += 1
        self.open += 1
        self.planned = max(self.planned, number)

    def drop(self, number: int) -> None:
        """It was not asked for after all."""
        self._pages[number].asks -= 1
        self.open -= 1
        while self.planned > 1 and not self[self.planned].asks:
            self.planned -= 1

    def answered(self, number: int) -> AskedPage:
        """One that is not waited for any more, since it was given up, counts for what it brings."""
        page = self._pages.setdefault(number, AskedPage())
        if page.is_open:
            page.answers += 1
            self.open -= 1
        return page

    def came(self, number: int, ids: list[str], rows: int) -> None:
        """`ids` are the usable offer ids on the page, `rows` counts all its rows."""
        page = self.answered(number)
        self._count_rows(number, page, rows)
        page.came, page.is_lost, page.last_rows = True, False, rows
        page.rows = max(page.rows, rows)
        self.unnamed += max(rows - len(ids) - page.unnamed, 0)
        page.unnamed = max(page.unnamed, rows - len(ids))
        self._own(number, ids)
        self._move_base(number)

    def _count_rows(self, number: int, page: AskedPage, rows: int) -> None:
        self.rows += rows
        if number == 1:
            self.size = max(rows, 1) if self.size is None else self.size
            return
        self._further += rows > 0 and page.rows == 0
        self._largest = max(self._largest, rows)

    def _own(self, number: int, ids: list[str]) -> None:
        mine = self._pages[number]
        for each in ids:
            lowest = self._lowest.get(each)
            if lowest is not None and lowest <= number:
                continue
            if lowest is not None:
                self._pages[lowest].fresh -= 1
            self._lowest[each] = number
            mine.fresh += 1

    def _move_base(self, number: int) -> None:
        if self[number].is_new:
            self.base = max(self.base, number)
        while self.base > 0 and not self[self.base].is_new:
            self.base -= 1
