"""The page that follows, for a spider that asks for one after the other.

What was decided before is not kept but found again: `SeenPage`s of the pages so far, as plain
values that a request's `meta` can hold, are gone through once more by `paging.Paging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from pailitao_spider.crawl.paging import Hints, Paging
from pailitao_spider.gateways.pages import Page
from pailitao_spider.offers.model import Offer

__all__ = ["SeenPage", "next_page"]


class SeenPage(NamedTuple):
    """What the decision needs of a page that came."""

    number: int
    ids: list[str]
    rows: int
    total: int | None
    page_count: int | None
    has_next: bool | None
    next_cursor: str | None

    @classmethod
    def of(cls, number: int, page: Page) -> Self:
        ids = [row.num_iid for row in page.rows if isinstance(row, Offer)]
        told = page.total, page.page_count, page.has_next, page.next_cursor
        return cls(number, ids, len(page.rows), *told)

    def plain(self) -> list[Any]:
        return list(self)


def next_page(
    pages: Sequence[SeenPage], page_size: int, max_pages: int | None
) -> tuple[int, str | None] | None:
    """The number and cursor of the page to ask for now, which may be one that came empty; None at
    the end.

    `pages` are those so far in the order in which they came.
    """
    if pages[0].number != 1:
        return _by_rows(pages, max_pages)
    paging, wanted = Paging(page_size, max_pages), [1]
    for page in pages:
        if page.number in wanted:
            wanted.remove(page.number)
        hints = Hints(page.total, page.page_count, page.has_next, page.next_cursor)
        wanted += paging.came(page.number, page.ids, page.rows, hints)
    number = min(filter(paging.is_wanted, wanted), default=None)
    return None if number is None else (number, paging.cursor_of(number))


def _by_rows(pages: Sequence[SeenPage], max_pages: int | None) -> tuple[int, str | None] | None:
    """Where somebody began in the middle: on as long as something new comes."""
    last = pages[-1]
    known = {each for page in pages[:-1] for each in page.ids}
    is_new = last.rows > len(last.ids) or not known.issuperset(last.ids)
    is_over = last.has_next is False or last.number >= (max_pages or last.number + 1)
    goes_on = is_new and last.rows and not is_over
    return (last.number + 1, last.next_cursor) if goes_on else None
