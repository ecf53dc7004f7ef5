"""Cells of a buyer's own columns: which texts are numbers, and which look like some."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

__all__ = ["own_number"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?")


def own_number(value: Any) -> Decimal | None:
    """None where it is none: `007`, a number of over 15 digits and `1,5` are text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        value = str(value)
    if not isinstance(value, str) or _NUMBER.fullmatch(value.strip()) is None:
        return None
    number = Decimal(value.strip())
    return number if len(number.as_tuple().digits) <= 15 else None
