"""What an offer costs at a quantity, to the door: best and worst case, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from pailitao_spider.questions.reading import OfferLine

__all__ = ["LACKS", "Cost", "Span", "Terms", "cost_of", "unit_price"]

LACKS = {
    "price": "no price",
    "upper_price": "upper price unknown",
    "lower_price": "lower price unknown",
    "postage": "postage unknown",
    "min_order": "MOQ unknown",
    "quantity": "below the MOQ",
    "on_sale": "not on sale",
}
"""Why a cost is unknown, or known in part: code and words."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is bought: pieces, your currency a yuan, freight a unit in it, duty in percent.

    `postage`: yuan an order where the offer does not say; None leaves it unknown.
    """

    quantity: int = 1
    rate: Decimal = Decimal(1)
    freight: Decimal = Decimal(0)
    duty: Decimal = Decimal(0)
    postage: Decimal | None = None

    def landed(self, unit: Decimal | None, postage: Decimal | None) -> Decimal | None:
        """A unit in your currency; duty is on goods, postage and freight together."""
        if unit is None or postage is None:
            return None
        goods = (unit + postage / self.quantity) * self.rate
        return (goods + self.freight) * (1 + self.duty / 100)


class Span(NamedTuple):
    """Best and worst case; None is unknown."""

    best: Decimal | None = None
    worst: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one unit: price in yuan, landed in your currency; `postage` in yuan an order."""

    unit: Span
    postage: Decimal | None
    landed: Span
    lacks: tuple[str, ...]


def cost_of(offer: OfferLine, terms: Terms) -> Cost:
    """Nothing is guessed: what the offer does not say is in `lacks`."""
    postage = terms.postage if offer.post_fee is None else offer.post_fee
    unit, lacks = unit_price(offer, terms.quantity)
    landed = Span(*(terms.landed(end, postage) for end in unit))
    if postage is None:
        lacks += ("postage",)
    return Cost(unit, postage, landed, lacks)


def unit_price(offer: OfferLine, quantity: int) -> tuple[Span, tuple[str, ...]]:
    """Yuan a unit. At exactly the MOQ the upper end of a range is paid: prices fall by quantity.

    A promotion below the price is the best case only: who gets it is not told.
    """
    if offer.is_onsale is False:
        return Span(), ("on_sale",)
    if offer.min_order is not None and quantity < offer.min_order:
        return Span(), ("quantity",)
    low, high = _range(offer)
    if quantity == offer.min_order and high is not None:
        low = high
    promotion = _paid(offer.promotion_price)
    if promotion is not None and (high is None or promotion < high):
        low = promotion if low is None else min(low, promotion)
    span = Span(low, high)
    unsure = ("min_order",) if offer.min_order is None else ()
    return span, (*_missing_ends(span), *unsure)


def _range(offer: OfferLine) -> Span:
    """From the lowest to the highest price that is told; an end alone says nothing of the other."""
    price, low, high = map(_paid, (offer.price, offer.price_min, offer.price_max))
    told = [each for each in (price, low, high) if each is not None]
    if price is None and (low is None or high is None):
        return Span(low, high)
    return Span(min(told), max(told))


def _paid(price: Decimal | None) -> Decimal | None:
    """Nobody sells for 0: some sources write it where the price is to be agreed on."""
    return price or None


def _missing_ends(span: Span) -> tuple[str, ...]:
    match span:
        case (None, None):
            return ("price",)
        case (_, None):
            return ("upper_price",)
        case (None, _):
            return ("lower_price",)
    return ()
