"""Result files under other names, moved into place together: a kill leaves the old ones."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.storage.atomic_file import AtomicFile

__all__ = ["AtomicFiles"]


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
        self._drafts.append(AtomicFile(target, sweeps=True))
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
