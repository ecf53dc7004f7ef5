"""Pictures, links and formulas of an .xlsx: of WPS, of Excel 365, and those that float over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pailitao_spider.errors import SourceError
from pailitao_spider.seeds.cell_finds import CellFinds, Found, formula_found, place_of
from pailitao_spider.seeds.office_files import OfficeFile, local_name
from pailitao_spider.seeds.rich_values import rich_pictures

if TYPE_CHECKING:
    from lxml.etree import _Element

    from pailitao_spider.seeds.cell_finds import Place

__all__ = ["xlsx_finds"]

_BOOK = "xl/workbook.xml"
_OF_CELLS = re.compile(rb"<(?:\w+:)?f[ />]| vm=")
"""Formulas, and pictures in cells: without them no cell needs to be looked at."""
_EMU_PER_POINT = 12_700
_DEFAULT_POINTS = 15.0
_MOST_CELLS = 30_000_000
_MOST_ROWS_OF_A_PICTURE = 1000
_MOST_FINDS = 2_000_000


def xlsx_finds(file: OfficeFile, sheet: str) -> CellFinds:
    """What the cells of a sheet hold beside their values. Raises SourceError."""
    part = _sheet_part(file, sheet)
    scan = _Scan(file, part)
    if part is not None:
        scan.read()
    return scan.finds


def _book(file: OfficeFile) -> str:
    """The workbook's own part; nearly always under its usual name."""
    kinds = file.relations("").values()
    return next((target for kind, target, _ in kinds if kind == "officeDocument"), _BOOK)


def _sheet_part(file: OfficeFile, sheet: str) -> str | None:
    book = _book(file)
    relations = file.relations(book)
    for each in file.elements(book, "sheet"):
        if each.get("name") == sheet:
            return relations.get(_id_of(each) or "", ("", "", True))[1] or None
    return None


def _id_of(element: _Element, name: str = "id") -> str | None:
    """The attribute r:id, whatever the namespace is called."""
    return next(
        (str(v) for key, v in element.attrib.items() if str(key).endswith(f"}}{name}")), None
    )


class _Scan:
    """One pass over a sheet's part."""

    def __init__(self, file: OfficeFile, part: str | None) -> None:
        self.finds = CellFinds()
        self._file = file
        self._part = part or ""
        self._relations = file.relations(self._part) if part else {}
        self._rich = rich_pictures(file)
        self._displayed: dict[str, Found] | None = None
        self._zero_styles = _zero_styles(file)
        self._shared: dict[str, tuple[str, Place]] = {}
        self._heights: dict[int, float] = {}
        self._default_height = _DEFAULT_POINTS
        self._row = self._column = -1
        self._last_row = self._last_column = 0
        self._number = 0

    def read(self) -> None:
        tags: tuple[str, ...] = ("row", "hyperlink", "drawing", "mergeCell", "sheetFormatPr")
        if self._zero_styles or self._file.holds(self._part, _OF_CELLS):
            tags = ("c", *tags)
        for element in self._file.elements(self._part, *tags):
            _TAKERS[local_name(element)](self, element)
            if self._number > _MOST_FINDS:
                raise SourceError(f"{self._file.path}: over {_MOST_FINDS} pictures and formulas")

    def format(self, element: _Element) -> None:
        self._default_height = _number(element.get("defaultRowHeight")) or _DEFAULT_POINTS

    def cell(self, element: _Element) -> None:
        place = place_of(element.get("r") or "") or (self._row + 1, self._column + 1)
        self._column = place[1]
        children = {local_name(child): child for child in element}
        found = self._found(element, children.get("f"), place)
        if found is not None:
            self._number += 1
            self.finds.add(place, found)
        digits = self._zero_styles.get(element.get("s") or "")
        if digits is not None and element.get("t", "n") == "n" and "v" in children:
            self.finds.zeros[place] = digits

    def _grow(self, place: Place) -> None:
        self._last_row = max(self._last_row, place[0])
        self._last_column = max(self._last_column, place[1])
        if (self._last_row + 1) * (self._last_column + 1) > _MOST_CELLS:
            raise SourceError(
                f"{self._file.path}: the sheet reaches to row {self._last_row + 1} and column "
                f"{self._last_column + 1}; delete what stands far from the list"
            )

    def _found(self, cell: _Element, formula: _Element | None, place: Place) -> Found | None:
        if (rich := self._rich.get(cell.get("vm") or "")) is not None:
            return rich
        found = None if formula is None else self._by_formula(formula, place)
        if found is None or found.address is None or not found.address.startswith(":"):
            return found
        return self._display(found.address[1:])

    def _by_formula(self, formula: _Element, place: Place) -> Found | None:
        text, group = formula.text or "", formula.get("si")
        if formula.get("t") == "shared" and group is not None:
            if text:
                self._shared[group] = text, place
            elif group in self._shared:
                text, first = self._shared[group]
                return formula_found(text, (place[0] - first[0], place[1] - first[1]))
        return formula_found(text)

    def _display(self, name: str) -> Found:
        if self._displayed is None:
            self._displayed = dict(_displayed(self._file))
        gone = (
            "the cell names a picture of WPS that the file does not hold; save it in WPS as .xlsx"
        )
        return self._displayed.get(name, Found(why=gone))

    def row(self, element: _Element) -> None:
        self._row = int(element.get("r") or self._row + 2) - 1
        self._column = -1
        last = next((cell for cell in reversed(element) if len(cell)), None)
        if last is not None and (place := place_of(last.get("r") or "")):
            self._grow(place)
        height = _number(element.get("ht"))
        if element.get("hidden") in ("1", "true"):
            self._heights[self._row] = 0.0
        elif height is not None:
            self._heights[self._row] = height
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]

    def merge(self, element: _Element) -> None:
        first, _, last = (element.get("ref") or "").partition(":")
        places = place_of(first), place_of(last)
        if places[0] and places[1] and places[1][0] > places[0][0]:
            self.finds.merged.append((places[0], places[1]))

    def link(self, element: _Element) -> None:
        _, target, is_outside = self._relations.get(_id_of(element) or "", ("", "", False))
        place = place_of((element.get("ref") or "").partition(":")[0])
        if target and is_outside and place and place[1] not in self.finds.by_row.get(place[0], {}):
            self._number += 1
            self.finds.add(place, Found(address=target))

    def drawing(self, element: _Element) -> None:
        _, target, is_outside = self._relations.get(_id_of(element) or "", ("", "", True))
        if is_outside:
            return
        relations = self._file.relations(target)
        for anchor in self._file.elements(target, "oneCellAnchor", "twoCellAnchor"):
            for blip in anchor.iter("{*}blip"):
                found = _of_blip(blip, relations)
                place = self._place(anchor)
                if found is not None and place is not None:
                    self._number += 1
                    self.finds.add(place, found)

    def _place(self, anchor: _Element) -> Place | None:
        """The cell in which it begins; the one below where it only just begins above its line."""
        marks = {local_name(each): each for each in anchor}
        start = _mark(marks.get("from"))
        if start is None:
            return None
        row, column, offset = start
        inside = self._height(row) - offset
        is_above = inside < self._height(row) / 4 and self._reach(marks, start) > 2 * inside
        return row + is_above, column

    def _reach(self, marks: dict[str, _Element], start: tuple[int, int, float]) -> float:
        """How tall a picture is, in EMU."""
        end = _mark(marks.get("to"))
        if end is None:
            return (_number(marks["ext"].get("cy")) or 0) if "ext" in marks else 0
        between = range(start[0], min(end[0], start[0] + _MOST_ROWS_OF_A_PICTURE))
        return sum(map(self._height, between)) + end[2] - start[2]

    def _height(self, row: int) -> float:
        return self._heights.get(row, self._default_height) * _EMU_PER_POINT


