"""What an offer costs at a quantity, to the door: best and worst case, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pailitao_spider.analysis.feed_reader import OfferLine
from pailitao_spider.analysis.postage import Postage, postage_of
from pailitao_spider.analysis.terms import Sums, Terms
from pailitao_spider.analysis.units import Measure, measure_of
from pailitao_spider.offers.values.prices import PriceRange, told_ends

__all__ = ["LACKS", "Cost", "PriceRange", "Terms", "cost_of", "unit_price"]

LACKS = {
    "price": "no price",
    "upper_price": "upper price unknown",
    "lower_price": "lower price unknown",
    "postage": "postage unknown",
    "postage_by_weight": "postage by weight, which is unknown",
    "postage_free_from": "postage free from an unknown order on",
    "min_order": "MOQ unknown",
    "quantity": "below the MOQ",
    "on_sale": "not on sale",
    "currency": "no rate for its currency",
    "weight": "weight unknown",
    "unit": "another unit",
    "unit_unknown": "unit unknown",
}
"""Why a cost is unknown, or known in part: code and words."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`unit`: the price of a unit as the offer has it, in its currency, at the quantity.

    `landed` is a piece of the order to the door, in your currency, without `vat`, which is a
    piece's, too. `sums`: the whole order in the best and the worst case. Of packs, whole ones are
    bought: `units` of them, `pieces` in all.
    """

    unit: PriceRange
    postage: Postage
    landed: PriceRange
    vat: PriceRange
    sums: tuple[Sums | None, Sums | None]
    measure: Measure
    units: int
    lacks: tuple[str, ...]

    @property
    def pieces(self) -> int:
        return self.units * self.measure.pieces

    @property
    def total(self) -> PriceRange:
        """The order without VAT."""
        return PriceRange(*(sums and sums.total for sums in self.sums))


def cost_of(offer: OfferLine, terms: Terms) -> Cost:
    """Nothing is guessed: what the offer does not say is in `lacks`."""
    measure = measure_of(offer.unit, offer.title, offer.property)
    units = -(-terms.quantity // measure.pieces)
    postage = postage_of(offer, units, terms.postage, is_piecewise=terms.postage_per_piece)
    unit, lacks = unit_price(offer, units)
    low, high = zip(unit, postage.order, strict=True)
    best = _sums(offer, terms, *low, units, measure)
    sums = (best, best if high == low else _sums(offer, terms, *high, units, measure))
    pieces = units * measure.pieces
    return Cost(
        unit,
        postage,
        PriceRange(*(each and each.total / pieces for each in sums)),
        PriceRange(*(each and each.vat / pieces for each in sums)),
        sums,
        measure,
        units,
        (*lacks, *_more_lacks(offer, terms, postage)),
    )


def _sums(
    offer: OfferLine,
    terms: Terms,
    unit: Decimal | None,
    postage: Decimal | None,
    units: int,
    measure: Measure,
) -> Sums | None:
    rate = terms.rate_of(offer.currency)
    if unit is None or postage is None or rate is None:
        return None
    posted = postage * (terms.rate if offer.post_fee is None else rate)
    return terms.sums(
        unit * units * rate, posted, units * measure.pieces, _kilograms(offer, terms, measure)
    )


def _kilograms(offer: OfferLine, terms: Terms, measure: Measure) -> Decimal | None:
    """Of a piece: the seed's or the terms' word stands above the offer's."""
    if terms.weight_kg is not None:
        return terms.weight_kg
    return offer.weight_kg / measure.pieces if offer.weight_kg else None


def _more_lacks(offer: OfferLine, terms: Terms, postage: Postage) -> tuple[str, ...]:
    lacks = []
    if postage.order.worst is None:
        lacks.append("postage")
    elif not postage.is_sure:
        is_free_from = postage.basis == "free_from"
        lacks.append("postage_free_from" if is_free_from else "postage_by_weight")
    if terms.rate_of(offer.currency) is None:
        lacks.append("currency")
    if terms.freight_kg and terms.weight_kg is None and not offer.weight_kg:
        lacks.append("weight")
    return tuple(lacks)


def unit_price(offer: OfferLine, quantity: int) -> tuple[PriceRange, tuple[str, ...]]:
    """Price of a unit. At exactly the MOQ the upper end of a range is paid: more costs less each.

    Prices by quantity decide where there are some. A promotion below the price is the best case
    only: who gets it is not told.
    """
    if offer.is_onsale is False:
        return PriceRange(), ("on_sale",)
    breaks = offer.breaks
    least = offer.min_order
    if least is None and breaks:
        least = breaks[0].min_quantity
    if least is not None and quantity < least:
        return PriceRange(), ("quantity",)
    step = next((each.price for each in reversed(breaks) if each.min_quantity <= quantity), None)
    low, high = (step, step) if step else told_ends(offer.price, offer.price_min, offer.price_max)
    if step is None and quantity == least and high is not None:
        low = high
    promotion = offer.promotion_price or None
    if promotion is not None and (high is None or promotion < high):
        low = promotion if low is None else min(low, promotion)
    span = PriceRange(low, high)
    return span, (*_missing_ends(span), *(("min_order",) if least is None else ()))


def _missing_ends(span: PriceRange) -> tuple[str, ...]:
    match span:
        case (None, None):
            return ("price",)
        case (_, None):
            return ("upper_price",)
        case (None, _):
            return ("lower_price",)
    return ()
