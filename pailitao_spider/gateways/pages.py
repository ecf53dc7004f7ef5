"""An answer that is a page of offers."""

from __future__ import annotations

from dataclasses import dataclass, field

from pailitao_spider.offers import Offer, RejectedRow

__all__ = ["Page", "rank"]


@dataclass(slots=True)
class Page:
    """One page as it came: rows in the gateway's order, its claims about the whole.

    `total` and `page_count` are what the gateway says of the search, hints and no more.
    `unreadable` names a field once for each row in which it could not be read.
    """

    rows: list[Offer | RejectedRow]
    total: int | None = None
    page_count: int | None = None
    request_id: str | None = None
    unreadable: list[str] = field(default_factory=list)
    billed: bool = True


def rank(page: Page, number: int, size: int) -> None:
    """Numbers the rows over all pages of a search; a full page has `size` rows."""
    for place, row in enumerate(page.rows, start=(number - 1) * size + 1):
        if isinstance(row, Offer):
            row.rank = place
