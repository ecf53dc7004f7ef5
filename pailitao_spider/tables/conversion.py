"""A feed made a table: line by line, beside the old file, moved into place at the end."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from pailitao_spider.errors import ConfigError, FieldError, ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.storage.atomic_file import replacing
from pailitao_spider.tables.columns import KINDS, OFFER_COLUMNS, Cell, Column, columns_of
from pailitao_spider.tables.csv_cells import BOM, csv_text
from pailitao_spider.tables.offer_lines import OfferLine, members_of, rows_of, seed_names_of
from pailitao_spider.tables.parquet import ParquetTable
from pailitao_spider.tables.xlsx import Workbook

__all__ = ["FORMATS", "Converted", "Layout", "convert", "layout_of"]

_MAX_SEED_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table. `seeds` gives the name in `seed_extra` of those that come of it."""

    columns: tuple[Column, ...]
    seeds: dict[str, str]
    is_chosen: bool = False


@dataclass(slots=True)
class Converted:
    """What became of the lines."""

    offers: int = 0
    left_out: int = 0
    rounded: int = 0
    untimed: int = 0
    odd: int = 0
    """Offers of which some values are unknown, since they could not be read; see `unread`."""

    unread: Counter[str] = field(default_factory=Counter)
    first_odd: str = ""
    unnamed: Counter[str] = field(default_factory=Counter)
    """Members that no column has, by the number of lines."""


def layout_of(paths: Sequence[Path], chosen: Sequence[str] | None, has_seeds: bool) -> Layout:
    """An offer's fields, members of the first line that are none, and what `seed_extra` holds.

    Raises ConfigError for a chosen column that is none of these, OSError.
    """
    first = next((line.members for line in members_of(paths) if line.members), {})
    names = [column.name for column in OFFER_COLUMNS]
    names += [name for name in first if name not in KINDS]
    kinds = seed_names_of(members_of(paths)) if has_seeds else {}
    seeds = _seed_columns(list(kinds), names)
    there = columns_of(names) + tuple(Column(name, kinds[key]) for name, key in seeds.items())
    if chosen is None:
        return Layout(there, seeds)
    by_name = {column.name: column for column in there}
    if strange := [name for name in chosen if name not in by_name]:
        raise ConfigError(f"--columns: no column {strange[0]}; there are {', '.join(by_name)}")
    added = [name for name in seeds if name not in chosen]
    return Layout(tuple(by_name[name] for name in (*dict.fromkeys(chosen), *added)), seeds, True)


def _seed_columns(names: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    if len(names) > _MAX_SEED_COLUMNS:
        raise ConfigError(
            f"--seed-columns: {len(names)} names in seed_extra, and {_MAX_SEED_COLUMNS} are the "
            "most; leave it out and read the column seed_extra"
        )
    columns: dict[str, str] = {}
    for name in names:
        free = f"seed_{name}"
        while free in taken or free in columns:
            free += "_"
        columns[free] = name
    return columns


class _Table(Protocol):
    def append(self, cells: Sequence[Cell]) -> None: ...

    def close(self) -> None: ...


class _CsvTable:
    def __init__(self, file: IO[bytes], columns: Sequence[Column], has_bom: bool) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._text.write(BOM if has_bom else "")
        self._writer = csv.writer(self._text)
        self._writer.writerow([csv_text(column.name) for column in columns])

    def append(self, cells: Sequence[Cell]) -> None:
        self._writer.writerow([csv_text(cell) for cell in cells])

    def close(self) -> None:
        self._text.detach()


class _XlsxTable:
    def __init__(self, file: IO[bytes], columns: Sequence[Column], has_bom: bool) -> None:
        self._book = Workbook(file)
        self._sheet = self._book.sheet("offers", columns)
        self.append = self._sheet.append

    def close(self) -> None:
        self._sheet.finish()
        self._book.close()


FORMATS: dict[str, Callable[[IO[bytes], Sequence[Column], bool], _Table]] = {
    "xlsx": _XlsxTable,
    "parquet": lambda file, columns, has_bom: ParquetTable(file, columns),
    "csv": _CsvTable,
}


def convert(
    paths: Sequence[Path],
    out: Path,
    layout: Layout,
    has_bom: bool,
    on_left_out: Callable[[OfferLine], None],
) -> Converted:
    """Writes `out`, in the format of its ending.

    Raises OSError, and ResultsError where no line is an offer; then `out` is as it was.
    """
    with replacing(out, sweeps=True) as file:
        table = FORMATS[out.suffix[1:]](file, layout.columns, has_bom)
        converted = _filled(table, members_of(paths), layout, on_left_out)
        if converted.left_out and not converted.offers:
            raise ResultsError(
                f"there is no offer in {', '.join(map(str, paths))}: "
                f"{counted(converted.left_out, 'line')} could not be read; nothing was written"
            )
        table.close()
    converted.rounded = getattr(table, "rounded", 0)
    converted.untimed = getattr(table, "untimed", 0)
    return converted


def _filled(
    table: _Table,
    lines: Iterator[OfferLine],
    layout: Layout,
    on_left_out: Callable[[OfferLine], None],
) -> Converted:
    converted = Converted()
    row = rows_of(layout.columns, layout.seeds)
    known = {column.name for column in layout.columns}
    for line in lines:
        if line.members is not None:
            cells, unread = row(line.members)
            try:
                table.append(cells)
            except FieldError as error:
                line = OfferLine(line.path, line.number, None, str(error))
            else:
                _note_odd(converted, line, unread)
        if line.members is None:
            on_left_out(line)
            converted.left_out += 1
            continue
        converted.offers += 1
        if not layout.is_chosen and line.members.keys() - known:
            converted.unnamed.update(line.members.keys() - known)
    return converted


def _note_odd(converted: Converted, line: OfferLine, unread: Sequence[str]) -> None:
    if unread:
        converted.odd += 1
        converted.unread.update(unread)
        converted.first_odd = converted.first_odd or f"{line.path}:{line.number}"
