"""An answer that is a page of offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, RejectedRow

__all__ = ["AskedFor", "Origin", "Page", "QuotaTold", "Row", "UnreadRows", "rank"]

Row = Offer | RejectedRow


@dataclass(frozen=True, slots=True)
class QuotaTold:
    """What a gateway says of the key's day: calls made with it so far, and how many there are."""

    used: int
    most: int


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Whose picture a page was searched for: `image` names it, `extra` goes along."""

    seed_id: str
    image: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page's rows come from; `size` is the rows that a full page has."""

    number: int
    size: int
    gateway: str
    fetched_at: str
    asked_for: AskedFor | None = None

    @property
    def first(self) -> int:
        """The rank of the first row."""
        return (self.number - 1) * self.size + 1


class UnreadRows(Protocol):
    """Rows that are read when they are asked for."""

    @property
    def is_empty(self) -> bool: ...
    def read(self, unreadable: list[str], drift: Drift) -> list[Row]: ...


@dataclass(slots=True, eq=False)
class Page:
    """One page as it came: rows in the gateway's order, its claims about the whole.

    `total` (the offers that can be returned), `page_count` and `has_next` (a further page has rows)
    are what the gateway says of the search, hints and no more; None is not told.
    """

    content: list[Row] | UnreadRows
    total: int | None = None
    page_count: int | None = None
    request_id: str | None = None
    faults: list[str] = field(default_factory=list)
    signs: Drift = field(default_factory=Drift)
    billed: bool = True
    """The gateway charges for this answer."""
    regions: tuple[str, ...] = ()
    """Where several products were seen in the photo: each `x1,x2,y1,y2`, for `SearchCall.region`"""
    quota: QuotaTold | None = None
    has_next: bool | None = None
    next_cursor: str | None = None
    """For `SearchCall.cursor` of the next page; pages then come one after the other."""
    gateway: str | None = None
    """Whose keys can be asked for the pages that follow: the group of the key that got this one."""
    origin: Origin | None = None

    @property
    def rows(self) -> list[Row]:
        return self._read()

    @rows.setter
    def rows(self, rows: list[Row]) -> None:
        self.content = rows
        if self.origin is not None:
            self._stamp(self.origin)

    @property
    def is_empty(self) -> bool:
        """It has no row."""
        return not self.content if isinstance(self.content, list) else self.content.is_empty

    @property
    def unreadable(self) -> list[str]:
        """A field's name once for each row in which it could not be read."""
        self._read()
        return self.faults

    @property
    def drift(self) -> Drift:
        """How the rows differ from the documented ones."""
        self._read()
        return self.signs

    def come_from(self, origin: Origin) -> None:
        """Writes into each row where it comes from, now or when it is read."""
        self.origin = origin
        if isinstance(self.content, list):
            self._stamp(origin)

    def _read(self) -> list[Row]:
        if not isinstance(self.content, list):
            self.rows = self.content.read(self.faults, self.signs)
        return cast("list[Row]", self.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Page) and self._told() == other._told()

    def _told(self) -> tuple[object, ...]:
        hints = self.total, self.page_count, self.has_next
        claims = *hints, self.request_id, self.billed, self.regions
        return self.rows, self.faults, self.signs, claims, self.quota, self.gateway, self.origin

    def _stamp(self, origin: Origin) -> None:
        for place, row in enumerate(self.rows, start=origin.first):
            row.page = origin.number
            if origin.asked_for is not None:
                _name(row, origin.asked_for)
            if isinstance(row, Offer):
                row.rank = place
                row.gateway = origin.gateway
                row.request_id = self.request_id
                row.fetched_at = origin.fetched_at


def _name(row: Row, asked_for: AskedFor) -> None:
    row.seed_id = asked_for.seed_id
    if isinstance(row, Offer):
        row.seed_image, row.seed_extra = asked_for.image, asked_for.extra


def rank(page: Page, number: int, size: int) -> None:
    """Numbers the rows over all pages of a search; a full page has `size` rows."""
    if page.origin is not None and (number, size) == (page.origin.number, page.origin.size):
        return  # as they are numbered already
    for place, row in enumerate(page.rows, start=(number - 1) * size + 1):
        if isinstance(row, Offer):
            row.rank = place
