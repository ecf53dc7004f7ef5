"""What every reader of a value asks first: does it say anything, and in which plain text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pailitao_spider.errors import FieldError

__all__ = [
    "MAX_DIGITS",
    "are_something",
    "is_nothing",
    "is_short",
    "number_text",
    "plain",
    "unreadable",
]

_NOTHING = frozenset({"", "-", "--", "—", "——", "/", "null", "none", "nil", "n/a", "undefined"})
_LONGEST_NOTHING = max(map(len, _NOTHING))
_HALF_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " ", 0xFFE5: "¥"}
# Numbers and times are short: a cut before any regex, and exact under Decimal's 28 digits.
_MAX_CHARACTERS = 100
MAX_DIGITS = 28


def unreadable(what: str, raw: Any) -> FieldError:
    shown = repr(raw[:40]) if isinstance(raw, str) else type(raw).__name__
    return FieldError(f"no {what}: {shown}")


def is_nothing(value: str) -> bool:
    return len(value) <= _LONGEST_NOTHING and value.casefold() in _NOTHING


def are_something(values: Sequence[str]) -> bool:
    """None of them is nothing."""
    return min(map(len, values)) > _LONGEST_NOTHING or _NOTHING.isdisjoint(
        map(str.casefold, values)
    )


def number_text(raw: Any, what: str) -> str:
    """The plain digits of a number, never with an exponent."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise unreadable(what, raw)
    if isinstance(raw, int):
        if abs(raw) >= 10**MAX_DIGITS:
            raise unreadable(what, raw)
        return str(raw)
    number = Decimal(repr(raw)) if isinstance(raw, float) else raw
    if not number.is_finite() or not is_short(number):
        raise unreadable(what, raw)
    return format(number if number else abs(number), "f")


def is_short(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    return len(digits) <= MAX_DIGITS and -MAX_DIGITS <= int(exponent) <= MAX_DIGITS


def plain(raw: Any, what: str) -> str | None:
    """The short half-width text that the readers of numbers and times share."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        return number_text(raw, what)
    value = raw.strip()
    if len(value) > _MAX_CHARACTERS:
        raise unreadable(what, raw)
    value = value.translate(_HALF_WIDTH).strip()
    return None if is_nothing(value) else value
