"""Fetched pictures on disk, so that a second run fetches nothing."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pailitao_spider.errors import ConfigError
from pailitao_spider.storage.atomic_file import ENDING, replacing

__all__ = ["PictureCache", "default_folder"]

_FORGOTTEN_SECONDS = 3600
_LEFT_SHARE = 0.9


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/pailitao_spider/pictures`, by default below `~/.cache`."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "pailitao_spider" / "pictures"


class PictureCache:
    """Files named by the SHA-256 of their URL; beyond `most_bytes` the oldest go.

    Safe to delete, and for threads and processes to share: only the user can read it.
    """

    def __init__(self, folder: Path, most_bytes: int = 500_000_000) -> None:
        """Raises ConfigError for a folder that cannot be made or written."""
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._bytes = sum(size for _, size, _ in self._files())
        except OSError as error:
            raise _unusable(folder, error.strerror or str(error)) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _unusable(folder, "it is read-only")

    def get(self, url: str) -> bytes | None:
        """None where it is not there, or cannot be read."""
        try:
            return self._path(url).read_bytes() or None
        except OSError:
            return None

    def put(self, url: str, raw: bytes) -> None:
        """Keeps a picture whole or not at all. Raises OSError."""
        path = self._path(url)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        with replacing(path, is_private=True) as file:
            file.write(raw)
        with self._lock:
            self._bytes += len(raw)
            if self._bytes > self._most_bytes:
                self._bytes = self._pruned()

    def drop(self, url: str) -> None:
        """Forgets a picture that proved to be damaged."""
        with suppress(OSError):
            self._path(url).unlink(missing_ok=True)

    def _path(self, url: str) -> Path:
        name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / name[:2] / name

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Their times, sizes and places; what a kill left half-written is removed."""
        forgotten = time.time() - _FORGOTTEN_SECONDS
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                if path.name.endswith(ENDING) and stat.st_mtime < forgotten:
                    path.unlink()
                else:
                    yield stat.st_mtime, stat.st_size, path

    def _pruned(self) -> int:
        """Removes the oldest; the bytes that are left."""
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= _LEFT_SHARE * self._most_bytes:
                break
            with suppress(OSError):
                path.unlink()
                left -= size
        return left


def _unusable(folder: Path, why: str) -> ConfigError:
    return ConfigError(f"{folder}: pictures cannot be kept there ({why}); set XDG_CACHE_HOME")
