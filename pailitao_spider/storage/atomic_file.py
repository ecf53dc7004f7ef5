"""A file that is written under another name and then takes its place: a kill leaves the old one.

The other name ends in eight hexadecimal digits and `.new`, so two writers never mix their bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from pailitao_spider.errors import ResultsError

__all__ = ["ENDING", "AtomicFile", "ended", "replacing"]

ENDING = ".new"
_BUFFER_BYTES = 1 << 20
_EVERYBODY, _OWNER = 0o666, 0o600
_BINARY = getattr(os, "O_BINARY", 0)  # Windows


def _sweep(target: Path) -> None:
    left = re.compile(rf"{re.escape(target.name)}\.[0-9a-f]{{8}}{re.escape(ENDING)}")
    with suppress(FileNotFoundError):
        for path in target.parent.iterdir():
            if left.fullmatch(path.name):
                path.unlink(missing_ok=True)


def ended(line: bytes) -> bytes:
    """A line as it stands, with the line end that the last of a file may lack."""
    return line if line.endswith(b"\n") else line + b"\n"


class AtomicFile:
    """One file to be.

    `is_private`: only its owner may read it. `sweeps`: what killed writers of it left is removed,
    which would also stop one that still writes. Raises OSError.
    """

    def __init__(self, target: Path, *, is_private: bool = False, sweeps: bool = False) -> None:
        if sweeps:
            _sweep(target)
        self._target = target
        self._path = target.with_name(f"{target.name}.{token_hex(4)}{ENDING}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
        descriptor = os.open(self._path, flags, _OWNER if is_private else _EVERYBODY)
        self.file: BinaryIO = os.fdopen(descriptor, "wb", buffering=_BUFFER_BYTES)
        self.is_empty = True

    def append(self, line: bytes) -> None:
        """Adds a line."""
        self.file.write(ended(line))

    def finish(self) -> None:
        """Makes what was written durable."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.is_empty = os.fstat(self.file.fileno()).st_size == 0
        self.file.close()

    def publish(self) -> None:
        """Puts the finished file in its place. Raises ResultsError when another writer swept it."""
        try:
            self._path.replace(self._target)
        except FileNotFoundError as error:
            raise ResultsError(
                f"{self._target}: another command writes this result too; let it end, then look"
            ) from error

    def withdraw(self) -> None:
        """There is to be no such file: what was there before goes."""
        self._target.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leaves what was there before; without effect once the file is in its place."""
        with suppress(OSError):  # a full disk: the rest of the buffer is given up, too
            self.file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


@contextmanager
def replacing(
    target: Path, *, is_private: bool = False, sweeps: bool = False
) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `target` when nothing was raised."""
    draft = AtomicFile(target, is_private=is_private, sweeps=sweeps)
    try:
        yield draft.file
        draft.finish()
        draft.publish()
    finally:
        draft.discard()
