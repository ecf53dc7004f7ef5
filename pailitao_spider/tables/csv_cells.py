"""Cells of a CSV file that Excel runs as no formula, and the way back."""

from __future__ import annotations

import re
from decimal import Decimal

from pailitao_spider.tables.columns import Cell

__all__ = ["BOM", "csv_text", "guarded", "unguarded"]

BOM = "\ufeff"
"""Before the header it tells Excel that the file is UTF-8."""

# The full-width ones are formulas in the Excel of some languages.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


def guarded(text: str) -> str:
    """An apostrophe before what would be a formula; before `'=`, too, so that none is lost."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that was guarded."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def csv_text(cell: Cell) -> str:
    """A cell as CSV has it: unknown is nothing, numbers keep their digits and are no text."""
    if isinstance(cell, str):
        return guarded(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
