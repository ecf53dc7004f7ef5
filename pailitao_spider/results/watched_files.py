"""Result files that know by their names what became of them.

A descriptor goes on taking lines after its file was removed, renamed or replaced; who opens the
name afterwards finds nothing of them. So what was written is looked at by its name, too.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

from pailitao_spider.errors import ResultsError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed, renamed or opened twice
    fcntl = None  # type: ignore[assignment]

__all__ = ["HeldFile", "WatchedFile"]


class WatchedFile(io.FileIO):
    """A file under way. Only regular ones are watched, no pipes or devices."""

    def __init__(self, path: Path, mode: str = "ab") -> None:
        super().__init__(path, mode)
        self._path = path.absolute()
        opened = os.fstat(self.fileno())
        self._is_watched = stat.S_ISREG(opened.st_mode)
        self._end = opened.st_size

    def write(self, data: Any, /) -> int:
        """Raises OSError where what was written before is gone."""
        if self._is_watched:
            _check_size(self._path, os.fstat(self.fileno()), self._end)
        number = super().write(data)
        if self._is_watched:
            self._end = max(self._end, self.tell())
        return number

    def truncate(self, size: int | None = None, /) -> int:
        """Cuts it for the one who writes."""
        self._end = super().truncate(size)
        return self._end

    def check(self) -> None:
        """Raises OSError where the name no longer leads to all that was written."""
        if self._is_watched:
            held = os.fstat(self.fileno())
            _check_name(self._path, held)
            _check_size(self._path, held, self._end)


class HeldFile:
    """A file that one run keeps from others, by whatever name these call it.

    Raises ResultsError where another run has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._descriptor: int | None = None
        if not path.is_file():
            return
        self._descriptor = os.open(path, os.O_RDONLY)
        if fcntl is not None:
            self._lock(path, self._descriptor)

    def _lock(self, path: Path, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise ResultsError(
                f"{path}: another run is writing these results; wait for its end or name other ones"
            ) from error
        except OSError:
            return  # a file system without locks

    def check(self) -> None:
        """Raises OSError where the name leads elsewhere, or nowhere."""
        if self._descriptor is not None:
            _check_name(self._path, os.fstat(self._descriptor))

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _check_name(path: Path, held: os.stat_result) -> None:
    try:
        named = path.stat()
    except OSError as error:
        raise OSError(f"{path} was removed or renamed while it was written") from error
    if (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino):
        raise OSError(f"{path} was replaced by another file while it was written")


def _check_size(path: Path, held: os.stat_result, end: int) -> None:
    if held.st_size < end:
        raise OSError(
            f"{path} was cut to {held.st_size} of {end} bytes by another program while it was "
            "written"
        )
