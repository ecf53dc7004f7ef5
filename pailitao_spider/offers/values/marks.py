"""Marks that are one of a few: yes or no, an offer's id."""

from __future__ import annotations

import re
from typing import Any

from pailitao_spider.offers.values.readings import is_nothing, number_text, plain, unreadable

__all__ = ["flag", "offer_id"]

_FLAGS = dict.fromkeys(("true", "t", "1", "y", "yes", "是", "有"), True) | dict.fromkeys(
    ("false", "f", "0", "n", "no", "否", "无", "没有", "不是"), False
)


def flag(raw: Any) -> bool | None:
    """True or false in any of the usual words."""
    if isinstance(raw, bool):
        return raw
    word = plain(raw, "yes or no")
    if word is None:
        return None
    if (value := _FLAGS.get(word.casefold())) is None:
        raise unreadable("yes or no", raw)
    return value


_OFFER_ID = re.compile(r"[0-9]{1,20}")


def offer_id(raw: Any) -> str | None:
    """1 to 20 digits without leading zeros. Zero, the placeholder of a missing id, is none."""
    if raw.__class__ is str and raw.isdigit() and raw.isascii() and raw >= "1" and len(raw) < 20:
        return raw
    if raw is None:
        return None
    value = raw.strip() if isinstance(raw, str) else number_text(raw, "offer id")
    if is_nothing(value):
        return None
    digits = value.lstrip("0") if _OFFER_ID.fullmatch(value) else ""
    if not digits:
        raise unreadable("offer id", raw)
    return digits
