"""Rows of a list, and the seeds they become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pailitao_spider.errors import BadSeedError, FieldError
from pailitao_spider.offers.values import cleaned, text
from pailitao_spider.seeds.ids import TakenIds, default_id, file_name
from pailitao_spider.seeds.images import read_image
from pailitao_spider.seeds.model import BadLine, Base64Image, Image, Seed

__all__ = ["Fault", "Row", "bad_line", "read_seeds"]

_MAX_SHOWN = 200
_NAMED_ALL_THE_SAME = ("no_such_file", "not_a_file", "unreadable_file")


@dataclass(slots=True)
class Row:
    """One row as it was read: nothing in it is checked yet."""

    number: int
    image: Any
    seed_id: Any = None
    extra: dict[str, Any] = field(default_factory=dict)
    named: Any = None
    """What names the row in another column: for a picture without a file name."""
    pasted: Base64Image | None = None
    """A picture that lies in the row itself."""
    empty: str = "the image is empty; give an address, a path or Base64"
    """What is said of a row without a picture."""


@dataclass(slots=True)
class Fault:
    """A row that could not be read at all."""

    number: int
    code: str
    text: str
    raw: str = ""


def read_seeds(
    rows: Iterator[Row | Fault], name: str, folders: Sequence[Path]
) -> Iterator[Seed | BadLine]:
    """A seed or a bad line for each row, under a name of its own."""
    with closing(TakenIds()) as taken:
        for row in rows:
            if isinstance(row, Fault):
                yield bad_line(taken, name, row, None)
            else:
                yield _seed(taken, name, row, folders)


def bad_line(taken: TakenIds, name: str, fault: Fault, row: Row | None) -> BadLine:
    """Under the seed_id that it would have if it were good, so that mending it mends the ledger."""
    where = cleaned(f"{name}:{fault.number}")
    image = cleaned(fault.raw[: 2 * _MAX_SHOWN])[:_MAX_SHOWN]
    seed_id = taken.take(_bad_id(row, fault) or where, fault.raw)
    extra = {} if row is None else row.extra
    return BadLine(seed_id, image, fault.code, f"{where}: {cleaned(fault.text)}", extra)


def _bad_id(row: Row | None, fault: Fault) -> str | None:
    given = None if row is None else _id_or_none(row.seed_id)
    return given or (file_name(fault.raw) if fault.code in _NAMED_ALL_THE_SAME else None)


def _id_or_none(raw: Any) -> str | None:
    try:
        return _given_id(raw)
    except BadSeedError:
        return None


def _seed(taken: TakenIds, name: str, row: Row, folders: Sequence[Path]) -> Seed | BadLine:
    try:
        given = _given_id(row.seed_id)
        image = row.pasted or read_image(_image_text(row), folders)
    except BadSeedError as error:
        raw = row.image if isinstance(row.image, str) else ""
        return bad_line(taken, name, Fault(row.number, error.code, str(error), raw), row)
    wanted = given or _default_id(row, image)
    return Seed(taken.take(wanted, image.label), image, row.extra)


def _default_id(row: Row, image: Image) -> str:
    """The file name; of a picture without one what names its row, else row number and hash."""
    plain = default_id(image)
    if row.pasted is None:
        return plain
    return _id_or_none(row.named) or f"row-{row.number}-{plain[:8]}"


def _given_id(raw: Any) -> str | None:
    if raw is None or isinstance(raw, str):
        return cleaned(raw or "") or None
    try:
        return text(raw)
    except FieldError:
        raise BadSeedError(
            "bad_seed_id", "seed_id is no text; write text or leave it out"
        ) from None


def _image_text(row: Row) -> str:
    raw = row.image
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise BadSeedError("no_image", row.empty)
    if not isinstance(raw, str):
        raise BadSeedError("no_image", "the image is no text; give an address, a path or Base64")
    return raw
