"""The same field of many rows, read in one go.

Each reader returns what the reader of one value returns for each, in order, and raises what it
raises. Where all values are as usual, one look at all of them stands for a look at each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pailitao_spider.offers.values.links import MAX_LINK, USUAL_LINK, link
from pailitao_spider.offers.values.marks import offer_id
from pailitao_spider.offers.values.moments import USUAL_MOMENT, moment
from pailitao_spider.offers.values.readings import are_something
from pailitao_spider.offers.values.texts import text, title

__all__ = ["links", "moments", "offer_ids", "texts", "titles"]

Column = Sequence[Any]
Read = Sequence[str | None]

_LINKS = re.compile(rf"(?:{USUAL_LINK.pattern}\n)+")
_MOMENTS = re.compile(rf"(?:{USUAL_MOMENT.pattern}\n)+")


def offer_ids(column: Column) -> Read:
    """As `offer_id`."""
    try:
        digits = "".join(column)
    except TypeError:  # not texts alone
        return _each(offer_id, column)
    is_usual = digits.isdigit() and digits.isascii() and min(column) >= "1"
    if is_usual and max(map(len, column)) < 20:
        return list(column)
    return _each(offer_id, column)


def texts(column: Column) -> Read:
    """As `text`."""
    joined = _joined(" ", column)
    return list(column) if joined and _are_usual(column, joined) else _each(text, column)


def titles(column: Column) -> Read:
    """As `title`."""
    joined = _joined(" ", column)
    if joined and "<" not in joined and "&" not in joined and _are_usual(column, joined):
        return list(column)
    return _each(title, column)


def links(column: Column) -> Read:
    """As `link`."""
    lines = _lines(column)
    if lines and _LINKS.fullmatch(lines) and max(map(len, column)) <= MAX_LINK:
        return list(column)
    return _each(link, column)


def moments(column: Column) -> Read:
    """As `moment`."""
    lines = _lines(column)
    if lines and _MOMENTS.fullmatch(lines):
        return lines.replace(" ", "T").replace("\n", "+08:00\n").split()
    return _each(moment, column)


def _each(reader: Callable[[Any], str | None], column: Column) -> Read:
    return list(map(reader, column))


def _joined(between: str, column: Column) -> str | None:
    """None where it is not all text."""
    try:
        return between.join(column)
    except TypeError:
        return None


def _lines(column: Column) -> str | None:
    """A line for each value; None where one has several, or is no text."""
    joined = _joined("\n", column)
    return f"{joined}\n" if joined and joined.count("\n") == len(column) - 1 else None


def _are_usual(column: Column, joined: str) -> bool:
    """Clean as they are, and each says something; `joined` by single spaces: one more at the edge
    of a value shows as two.
    """
    if not joined.isprintable() or "  " in joined or joined[0] == " " or joined[-1] == " ":
        return False
    return are_something(column)
