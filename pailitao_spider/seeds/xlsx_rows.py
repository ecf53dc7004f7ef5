"""Sheets of workbooks as rows: .xlsx, .xlsm, .xlsb, .xls, .ods, with the pictures in them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pailitao_spider.errors import BadSeedError, SourceError
from pailitao_spider.seeds.cell_finds import CellFinds, Found
from pailitao_spider.seeds.image_bytes import read_part
from pailitao_spider.seeds.list_files import Columns, found_columns, no_image_column
from pailitao_spider.seeds.model import Base64Image
from pailitao_spider.seeds.ods_finds import ods_finds
from pailitao_spider.seeds.office_files import OfficeFile, kind_of_book
from pailitao_spider.seeds.row_to_seed import Fault, Row
from pailitao_spider.seeds.xlsx_finds import xlsx_finds

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["SHEET_SUFFIXES", "sheet_rows"]

SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".xlsb")

Tell = Callable[[str], None]
_ADDRESS = re.compile(
    r"\s*[\"'“]?(?:https?\s*[:：]|//\w|data:|file:|~/|[A-Za-z]:\\)", re.IGNORECASE
)
_FILE_NAME = re.compile(r"[^\n]{1,400}\.\w{3,5}[\"'”]?\s*")
_LONG = 64
_ERRORS = ("#VALUE!", "#NAME?", "#CALC!", "#BLOCKED!", "#CONNECT!", "#FIELD!")
_NO_PICTURES_OF_XLS = (
    "the image is empty; pictures in an .xls cannot be read: save it as .xlsx, or give addresses"
)
_MOST_BOOK_BYTES = 500_000_000


def sheet_rows(path: Path, sheet: str | None, tell: Tell) -> Iterator[Row | Fault]:
    """The rows of the first sheet that has a column of pictures, or of the one that is named."""
    file = OfficeFile(path) if _checked_kind(path) == "zip" else None
    try:
        with _opened(path, is_zip=file is not None) as book:
            chosen = _chosen(path, book, file, sheet, tell)
            yield from _Reader(path, file, chosen).rows()
    finally:
        if file is not None:
            file.close()


def _checked_kind(path: Path) -> str:
    try:
        kind = kind_of_book(path)
        size = path.stat().st_size
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    if kind == "protected":
        raise SourceError(
            f"{path}: protected by a password; open it, take the password off and save it anew"
        )
    if kind == "html":
        raise SourceError(f"{path}: a web page under the name of a workbook; open it and save it "
                          "as .xlsx")  # fmt: skip
    if kind is None:
        raise SourceError(f"{path}: damaged or no workbook; save it anew")
    if size > _MOST_BOOK_BYTES:
        raise SourceError(f"{path}: over {_MOST_BOOK_BYTES // 10**6} MB; save its sheet as .csv")
    return kind


def _opened(path: Path, *, is_zip: bool) -> CalamineWorkbook:
    try:
        from python_calamine import load_workbook
    except ImportError:
        message = f"{path}: workbooks need one more package: pip install python-calamine"
        raise SourceError(message) from None
    try:
        # By its contents: many an .xls is an .xlsx in truth, and the other way round.
        is_named_right = is_zip and path.suffix.lower() != ".xls"
        return load_workbook(str(path) if is_named_right else BytesIO(path.read_bytes()))
    except Exception as error:  # the reader's errors share no class below it
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SourceError:
    text = " ".join(str(error).split())[:200]
    if "assword" in text or "ncrypted" in text:
        return SourceError(f"{path}: protected by a password; save it without one")
    return SourceError(f"{path}: damaged or no workbook ({text}); save it anew")


@dataclass(slots=True)
class _Chosen:
    """A sheet with the columns of its table, and the number of its header's row (0: none)."""

    sheet: CalamineSheet
    columns: Columns
    finds: CellFinds
    header: int


def _chosen(
    path: Path, book: CalamineWorkbook, file: OfficeFile | None, wanted: str | None, tell: Tell
) -> _Chosen:
    names = _names(path, book, wanted)
    first: list[Any] | None = None
    for name in names:
        finds = _finds(file, name)  # first: it knows how far the sheet reaches
        sheet = _sheet(path, book, name)
        columns, seen = found_columns(_numbered(sheet, finds), path.name, tell)
        header = seen[-1][0] if columns is not None else 0
        if columns is None:
            columns, header = _by_pictures(sheet, finds)
        if columns is not None:
            if len(book.sheet_names) > 1 and wanted is None:
                tell(f"{path.name}: sheet {name!r} of {len(book.sheet_names)}, the first with "
                     "pictures; another by -a sheet=NAME")  # fmt: skip
            return _Chosen(sheet, columns, finds, header)
        first = first or (list(seen[0][1]) if seen else None)
    if first is None:
        raise SourceError(f"{path}: holds no seed; give one picture a row")
    raise no_image_column(first, path.name)


def _names(path: Path, book: CalamineWorkbook, wanted: str | None) -> list[str]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    names = list(book.sheet_names)
    if wanted is not None:
        if wanted in names:
            return [wanted]
        if wanted.isdecimal() and 0 < int(wanted) <= len(names):
            return [names[int(wanted) - 1]]
        shown = ", ".join(names)[:200]
        raise SourceError(f"{path}: no sheet {wanted!r}; there are {shown}")
    sheets = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
    return visible or names


