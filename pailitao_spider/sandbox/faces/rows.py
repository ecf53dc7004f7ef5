"""What the faces make of an offer's row, which may be a rough one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pailitao_spider.sandbox.listings import Row

__all__ = ["ends_of", "filled", "offer_number"]


def offer_number(row: Row) -> int | None:
    """The id as a number; None for a row that has lost it."""
    return int(row["num_iid"]) if "num_iid" in row else None


def ends_of(row: Row) -> tuple[str, str]:
    """The lowest and the highest price, yuan as text."""
    told = row["price_range"]
    if isinstance(told, dict):
        return f"{told['min_price']:.2f}", f"{told['max_price']:.2f}"
    low, high = told.split("-")
    return low, high


def filled(fields: Mapping[str, Any]) -> Row:
    """Without what is not known."""
    return {name: value for name, value in fields.items() if value is not None}
