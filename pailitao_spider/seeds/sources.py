"""Seed sources: files, folders, addresses and standard input, read one seed at a time."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from pailitao_spider.errors import BadSeedError, SourceError
from pailitao_spider.seeds.folders import folder_seeds, is_picture_file
from pailitao_spider.seeds.ids import default_id
from pailitao_spider.seeds.images import read_image, shown
from pailitao_spider.seeds.list_files import csv_rows, json_rows, text_rows, tsv_rows
from pailitao_spider.seeds.model import BadLine, FileImage, Image, Seed
from pailitao_spider.seeds.office_files import kind_of_book
from pailitao_spider.seeds.row_to_seed import Fault, Row, read_seeds
from pailitao_spider.seeds.text_lines import decoded_lines, streamed_lines
from pailitao_spider.seeds.xlsx_rows import SHEET_SUFFIXES, sheet_rows

__all__ = ["open_source", "unheard"]

logger = logging.getLogger(__name__)

Seeds = Iterator[Seed | BadLine]
Rows = Iterator[Row | Fault]
Tell = Callable[[str], None]

_BOOKS = ("zip", "ole", "protected")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LISTS: dict[str, Callable[[Iterator[str | None], str, Tell], Rows]] = {
    ".txt": text_rows,
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".jsonl": json_rows,
}


def open_source(
    source: str,
    stdin: TextIO | BinaryIO | None = None,
    *,
    sheet: str | None = None,
    tell: Tell = logger.warning,
) -> Seeds:
    """The seeds of a source, read as they are asked for; any one thread at a time may ask.

    `sheet` is the name or number of a workbook's sheet; `tell` hears what was guessed, in lines.
    Raises SourceError at once, and from the iterator when standard input turns out empty.
    """
    if source == "-":
        return _input_seeds(sys.stdin if stdin is None else stdin, tell)
    if _SCHEME.match(source.strip()) and not source.strip().lower().startswith("file:"):
        return iter([_url_seed(source.strip())])
    return _begun(_path_seeds(_path_of(source), sheet, tell), source)


def unheard(_line: str) -> None:
    """For who reads a source again: what was guessed is told once."""


def _path_of(source: str) -> Path:
    """The path that was typed; a shell expands no ~ behind `seeds=`."""
    path = Path(source)
    if source.lower().startswith("file:"):
        try:
            return Path(read_image(source, []).label)
        except BadSeedError as error:
            raise SourceError(str(error)) from error
    is_home = source.startswith("~") and not path.exists()
    return Path(os.path.expanduser(source)) if is_home else path  # noqa: PTH111 - never raises


def _begun(seeds: Seeds, source: str) -> Seeds:
    """The same seeds, the first one already read: a source without any is known at once."""
    first = next(seeds, None)
    if first is None:
        raise _no_seed(source)
    return _put_back(first, seeds)


def _put_back(first: Seed | BadLine, seeds: Seeds) -> Seeds:
    yield first
    yield from seeds


def _no_seed(source: str) -> SourceError:
    return SourceError(f"{source}: holds no seed; give one picture a line")


def _url_seed(url: str) -> Seed:
    try:
        return _single_seed(read_image(url, []))
    except BadSeedError as error:
        raise SourceError(str(error)) from error


def _single_seed(image: Image) -> Seed:
    return Seed(default_id(image)[:200], image)


def _path_seeds(path: Path, sheet: str | None, tell: Tell) -> Seeds:
    try:
        if path.is_dir():
            return folder_seeds(path, tell)
        if not path.exists():
            raise SourceError(f"{shown(str(path))}: no such file or folder; check the path")
        if not path.is_file():
            raise SourceError(f"{path}: no regular file; use - to read standard input")
        if not path.stat().st_size:
            raise SourceError(f"{path}: the file is empty; give one picture a line")
        return _file_seeds(path, sheet, tell)
    except (OSError, ValueError) as error:
        raise SourceError(f"{shown(str(path))}: cannot be read ({error})") from error


def _file_seeds(path: Path, sheet: str | None, tell: Tell) -> Seeds:
    """By what it is; its name decides only among lists of text."""
    suffix = path.suffix.lower()
    if is_picture_file(path):
        return iter([_single_seed(FileImage(path))])
    folders = list(dict.fromkeys((path.parent, Path())))
    kind = kind_of_book(path)
    if kind in _BOOKS or (suffix in SHEET_SUFFIXES and kind is not None):
        return read_seeds(sheet_rows(path, sheet, tell), path.name, folders)
    if suffix == ".xls":  # many a shop's export is a text of tabs under this name
        suffix = ".csv"
    if suffix in _LISTS:
        return read_seeds(_list_rows(path, suffix, tell), path.name, folders)
    if suffix in SHEET_SUFFIXES:
        return read_seeds(sheet_rows(path, sheet, tell), path.name, folders)
    known = " ".join((*_LISTS, *SHEET_SUFFIXES))
    raise SourceError(f"{path}: unknown kind of file; known are pictures and lists: {known}")


def _list_rows(path: Path, suffix: str, tell: Tell) -> Rows:
    try:
        with path.open("rb") as stream:
            lines = decoded_lines(stream, path.name, tell)
            yield from _LISTS[suffix](lines, path.name, tell)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def _input_seeds(stdin: TextIO | BinaryIO, tell: Tell) -> Seeds:
    is_empty = True
    rows = text_rows(_input_lines(stdin, tell), "stdin", tell)
    for seed in read_seeds(rows, "stdin", [Path()]):
        is_empty = False
        yield seed
    if is_empty:
        raise _no_seed("standard input")


def _input_lines(stdin: Any, tell: Tell) -> Iterator[str | None]:
    stream = getattr(stdin, "buffer", stdin)
    is_bytes = isinstance(stream.read(0), bytes)
    return streamed_lines(stream, "standard input", tell) if is_bytes else iter(stream)
