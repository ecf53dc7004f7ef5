"""Bytes of an answer to plain JSON values, whatever wraps them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from pailitao_spider.errors import UNDECODABLE, AnswerError, FieldError
from pailitao_spider.gateways.charsets import guessed_in_utf8
from pailitao_spider.offers import values
from pailitao_spider.offers.row_table import is_deep

__all__ = ["decode", "first", "raw_rows", "returnable", "unwrapped", "whole_number", "yes_or_no"]

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_UNREADABLE = (*UNDECODABLE, ArithmeticError)
_MOST_LEVELS = 64
_FEWEST_ROWS = 8
_JSONP = re.compile(rb"^[\w$.\[\]]{1,80}\s*\((.*)\)\s*;?$", re.DOTALL)
_BOM = b"\xef\xbb\xbf"


def decode(body: bytes) -> Any:
    """JSON with its digits kept, out of JSONP, a byte order mark, or JSON text inside JSON.

    What JSON cannot hold costs its own value: a number beyond all bounds is the text of its
    digits, half a surrogate pair a replacement character. Raises AnswerError for everything else:
    HTML, a cut or empty body, deep nesting.
    """
    value = _value(body)
    if isinstance(value, str):
        value = _value(value.encode(errors="replace"))
    _check_depth(value)
    return value


def _value(body: bytes) -> Any:
    try:
        return _DECODER.decode(body)
    except _UNREADABLE:
        pass
    text = guessed_in_utf8(body).decode(errors="replace").encode().removeprefix(_BOM).strip()
    wrapped = _JSONP.match(text)
    plain = wrapped[1] if wrapped else text
    for mend in (bytes, _mended, _mended_by_token):
        try:
            return _DECODER.decode(mend(plain))
        except _UNREADABLE:
            continue
    raise AnswerError(f"no JSON: {text[:160].decode(errors='replace')[:80]!r}")


_HALF_PAIR = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_BEYOND = rb"-?[0-9]{4000,}(?:[.eE][0-9.eE+-]*)?|-?[0-9][0-9.]*[eE][+-]?[0-9]{4,}|NaN|-?Infinity"
_ODD_NUMBER = re.compile(rb"([:,\[]\s*)(" + _BEYOND + rb")(?=\s*[,}\]])")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|(?<![\w.+-])(' + _BEYOND + rb")(?![\w.+-])", re.DOTALL)


def _mended(body: bytes) -> bytes:
    """What is no JSON as a text of its own. Within a text it would end that: no JSON either."""
    whole = _HALF_PAIR.sub(lambda at: at[1] + (at[2] or b"\\ufffd"), body)
    return _ODD_NUMBER.sub(rb'\1"\2"', whole)


def _mended_by_token(body: bytes) -> bytes:
    """The same, slowly: texts are left alone."""
    whole = _HALF_PAIR.sub(lambda at: at[1] + (at[2] or b"\\ufffd"), body)
    return _TOKEN.sub(lambda at: at[0] if at[1] is None else b'"' + at[1] + b'"', whole)


def _check_depth(value: Any) -> None:
    """What is nested beyond reason could be read, but not written again.

    Objects in a long list are a page's rows: whoever reads those looks at their members anyway.
    """
    if is_deep(value, _MOST_LEVELS, longest=_FEWEST_ROWS):
        raise AnswerError(f"JSON of more than {_MOST_LEVELS} levels")


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
    if not isinstance(value, list):
        return [value]
    return [unwrapped(each) for each in value] if str in set(map(type, value)) else value


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
