"""What people look at in an offer besides `OfferLine`: pictures, badges, a translated title."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from pailitao_spider.analysis.invented import is_invented
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["Details", "details_of"]


class Details(msgspec.Struct, gc=False):
    """None is unknown; lists of badges may be empty."""

    pic_url: str | None = None
    pic_small_url: str | None = None
    gateway: str | None = None
    seed_image: str | None = None
    fetched_at: str | None = None
    category_name: str | None = None
    title_translated: str | None = None
    repurchase_rate: Decimal | None = None
    dropship_price: Decimal | None = None
    seller_badges: list[str] | None = None
    offer_badges: list[str] | None = None
    is_factory: bool | None = None
    shop_years: int | None = None
    ships_from: str | None = None
    ship_within_hours: int | None = None
    weight_kg: Decimal | None = None
    is_patented: bool | None = None
    extra: Any = None

    @property
    def picture(self) -> str | None:
        return self.pic_small_url or self.pic_url

    @property
    def is_invented(self) -> bool:
        return is_invented(self.gateway, self.seed_image, self.pic_url, self.pic_small_url)

    @property
    def badges(self) -> list[str]:
        return [*(self.seller_badges or ()), *(self.offer_badges or ())]

    @property
    def region(self) -> str | None:
        """The part of the photo, `x1,x2,y1,y2`, where the photo shows several products."""
        found = self.extra.get("region") if isinstance(self.extra, dict) else None
        return found if isinstance(found, str) else None


_DETAILS = msgspec.json.Decoder(Details)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_READERS = {each.name: msgspec.json.Decoder(each.type) for each in msgspec.structs.fields(Details)}


def details_of(raw: bytes) -> Details:
    """Members of another type are unknown."""
    try:
        return _DETAILS.decode(raw)
    except NO_LINE:
        members = _MEMBERS.decode(raw)
    found = {}
    for name in _READERS.keys() & members.keys():
        try:
            found[name] = _READERS[name].decode(members[name])
        except NO_LINE:
            continue
    return Details(**found)
