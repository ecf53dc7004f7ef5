"""JSON Lines files that survive a kill: appended, synced, and mended when they are reopened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import BufferedWriter
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from pailitao_spider.errors import UNDECODABLE
from pailitao_spider.results.watched_files import WatchedFile
from pailitao_spider.storage.atomic_file import replacing

__all__ = ["ENCODER", "NO_LINE", "LineFile", "cut_torn_tail", "lines_of", "rewrite"]

NO_LINE = UNDECODABLE
"""What decoding a line raises that other software wrote, or a kill cut."""

ENCODER = msgspec.json.Encoder(decimal_format="number")
_BLOCK_BYTES = 1 << 16


def cut_torn_tail(path: Path) -> int:
    """Cuts an unfinished last line off; returns the bytes that were cut.

    A whole JSON object that only lacks its line end, as an editor may leave it, gets that.
    """
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = _end_of_last_line(file, size)
        file.seek(end)
        if _is_object(file.read()):
            file.write(b"\n")
            return 0
        file.truncate(end)
    return size - end


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except NO_LINE:
        return False


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    position = size
    while position > 0:
        start = max(0, position - _BLOCK_BYTES)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, none when there is no file."""
    if path.exists():
        with path.open("rb") as file:
            yield from file


def rewrite(path: Path, keep: Callable[[bytes], bool]) -> None:
    """Leaves only the lines that `keep` accepts; a kill leaves the old or the new file."""
    if not path.exists():
        return
    with replacing(path, sweeps=True) as file:
        file.writelines(line for line in lines_of(path) if keep(line))


class LineFile:
    """One file that lines are appended to. It is created with its first line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BufferedWriter | None = None

    def append(self, value: Any) -> None:
        """Adds one value as a line; durable after the next `flush` and fsync."""
        self.write(ENCODER.encode(value) + b"\n")

    def write(self, line: bytes) -> None:
        """Adds a line as it stands."""
        if self._file is None:
            self._file = BufferedWriter(WatchedFile(self.path))
        self._file.write(line)

    def flush(self) -> int | None:
        """Hands the lines to the operating system; returns the descriptor to fsync, if any.

        Raises OSError, also when the name no longer leads to what was written.
        """
        if self._file is None:
            return None
        self._file.flush()
        cast("WatchedFile", self._file.raw).check()
        return self._file.fileno()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
