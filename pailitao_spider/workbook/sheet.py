"""A sheet of a workbook for people: cells by kind, pictures in cells, a head that stays, print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image

from pailitao_spider.tables.xlsx import MAX_LINKS, printable
from pailitao_spider.workbook.offer_rows import Column, Formula, Link
from pailitao_spider.workbook.pictures import SIDE
from pailitao_spider.workbook.words import Say

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

__all__ = ["FORMS", "Formats", "Sheet"]

_ACCENT, _TINT, _INPUT, _RULE = "#0A6B66", "#E3F0EE", "#FFF4C2", "#D9D6CE"
FORMS: Mapping[str, Mapping[str, Any]] = {
    "text": {"indent": 1},
    "wrap": {"text_wrap": True, "indent": 1},
    "count": {"num_format": "#,##0"},
    "money": {"num_format": "#,##0.00##"},
    "cost": {"num_format": "#,##0.00"},
    "strong": {"num_format": "#,##0.00", "bold": True},
    "percent": {"num_format": "0.0%"},
    "kilograms": {"num_format": "0.0##"},
    "rate": {"num_format": "0.0#####"},
    "own": {"num_format": "General"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm"},
    "link": {"text_wrap": True, "indent": 1, "font_color": _ACCENT, "underline": 1},
    "input": {"bg_color": _INPUT, "border": 1, "border_color": _RULE, "num_format": "General"},
    "input_percent": {"bg_color": _INPUT, "border": 1, "border_color": _RULE,
                      "num_format": "0.0##%"},
    "head": {"bold": True, "text_wrap": True, "bg_color": _ACCENT, "font_color": "#FFFFFF",
             "align": "center"},
    "title": {"bold": True, "font_size": 16, "font_color": _ACCENT},
    "subtitle": {"bold": True, "font_size": 12, "bottom": 1, "bottom_color": _ACCENT},
    "quiet": {"font_color": "#5C5F66", "text_wrap": True},
    "warning": {"font_color": "#8A5A00", "bold": True},
}  # fmt: skip
_PICTURES = ("photo", "picture")
_PIXELS_A_POINT = 4 / 3
_ROW_POINTS = SIDE / _PIXELS_A_POINT + 5
_PLAIN_POINTS = 30


class Formats:
    """Formats of the book, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Format] = {}

    def of(self, form: str, *, is_best: bool = False) -> Format:
        """`is_best` tints the cell."""
        if (form, is_best) not in self._made:
            more = {"bg_color": _TINT} if is_best else {}
            rule = {} if form in ("title", "subtitle", "quiet", "warning") else {
                "bottom": 1, "bottom_color": _RULE}  # fmt: skip
            wanted = {"valign": "vcenter", "font_size": 10, **rule, **FORMS[form], **more}
            self._made[form, is_best] = self._book.add_format(wanted)
        return self._made[form, is_best]


class Sheet:
    """Columns under one head, from `top` downwards."""

    def __init__(
        self, book: Workbook, formats: Formats, name: str, columns: Sequence[Column], say: Say
    ) -> None:
        self.sheet: Worksheet = book.add_worksheet(name)
        self.columns = columns
        self._formats, self._say = formats, say
        self._places = {column.name: place for place, column in enumerate(columns)}
        self._letters = {name: _letters(place) for name, place in self._places.items()}
        self._links = 0
        self.row = 0

    def has(self, name: str) -> bool:
        return name in self._places

    def letters(self, name: str) -> str:
        """Of a column, as formulas call it."""
        return self._letters[name]

    def head(self) -> None:
        """Names and widths; the head and the first columns stay where rows are many."""
        for place, column in enumerate(self.columns):
            options = {"level": 1, "hidden": True} if column.is_helper else {}
            self.sheet.set_column(place, place, column.width, None, options)
            self.sheet.write_string(self.row, place, self._name(column), self._formats.of("head"))
        self.sheet.set_row(self.row, 32)
        self.sheet.repeat_rows(self.row)
        self._top = self.row
        self.row += 1
        self.sheet.freeze_panes(self.row, min(5, len(self.columns) - 1))

    def append(
        self,
        values: Mapping[str, Any],
        pictures: Mapping[str, bytes | None] | None = None,
        *,
        is_best: bool = False,
    ) -> None:
        """A row; pictures stand in cells of their own and go with them."""
        cells = {name: f"{letters}{self.row + 1}" for name, letters in self._letters.items()}
        for column in self.columns:
            form = self._formats.of(column.form, is_best=is_best)
            self._write(column, values.get(column.name), form, cells, is_best=is_best)
        has_picture = any((pictures or {}).values())
        self.sheet.set_row(self.row, _ROW_POINTS if has_picture else _PLAIN_POINTS)
        for name, jpeg in (pictures or {}).items():
            if jpeg is not None and name in self._places:
                self.picture(self.row, self._places[name], jpeg)
        self.row += 1

    def finish(self, last_printed: str = "") -> None:
        """Filter, print: fit to the width, the head on each page, page numbers."""
        last = self._places.get(last_printed, len(self.columns) - 1)
        self.sheet.print_area(0, 0, max(self.row - 1, self._top), last)
        self.sheet.autofilter(self._top, 0, max(self.row - 1, self._top), len(self.columns) - 1)
        self.print_setup()

    def print_setup(self) -> None:
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6)
        self.sheet.set_footer(f"&L&A&R{self._say('page_of')}")
        self.sheet.hide_gridlines(2)

    def picture(self, row: int, place: int, jpeg: bytes) -> None:
        """In the middle of its cell, which hides and moves it."""
        with Image.open(BytesIO(jpeg)) as image:
            scale = SIDE / max(image.size)
        self.sheet.insert_image(row, place, "picture.jpg", {
            "image_data": BytesIO(jpeg), "x_scale": scale, "y_scale": scale,
            "x_offset": 5, "y_offset": 3, "object_position": 1, "decorative": True,
        })  # fmt: skip

    def _name(self, column: Column) -> str:
        own = column.name.removeprefix("own ")
        return own if own != column.name else self._say(column.name)

    def _write(
        self, column: Column, value: Any, form: Format, cells: Mapping[str, str], *, is_best: bool
    ) -> None:
        place = self._places[column.name]
        if isinstance(value, Formula):
            told = "" if value.value is None else _number(value.value)
            self.sheet.write_formula(self.row, place, value.text.format(**cells), form, told)
        elif isinstance(value, Link) and self._links < MAX_LINKS:
            self._links += 1
            link = self._formats.of("link", is_best=is_best)
            self.sheet.write_url(self.row, place, value.url, link, printable(value.text))
        elif isinstance(value, Link | str):
            text = value.text if isinstance(value, Link) else value
            self.sheet.write_string(self.row, place, printable(text), form)
        elif isinstance(value, datetime):
            self.sheet.write_datetime(self.row, place, value, form)
        elif value is None:
            self.sheet.write_blank(self.row, place, None, form)
        else:
            self.sheet.write_number(self.row, place, value, form)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _letters(place: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(place))
