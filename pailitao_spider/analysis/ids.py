"""Ids of offers that somebody chose: a shortlist of the report, a feed, a list, a workbook."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pailitao_spider.analysis.compare import Lines
from pailitao_spider.analysis.feed_reader import Line
from pailitao_spider.errors import ResultsError
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["only", "read_ids"]

_ID = re.compile(r"[^\s,;|\"']{1,64}")
_HEADS = ("num_iid", "offer", "id", "编号", "商品编号", "offer id")


class _Line(msgspec.Struct):
    num_iid: str | int


_LINE = msgspec.json.Decoder(_Line)


def read_ids(path: Path) -> tuple[str, ...]:
    """Each once, in the file's order. Raises ResultsError, naming what the file must hold.

    Of a `.csv` the column `num_iid`, of a `.jsonl` that member, of other text an id a line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ResultsError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError:
        raise ResultsError(f"{path} is no UTF-8 text; give the report's shortlist.csv, a .jsonl or "
                           "a list of ids") from None  # fmt: skip
    read = {".csv": _of_csv, ".jsonl": _of_lines, ".jl": _of_lines}.get(path.suffix, _of_text)
    ids = tuple(dict.fromkeys(read(text)))
    if not ids:
        raise ResultsError(f"{path} holds no id; give the report's shortlist.csv (a column "
                           "num_iid), a .jsonl or a list of ids, one a line")  # fmt: skip
    return ids


def _of_csv(text: str) -> Iterator[str]:
    rows = csv.reader(text.splitlines())
    head = [cell.strip().casefold() for cell in next(rows, [])]
    place = next((head.index(name) for name in _HEADS if name in head), None)
    if place is None:
        yield from _of_text(text)
        return
    for row in rows:
        cell = row[place].strip().lstrip("'") if len(row) > place else ""
        if cell:
            yield cell


def _of_lines(text: str) -> Iterator[str]:
    for raw in text.splitlines():
        try:
            yield str(_LINE.decode(raw.encode()).num_iid)
        except NO_LINE:
            continue


def _of_text(text: str) -> Iterator[str]:
    for row in text.splitlines():
        word = row.strip()
        if _ID.fullmatch(word):
            yield word


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