_TAKERS: dict[str, Any] = {
    "c": _Scan.cell,
    "row": _Scan.row,
    "hyperlink": _Scan.link,
    "drawing": _Scan.drawing,
    "mergeCell": _Scan.merge,
    "sheetFormatPr": _Scan.format,
}


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _mark(element: _Element | None) -> tuple[int, int, float] | None:
    """Row, column and how far below the row's top, in EMU."""
    if element is None:
        return None
    said = {local_name(each): _number(each.text) or 0.0 for each in element}
    return int(said.get("row", 0)), int(said.get("col", 0)), said.get("rowOff", 0.0)


def _of_blip(blip: _Element, relations: dict[str, tuple[str, str, bool]]) -> Found | None:
    for name in ("embed", "link"):
        if (known := relations.get(_id_of(blip, name) or "")) is not None:
            _, target, is_outside = known
            return Found(address=target) if is_outside else Found(part=target)
    return None


def _displayed(file: OfficeFile) -> Iterator[tuple[str, Found]]:
    """WPS' pictures in cells, by their ids."""
    targets = [target for kind, target, _ in file.relations(_book(file)).values()
               if kind.lower() == "cellimage"]  # fmt: skip
    part = targets[0] if targets else "xl/cellimages.xml"
    relations = file.relations(part)
    for image in file.elements(part, "cellImage"):
        names = [each.get("name") for each in image.iter("{*}cNvPr")]
        found = next((_of_blip(blip, relations) for blip in image.iter("{*}blip")), None)
        if names and names[0] and found is not None:
            yield names[0], found


def _zero_styles(file: OfficeFile) -> dict[str, int]:
    """Styles that show numbers with leading zeros, such as 00000, and how many digits."""
    formats: dict[str, int] = {}
    styles: dict[str, int] = {}
    for each in file.elements("xl/styles.xml", "numFmt", "cellXfs"):
        code = (each.get("formatCode") or "").replace('"', "")
        if local_name(each) == "numFmt":
            if len(code) > 1 and set(code) == {"0"}:
                formats[each.get("numFmtId") or ""] = len(code)
            continue
        for number, style in enumerate(each):
            if (digits := formats.get(style.get("numFmtId") or "")) is not None:
                styles[str(number)] = digits
    return styles
