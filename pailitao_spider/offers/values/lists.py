"""Lists in one cell: words, places, prices by quantity."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypedDict

from pailitao_spider.offers.values.numbers import RANGE_MARK, count, money, money_range
from pailitao_spider.offers.values.readings import plain, unreadable
from pailitao_spider.offers.values.texts import text

__all__ = ["PriceBreak", "Steps", "category", "joined", "steps", "words"]

_BETWEEN = re.compile(r"[,，;；、|]")
_MOST = 100


def words(raw: Any) -> list[str] | None:
    """Each of a list, or of a text with commas; [] is none of them, None is not told."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        raw = _BETWEEN.split(raw)
    if not isinstance(raw, list) or len(raw) > _MOST:
        raise unreadable("list of words", raw)
    return [word for each in raw if (word := text(each)) is not None]


def joined(raw: Any) -> str | None:
    """A text, or a list of texts with spaces between, as of a place: `["广东", "东莞市"]`."""
    return text(" ".join(words(raw) or ())) if isinstance(raw, list) else text(raw)


def category(raw: Any) -> str | None:
    """An id, or the first one of a path, which begins with the leaf. Zero is none."""
    found = text(next(iter(raw), None) if isinstance(raw, list) else raw)
    return None if found == "0" else found


class PriceBreak(TypedDict):
    """A price in yuan, and from how many pieces on it holds."""

    min_quantity: int
    price: Decimal


class Steps(NamedTuple):
    """The lowest and the highest price of an offer, and what depends on the quantity, if told."""

    low: Decimal | None
    high: Decimal | None
    breaks: list[PriceBreak] | None = None


_QUANTITIES = (
    "min_quantity", "begin_num", "beginAmount", "startQuantity", "start_quantity", "minQuantity",
    "quantity",
)  # fmt: skip
_AT_LEAST = re.compile(r"\s*(?:≥|>=|≧|起批量)\s*")


def steps(raw: Any) -> Steps | None:
    """A range as `money_range` reads it, or prices by quantity: `[["6~499", 8], ["≥500", 7]]`,
    `[{"begin_num": "6", "price": "8.00"}]`.
    """
    if not isinstance(raw, list):
        low, high = money_range(raw)
        return None if low is None and high is None else Steps(low, high)
    if len(raw) > _MOST:
        raise unreadable("prices by quantity", raw)
    breaks = sorted(map(_break, raw), key=lambda each: each["min_quantity"])
    prices = [each["price"] for each in breaks]
    return Steps(min(prices), max(prices), breaks) if breaks else None


def _break(raw: Any) -> PriceBreak:
    pair = _members(raw) if isinstance(raw, dict) else raw
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise unreadable("price at a quantity", raw)
    quantity, price = _remembered(_least, pair[0]), _remembered(money, pair[1])
    if quantity is None or price is None:
        raise unreadable("price at a quantity", raw)
    return PriceBreak(min_quantity=quantity, price=price)


@lru_cache(1 << 12)
def _of_text(one: Callable[[Any], Any], raw: str) -> Any:
    return one(raw)


def _remembered(one: Callable[[Any], Any], raw: Any) -> Any:
    return _of_text(one, raw) if raw.__class__ is str and len(raw) <= _LONGEST else one(raw)


_LONGEST = 64


def _members(raw: dict[Any, Any]) -> tuple[Any, Any]:
    return next((raw[name] for name in _QUANTITIES if name in raw), None), raw.get("price")


def _least(raw: Any) -> int | None:
    value = plain(raw, "quantity")
    first = RANGE_MARK.split(_AT_LEAST.sub("", value or ""))[0]
    found = count(first)
    return None if found is None else found.value
