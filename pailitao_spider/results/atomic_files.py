"""Result files under other names, moved into place together: a kill leaves the old ones."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.paths import ResultPaths

__all__ = ["AtomicFile", "AtomicFiles"]

_ENDING = ".merging"
_BUFFER_BYTES = 1 << 20


class AtomicFile:
    """One file to be. A name of its own keeps two merges to one place from mixing their lines.

    What a killed one left of this file is removed.
    """

    def __init__(self, target: Path) -> None:
        for left in target.parent.glob(f"{glob.escape(target.name)}.*{_ENDING}"):
            left.unlink(missing_ok=True)
        self._target = target
        self._path = target.with_name(f"{target.name}.{token_hex(4)}{_ENDING}")
        self._file = self._path.open("xb", buffering=_BUFFER_BYTES)
        self.is_empty = True

    def append(self, line: bytes) -> None:
        """Adds a line as it stands; the last of a file may lack its line end."""
        self._file.write(line if line.endswith(b"\n") else line + b"\n")

    def finish(self) -> None:
        """Makes the lines durable."""
        self.is_empty = self._file.tell() == 0
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def publish(self) -> None:
        """Puts the file in its place."""
        try:
            self._path.replace(self._target)
        except FileNotFoundError as error:
            raise ResultsError(
                f"{self._target}: another merge writes this result too; let it end, then look"
            ) from error

    def withdraw(self) -> None:
        """There is to be no such file: what an earlier merge left goes."""
        self._target.unlink(missing_ok=True)

    def discard(self) -> None:
        with suppress(OSError):  # a full disk: the rest of the buffer is given up, too
            self._file.close()
        self._path.unlink(missing_ok=True)


class AtomicFiles:
    """The feed and what lies beside it."""

    def __init__(self, paths: ResultPaths) -> None:
        self._folder = paths.feed.parent
        self._drafts: list[AtomicFile] = []
        self._folder.mkdir(parents=True, exist_ok=True)
        if paths.feed.exists() and not os.access(paths.feed, os.W_OK):
            raise PermissionError(None, "it is read-only", str(paths.feed))
        try:
            self.feed = self._begin(paths.feed)
            self.rejected = self._begin(paths.rejected)
            self.matches = self._begin(paths.matches)
            self.seeds = self._begin(paths.seeds)
        except OSError:
            self.discard()
            raise

    def _begin(self, target: Path) -> AtomicFile:
        self._drafts.append(AtomicFile(target))
        return self._drafts[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def publish(self) -> None:
        """Moves all into place: the ledger last, so that it never claims what is not there yet.

        Only the feed may be empty.
        """
        for draft in self._drafts:
            draft.finish()
        if self.seeds.is_empty:
            self.seeds.withdraw()  # first: an old ledger says nothing of the new feed
        for draft in self._drafts:
            if draft is self.feed or not draft.is_empty:
                draft.publish()
            else:
                draft.withdraw()
        _sync_folder(self._folder)

    def discard(self) -> None:
        for draft in self._drafts:
            draft.discard()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
