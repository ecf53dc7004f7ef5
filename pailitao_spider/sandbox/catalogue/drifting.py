"""Drift by script: from one search on, rows come otherwise than documented.

`kind@from`, for instance `rename@3`: `rename` gives the price another name, `flip` makes it an
object, `drop` leaves the id away.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pailitao_spider.sandbox.catalogue.listings import Row

__all__ = ["DRIFTS", "RowDrift", "parse_drift"]

IDS = ("num_iid", "offerId", "item_id")
PRICES = ("price", "oldPrice", "priceInfo")


@dataclass(frozen=True)
class RowDrift:
    """Searches are counted from 1, those of every dialect together."""

    kind: str
    first: int = 1

    def apply(self, row: Row, search: int) -> Row:
        return DRIFTS[self.kind](row) if search >= self.first else row


def parse_drift(text: str) -> RowDrift:
    """A drift of its written form; raises ValueError with what is wrong, in one line."""
    found = re.fullmatch(r"(\w+)(?:@([1-9]\d{0,8}))?", text.strip())
    if found is None or found[1] not in DRIFTS:
        raise ValueError(f"drift {text!r}: write {', '.join(DRIFTS)} and @ with the first search")
    return RowDrift(found[1], int(found[2] or 1))


def _renamed(row: Row) -> Row:
    return {f"new_{name}" if name in PRICES else name: value for name, value in row.items()}


def _flipped(row: Row) -> Row:
    return {name: _wrapped(value) if name in PRICES else value for name, value in row.items()}


def _wrapped(value: Any) -> Row:
    """Text for number is no news anywhere, so a price becomes an object."""
    if isinstance(value, dict):
        return {name: _wrapped(each) for name, each in value.items()}
    return {"amount": value}


def _dropped(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in IDS}


DRIFTS: dict[str, Callable[[Row], Row]] = {
    "rename": _renamed,
    "flip": _flipped,
    "drop": _dropped,
}
