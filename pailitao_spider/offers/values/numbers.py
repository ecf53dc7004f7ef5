"""Money, counts, rates and scores."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from pailitao_spider.offers.values.readings import is_short, plain, unreadable

__all__ = [
    "MAX_COUNT",
    "MAX_MONEY",
    "RANGE_MARK",
    "Count",
    "count",
    "currency",
    "fen",
    "hours",
    "kilograms",
    "money",
    "money_range",
    "rate",
    "score",
    "whole",
]


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
RANGE_MARK = re.compile(r"\s*(?:--?|[~〜–−]|——?|至|到)\s*")
_RANGE_KEYS = (("min_price", "max_price"), ("price_min", "price_max"))
MAX_MONEY = 10**12


def money(raw: Any) -> Decimal | None:
    """Yuan, with the digits of the source."""
    found = _matched(_MONEY, raw, "amount of money")
    if found is None:
        return None
    amount = _decimal(found["digits"], "amount of money", raw)
    if amount >= MAX_MONEY:
        raise unreadable("amount of money", raw)
    return amount


def fen(raw: Any) -> Decimal | None:
    """Whole fen, as yuan with two digits."""
    amount = money(raw)
    if amount is None:
        return None
    if amount != int(amount):
        raise unreadable("whole number of fen", raw)
    return Decimal(int(amount)).scaleb(-2)


_CURRENCY = re.compile(r"[a-z]{3}", re.IGNORECASE)
_CURRENCIES = {"¥": "CNY", "元": "CNY", "人民币": "CNY", "rmb": "CNY", "us$": "USD"}


def currency(raw: Any) -> str | None:
    """The three letters of ISO 4217."""
    word = plain(raw, "currency")
    if word is None:
        return None
    known = _CURRENCIES.get(word.casefold())
    if known is None and not (word.isascii() and _CURRENCY.fullmatch(word)):
        raise unreadable("currency", raw)
    return known or word.upper()


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
    ends = [money(part) for part in RANGE_MARK.split(value)]
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
MAX_COUNT = 10**15


def count(raw: Any) -> Count | None:
    """A whole number: `803`, `1.1万+`, `已拼: 10万+件`."""
    found = _matched(_COUNT, raw, "count")
    if found is None:
        return None
    words = found["before"] + found["after"]
    number = _decimal(found["digits"], "count", raw).scaleb(_POWERS[found["unit"].lower()])
    if number > MAX_COUNT or number != int(number) or _VAGUE.search(words):
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


def whole(raw: Any) -> int | None:
    """A count whose lower bound is good enough, such as years: `5`, `5年`."""
    found = count(raw)
    return None if found is None else found.value


_WEIGHT = re.compile(rf"{_DIGITS}\s*(?P<unit>kgs?|g|公斤|千克|克)?", re.IGNORECASE)
_GRAMS = ("g", "克")


def kilograms(raw: Any) -> Decimal | None:
    """A weight; a bare number is kilograms. Zero, the placeholder of a missing one, is none."""
    found = _matched(_WEIGHT, raw, "weight")
    if found is None:
        return None
    number = _decimal(found["digits"], "weight", raw)
    return number.scaleb(-3 if (found["unit"] or "").lower() in _GRAMS else 0) or None


_WITHIN = re.compile(
    r"(?:ship\s?in|within)?\s*(?P<digits>[0-9]{1,4})\s*(?P<unit>hours?|h|hrs?|小时|时|days?|d|天|日)?"
    r"\s*(?:内|内?发货|内?发出|达)?",
    re.IGNORECASE,
)
_TODAY = frozenset({"shipintoday", "today", "今日发货", "当日发货", "当天发货", "当日发", "今日发"})
_DAYS = ("d", "天", "日")


def hours(raw: Any) -> int | None:
    """How long something takes at most: `shipIn48Hours`, `24小时内发货`, `3天`; a day for today."""
    value = plain(raw, "duration")
    if value is None:
        return None
    if value.casefold() in _TODAY:
        return 24
    found = _WITHIN.fullmatch(value)
    if found is None:
        raise unreadable("duration", raw)
    is_days = (found["unit"] or "").lower().startswith(_DAYS)
    return int(found["digits"]) * (24 if is_days else 1)
