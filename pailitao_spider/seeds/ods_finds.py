"""Pictures, links and formulas of an .ods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pailitao_spider.seeds.cell_finds import CellFinds, Found, formula_found
from pailitao_spider.seeds.office_files import OfficeFile, local_name

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["ods_finds"]


def ods_finds(file: OfficeFile, sheet: str) -> CellFinds:
    """What the cells of a sheet hold beside their values. Raises SourceError."""
    finds = CellFinds()
    for table in file.elements("content.xml", "table"):
        if _attribute(table, "name") == sheet:
            _read(table, finds, file)
        table.clear()
    return finds


def _attribute(element: _Element, name: str) -> str | None:
    return next(
        (str(v) for key, v in element.attrib.items() if str(key).endswith(f"}}{name}")), None
    )


def _times(element: _Element, of: str) -> int:
    text = _attribute(element, f"number-{of}-repeated") or "1"
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def _read(table: _Element, finds: CellFinds, file: OfficeFile) -> None:
    row = 0
    for each in table.iter("{*}table-row"):
        column = 0
        for cell in each:
            if local_name(cell) in ("table-cell", "covered-table-cell"):
                _take(cell, row, column, finds, file)
                column += _times(cell, "columns")
        row += _times(each, "rows")


def _take(cell: _Element, row: int, column: int, finds: CellFinds, file: OfficeFile) -> None:
    down = _attribute(cell, "number-rows-spanned") or "1"
    if down.isdecimal() and 1 < int(down) < 1_000_000:
        finds.merged.append(((row, column), (row + int(down) - 1, column)))
    if (formula := _attribute(cell, "formula")) and (found := formula_found(formula)):
        finds.add((row, column), found)
    for part in cell.iter("{*}image", "{*}a"):
        target = _attribute(part, "href")
        if target:
            is_part = local_name(part) == "image" and target.removeprefix("./") in file.names
            found = Found(part=target.removeprefix("./")) if is_part else Found(address=target)
            finds.add((row, column), found)
