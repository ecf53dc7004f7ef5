"""Drift: rows that come otherwise than a gateway documents them.

A field nobody documents, one that is never there any more, one of another JSON type: each is a
sign that the gateway has changed, long before the data is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

__all__ = ["Drift", "Sign", "kind_of"]

_MOST_SHOWN = 60
_MOST_NAMES = 200
_MOST_NAME_CHARACTERS = 60


@dataclass(slots=True)
class Sign:
    """How many rows showed it, and the first value that did."""

    rows: int
    example: str


def kind_of(value: Any) -> str:
    """The JSON type of a value: null, flag, number, text, list or object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


@dataclass(slots=True)
class Drift:
    """What was seen in some rows: fields that nobody documents, and fields of another type."""

    unknown: dict[str, Sign] = field(default_factory=dict)
    flipped: dict[str, Sign] = field(default_factory=dict)

    def note(self, raw: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        """One row against the documented members; `kinds` says, by name, which JSON types each
        may have, as words of `kind_of`. Null is always allowed.
        """
        for name, value in raw.items():
            kind = kind_of(value)
            known = kinds.get(name)
            if known is None:
                _add(self.unknown, name, 1, value)
            elif kind != "null" and kind not in known.split():
                _add(self.flipped, name, 1, value)

    def merge(self, other: Drift) -> None:
        """Takes up what was seen in other rows."""
        for ours, theirs in ((self.unknown, other.unknown), (self.flipped, other.flipped)):
            for name, sign in theirs.items():
                _add(ours, name, sign.rows, sign.example)


def _add(signs: dict[str, Sign], name: str, rows: int, value: Any) -> None:
    name = name[:_MOST_NAME_CHARACTERS]
    if (sign := signs.get(name)) is not None:
        sign.rows += rows
    elif len(signs) < _MOST_NAMES:
        signs[name] = Sign(rows, str(value)[:_MOST_SHOWN])
