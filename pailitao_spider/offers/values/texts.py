"""Text and titles."""

from __future__ import annotations

import html
import re
from typing import Any

from pailitao_spider.offers.values.readings import is_nothing, number_text, unreadable

__all__ = ["cleaned", "counted", "text", "title"]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls, zero-width and direction marks; joiners stay, emoji need them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)


def cleaned(raw: str) -> str:
    """Without control characters and lone surrogates, each run of whitespace one space."""
    if raw.isprintable() and "  " not in raw:  # no whitespace but single spaces
        return raw.strip()
    return " ".join(_INVISIBLE.sub("", _SURROGATE.sub("\ufffd", raw)).split())


def text(raw: Any) -> str | None:
    """Clean text; a number becomes its plain digits."""
    if raw is None:
        return None
    if raw.__class__ is str and _is_usual(raw):
        return raw
    value = cleaned(raw) if isinstance(raw, str) else number_text(raw, "text")
    return None if is_nothing(value) else value


_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_LINE_BREAK = re.compile(r"<(?:br|/?p|/?div|/?li)(?:[\s/][^<>]*)?>", re.IGNORECASE)
_AMPERSANDS = re.compile(r"&(?:amp;)+", re.IGNORECASE)
# Real titles settle in two or three rounds; more is an attack on the reader's time.
_MAX_ROUNDS = 10


def title(raw: Any) -> str | None:
    """Text without markup, however deeply it was escaped; `a < b` stays."""
    if raw.__class__ is str and "<" not in raw and "&" not in raw and _is_usual(raw):
        return raw
    value = text(raw)
    for _ in range(_MAX_ROUNDS):
        if value is None or (stripped := _without_markup(value)) == value:
            return value
        value = text(stripped)
    raise unreadable("title", raw)


def _is_usual(raw: str) -> bool:
    """Clean as it is, and it says something."""
    return (
        raw.isprintable() and "  " not in raw and raw[:1] != " " != raw[-1:] and not is_nothing(raw)
    )


def _without_markup(value: str) -> str:
    if "<" in value:
        value = _TAG.sub("", _LINE_BREAK.sub(" ", value))
    if "&" not in value:
        return value
    try:
        return html.unescape(_AMPERSANDS.sub("&", value))
    except ValueError:  # int() of a character reference with thousands of digits
        raise unreadable("title", value) from None


def counted(number: int, one: str, many: str = "") -> str:
    """`1 line`, `2 lines`; `many` where it is more than an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
