"""Lists of seeds in files: plain lines, CSV, JSON lines, Excel sheets."""

from __future__ import annotations

import csv
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from pailitao_spider.errors import SourceError
from pailitao_spider.sources.lines import MAX_CELL
from pailitao_spider.sources.rows import Fault, Row
from pailitao_spider.values import cleaned

__all__ = ["Columns", "csv_rows", "json_rows", "text_rows", "tsv_rows"]

Lines = Iterator[str | None]

_BAD_ENCODING = "the line is neither UTF-8 nor GB18030; save the file as UTF-8"


def text_rows(lines: Lines, _name: str) -> Iterator[Row | Fault]:
    """A seed a line."""
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", _BAD_ENCODING)
        elif line := line.strip():
            yield Row(number, line)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the cells of a table go."""

    image: int
    seed_id: int | None
    extra: tuple[tuple[int, str], ...]
    width: int

    @classmethod
    def of(cls, header: Sequence[Any], name: str) -> Columns:
        places: dict[str, int] = {}
        for place, title in enumerate(header):
            places.setdefault(_key(title), place)
        if "image" not in places:
            raise _no_image_column([str(title) for title in header], name)
        image, seed_id = places["image"], places.get("seed_id")
        return cls(image, seed_id, tuple(_extra_titles(header, {image, seed_id})), len(header))

    def row(self, number: int, cells: Sequence[Any]) -> Row | None:
        """None for a row without a word in it."""
        if not any(cell.strip() if isinstance(cell, str) else cell is not None for cell in cells):
            return None
        filled = len(cells)
        extra = {title: cells[place] for place, title in self.extra if place < filled}
        for place in range(self.width, filled):
            extra[f"column_{place + 1}"] = cells[place]
        return Row(number, _cell(cells, self.image), _cell(cells, self.seed_id), extra)


def _cell(cells: Sequence[Any], place: int | None) -> Any:
    return None if place is None or place >= len(cells) else cells[place]


def _key(title: Any) -> str:
    return "_".join(str(title).casefold().split())


def _extra_titles(header: Sequence[Any], known: set[int | None]) -> Iterator[tuple[int, str]]:
    used = {str(header[place]).strip() for place in known if place is not None}
    for place, cell in enumerate(header):
        if place in known:
            continue
        title = str(cell).strip()
        if not title or title in used:
            title = f"column_{place + 1}"
        used.add(title)
        yield place, title


def _no_image_column(titles: Iterable[str], name: str) -> SourceError:
    found = ", ".join(cleaned(title[:80]) for title in titles)[:200]
    return SourceError(f"{name}: no column 'image' among: {found}; name the pictures' column image")


def tsv_rows(lines: Lines, name: str) -> Iterator[Row | Fault]:
    return _delimited_rows(lines, name, "\t")


def csv_rows(lines: Lines, name: str) -> Iterator[Row | Fault]:
    return _delimited_rows(lines, name, ",;\t")


def _delimited_rows(lines: Lines, name: str, delimiters: str) -> Iterator[Row | Fault]:
    # The limit belongs to the whole process, and there is no other: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    feed = _Feed(lines)
    columns = None
    for record in _records(feed, feed.delimiter(delimiters)):
        if columns is None:
            columns = _header(record, name)
        elif isinstance(record, Fault):
            yield record
        elif row := columns.row(*record):
            yield row


def _header(record: tuple[int, list[str]] | Fault, name: str) -> Columns:
    if isinstance(record, Fault):
        raise SourceError(f"{name}:{record.number}: the header cannot be read: {record.text}")
    return Columns.of(record[1], name)


# Where one open quote has swallowed the file, the records after it may span no more lines than
# this: else a file of such quotes would be read anew for each of them.
_MAX_SPAN = 100


class _UnreadableLineError(Exception):
    pass


class _Feed:
    """Lines for csv.reader, with those of the present record kept to be read anew."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._again: deque[str | None] = deque()
        self._record: list[str] = []
        self.number = 0
        self.is_torn = False
        self._span = sys.maxsize

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._record) >= self._span:
            raise csv.Error("its quote is not closed soon")
        try:
            line = self._again.popleft() if self._again else next(self._lines)
        except StopIteration:
            self.is_torn = bool(self._record)
            raise
        self.number += 1
        if line is None:
            raise _UnreadableLineError
        self._record.append(line)
        return line

    def begin(self) -> int:
        """The number of the next record's first line."""
        self._record.clear()
        self.is_torn = False
        return self.number + 1

    def go_back(self) -> None:
        """All but the first line of the present record come again: they are not its fault."""
        again = self._record[1:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)
        if len(again) > _MAX_SPAN:
            self._span = _MAX_SPAN

    def delimiter(self, candidates: str) -> str:
        """The one that best cuts the first written line. Empty lines before it go."""
        while (line := next(self._lines, "")) is not None and line.isspace():
            self.number += 1
        if line != "":
            self._again.append(line)
        return max(candidates, key=partial(_cut, line or ""))


def _cut(line: str, delimiter: str) -> tuple[bool, int]:
    titles = line.split(delimiter)
    return any(_key(title.strip().strip('"')) == "image" for title in titles), len(titles)


def _records(feed: _Feed, delimiter: str) -> Iterator[tuple[int, list[str]] | Fault]:
    reader = csv.reader(feed, delimiter=delimiter)
    while True:
        start = feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _UnreadableLineError:
            yield Fault(feed.number, "bad_encoding", _BAD_ENCODING)
        except csv.Error as error:
            feed.go_back()
            yield Fault(start, "bad_csv", f"the line cannot be read ({error}); check its quotes")
        else:
            if feed.is_torn:
                feed.go_back()
                yield Fault(start, "bad_csv", "a quote is opened and never closed; close it")
            elif cells:
                yield start, cells


def json_rows(lines: Lines, name: str) -> Iterator[Row | Fault]:
    """An object a line."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    is_first = True
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", _BAD_ENCODING)
        elif not line.isspace():
            try:
                fields = decode(line)
            except (msgspec.DecodeError, ValueError, RecursionError):
                yield Fault(number, "bad_json", "no JSON object; write one a line", line[:400])
                continue
            keys = {_key(title): title for title in reversed(fields)}
            if is_first and keys and "image" not in keys:
                raise _no_image_column(fields, name)
            is_first = False
            image = fields.pop(keys.get("image", "image"), None)
            yield Row(number, image, fields.pop(keys.get("seed_id", "seed_id"), None), fields)
