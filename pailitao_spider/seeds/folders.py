"""Pictures in a folder and the folders below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from pailitao_spider.errors import BadSeedError, SourceError
from pailitao_spider.offers.values import cleaned
from pailitao_spider.pictures import RAW_SUFFIXES, known_format
from pailitao_spider.seeds.ids import TakenIds
from pailitao_spider.seeds.images import file_image
from pailitao_spider.seeds.model import BadLine, FileImage, Seed

__all__ = ["folder_seeds", "is_picture_file"]

# Pictures by their names, whatever is in them: what cannot be searched is told, not left out.
_PICTURE_SUFFIXES = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".apng", ".webp", ".bmp",
        ".dib", ".gif", ".tif", ".tiff", ".avif", ".avifs", ".heic", ".heif", ".hif", ".jxl",
        ".jp2", ".svg", ".psd", *RAW_SUFFIXES,
    )
)  # fmt: skip
_HEAD_BYTES = 64
_NAMES_SHOWN = 5


def is_picture_file(path: Path) -> bool:
    """By its first bytes, else by its name."""
    if path.suffix.lower() in _PICTURE_SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            return known_format(stream.read(_HEAD_BYTES)) is not None
    except (OSError, ValueError):
        return False


class _LeftOut:
    """Files that are no pictures: how many, and the first few."""

    def __init__(self) -> None:
        self.number = 0
        self._names: list[str] = []

    def add(self, path: Path) -> None:
        self.number += 1
        if len(self._names) < _NAMES_SHOWN:
            self._names.append(cleaned(path.name))

    def __str__(self) -> str:
        more = ", …" if self.number > len(self._names) else ""
        return f"{self.number} files left out, no pictures: {', '.join(self._names)}{more}"


def folder_seeds(folder: Path, tell: Callable[[str], None]) -> Iterator[Seed | BadLine]:
    """Each picture as a seed, sorted by name in each folder; hidden files and folders are not."""
    left_out = _LeftOut()
    is_empty = True
    with closing(TakenIds()) as taken:
        for found in _pictures(folder, left_out):
            is_empty = False
            yield _seed(found, taken)
    if left_out.number:
        tell(f"{FileImage(folder).label}: {left_out}")
    if is_empty:
        seen = f"no picture in it ({left_out})" if left_out.number else "the folder is empty"
        raise SourceError(f"{folder}: {seen}; put pictures in it or name another")


def _pictures(folder: Path, left_out: _LeftOut) -> Iterator[Path | OSError]:
    unreadable: list[OSError] = []
    for at, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            if name.startswith("."):
                continue
            if _is_picture(path):
                yield path
            else:
                left_out.add(path)
        yield from unreadable
        unreadable.clear()
    if any(Path(error.filename) == folder for error in unreadable):
        raise SourceError(f"{folder}: the folder cannot be read; change its permissions")
    yield from unreadable


def _is_picture(path: Path) -> bool:
    """What is no regular file is asked for nothing: a pipe would be waited for."""
    return path.suffix.lower() in _PICTURE_SUFFIXES or (path.is_file() and is_picture_file(path))


def _seed(found: Path | OSError, taken: TakenIds) -> Seed | BadLine:
    if isinstance(found, OSError):
        path = Path(found.filename)
        text = f"{path}: the folder cannot be read; change its permissions"
        return _bad(path, "unreadable_folder", text, taken)
    try:
        image = file_image(found)
    except BadSeedError as error:
        return _bad(found, error.code, str(error), taken)
    if image is None:
        return _bad(found, "no_such_file", f"{found}: a link to nothing; mend it", taken)
    return _named(image, taken)


def _named(image: FileImage, taken: TakenIds) -> Seed:
    return Seed(taken.take(image.path.name, image.label), image)


def _bad(path: Path, code: str, text: str, taken: TakenIds) -> BadLine:
    image = cleaned(FileImage(path).label)
    return BadLine(taken.take(path.name, image), image[:200], code, cleaned(text))
