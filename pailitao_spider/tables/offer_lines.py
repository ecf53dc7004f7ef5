"""Lines of a feed as cells of a table, with every digit that they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from pailitao_spider.errors import UNDECODABLE, FieldError
from pailitao_spider.offers.values.bounds import is_amount, is_count, is_share
from pailitao_spider.offers.values.own_numbers import own_number
from pailitao_spider.tables.columns import Cell, Column, Kind, cell
from pailitao_spider.tables.csv_cells import BOM

__all__ = ["OfferLine", "members_of", "rows_of", "seed_names_of"]

Members = dict[str, msgspec.Raw]

_BUFFER_BYTES = 1 << 20
_MARK = BOM.encode()
_MOST_KNOWN = 10_000
_UNREADABLE = (*UNDECODABLE, ValueError)
_LINE = msgspec.json.Decoder(Members)
_SEED = msgspec.json.Decoder(Members | None)
_ANY = msgspec.json.Decoder(Any, float_hook=Decimal)
_TEXT = msgspec.json.Decoder(str | None)
_NUMBER = msgspec.json.Decoder(Decimal | None)
_COUNT = msgspec.json.Decoder(int | None, strict=False)


def _id(raw: msgspec.Raw) -> str | None:
    value = _ANY.decode(raw)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FieldError("neither text nor a whole number")


def _within(
    decoder: msgspec.json.Decoder[Any], is_sound: Callable[[Any], bool]
) -> Callable[[msgspec.Raw], Cell]:
    def read(raw: msgspec.Raw) -> Cell:
        value: Cell = decoder.decode(raw)
        if value is not None and not is_sound(value):
            raise FieldError("out of its bounds")
        return value

    return read


def _json(raw: msgspec.Raw) -> str | None:
    """As it stands; an empty object is nothing."""
    return None if cell(_ANY.decode(raw)) is None else bytes(raw).decode()


_READERS: dict[Kind, Callable[[msgspec.Raw], Cell]] = {
    Kind.TEXT: _TEXT.decode,
    Kind.ID: _id,
    Kind.MONEY: _within(_NUMBER, is_amount),
    Kind.RATE: _within(_NUMBER, is_share),
    Kind.COUNT: _within(_COUNT, is_count),
    Kind.SCORE: _within(_NUMBER, is_amount),
    Kind.FLAG: msgspec.json.Decoder(bool | None, strict=False).decode,
    Kind.LINK: _TEXT.decode,
    Kind.MOMENT: _TEXT.decode,
    Kind.JSON: _json,
    Kind.OWN: lambda raw: own_number(_ANY.decode(raw)),
    Kind.ANY: lambda raw: cell(_ANY.decode(raw)),
}


@dataclass(frozen=True, slots=True)
class OfferLine:
    """A line that is no blank. `members` is None where it is no offer, for the reason in `why`."""

    path: Path
    number: int
    members: Members | None
    why: str = ""
    is_torn: bool = False
    """It is the last one and lacks its line end: what a kill left, or a run still writes."""


def members_of(paths: Iterable[Path]) -> Iterator[OfferLine]:
    """The lines of all files. Raises OSError."""
    for path in paths:
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            for number, raw in enumerate(file, 1):
                if number == 1:
                    raw = raw.removeprefix(_MARK)
                if raw and not raw.isspace():
                    yield _line(path, number, raw)


def _line(path: Path, number: int, raw: bytes) -> OfferLine:
    try:
        members = _LINE.decode(raw)
        if not _id(members["num_iid"]):
            raise FieldError("num_iid is empty")
    except KeyError:
        return OfferLine(path, number, None, "it has no num_iid")
    except (*_UNREADABLE, FieldError) as error:
        return OfferLine(path, number, None, str(error), not raw.endswith(b"\n"))
    return OfferLine(path, number, members)


def seed_names_of(lines: Iterable[OfferLine]) -> dict[str, Kind]:
    """The names in all `seed_extra`, in the order of their first appearance.

    A column whose values are all numbers, or nothing, is one of numbers.
    """
    kinds: dict[str, Kind] = {}
    known: dict[tuple[str, bytes], bool] = {}
    for line in lines:
        for name, raw in _seed_members(line.members).items() if line.members is not None else ():
            key = name, bytes(raw)
            if key not in known:
                if len(known) > _MOST_KNOWN:
                    known.clear()
                known[key] = _is_own_number(raw)
            kinds[name] = (
                Kind.OWN if known[key] and kinds.get(name) in (None, Kind.OWN) else Kind.ANY
            )
    return kinds


def _is_own_number(raw: msgspec.Raw) -> bool:
    try:
        value = _ANY.decode(raw)
    except _UNREADABLE:
        return False
    return value in (None, "") or own_number(value) is not None


def _seed_members(members: Members) -> Members:
    raw = members.get("seed_extra")
    try:
        return (raw and _SEED.decode(raw)) or {}
    except _UNREADABLE:
        return {}


def rows_of(
    columns: Sequence[Column], seed_columns: dict[str, str]
) -> Callable[[Members], tuple[list[Cell], list[str]]]:
    """Makes the reader of one line; `seed_columns` gives the name in `seed_extra` of a column.

    It returns the cells, and the names of those that are unknown since they are none of their
    column's kind.
    """
    readers = [
        (column.name, seed_columns.get(column.name), _READERS[column.kind]) for column in columns
    ]

    def row(members: Members) -> tuple[list[Cell], list[str]]:
        seed = _seed_members(members) if seed_columns else {}
        unread: list[str] = []
        cells = [
            _read(name, members.get(name) if key is None else seed.get(key), reader, unread)
            for name, key, reader in readers
        ]
        return cells, unread

    return row


def _read(
    name: str,
    raw: msgspec.Raw | None,
    reader: Callable[[msgspec.Raw], Cell],
    unread: list[str],
) -> Cell:
    if raw is None:
        return None
    try:
        return reader(raw)
    except (*_UNREADABLE, FieldError):
        unread.append(name)
        return None
