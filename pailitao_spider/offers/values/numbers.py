"""Money, counts, rates and scores."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from pailitao_spider.offers.values.readings import is_short, plain, unreadable

__all__ = ["Count", "count", "money", "money_range", "rate", "score"]


def _matched(pattern: re.Pattern[str], raw: Any, what: str) -> re.Match[str] | None:
    value = plain(raw, what)
    if value is None:
        return None
    found = pattern.fullmatch(value)
    if found is None:
        raise unreadable(what, raw)
    return found


def _decimal(digits: str, what: str, raw: Any) -> Decimal:
    number = Decimal(digits.replace(",", ""))
    if not is_short(number):
        raise unreadable(what, raw)
    return number


_DIGITS = r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)"
_MONEY = re.compile(rf"(?:¥|rmb|cny)?\s*{_DIGITS}\s*(?:元|rmb|cny)?", re.IGNORECASE)
_RANGE_MARK = re.compile(r"\s*(?:--?|[~〜–−]|——?|至|到)\s*")
_RANGE_KEYS = (("min_price", "max_price"), ("price_min", "price_max"))
_MAX_MONEY = 10**12


def money(raw: Any) -> Decimal | None:
    """Yuan, with the digits of the source."""
    found = _matched(_MONEY, raw, "amount of money")
    if found is None:
        return None
    amount = _decimal(found["digits"], "amount of money", raw)
    if amount >= _MAX_MONEY:
        raise unreadable("amount of money", raw)
    return amount


def money_range(raw: Any) -> tuple[Decimal | None, Decimal | None]:
    """The lower and the upper end, in this order; one price is both."""
    low, high = _ends(raw)
    if low is not None and high is not None and low > high:
        return high, low
    return low, high


def _ends(raw: Any) -> tuple[Decimal | None, Decimal | None]:
    if isinstance(raw, dict):
        return _keyed_ends(raw)
    value = plain(raw, "price range")
    if value is None:
        return None, None
    ends = [money(part) for part in _RANGE_MARK.split(value)]
    if len(ends) > 2 or None in ends:
        raise unreadable("price range", raw)
    return ends[0], ends[-1]


def _keyed_ends(raw: dict[Any, Any]) -> tuple[Decimal | None, Decimal | None]:
    for low, high in _RANGE_KEYS:
        if low in raw or high in raw:
            return money(raw.get(low)), money(raw.get(high))
    if raw:
        raise unreadable("price range", raw)
    return None, None


class Count(NamedTuple):
    """A number of things; `at_least` where the source gave only a lower bound."""

    value: int
    at_least: bool


_POWERS = {"": 0, "百": 2, "千": 3, "k": 3, "万": 4, "w": 4, "亿": 8}
_WORDS = r"[^\W0-9a-zA-Z_〇零一二三四五六七八九十百千万亿]*"
_COUNT = re.compile(
    rf"(?P<before>{_WORDS})\s*:?\s*{_DIGITS}\s*(?P<unit>[百千万亿kw]?)\s*"
    rf"(?P<plus>\+?)\s*(?P<after>{_WORDS})(?P<late_plus>\+?)",
    re.IGNORECASE,
)
_OPEN_ENDED = re.compile("以上|超|多|余")
# "nearly", "about", "under": neither the number nor a lower bound.
_VAGUE = re.compile("近|约|不|未|少|低|以下|以内")
_MAX_COUNT = 10**15


def count(raw: Any) -> Count | None:
    """A whole number: `803`, `1.1万+`, `已拼: 10万+件`."""
    found = _matched(_COUNT, raw, "count")
    if found is None:
        return None
    words = found["before"] + found["after"]
    number = _decimal(found["digits"], "count", raw).scaleb(_POWERS[found["unit"].lower()])
    if number > _MAX_COUNT or number != int(number) or _VAGUE.search(words):
        raise unreadable("count", raw)
    is_open = found["plus"] or found["late_plus"] or _OPEN_ENDED.search(words)
    return Count(int(number), bool(is_open))


_RATE = re.compile(r"(?P<digits>[0-9]+(?:\.[0-9]+)?)\s*(?P<percent>%?)")
_SCORE = re.compile(r"(?P<digits>[0-9]+(?:\.[0-9]+)?)")


def rate(raw: Any) -> Decimal | None:
    """A share from 0 to 1; a bare number over 1 is taken as percent."""
    found = _matched(_RATE, raw, "rate")
    if found is None:
        return None
    number = _decimal(found["digits"], "rate", raw)
    if found["percent"] or number > 1:
        number = number.scaleb(-2)
    if number > 1:
        raise unreadable("rate", raw)
    return number


def score(raw: Any) -> Decimal | None:
    """A mark from 0 to 100, as given."""
    found = _matched(_SCORE, raw, "score")
    if found is None:
        return None
    number = _decimal(found["digits"], "score", raw)
    if number > 100:
        raise unreadable("score", raw)
    return number
