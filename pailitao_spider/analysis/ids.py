"""Ids of offers that somebody chose: a shortlist of the report, a feed, a list, a workbook."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from pailitao_spider.analysis.compare import Lines
from pailitao_spider.analysis.feed_reader import Line
from pailitao_spider.errors import ResultsError
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["Pick", "only", "read_ids", "read_picks"]

_ID = re.compile(r"[^\s,;|\"']{1,64}")
_HEADS = ("num_iid", "offer", "id", "编号", "商品编号", "offer id")


class _Line(msgspec.Struct):
    num_iid: str | int


_LINE = msgspec.json.Decoder(_Line)


class Pick(NamedTuple):
    """What somebody wrote beside an id."""

    quantity: str = ""
    note: str = ""


def read_ids(path: Path) -> tuple[str, ...]:
    """Each once, in the file's order. Raises ResultsError, naming what the file must hold."""
    return tuple(read_picks(path))


def read_picks(path: Path) -> dict[str, Pick]:
    """By id, in the file's order. Raises ResultsError, naming what the file must hold.

    Of a `.csv` the columns `num_iid`, `quantity` and `note`, of a `.jsonl` the member `num_iid`, of
    other text an id a line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ResultsError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError:
        raise ResultsError(f"{path} is no UTF-8 text; give the report's shortlist.csv, a .jsonl or "
                           "a list of ids") from None  # fmt: skip
    read = {".csv": _of_csv, ".jsonl": _of_lines, ".jl": _of_lines}.get(path.suffix, _of_text)
    picks: dict[str, Pick] = {}
    for num_iid, pick in read(text):
        picks.setdefault(num_iid, pick)
    if not picks:
        raise ResultsError(f"{path} holds no id; give the report's shortlist.csv (a column "
                           "num_iid), a .jsonl or a list of ids, one a line")  # fmt: skip
    return picks


def _of_csv(text: str) -> Iterator[tuple[str, Pick]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    head = [cell.strip().casefold() for cell in next(rows, [])]
    place = next((head.index(name) for name in _HEADS if name in head), None)
    if place is None:
        yield from _of_text(text)
        return
    columns = [head.index(name) if name in head else len(head) for name in Pick._fields]
    for row in rows:
        cells = [*row, *[""] * (len(head) + 1 - len(row))]
        if cell := cells[place].strip().lstrip("'"):
            yield cell, Pick(*(cells[column].strip() for column in columns))


def _of_lines(text: str) -> Iterator[tuple[str, Pick]]:
    for raw in text.splitlines():
        try:
            yield str(_LINE.decode(raw.encode()).num_iid), Pick()
        except NO_LINE:
            continue


def _of_text(text: str) -> Iterator[tuple[str, Pick]]:
    for row in text.splitlines():
        word = row.strip()
        if _ID.fullmatch(word):
            yield word, Pick()


class _Only:
    """Offers of these ids."""

    def __init__(self, lines: Lines, ids: frozenset[str]) -> None:
        self._lines, self._ids = lines, ids

    def __iter__(self) -> Iterator[Line]:
        return (line for line in self._lines if line.offer.num_iid in self._ids)

    def lines_at(self, places: Iterable[int]) -> Iterator[Line]:
        return self._lines.lines_at(places)


def only(lines: Lines, ids: frozenset[str] | None) -> Lines:
    """The lines of these offers; all without ids."""
    return lines if ids is None else _Only(lines, ids)
