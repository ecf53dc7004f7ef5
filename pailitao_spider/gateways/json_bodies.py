"""Bytes of an answer to plain JSON values, whatever wraps them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from pailitao_spider.errors import AnswerError, FieldError
from pailitao_spider.gateways.charsets import guessed_in_utf8
from pailitao_spider.offers import values

__all__ = ["decode", "first", "raw_rows", "returnable", "unwrapped", "whole_number", "yes_or_no"]

_NUMBERS_KEPT = msgspec.json.Decoder(float_hook=Decimal)
_MOST_LEVELS = 64
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_JSONP = re.compile(r"^[\w$.\[\]]{1,80}\s*\((.*)\)\s*;?$", re.DOTALL)


def decode(body: bytes) -> Any:
    """JSON with its digits kept, out of JSONP, a byte order mark, or JSON text inside JSON.

    Raises AnswerError for everything else: HTML, a cut or empty body, deep nesting.
    """
    try:
        value = _NUMBERS_KEPT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        value = _tolerantly(guessed_in_utf8(body).decode("utf-8-sig", errors="replace").strip())
    value = _tolerantly(value) if isinstance(value, str) else value
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    """What is nested beyond reason could be read, but not written again."""
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise AnswerError(f"JSON of more than {_MOST_LEVELS} levels")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _tolerantly(text: str) -> Any:
    wrapped = _JSONP.match(text)
    try:
        value = json.loads(wrapped[1] if wrapped else text, parse_float=Decimal)
        return _paired(value) if _SURROGATE.search(text) else value
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise AnswerError(f"no JSON: {text[:80]!r}") from error


def _paired(value: Any) -> Any:
    """Half a surrogate pair is no text: it could not be written anywhere."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_paired(each) for each in value]
    if isinstance(value, dict):
        return {_paired(name): _paired(each) for name, each in value.items()}
    return value


def unwrapped(value: Any) -> Any:
    """What JSON text inside JSON says; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return decode(value.encode("utf-8", errors="replace"))
    except AnswerError:
        return value


def raw_rows(value: Any) -> list[Any]:
    """Rows as a list, null, "", absent, one object, or JSON text of any of these."""
    value = unwrapped(value)
    if value in (None, ""):
        return []
    return [unwrapped(each) for each in value] if isinstance(value, list) else [value]


def first(value: Any, *names: str) -> Any:
    """The first of the named members that is there and says something."""
    if not isinstance(value, dict):
        return None
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def whole_number(value: Any) -> int | None:
    """A count or page number given as text or number; None when it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 10**15 else None


def returnable(real: Any, total: Any) -> int | None:
    """How many offers of a search can be got: `total_results` of `real_total_results` found."""
    told = [number for each in (real, total) if (number := whole_number(each)) is not None]
    return min(filter(None, told), default=0) if told else None


def yes_or_no(value: Any) -> bool | None:
    """A claim in any of the usual words; None when it is none."""
    try:
        return values.flag(value)
    except FieldError:
        return None
