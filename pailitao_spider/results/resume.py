"""What a feed already holds, so that a run can go on without writing it twice."""

from __future__ import annotations

import codecs
import csv
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.lines import NO_LINE, cut_torn_tail, lines_of
from pailitao_spider.tables.csv_cells import unguarded

__all__ = ["RESUMABLE", "WrittenOffer", "written_offers"]


class WrittenOffer(msgspec.Struct):
    """The part of a written offer that tells it from others."""

    num_iid: str
    seed_id: str | None = None
    page: int | None = None
    rank: int | None = None


_FIELD_BYTES = 64 * 2**20  # `extra` and `seed_extra` may be long
_DECODER = msgspec.json.Decoder(WrittenOffer)
_SPOILT = re.compile(r"[\d.,]+E\+?\d+", re.IGNORECASE)
_LINED = ("utf-8", "ascii", "gb18030", "gbk", "gb2312", "big5", "cp1252", "iso8859-1")
"""Encodings in which no byte of a character is that of a line end."""


def _from_lines(path: Path, encoding: str) -> Iterator[WrittenOffer]:
    for number, raw in enumerate(lines_of(path), start=1):
        line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
        if not line.strip():
            continue
        try:
            offer = _DECODER.decode(line)
        except NO_LINE as error:
            raise ResultsError(
                f"{path}:{number}: no offer line ({error}); mend or remove the line, "
                "or start over with -O"
            ) from error
        yield _checked(offer, f"{path}:{number}")


def _checked(offer: WrittenOffer, place: str) -> WrittenOffer:
    if _SPOILT.fullmatch(offer.num_iid):
        raise ResultsError(
            f"{place}: num_iid {offer.num_iid} was rounded by a spreadsheet, so nothing tells "
            "which offers are there; go on with the file as it was before, or start over with -O"
        )
    return offer


def _from_csv(path: Path, encoding: str) -> Iterator[WrittenOffer]:
    if not path.exists() or path.stat().st_size == 0:
        return
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_BYTES))
    name = codecs.lookup(encoding).name
    with path.open(newline="", encoding="utf-8-sig" if name == "utf-8" else name) as file:
        reader = csv.DictReader(file)
        try:
            yield from _csv_offers(path, reader)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ResultsError(
                f"{path}:{reader.line_num + 1}: no row of a CSV file ({error}); "
                "mend or remove it, or start over with -O"
            ) from error


def _csv_offers(path: Path, reader: csv.DictReader[str]) -> Iterator[WrittenOffer]:
    if "num_iid" not in (reader.fieldnames or ()):
        raise ResultsError(f"{path}: no column num_iid, so it cannot be gone on with; use -O")
    for row in reader:
        seed_id = row.get("seed_id")
        offer = WrittenOffer(
            unguarded(row["num_iid"]),
            None if seed_id is None else unguarded(seed_id),
            _number(row, "page"),
            _number(row, "rank"),
        )
        yield _checked(offer, f"{path}:{reader.line_num}")


def _number(row: dict[str, str], name: str) -> int | None:
    text = row.get(name) or ""
    return int(text) if text.isdecimal() else None


RESUMABLE: dict[str, Callable[[Path, str], Iterator[WrittenOffer]]] = {
    "jsonlines": _from_lines,
    "jsonl": _from_lines,
    "jl": _from_lines,
    "csv": _from_csv,
}


def written_offers(path: Path, feed_format: str, encoding: str = "utf-8") -> Iterator[WrittenOffer]:
    """The offers of a feed that is gone on with; its unfinished last line is cut off first.

    Raises ResultsError for a format that cannot be appended to.
    """
    if not path.exists() or path.stat().st_size == 0:
        return iter(())
    if feed_format not in RESUMABLE:
        raise ResultsError(
            f"{path}: a {feed_format} file cannot be gone on with; use -o with .jsonl or .csv, "
            "or start over with -O"
        )
    if feed_format == "csv" and codecs.lookup(encoding).name not in _LINED:
        raise ResultsError(
            f"{path}: a .csv in {encoding} cannot be gone on with; use -O, or write UTF-8"
        )
    cut_torn_tail(path)
    return RESUMABLE[feed_format](path, encoding)
