"""Complete lines of a file from where one stood, also when the file was begun anew meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pailitao_spider.errors import ResultsError

__all__ = [
    "START",
    "Batch",
    "Position",
    "beginning_of",
    "lines_after",
    "position_after",
    "read",
    "stands",
]

_MOST_LINES = 1000
_MOST_BYTES = 4 << 20
_MARK_BYTES = 4096
_BEGINNING_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Position:
    """How much of a file is read; `mark` is the hash of what stands just before it."""

    bytes: int
    lines: int
    mark: str


START = Position(0, 0, hashlib.sha256().hexdigest())


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that follow each other, from `start` on."""

    start: Position
    lines: tuple[bytes, ...]

    @property
    def halves(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        middle = len(self.lines) // 2
        return self.lines[:middle], self.lines[middle:]


def beginning_of(path: Path) -> str | None:
    """What tells a file from others of its name: the hash of its first line, if it has one."""
    try:
        with path.open("rb") as file:
            first = file.readline(_BEGINNING_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    is_begun = first.endswith(b"\n") or len(first) == _BEGINNING_BYTES
    return hashlib.sha256(first).hexdigest() if is_begun else None


def stands(path: Path, position: Position) -> bool:
    """The file is still the one that was read up to there."""
    return _mark(path, position.bytes) == position.mark


def read(path: Path, start: Position) -> Batch:
    """The next complete lines, of which there may be none; a torn last one waits for its end."""
    lines: list[bytes] = []
    size = 0
    try:
        with path.open("rb", buffering=_BLOCK_BYTES) as file:
            file.seek(start.bytes)
            while len(lines) < _MOST_LINES and size < _MOST_BYTES:
                raw = file.readline()
                if not raw.endswith(b"\n"):
                    break
                lines.append(raw)
                size += len(raw)
    except OSError as error:
        raise _unreadable(path, error) from error
    return Batch(start, tuple(lines))


def lines_after(path: Path, position: Position) -> tuple[int, bool]:
    """How many complete lines follow, and whether a torn one does."""
    lines, block = 0, b"\n"
    try:
        with path.open("rb") as file:
            file.seek(position.bytes)
            while more := file.read(_BLOCK_BYTES):
                lines += more.count(b"\n")
                block = more
    except FileNotFoundError:
        return 0, False
    except OSError as error:
        raise _unreadable(path, error) from error
    return lines, not block.endswith(b"\n")


def position_after(path: Path, batch: Batch) -> Position:
    """Where its last line ends."""
    end = batch.start.bytes + sum(map(len, batch.lines))
    mark = _mark(path, end)
    if mark is None:
        raise ResultsError(f"{path} was cut while it was read")
    return Position(end, batch.start.lines + len(batch.lines), mark)


def _mark(path: Path, end: int) -> str | None:
    try:
        with path.open("rb") as file:
            return _hash_before(file, end)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _hash_before(file: IO[bytes], end: int) -> str | None:
    start = max(0, end - _MARK_BYTES)
    file.seek(start)
    found = file.read(end - start)
    return hashlib.sha256(found).hexdigest() if len(found) == end - start else None


def _unreadable(path: Path, error: OSError) -> ResultsError:
    return ResultsError(f"{path} cannot be read ({error.strerror or error})")
