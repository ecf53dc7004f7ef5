"""What an offer asks, at whatever quantity: one definition for filters, reports and comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

__all__ = ["YUAN", "PriceRange", "is_yuan", "price_ends", "told_ends"]

YUAN = "CNY"
_YUAN_NAMES = frozenset(("CNY", "RMB", "CNH", "¥", "￥", "元", "人民币"))


class PriceRange(NamedTuple):
    """Best and worst case; None is unknown."""

    best: Decimal | None = None
    worst: Decimal | None = None


def is_yuan(currency: str | None) -> bool:
    """Prices are yuan unless the gateway says otherwise."""
    return not currency or currency.strip().upper() in _YUAN_NAMES


def told_ends(
    price: Decimal | None,
    low: Decimal | None,
    high: Decimal | None,
    others: Iterable[Decimal | None] = (),
) -> PriceRange:
    """From the lowest to the highest price that is told; an end alone says nothing of the other.

    Nobody sells for 0: some sources write it where the price is to be agreed on.
    """
    more = [each for each in others if each]
    told = [each for each in (price, low, high, *more) if each]
    if price or more or (low and high):
        return PriceRange(min(told), max(told))
    return PriceRange(low or None, high or None)


def price_ends(
    price: Decimal | None,
    low: Decimal | None,
    high: Decimal | None,
    promotion: Decimal | None,
    breaks: Iterable[Decimal | None] = (),
) -> PriceRange:
    """The best and the worst price at any quantity.

    A promotion below the others is the best case only: who gets it is not told.
    """
    best, worst = told_ends(price, low, high, breaks)
    if promotion and (worst is None or promotion < worst):
        best = promotion if best is None else min(best, promotion)
    return PriceRange(best, worst)
