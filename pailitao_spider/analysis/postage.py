"""An order's postage: the row's words say whether its fee is free, a piece's or an order's."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from pailitao_spider.analysis.feed_reader import OfferLine
from pailitao_spider.offers.values.prices import PriceRange

__all__ = ["Basis", "Postage", "basis_of", "postage_of"]

Basis = Literal["free", "free_from", "piece", "weight", "volume", "order", "unknown"]

_WORDS: tuple[tuple[re.Pattern[str], Basis], ...] = (
    (re.compile(r"[不非未无].{0,2}(?:包邮|免邮|免运费)|not free|买家承担"), "unknown"),
    (re.compile(r"(?:满|部分|起|以上|条件|限).{0,12}(?:包邮|免邮|免运费)|free .*(?:over|from)"),
     "free_from"),
    (re.compile(r"包邮|免邮|免运费|免费|卖家承担|包运费|free"), "free"),
    (re.compile(r"按件|每件|件数|计件|按个|per (?:piece|item|unit)|by (?:piece|item)"), "piece"),
    (re.compile(r"按重|重量|计重|公斤|千克|/kg|per kg|weight"), "weight"),
    (re.compile(r"体积|立方|volume|per cbm"), "volume"),
    (re.compile(r"按单|每单|按订单|一口价|固定运费|统一运费|per order|flat"), "order"),
)  # fmt: skip
_NONE = Decimal(0)


class Postage(NamedTuple):
    """`fee`: what the row (or the terms) says; `order`: what an order pays, at best and at worst.

    By weight the worst case takes each piece for one step of the fee, a heavier one for as many
    steps as it has kilograms; `is_sure` is False where the weight, or what is free from where,
    is not told.
    """

    fee: Decimal | None
    order: PriceRange
    basis: Basis
    is_sure: bool = True


@lru_cache(maxsize=4096)
def basis_of(template: str | None) -> Basis:
    """What the words of a freight template mean; `unknown` where they are silent."""
    text = (template or "").casefold()
    return next((basis for words, basis in _WORDS if words.search(text)), "unknown")


def postage_of(
    offer: OfferLine, units: int, default: Decimal | None = None, *, is_piecewise: bool = False
) -> Postage:
    """`default`: the fee where the row has none. `is_piecewise`: a fee without words is a piece's.

    A fee for which no words stand is an order's.
    """
    basis = basis_of(offer.freight_template)
    fee = offer.post_fee if offer.post_fee is not None else default
    if basis == "free":
        return Postage(_NONE, PriceRange(_NONE, _NONE), basis)
    if basis == "unknown" and is_piecewise:
        basis = "piece"
    if fee is None:
        return Postage(None, PriceRange(_NONE if basis == "free_from" else None), basis)
    return _ORDERS[basis](fee, units, offer.weight_kg, basis)


def _an_order(fee: Decimal, _: int, __: Decimal | None, basis: Basis) -> Postage:
    return Postage(fee, PriceRange(fee, fee), basis)


def _by_pieces(fee: Decimal, units: int, _: Decimal | None, basis: Basis) -> Postage:
    return Postage(fee, PriceRange(fee, fee * units), basis)


def _by_weight(fee: Decimal, units: int, weight: Decimal | None, basis: Basis) -> Postage:
    steps = 1 if weight is None else max(1, int(weight.to_integral_value(ROUND_CEILING)))
    is_sure = fee == 0 or (weight is not None and basis == "weight")
    return Postage(fee, PriceRange(fee, fee * units * steps), basis, is_sure)


def _free_from(fee: Decimal, units: int, _: Decimal | None, basis: Basis) -> Postage:
    return Postage(fee, PriceRange(_NONE, fee * units), basis, is_sure=False)


_ORDERS = {
    "unknown": _an_order, "order": _an_order, "piece": _by_pieces,
    "weight": _by_weight, "volume": _by_weight, "free_from": _free_from,
}  # fmt: skip