def _sheet(path: Path, book: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except Exception as error:
        raise _unreadable(path, error) from error


def _finds(file: OfficeFile | None, name: str) -> CellFinds:
    if file is None:
        return CellFinds()
    return ods_finds(file, name) if "content.xml" in file.names else xlsx_finds(file, name)


def _by_pictures(sheet: CalamineSheet, finds: CellFinds) -> tuple[Columns | None, int]:
    """Of a sheet whose titles name no pictures: their column, and the header right above them."""
    places = finds.pictures()
    if not places:
        return None, 0
    columns = [column for _, column in places]
    column = max(sorted(set(columns)), key=columns.count)
    titles: list[Any] = []
    header = 0
    for number, cells in _numbered(sheet, finds):
        if number > places[0][0]:
            break
        if any(cells):
            titles, header = cells, number
    titles = [*titles, *[""] * (column + 1 - len(titles))]
    return Columns.of(titles, [column]), header


def _numbered(sheet: CalamineSheet, finds: CellFinds) -> Iterator[tuple[int, list[Any]]]:
    """Rows as a person sees them, by their numbers: a merged cell stands in each of its rows."""
    below = _Merged(finds)
    for row, cells in enumerate(sheet.iter_rows()):
        values = [_json_value(cell) for cell in cells]
        for column, digits in ((c, finds.zeros.get((row, c))) for c in range(len(values))):
            if digits is not None and isinstance(values[column], int):
                values[column] = str(values[column]).zfill(digits)
        yield row + 1, below.filled(row, values)


class _Merged:
    """Carries the value of a merged cell into the rows below it."""

    def __init__(self, finds: CellFinds) -> None:
        self._finds = finds
        self._starts: dict[int, list[tuple[int, int]]] = {}
        for (row, column), (last, _) in finds.merged:
            self._starts.setdefault(row, []).append((column, last))
        self._open: dict[int, tuple[int, Any, Found | None]] = {}

    def filled(self, row: int, values: list[Any]) -> list[Any]:
        self._open = {at: each for at, each in self._open.items() if each[0] >= row}
        for column, (_, value, found) in self._open.items():
            if column < len(values) and values[column] == "":
                values[column] = value
            if found is not None:
                self._finds.by_row[row].setdefault(column, found)
        for column, last in self._starts.get(row, ()):
            value = values[column] if column < len(values) else ""
            self._open[column] = last, value, self._finds.by_row.get(row, {}).get(column)
        return values


class _Reader:
    """The rows below a header, each with its picture."""

    def __init__(self, path: Path, file: OfficeFile | None, chosen: _Chosen) -> None:
        self._path = path
        self._file = file
        self._columns = chosen.columns
        self._finds = chosen.finds
        self._sheet = chosen.sheet
        self._header = chosen.header

    def rows(self) -> Iterator[Row | Fault]:
        number = self._header
        for number, cells in _numbered(self._sheet, self._finds):
            if number > self._header and (row := self._row(number, cells)):
                yield row
        for at in sorted({row for row, _ in self._finds.pictures() if row >= number}):
            if row := self._row(at + 1, []):
                yield row

    def _row(self, number: int, cells: list[Any]) -> Row | Fault | None:
        found = self._finds.by_row.get(number - 1, {})
        cells = [_unless_error(cell) for cell in cells]
        named = self._named(number, cells, found)
        if named is not None:
            cells = self._with_address(cells, *named)
        row = self._columns.row(number, cells)
        if named is not None:
            return row
        pasted = self._pasted(found)
        if pasted is not None:
            return self._with_picture(row or Row(number, None), pasted)
        if row is None and any(each.why for each in found.values()):
            row = Row(number, None)
        return None if row is None else self._without(row, found)

    def _named(
        self, number: int, cells: list[Any], found: dict[int, Found]
    ) -> tuple[int, str] | None:
        """The first of the picture columns that says where a picture is, by text or link."""
        for place in self._columns.images:
            cell = cells[place] if place < len(cells) else ""
            if isinstance(cell, str) and _is_address(cell):
                return place, cell
            if place in found and (address := _linked(found[place], number, cells)):
                return place, address
        return None

    def _with_address(self, cells: list[Any], place: int, address: str) -> list[Any]:
        room = [""] * (place + 1 - len(cells))
        images = self._columns.images
        others = images[: images.index(place)]
        cells = ["" if at in others else cell for at, cell in enumerate([*cells, *room])]
        cells[place] = address
        return cells

    def _pasted(self, found: dict[int, Found]) -> str | None:
        """A picture in one of the columns of pictures, else anywhere in the row."""
        order = [*self._columns.images, *sorted(found)]
        parts = (found[place].part for place in order if place in found)
        return next((part for part in parts if part is not None), None)

    def _with_picture(self, row: Row, part: str) -> Row | Fault:
        try:
            raw = read_part(self._path, part)
        except BadSeedError as error:
            return Fault(row.number, error.code, str(error))
        row.pasted = Base64Image(base64.b64encode(raw).decode(), f"{self._path}#{part}")
        return row

    def _without(self, row: Row, found: dict[int, Found]) -> Row:
        why = [found[place].why for place in self._columns.images if place in found]
        if told := next(filter(None, why), None):
            row.image, row.empty = None, told
        elif self._file is None:
            row.empty = _NO_PICTURES_OF_XLS
        return row


def _linked(found: Found, number: int, cells: list[Any]) -> str | None:
    if found.at is None:
        return found.address
    row, column = found.at
    return str(cells[column]) if row == number - 1 and column < len(cells) else None


def _is_address(cell: str) -> bool:
    return bool(_ADDRESS.match(cell) or _FILE_NAME.fullmatch(cell) or len(cell) >= _LONG)


def _unless_error(cell: Any) -> Any:
    return "" if isinstance(cell, str) and (cell in _ERRORS or "DISPIMG(" in cell) else cell


def _json_value(cell: Any) -> Any:
    """Excel knows no integers and no JSON: 3.0 was typed as 3, times become text."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
