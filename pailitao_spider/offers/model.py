"""What an offer is: the schema of every row that leaves, and the rows that are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pailitao_spider.offers.values import PriceBreak

__all__ = ["Offer", "PriceBreak", "RejectedRow", "detail_url"]


def detail_url(num_iid: str) -> str:
    """The public page of an offer."""
    return f"https://detail.1688.com/offer/{num_iid}.html"


@dataclass(slots=True)
class Offer:
    """One 1688 offer as a gateway reported it. None is "unknown", never zero or false.

    Money is in `currency`, yuan (CNY) as a rule, with the digits of the source; rates are 0 to 1,
    times are ISO 8601. `price_breaks` are ordered by quantity; badges are the gateway's own words.
    The last block says where the row came from: its first sighting.
    """

    num_iid: str
    title: str | None = None
    detail_url: str | None = None
    price: Decimal | None = None
    promotion_price: Decimal | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    post_fee: Decimal | None = None
    min_order: int | None = None
    sales: int | None = None
    sales_at_least: bool | None = None
    sales_window: str | None = None
    trade_num: int | None = None
    similarity: Decimal | None = None
    feedback_rate: Decimal | None = None
    score: Decimal | None = None
    is_onsale: bool | None = None
    one_stop_service: bool | None = None
    is_ad: bool | None = None
    seller_id: str | None = None
    seller_nick: str | None = None
    area: str | None = None
    shop_type: str | None = None
    unit: str | None = None
    cid: str | None = None
    category_name: str | None = None
    property: str | None = None
    freight_template: str | None = None
    pic_url: str | None = None
    pic_small_url: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    title_translated: str | None = None
    repurchase_rate: Decimal | None = None
    dropship_price: Decimal | None = None
    price_breaks: list[PriceBreak] | None = None
    seller_badges: list[str] | None = None
    offer_badges: list[str] | None = None
    is_factory: bool | None = None
    shop_years: int | None = None
    ships_from: str | None = None
    ship_within_hours: int | None = None
    weight_kg: Decimal | None = None
    is_patented: bool | None = None
    currency: str = "CNY"
    extra: dict[str, Any] = field(default_factory=dict)

    seed_id: str | None = None
    seed_image: str | None = None
    seed_extra: dict[str, Any] = field(default_factory=dict)
    page: int | None = None
    rank: int | None = None
    gateway: str | None = None
    request_id: str | None = None
    fetched_at: str | None = None


@dataclass(slots=True)
class RejectedRow:
    """A row that is no offer: kept raw, with the reason, so that nothing vanishes."""

    raw: Any
    reason: str
    seed_id: str | None = None
    page: int | None = None
