"""Seed sources: files, folders, addresses and standard input, read one seed at a time."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from pailitao_spider.errors import BadSeedError, SourceError
from pailitao_spider.seeds import BadLine, FileImage, Image, Seed
from pailitao_spider.sources.folders import PICTURE_SUFFIXES, folder_seeds
from pailitao_spider.sources.images import read_image, shown
from pailitao_spider.sources.lines import decoded_lines
from pailitao_spider.sources.names import default_id
from pailitao_spider.sources.rows import Fault, Row, read_seeds
from pailitao_spider.sources.sheets import sheet_rows
from pailitao_spider.sources.tables import csv_rows, json_rows, text_rows, tsv_rows

__all__ = ["open_source"]

Seeds = Iterator[Seed | BadLine]
Rows = Iterator[Row | Fault]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_LISTS: dict[str, Callable[[Iterator[str | None], str], Rows]] = {
    ".txt": text_rows,
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".jsonl": json_rows,
}


def open_source(source: str, stdin: TextIO | BinaryIO | None = None) -> Seeds:
    """The seeds of a source, read as they are asked for; any one thread at a time may ask.

    Raises SourceError at once, and from the iterator when standard input turns out empty.
    """
    if source == "-":
        return _input_seeds(sys.stdin if stdin is None else stdin)
    if _SCHEME.match(source.strip()):
        return iter([_url_seed(source.strip())])
    return _begun(_path_seeds(Path(source)), source)


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


def _path_seeds(path: Path) -> Seeds:
    try:
        if path.is_dir():
            return folder_seeds(path)
        if not path.exists():
            raise SourceError(f"{shown(str(path))}: no such file or folder; check the path")
        if not path.is_file():
            raise SourceError(f"{path}: no regular file; use - to read standard input")
        if not path.stat().st_size:
            raise SourceError(f"{path}: the file is empty; give one picture a line")
    except (OSError, ValueError) as error:
        raise SourceError(f"{shown(str(path))}: cannot be read ({error})") from error
    return _file_seeds(path)


def _file_seeds(path: Path) -> Seeds:
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return iter([_single_seed(FileImage(path))])
    folders = list(dict.fromkeys((path.parent, Path())))
    if suffix == ".xlsx":
        return read_seeds(sheet_rows(path), path.name, folders)
    if suffix in _LISTS:
        return read_seeds(_list_rows(path, suffix), path.name, folders)
    known = " ".join((*_LISTS, ".xlsx", *sorted(PICTURE_SUFFIXES)))
    raise SourceError(f"{path}: unknown kind of file; known are {known}")


def _list_rows(path: Path, suffix: str) -> Rows:
    try:
        with path.open("rb") as stream:
            yield from _LISTS[suffix](decoded_lines(stream), path.name)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def _input_seeds(stdin: TextIO | BinaryIO) -> Seeds:
    is_empty = True
    for seed in read_seeds(text_rows(_input_lines(stdin), "stdin"), "stdin", [Path()]):
        is_empty = False
        yield seed
    if is_empty:
        raise _no_seed("standard input")


def _input_lines(stdin: Any) -> Iterator[str | None]:
    stream = getattr(stdin, "buffer", stdin)
    return decoded_lines(stream) if isinstance(stream.read(0), bytes) else iter(stream)
