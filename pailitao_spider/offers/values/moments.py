"""Dates and times."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from pailitao_spider.offers.values.readings import plain, unreadable

__all__ = ["USUAL_DAY", "USUAL_MOMENT", "moment"]

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
USUAL_DAY = re.compile(  # days that every month has
    "((?:199[0-9]|20[0-9]{2})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8]))"
)
USUAL_MOMENT = re.compile(rf"{USUAL_DAY.pattern} ((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])")
_YEARS = range(1990, 2101)


def moment(raw: Any) -> str | None:
    """ISO 8601: a date, or a time with its offset. Without an offset it is Beijing's."""
    if isinstance(raw, str) and (usual := USUAL_MOMENT.fullmatch(raw)):
        return f"{usual[1]}T{usual[2]}+08:00"
    value = plain(raw, "time")
    if value is None:
        return None
    if not isinstance(raw, str):
        value = value.removesuffix(".0")
    found = _SPELLED.fullmatch(value) or _PACKED.fullmatch(value)
    try:
        known = _spelled(found) if found else _counted(value)
    except (ValueError, KeyError, OverflowError):
        raise unreadable("time", raw) from None
    if known.year not in _YEARS:
        raise unreadable("time", raw)
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
