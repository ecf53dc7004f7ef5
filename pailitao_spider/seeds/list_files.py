"""Lists of seeds in files: plain lines, CSV, JSON lines; and the columns of any table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from pailitao_spider.errors import UNDECODABLE, SourceError
from pailitao_spider.offers.values import cleaned
from pailitao_spider.seeds.csv_records import BAD_ENCODING, records
from pailitao_spider.seeds.headers import id_places, image_places, is_named_image, key_of
from pailitao_spider.seeds.images import addresses
from pailitao_spider.seeds.row_to_seed import Fault, Row

__all__ = [
    "Columns",
    "csv_rows",
    "found_columns",
    "json_rows",
    "no_image_column",
    "text_rows",
    "tsv_rows",
]

Lines = Iterator[str | None]
Tell = Callable[[str], None]
Numbered = tuple[int, Sequence[Any]]

_MOST_BEFORE_HEADER = 30
_CUT_HEAD = re.compile(r"data:[^,;]*(?:;[^,;]+)*", re.IGNORECASE)


def text_rows(lines: Lines, _name: str, _tell: Tell) -> Iterator[Row | Fault]:
    """A seed a line; one that begins with # is a remark, unless it is the name of a picture."""
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", BAD_ENCODING)
        elif (line := line.strip().strip("\ufeff")) and not _is_remark(line):
            yield Row(number, line)


