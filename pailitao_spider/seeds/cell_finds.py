"""What cells of a workbook hold beside their values: pictures, links, formulas."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

__all__ = ["CellFinds", "Found", "formula_found", "place_of"]

_REF = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6})")
_DISPIMG = re.compile(r"DISPIMG\(\s*\"([^\"]+)\"", re.IGNORECASE)
_CALL = re.compile(
    r"^[=@+\s]*(?:of:=)?(?:_xlfn\.|_xlws\.)*(IMAGE|HYPERLINK)\(\s*"
    r"(?:\"((?:[^\"]|\"\")*)\"|\[?\.?(\$?[A-Z]{1,3}\$?[1-9]\d{0,6})\]?)\s*[,;)]",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\b(DISPIMG|IMAGE|HYPERLINK)\(", re.IGNORECASE)

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """One of: a picture's part in the file, an address, the cell that has the address, or why there
    is none.
    """

    part: str | None = None
    address: str | None = None
    at: Place | None = None
    why: str | None = None


@dataclass(slots=True)
class CellFinds:
    """Of one sheet, rows and columns from 0."""

    by_row: dict[int, dict[int, Found]] = field(default_factory=lambda: defaultdict(dict))
    further: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Pictures beside the first one of a cell, by row."""
    zeros: dict[Place, int] = field(default_factory=dict)
    """Numbers that are shown with leading zeros: how many digits."""
    merged: list[tuple[Place, Place]] = field(default_factory=list)

    def add(self, place: Place, found: Found) -> None:
        """A picture stands above a link; of two pictures in a cell the first is taken."""
        row, column = place
        known = self.by_row[row].get(column)
        if known is not None and known.part is not None:
            self.further[row] += found.part is not None
            return
        self.by_row[row][column] = found

    def pictures(self) -> list[Place]:
        """Cells with a picture, from the top."""
        return sorted(
            (row, column)
            for row, cells in self.by_row.items()
            for column, found in cells.items()
            if found.part is not None
        )


def place_of(reference: str) -> Place | None:
    """B7 as (6, 1)."""
    found = _REF.fullmatch(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]) - 1, column - 1


def formula_found(formula: str, moved: Place = (0, 0)) -> Found | None:
    """What a formula gives as a picture, None if it is about none; `address` of DISPIMG is its id,
    after a colon. `moved` is how far a shared formula stands from its first cell.
    """
    if not _WORDS.search(formula):
        return None
    if displayed := _DISPIMG.search(formula):
        return Found(address=f":{displayed[1]}")
    call = _CALL.match(formula)
    if call is None:
        return Found(why="a formula makes the address; put the address itself into the cell")
    if call[3]:
        place = place_of(call[3].upper())
        assert place is not None
        return Found(at=(place[0] + moved[0] * ("$" not in call[3][1:]), place[1]))
    return Found(address=call[2].replace('""', '"'))
