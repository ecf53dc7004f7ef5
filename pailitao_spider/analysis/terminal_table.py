"""Answers as a table on the terminal, or where it is too narrow as a card a row.

No id and no number is ever cut: columns that matter less are left out first, and named below.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["show"]

_LEAST_TEXT = 12
_NO_LIMIT = 10_000
_BESIDE_CELL = 3  # a border and a blank on each side
_NUMBER = re.compile(r"[!-~–]*\d[!-~–]*")


def show(
    title: str,
    heads: Mapping[str, str],
    rows: Iterable[Sequence[str]],
    foot: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """A head comes with `left` for text that may be wrapped, `whole` for text that may not, or for
    numbers `right`; `spare` are those that a narrow terminal goes without, the first one first.

    Columns without any text are left out; nothing in a title is markup.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a pipe on Windows knows no Chinese
    console = _console()
    cells = [[_plain(cell) for cell in row] for row in rows]
    columns = [_Column(head, justify, [row[place] for row in cells])
               for place, (head, justify) in enumerate(heads.items())]  # fmt: skip
    used = [column for column in columns if not cells or any(column.cells)]
    kept, left_out = _fitting(used, console.width, spare)
    for line in [title] if title else []:
        console.print(_plain(line), soft_wrap=True)
    if kept:
        console.print(_table(kept, console.width))
    elif heads:
        left_out = []
        _show_cards(console, used, len(cells))
    for line in (*foot, *_told(left_out)):
        console.print(_plain(line), soft_wrap=True)


def _console() -> Console:
    """As wide as the terminal; a file and a pipe have no end on the right."""
    from rich.console import Console

    class _Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # it ends with 1, `… | head` has just seen enough

    has_width = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return _Piped(highlight=False, markup=False, width=None if has_width else _NO_LIMIT)


class _Column:
    """One column: how wide it is at most, and at least without cutting an id or a number."""

    def __init__(self, head: str, justify: str, cells: Sequence[str]) -> None:
        self.head, self.justify, self.cells = head, justify, cells
        self.most = max(map(_width, (head, *cells)))
        self.least = self.most if justify != "left" else min(self.most, self._least_text())

    def _least_text(self) -> int:
        numbers = (number for cell in self.cells for number in _NUMBER.findall(cell))
        return max(_LEAST_TEXT, _width(self.head), *map(_width, numbers), 0)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _fitting(
    columns: Sequence[_Column], width: int, spare: Sequence[str]
) -> tuple[list[_Column], list[str]]:
    """The columns that there is room for, and the names of the others; none where there is not."""
    kept, left_out = list(columns), []
    for head in spare:
        if _least(kept) <= width:
            break
        if any(column.head == head for column in kept):
            kept = [column for column in kept if column.head != head]
            left_out.append(head)
    return (kept, left_out) if _least(kept) <= width else ([], [])


def _least(columns: Sequence[_Column]) -> int:
    return sum(column.least + _BESIDE_CELL for column in columns) + 1


def _table(columns: Sequence[_Column], width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column, share in zip(columns, _shares(columns, width), strict=True):
        is_number = column.justify == "right"
        table.add_column(
            column.head, justify="right" if is_number else "left", overflow="fold", width=share
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, row))
    return table


def _shares(columns: Sequence[_Column], width: int) -> list[int]:
    """The width of each column: the widest text gives way first."""
    shares = [column.most for column in columns]
    excess = sum(shares) + _BESIDE_CELL * len(columns) + 1 - width
    for _ in range(max(0, excess)):
        loose = [place for place, column in enumerate(columns) if shares[place] > column.least]
        shares[max(loose, key=lambda place: shares[place])] -= 1
    return shares


def _show_cards(console: Console, columns: Sequence[_Column], rows: int) -> None:
    """The first of the columns that may not be wrapped heads its card."""
    names = max(_width(column.head) for column in columns)
    for number in range(rows):
        for place, column in enumerate(columns):
            lead = "  " if place else "- "
            name = f"{column.head}{' ' * (names - _width(column.head))}"
            if cell := column.cells[number]:
                console.print(f"{lead}{name}  {cell}", soft_wrap=True)


def _told(left_out: Sequence[str]) -> list[str]:
    if not left_out:
        return []
    return [f"not shown: {', '.join(left_out)}; give a wider terminal, or --json"]


def _plain(text: str) -> str:
    """A title from the network does not command the terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
