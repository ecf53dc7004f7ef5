"""Readers of the messy values in real answers.

Each takes any JSON value. None means that it says nothing; `FieldError`, and never anything
else, that it says something with no known reading. All run in time linear in the input.
"""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pailitao_spider.errors import FieldError

__all__ = [
    "Count",
    "cleaned",
    "count",
    "flag",
    "is_ad_link",
    "link",
    "moment",
    "money",
    "money_range",
    "offer_id",
    "rate",
    "score",
    "text",
    "title",
]

_NOTHING = frozenset({"", "-", "--", "—", "——", "/", "null", "none", "nil", "n/a", "undefined"})
_HALF_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " ", 0xFFE5: "¥"}
# Numbers and times are short: a cut before any regex, and exact under Decimal's 28 digits.
_MAX_CHARACTERS = 100
_MAX_DIGITS = 28


def _unreadable(what: str, raw: Any) -> FieldError:
    shown = repr(raw[:40]) if isinstance(raw, str) else type(raw).__name__
    return FieldError(f"no {what}: {shown}")


# --- text ---------------------------------------------------------------------------------

_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls, zero-width and direction marks; joiners stay, emoji need them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)


def cleaned(raw: str) -> str:
    """Without control characters and lone surrogates, each run of whitespace one space."""
    if raw.isascii() and raw.isprintable() and "  " not in raw:
        return raw.strip()
    return " ".join(_INVISIBLE.sub("", _SURROGATE.sub("\ufffd", raw)).split())


def text(raw: Any) -> str | None:
    """Clean text; a number becomes its plain digits."""
    if raw is None:
        return None
    value = cleaned(raw) if isinstance(raw, str) else _number_text(raw, "text")
    return None if _is_nothing(value) else value


def _is_nothing(value: str) -> bool:
    return len(value) < 10 and value.casefold() in _NOTHING


_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_LINE_BREAK = re.compile(r"<(?:br|/?p|/?div|/?li)(?:[\s/][^<>]*)?>", re.IGNORECASE)
_AMPERSANDS = re.compile(r"&(?:amp;)+", re.IGNORECASE)
# Real titles settle in two or three rounds; more is an attack on the reader's time.
_MAX_ROUNDS = 10


def title(raw: Any) -> str | None:
    """Text without markup, however deeply it was escaped; `a < b` stays."""
    value = text(raw)
    for _ in range(_MAX_ROUNDS):
        if value is None or (stripped := _without_markup(value)) == value:
            return value
        value = text(stripped)
    raise _unreadable("title", raw)


def _without_markup(value: str) -> str:
    if "<" in value:
        value = _TAG.sub("", _LINE_BREAK.sub(" ", value))
    if "&" not in value:
        return value
    try:
        return html.unescape(_AMPERSANDS.sub("&", value))
    except ValueError:  # int() of a character reference with thousands of digits
        raise _unreadable("title", value) from None


# --- numbers ------------------------------------------------------------------------------


def _number_text(raw: Any, what: str) -> str:
    """The plain digits of a number, never with an exponent."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise _unreadable(what, raw)
    if isinstance(raw, int):
        if abs(raw) >= 10**_MAX_DIGITS:
            raise _unreadable(what, raw)
        return str(raw)
    number = Decimal(repr(raw)) if isinstance(raw, float) else raw
    if not number.is_finite() or not _is_short(number):
        raise _unreadable(what, raw)
    return format(number if number else abs(number), "f")


def _is_short(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    return len(digits) <= _MAX_DIGITS and -_MAX_DIGITS <= int(exponent) <= _MAX_DIGITS


def _plain(raw: Any, what: str) -> str | None:
    """The short half-width text that the readers of numbers and times share."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        return _number_text(raw, what)
    value = raw.strip()
    if len(value) > _MAX_CHARACTERS:
        raise _unreadable(what, raw)
    value = value.translate(_HALF_WIDTH).strip()
    return None if _is_nothing(value) else value


def _matched(pattern: re.Pattern[str], raw: Any, what: str) -> re.Match[str] | None:
    value = _plain(raw, what)
    if value is None:
        return None
    found = pattern.fullmatch(value)
    if found is None:
        raise _unreadable(what, raw)
    return found


def _decimal(digits: str, what: str, raw: Any) -> Decimal:
    number = Decimal(digits.replace(",", ""))
    if not _is_short(number):
        raise _unreadable(what, raw)
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
        raise _unreadable("amount of money", raw)
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
    value = _plain(raw, "price range")
    if value is None:
        return None, None
    ends = [money(part) for part in _RANGE_MARK.split(value)]
    if len(ends) > 2 or None in ends:
        raise _unreadable("price range", raw)
    return ends[0], ends[-1]


def _keyed_ends(raw: dict[Any, Any]) -> tuple[Decimal | None, Decimal | None]:
    for low, high in _RANGE_KEYS:
        if low in raw or high in raw:
            return money(raw.get(low)), money(raw.get(high))
    if raw:
        raise _unreadable("price range", raw)
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
        raise _unreadable("count", raw)
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
        raise _unreadable("rate", raw)
    return number


