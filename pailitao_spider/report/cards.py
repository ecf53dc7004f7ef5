"""Offers as a page's data holds them: rows of plain values, repeated texts once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from pailitao_spider.analysis.feed_reader import Line, OfferLine
from pailitao_spider.analysis.invented import is_invented
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.report.album import Album
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["COLUMNS", "Cards", "Glance", "cards_of", "glance"]

COLUMNS = (
    "id", "title", "price", "priceMin", "priceMax", "promotion", "postage", "moq", "sales",
    "salesAtLeast", "salesWindow", "dropship", "onSale", "isAd", "score", "look", "seller",
    "area", "shop", "unit", "picture",
)  # fmt: skip
"""The members of a row. Money is text with its digits; the last five are numbers of lists."""


class Glance(msgspec.Struct, gc=False):
    """What a page shows of an offer besides `OfferLine`; None is unknown."""

    unit: str | None = None
    pic_url: str | None = None
    pic_small_url: str | None = None
    gateway: str | None = None
    seed_image: str | None = None

    @property
    def picture(self) -> str | None:
        return self.pic_small_url or self.pic_url

    @property
    def is_invented(self) -> bool:
        return is_invented(self.gateway, self.seed_image, self.pic_url, self.pic_small_url)


_GLANCE = msgspec.json.Decoder(Glance)
_NAMES = tuple(each.name for each in msgspec.structs.fields(Glance))


def glance(raw: bytes) -> Glance:
    """Members of another type are unknown."""
    try:
        return _GLANCE.decode(raw)
    except NO_LINE:
        members: dict[str, Any] = msgspec.json.decode(raw)
        texts = {name: members.get(name) for name in _NAMES}
        return Glance(**{name: text for name, text in texts.items() if isinstance(text, str)})


class _Texts(dict[Any, int]):
    """Numbers of texts, in the order of their first appearance."""

    def number(self, text: Any) -> int | None:
        return None if text is None else self.setdefault(text, len(self))


@dataclass(slots=True)
class Cards:
    """Rows, each offer once, and by seed which of them it found and how similar they are."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    found: dict[str | None, dict[int, Decimal | None]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    has_invented: bool = False
    sellers: _Texts = field(default_factory=_Texts)
    areas: _Texts = field(default_factory=_Texts)
    shops: _Texts = field(default_factory=_Texts)
    units: _Texts = field(default_factory=_Texts)

    def texts(self) -> dict[str, list[Any]]:
        """What the numbers in the rows stand for."""
        names = ("sellers", "areas", "shops", "units")
        return {name: list(getattr(self, name)) for name in names}


def cards_of(lines: Iterable[Line], relations: Relations, album: Album) -> Cards:
    """The lines are held while their pictures are made."""
    held = [(line.offer, glance(line.raw)) for line in lines]
    for invented in (False, True):
        album.take(_addresses(held, invented=invented), invented=invented)
    cards = Cards()
    numbers: dict[str, int] = {}
    for offer, seen in held:
        number = numbers.setdefault(offer.num_iid, len(cards.rows))
        if number == len(cards.rows):
            cards.rows.append(_row(cards, offer, seen, album))
        _relate(cards, number, offer, seen, relations)
    return cards


def _addresses(held: Iterable[tuple[OfferLine, Glance]], *, invented: bool) -> Iterator[str]:
    for _, seen in held:
        if seen.picture and seen.is_invented == invented:
            yield seen.picture


def _relate(
    cards: Cards, number: int, offer: OfferLine, seen: Glance, relations: Relations
) -> None:
    cards.has_invented |= seen.is_invented
    if offer.seed_id and seen.seed_image:
        cards.images.setdefault(offer.seed_id, seen.seed_image)
    for seed_id, similarity in relations.of(offer).items():
        found = cards.found.setdefault(seed_id, {})
        if found.get(number) is None:
            found[number] = similarity


def _row(cards: Cards, offer: OfferLine, seen: Glance, album: Album) -> tuple[Any, ...]:
    is_named = offer.seller_id or offer.seller_nick
    return (
        offer.num_iid,
        offer.title,
        *map(_money, (offer.price, offer.price_min, offer.price_max, offer.promotion_price,
                      offer.post_fee)),
        offer.min_order,
        offer.sales,
        offer.sales_at_least,
        offer.sales_window,
        offer.one_stop_service,
        offer.is_onsale,
        offer.is_ad,
        _money(offer.score),
        offer.visual_similarity,
        cards.sellers.number((offer.seller_id, offer.seller_nick) if is_named else None),
        cards.areas.number(offer.area),
        cards.shops.number(offer.shop_type),
        cards.units.number(seen.unit),
        album.number(seen.picture, invented=seen.is_invented),
    )  # fmt: skip


def _money(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
