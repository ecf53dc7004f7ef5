"""An answer that is a page of offers."""

from __future__ import annotations

from dataclasses import dataclass, field

from pailitao_spider.drift import Drift
from pailitao_spider.offers import Offer, RejectedRow

__all__ = ["Page", "QuotaTold", "rank"]


@dataclass(frozen=True, slots=True)
class QuotaTold:
    """What a gateway says of the key's day: calls made with it so far, and how many there are."""

    used: int
    most: int


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
    drift: Drift = field(default_factory=Drift)
    billed: bool = True
    """The gateway charges for this answer."""
    regions: tuple[str, ...] = ()
    """Where several products were seen in the photo: each `x1,x2,y1,y2`, for `SearchCall.region`"""
    quota: QuotaTold | None = None
    gateway: str | None = None
    """Whose keys can be asked for the pages that follow: the group of the key that got this one."""


def rank(page: Page, number: int, size: int) -> None:
    """Numbers the rows over all pages of a search; a full page has `size` rows."""
    for place, row in enumerate(page.rows, start=(number - 1) * size + 1):
        if isinstance(row, Offer):
            row.rank = place
