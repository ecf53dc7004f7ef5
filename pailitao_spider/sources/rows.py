"""Rows of a list, and the seeds they become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pailitao_spider.errors import BadSeedError, FieldError
from pailitao_spider.seeds import BadLine, Seed
from pailitao_spider.sources.images import read_image
from pailitao_spider.sources.names import TakenIds, default_id
from pailitao_spider.values import cleaned, text

__all__ = ["Fault", "Row", "bad_line", "read_seeds"]

_MAX_SHOWN = 200


@dataclass(slots=True)
class Row:
    """One row as it was read: nothing in it is checked yet."""

    number: int
    image: Any
    seed_id: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


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


def bad_line(taken: TakenIds, name: str, fault: Fault, given: str | None) -> BadLine:
    where = cleaned(f"{name}:{fault.number}")
    seed_id = taken.take(given or where, fault.raw)
    image = cleaned(fault.raw[: 2 * _MAX_SHOWN])[:_MAX_SHOWN]
    return BadLine(seed_id, image, fault.code, f"{where}: {cleaned(fault.text)}")


def _seed(taken: TakenIds, name: str, row: Row, folders: Sequence[Path]) -> Seed | BadLine:
    given = None
    try:
        given = _given_id(row.seed_id)
        image = read_image(_image_text(row.image), folders)
    except BadSeedError as error:
        raw = row.image if isinstance(row.image, str) else ""
        return bad_line(taken, name, Fault(row.number, error.code, str(error), raw), given)
    return Seed(taken.take(given or default_id(image), image.label), image, row.extra)


def _given_id(raw: Any) -> str | None:
    if raw is None or isinstance(raw, str):
        return cleaned(raw or "") or None
    try:
        return text(raw)
    except FieldError:
        raise BadSeedError(
            "bad_seed_id", "seed_id is no text; write text or leave it out"
        ) from None


def _image_text(raw: Any) -> str:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise BadSeedError("no_image", "the image is empty; give an address, a path or Base64")
    if not isinstance(raw, str):
        raise BadSeedError("no_image", "the image is no text; give an address, a path or Base64")
    return raw
