"""Excel sheets as rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pailitao_spider.errors import SourceError
from pailitao_spider.sources.rows import Row
from pailitao_spider.sources.tables import Columns

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

__all__ = ["sheet_rows"]


def sheet_rows(path: Path) -> Iterator[Row]:
    """The rows of the first sheet. Its first written row is the header."""
    sheet = _first_sheet(path)
    columns = None
    for number, cells in enumerate(sheet.iter_rows(), 1):
        values = [_json_value(cell) for cell in cells]
        if columns is not None:
            if row := columns.row(number, values):
                yield row
        elif any(value != "" for value in values):
            columns = Columns.of(values, path.name)


def _first_sheet(path: Path) -> CalamineSheet:
    try:
        from python_calamine import load_workbook
    except ImportError:
        message = f"{path}: .xlsx needs one more package: pip install 'pailitao-spider[xlsx]'"
        raise SourceError(message) from None
    try:
        with load_workbook(path) as book:
            return book.get_sheet_by_index(0)
    except Exception as error:  # the reader's errors share no class below it
        text = " ".join(str(error).split())
        raise SourceError(f"{path}: damaged or no .xlsx ({text}); save it anew") from error


def _json_value(cell: Any) -> Any:
    """Excel knows no integers and no JSON: 3.0 was typed as 3, times become text."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