def score(raw: Any) -> Decimal | None:
    """A mark from 0 to 100, as given."""
    found = _matched(_SCORE, raw, "score")
    if found is None:
        return None
    number = _decimal(found["digits"], "score", raw)
    if number > 100:
        raise _unreadable("score", raw)
    return number


# --- flags, links, ids --------------------------------------------------------------------

_FLAGS = dict.fromkeys(("true", "t", "1", "y", "yes", "是", "有"), True) | dict.fromkeys(
    ("false", "f", "0", "n", "no", "否", "无", "没有", "不是"), False
)


def flag(raw: Any) -> bool | None:
    """True or false in any of the usual words."""
    if isinstance(raw, bool):
        return raw
    word = _plain(raw, "yes or no")
    if word is None:
        return None
    if (value := _FLAGS.get(word.casefold())) is None:
        raise _unreadable("yes or no", raw)
    return value


_LINK = re.compile(
    r"(?:https?:)?//(\w[\w.-]*(?::[0-9]{1,5})?"
    r"(?:[/?#][^\s\x00-\x20\x7f-\x9f\ud800-\udfff\ufeff\u200b\u202a-\u202e\\<>\"]*)?)",
    re.IGNORECASE,
)
_MAX_LINK = 8192


def link(raw: Any) -> str | None:
    """An absolute https link."""
    value = _link_text(raw)
    if value is None:
        return None
    found = _LINK.fullmatch(value)
    if found is None:
        raise _unreadable("absolute link", raw)
    return f"https://{found[1]}"


def _link_text(raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise _unreadable("link", raw)
    value = raw.strip()
    if len(value) > _MAX_LINK:
        raise _unreadable("link", raw)
    return None if _is_nothing(value) else value


# dj.1688.com and simba.taobao.com count the click of an advert and redirect.
_AD_HOST = re.compile(r"(?:.*\.)?(?:\w*p4p\.1688\.com|dj\.1688\.com|simba\.taobao\.com)")
_AD_MARK = re.compile(r"[?&;](?:trace_log=\w*p4p|isp4p=(?:1|true))", re.IGNORECASE)
_OFFER_PAGE = re.compile(r"//(?:detail|m|detail\.m)\.1688\.com/offer/[0-9]+\.html", re.IGNORECASE)


def is_ad_link(raw: Any) -> bool | None:
    """Whether a link to an offer was paid for; None when it does not tell."""
    try:
        address = link(raw)
        host = urlsplit(address).hostname if address else None
    except (FieldError, ValueError):
        return None
    if not address or not host:
        return None
    if _AD_HOST.fullmatch(host) or _AD_MARK.search(address):
        return True
    return False if _OFFER_PAGE.match(address, len("https:")) else None


_OFFER_ID = re.compile(r"[0-9]{1,20}")


def offer_id(raw: Any) -> str | None:
    """1 to 20 digits, as given. Zero, the placeholder of a missing id, is none."""
    if raw is None:
        return None
    value = raw.strip() if isinstance(raw, str) else _number_text(raw, "offer id")
    if _is_nothing(value):
        return None
    if not _OFFER_ID.fullmatch(value) or not value.strip("0"):
        raise _unreadable("offer id", raw)
    return value


# --- times --------------------------------------------------------------------------------

_BEIJING = timezone(timedelta(hours=8))
_UNIX = {9: 1, 10: 1, 12: 1000, 13: 1000}
_ZONE = r"\s*(?P<zone>z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_SPELLED = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:(?:t|\s+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    rf"(?::(?P<second>[0-9]{{2}})(?:[.,](?P<part>[0-9]{{1,9}}))?)?{_ZONE})?",
    re.IGNORECASE,
)
_PACKED = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:t?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?P<part>[0-9]{3})?"
    rf"{_ZONE})?",
    re.IGNORECASE,
)
_YEARS = range(1990, 2101)


def moment(raw: Any) -> str | None:
    """ISO 8601: a date, or a time with its offset. Without an offset it is Beijing's."""
    value = _plain(raw, "time")
    if value is None:
        return None
    if not isinstance(raw, str):
        value = value.removesuffix(".0")
    found = _SPELLED.fullmatch(value) or _PACKED.fullmatch(value)
    try:
        known = _spelled(found) if found else _counted(value)
    except (ValueError, KeyError, OverflowError):
        raise _unreadable("time", raw) from None
    if known.year not in _YEARS:
        raise _unreadable("time", raw)
    return known.isoformat()


def _counted(value: str) -> datetime:
    """Seconds or milliseconds since 1970, told apart by their number of digits."""
    if not (value.isascii() and value.isdigit()):
        raise ValueError(value)
    scale = _UNIX[len(value)]
    seconds, rest = divmod(int(value), scale)
    return datetime.fromtimestamp(seconds, _BEIJING) + timedelta(milliseconds=rest)


def _spelled(found: re.Match[str]) -> date:
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    if found["hour"] is None:
        return date(year, month, day)
    clock = (int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    microsecond = int((found["part"] or "").ljust(6, "0")[:6])
    return datetime(year, month, day, *clock, microsecond, _zone(found["zone"]))


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return _BEIJING
    if offset in "zZ":
        return timezone(timedelta(0))
    digits = offset[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(offset)
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(ahead if offset[0] == "+" else -ahead)
