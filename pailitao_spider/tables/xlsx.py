"""Excel workbooks, written row by row: memory stays flat, the rows wait in temporary files.

Text is text whatever it looks like, unknown is an empty cell, ids keep their digits.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from weakref import finalize

from pailitao_spider.tables.columns import Cell, Column, Kind

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

__all__ = ["CUT_MARK", "MAX_CHARACTERS", "MAX_LINKS", "Workbook", "XlsxSheet", "printable"]

MAX_CHARACTERS = 32_767
"""Of a cell, as Excel counts them: in UTF-16."""
CUT_MARK = " …[cut]"
MAX_ROWS = 1_048_576
MAX_LINKS = 65_530
"""Of a sheet."""
_MAX_LINK_CHARACTERS = 2_079
# A part of a ZIP file from 2 GB on makes Excel offer a repair.
_MAX_SHEET_BYTES = 1_900_000_000
_CELL_BYTES = 52
_MAX_EXACT = 10**15

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINK = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_NUMBER_FORMATS = {Kind.MONEY: "#,##0.00##", Kind.RATE: "0.0#%", Kind.COUNT: "0"}
_WIDTHS = {Kind.TEXT: 16, Kind.ID: 16, Kind.LINK: 30, Kind.MOMENT: 22, Kind.JSON: 24}
_WIDTH_OF = {"title": 48}


class Workbook:
    """One .xlsx file. It is written to `file`, from where that stands, by `close`."""

    def __init__(self, file: IO[bytes]) -> None:
        import xlsxwriter

        self._file = file
        self._folder = Path(tempfile.mkdtemp(prefix="pailitao-"))
        options = {"constant_memory": True, "use_zip64": True, "tmpdir": str(self._folder)}
        self._book = xlsxwriter.Workbook(self._folder / "book.xlsx", options)
        self._clear = finalize(self, _give_up, self._book, self._folder)
        self._bold = self._book.add_format({"bold": True})
        self._formats = {
            kind: self._book.add_format({"num_format": text})
            for kind, text in _NUMBER_FORMATS.items()
        }
        self._names: set[str] = set()

    def sheet(self, name: str, columns: Sequence[Column]) -> XlsxSheet:
        """A table of its own; where one sheet is too small, `name 2` and so on follow it."""
        return XlsxSheet(self, name, columns)

    def close(self) -> None:
        """Writes the file. Raises OSError."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(*error.args) from error
        with (self._folder / "book.xlsx").open("rb") as book:
            shutil.copyfileobj(book, self._file, 1 << 20)
        self._clear()

    def add_sheet(self, name: str, columns: Sequence[Column]) -> Worksheet:
        """A worksheet with its header."""
        sheet = self._book.add_worksheet(self._free_name(name))
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            width = _WIDTH_OF.get(column.name, _WIDTHS.get(column.kind, 11))
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, printable(column.name), self._bold)
        return sheet

    def format(self, kind: Kind) -> Format | None:
        return self._formats.get(kind)

    def _free_name(self, wanted: str) -> str:
        """Excel's rules: at most 31 characters, some not at all, and no two alike."""
        clean = _CONTROL.sub("", _NAME.sub(" ", wanted)).strip("' ") or "items"
        name, number = clean[:31], 1
        while name.casefold() in self._names or name.casefold() == "history":
            number += 1
            ending = f" {number}"
            name = clean[: 31 - len(ending)] + ending
        self._names.add(name.casefold())
        return name


def _give_up(book: Any, folder: Path) -> None:
    """Nothing stays of a workbook that nobody closed."""
    for sheet in book.worksheets():
        if not sheet.row_data_fh.closed:
            sheet.row_data_fh.close()
    shutil.rmtree(folder, ignore_errors=True)


class XlsxSheet:
    """Rows under one header."""

    max_rows = MAX_ROWS
    max_links = MAX_LINKS

    def __init__(self, book: Workbook, name: str, columns: Sequence[Column]) -> None:
        self.rows = 0
        self._book = book
        self._name = name
        self._columns = columns
        self._places = [
            (place, column.kind, book.format(column.kind)) for place, column in enumerate(columns)
        ]
        self._begin()

    def append(self, cells: Sequence[Cell]) -> None:
        """Adds a row, a cell a column."""
        if self._row == self.max_rows or self._bytes > _MAX_SHEET_BYTES:
            self.finish()
            self._begin()
        for (place, kind, form), cell in zip(self._places, cells, strict=True):
            if cell is not None:
                self._write(place, kind, form, cell)
        self._row += 1
        self.rows += 1

    def finish(self) -> None:
        """Lays the filter over the rows."""
        self._sheet.autofilter(0, 0, max(self._row - 1, 0), max(len(self._columns) - 1, 0))

    def _begin(self) -> None:
        self._sheet = self._book.add_sheet(self._name, self._columns)
        self._row, self._links, self._bytes = 1, 0, 0

    def _write(self, place: int, kind: Kind, form: Format | None, cell: Any) -> None:
        self._bytes += _CELL_BYTES
        if isinstance(cell, str):
            self._write_text(place, kind, cell)
        elif isinstance(cell, bool):
            self._sheet.write_boolean(self._row, place, cell)
        elif kind is Kind.ID or not _is_exact(cell):
            self._write_text(place, Kind.TEXT, str(cell))
        else:
            self._sheet.write_number(self._row, place, cell, form)

    def _write_text(self, place: int, kind: Kind, text: str) -> None:
        written = printable(text)
        self._bytes += len(written) if written.isascii() else 3 * len(written)
        if kind is Kind.LINK and self._links < self.max_links and _is_link(written):
            self._links += 1
            self._sheet.write_url(self._row, place, written)
        else:
            self._sheet.write_string(self._row, place, written)


def _is_exact(number: float | Decimal) -> bool:
    """Excel has 15 digits and no infinity: a longer whole number is an id that must be kept."""
    if isinstance(number, int):
        return abs(number) < _MAX_EXACT
    if isinstance(number, Decimal):
        return number.is_finite() and -300 < number.adjusted() < 300
    return abs(number) < float("inf")


def _is_link(text: str) -> bool:
    return len(text) <= _MAX_LINK_CHARACTERS and _LINK.fullmatch(text) is not None


def printable(text: str) -> str:
    """Without what XML cannot hold, cut with a mark where a cell ends."""
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    if len(text) > MAX_CHARACTERS // 2:
        text = _fitting(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        return _marked_up(text)
    return text


def _marked_up(text: str) -> str:
    """XlsxWriter takes such a text for its own markup: the same text in that markup."""
    marked_up = f'<r><t xml:space="preserve">{escape(text, quote=False)}</t></r>'
    fits = 2 * len(marked_up) <= MAX_CHARACTERS
    return marked_up if fits else text[: -len(CUT_MARK)] + CUT_MARK


def _fitting(text: str) -> str:
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * MAX_CHARACTERS:
        return text
    room = 2 * (MAX_CHARACTERS - len(CUT_MARK))
    return encoded[:room].decode("utf-16-le", "ignore") + CUT_MARK
