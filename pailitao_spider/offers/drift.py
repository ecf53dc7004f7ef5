"""Drift: rows that come otherwise than a gateway documents them.

A field nobody documents, one that is never there any more, one of another JSON type: each is a
sign that the gateway has changed, long before the data is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

__all__ = ["Drift", "DriftFinding"]

_MOST_SHOWN = 60
_MOST_NAMES = 200
_MOST_NAME_CHARACTERS = 60


@dataclass(slots=True)
class DriftFinding:
    """How many rows showed it, and the first value that did, as JSON text that may be cut."""

    rows: int
    example: str


@dataclass(slots=True)
class Drift:
    """What was seen in some rows: fields that nobody documents, and fields of another type."""

    unknown: dict[str, DriftFinding] = field(default_factory=dict)
    flipped: dict[str, DriftFinding] = field(default_factory=dict)

    def note_unknown(self, name: str, values: Sequence[Any]) -> None:
        """A member that nobody documents, with its value in each row that has it."""
        _note(self.unknown, name, values)

    def note_flipped(self, name: str, values: Sequence[Any]) -> None:
        """A member of another type, with its value in each row where it is."""
        _note(self.flipped, name, values)

    def merge(self, other: Drift) -> None:
        """Takes up what was seen in other rows."""
        for ours, theirs in ((self.unknown, other.unknown), (self.flipped, other.flipped)):
            for name, sign in theirs.items():
                _take_up(ours, name, sign)


def _note(signs: dict[str, DriftFinding], name: str, values: Sequence[Any]) -> None:
    name = name[:_MOST_NAME_CHARACTERS]
    if (sign := signs.get(name)) is not None:
        sign.rows += len(values)
    elif values and len(signs) < _MOST_NAMES:
        signs[name] = DriftFinding(len(values), _example(values[0]))


def _take_up(signs: dict[str, DriftFinding], name: str, other: DriftFinding) -> None:
    if (sign := signs.get(name)) is not None:
        sign.rows += other.rows
    elif len(signs) < _MOST_NAMES:
        signs[name] = DriftFinding(other.rows, other.example)


def _example(value: Any) -> str:
    """A value as the gateway sent it, on one line."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    shown = text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in shown)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