def _is_remark(line: str) -> bool:
    return line.startswith("#") and not re.search(r"^#\S*\.\w{3,5}$", line)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the cells of a table go."""

    images: tuple[int, ...]
    """The first one that says something is taken."""
    seed_id: int | None
    names: tuple[int, ...]
    extra: tuple[tuple[int, str], ...]
    width: int

    @classmethod
    def of(cls, header: Sequence[Any], images: Sequence[int]) -> Columns:
        keys = [key_of(title) for title in header]
        seed_id = keys.index("seedid") if "seedid" in keys else None
        known = {images[0], seed_id} if images else {seed_id}
        names = tuple(id_places(header))
        width = _width(header)
        extra = tuple(_extra_titles(header, width, known))
        return cls(tuple(images), seed_id, names, extra, width)

    def row(self, number: int, cells: Sequence[Any]) -> Row | None:
        """None for a row without a word in it."""
        if not any(map(_says, cells)):
            return None
        cells = self._rejoined(cells)
        place = next((each for each in self.images if _says(_cell(cells, each))), None)
        image, more = _first_address(_cell(cells, place))
        extra = self._extra(cells, place)
        if more:
            extra["more_images"] = more
        named = next((cells[each] for each in self.names if _says(_cell(cells, each))), None)
        return Row(number, image, _cell(cells, self.seed_id), extra, named=named)

    def _extra(self, cells: Sequence[Any], image: int | None) -> dict[str, Any]:
        filled = len(cells)
        extra = {
            title: cells[place] for place, title in self.extra if place < filled and place != image
        }
        for place in range(self.width, filled):
            if _says(cells[place]):
                extra[f"column_{place + 1}"] = cells[place]
        return extra

    def _rejoined(self, cells: Sequence[Any]) -> Sequence[Any]:
        """A row whose data:image/jpeg;base64,… was cut at a comma (or semicolon) without quotes."""
        if len(cells) <= self.width:
            return cells
        for place in self.images:
            head = _cell(cells, place)
            is_cut = isinstance(head, str) and _CUT_HEAD.fullmatch(head.strip())
            if not is_cut or place + 1 >= len(cells):
                continue
            between = "," if head.strip().lower().endswith("base64") else ";"
            whole = f"{head.strip()}{between}{cells[place + 1]}"
            return [*cells[:place], whole, *cells[place + 2 :]]
        return cells


def _says(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _first_address(cell: Any) -> tuple[Any, list[str]]:
    if not isinstance(cell, str):
        return cell, []
    first, *more = addresses(cell)
    return (first, more) if more else (cell, [])


def _cell(cells: Sequence[Any], place: int | None) -> Any:
    return None if place is None or place >= len(cells) else cells[place]


def _width(header: Sequence[Any]) -> int:
    return max((place for place, title in enumerate(header, 1) if _says(title)), default=0)


def _extra_titles(
    header: Sequence[Any], width: int, known: set[int | None]
) -> Iterator[tuple[int, str]]:
    used = {cleaned(str(header[place])) for place in known if place is not None}
    for place, cell in enumerate(header[:width]):
        if place in known:
            continue
        title = cleaned(str(cell))
        if not title or title in used:
            title = f"column_{place + 1}"
        used.add(title)
        yield place, title


def found_columns(
    rows: Iterable[Numbered], name: str, tell: Tell
) -> tuple[Columns | None, list[Numbered]]:
    """The columns by the first row that names one of pictures, and the rows that were looked at:
    titles and remarks may stand above it. None where no row does.
    """
    seen: list[Numbered] = []
    for number, cells in rows:
        if not any(map(_says, cells)):
            continue
        seen.append((number, cells))
        if places := image_places(cells):
            _tell_choice(cells, places, name, tell)
            return Columns.of(cells, places), seen
        if len(seen) == _MOST_BEFORE_HEADER:
            break
    return None, seen


def _tell_choice(header: Sequence[Any], places: Sequence[int], name: str, tell: Tell) -> None:
    if len(places) > 1:
        others = ", ".join(cleaned(str(header[place]))[:40] for place in places[1:6])
        chosen = cleaned(str(header[places[0]]))[:40]
        tell(f"{name}: pictures by column {chosen}, where that is empty by {others}")


def no_image_column(titles: Iterable[Any], name: str) -> SourceError:
    found = ", ".join(cleaned(str(title)[:80]) for title in titles if _says(title))[:200]
    return SourceError(f"{name}: no column 'image' among: {found}; name the pictures' column image")


def tsv_rows(lines: Lines, name: str, tell: Tell) -> Iterator[Row | Fault]:
    return _delimited_rows(lines, name, tell, "\t")


def csv_rows(lines: Lines, name: str, tell: Tell) -> Iterator[Row | Fault]:
    return _delimited_rows(lines, name, tell, ",;\t|")


def _delimited_rows(lines: Lines, name: str, tell: Tell, delimiters: str) -> Iterator[Row | Fault]:
    found = records(lines, partial(_delimiter, delimiters))
    columns, seen = found_columns(_readable(found, name), name, tell)
    if columns is None:
        if not seen:
            return
        raise no_image_column(seen[0][1], name)
    for record in found:
        if isinstance(record, Fault):
            yield record
        elif row := columns.row(*record):
            yield row


def _readable(found: Iterator[Any], name: str) -> Iterator[Numbered]:
    """Rows before and with the header: what is unreadable there cannot be passed over."""
    for record in found:
        if isinstance(record, Fault):
            where = f"{name}:{record.number}"
            raise SourceError(f"{where}: the header cannot be read: {record.text}")
        yield record


def _delimiter(candidates: str, heads: Sequence[str]) -> str:
    """The one that best cuts the first written lines."""
    if marked := re.fullmatch(r'"?sep=(.)"?\s*', heads[0] if heads else "", re.IGNORECASE):
        return marked[1]
    return max(candidates, key=partial(_cut, heads))


def _cut(heads: Sequence[str], delimiter: str) -> tuple[int, int]:
    cut = [line.split(delimiter) for line in heads]
    named = sum(any(is_named_image(each.strip().strip('"')) for each in titles) for titles in cut)
    return named, max(map(len, cut), default=0)


def json_rows(lines: Lines, name: str, _tell: Tell) -> Iterator[Row | Fault]:
    """An object a line."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    is_first = True
    for number, line in enumerate(lines, 1):
        if line is None:
            yield Fault(number, "bad_encoding", BAD_ENCODING)
        elif not line.isspace():
            try:
                fields = decode(line)
            except (*UNDECODABLE, ValueError):
                yield Fault(number, "bad_json", "no JSON object; write one a line", line[:400])
                continue
            titles = list(fields)
            places = image_places(titles)
            if is_first and titles and not places:
                raise no_image_column(titles, name)
            is_first = False
            yield _json_row(number, fields, [titles[place] for place in places])


def _json_row(number: int, fields: dict[str, Any], images: Sequence[str]) -> Row:
    chosen = next((title for title in images if _says(fields[title])), images[0] if images else "")
    image, more = _first_address(fields.pop(chosen, None))
    seed_id = next((title for title in fields if key_of(title) == "seedid"), None)
    given = fields.pop(seed_id) if seed_id is not None else None
    if more:
        fields["more_images"] = more
    return Row(number, image, given, fields)
