"""Lists of seeds in files: plain lines, CSV, JSON lines, Excel sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from pailitao_spider.errors import SourceError
from pailitao_spider.sources.records import BAD_ENCODING, Record, records
from pailitao_spider.sources.rows import Fault, Row
from pailitao_spider.values import cleaned

__all__ = ["Columns", "csv_rows", "json_rows", "text_rows", "tsv_rows"]

Lines = Iterator[str | None]


def text_rows(lines: Lines, _name: str) -> Iterator[Row | Fault]:
    """A seed a line."""
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", BAD_ENCODING)
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
    columns = None
    for record in records(lines, partial(_delimiter, delimiters)):
        if columns is None:
            columns = _header(record, name)
        elif isinstance(record, Fault):
            yield record
        elif row := columns.row(*record):
            yield row


def _header(record: Record | Fault, name: str) -> Columns:
    if isinstance(record, Fault):
        raise SourceError(f"{name}:{record.number}: the header cannot be read: {record.text}")
    return Columns.of(record[1], name)


def _delimiter(candidates: str, head: str) -> str:
    """The one that best cuts the first written line."""
    return max(candidates, key=partial(_cut, head))


def _cut(line: str, delimiter: str) -> tuple[bool, int]:
    titles = line.split(delimiter)
    return any(_key(title.strip().strip('"')) == "image" for title in titles), len(titles)


def json_rows(lines: Lines, name: str) -> Iterator[Row | Fault]:
    """An object a line."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    is_first = True
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", BAD_ENCODING)
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
