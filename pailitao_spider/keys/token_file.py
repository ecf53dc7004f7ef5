"""Rotated tokens survive the run: a file that only the user can read.

A gateway may give a new refresh token with every refresh and forget the configured one. The file
is used as long as the configured tokens are the ones that it grew from; a newly configured token
wins. Runs at the same time share it: who renews holds a lock beside it and reads it first.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pailitao_spider.errors import UNDECODABLE
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.keys.tokens import Token
from pailitao_spider.storage.atomic_file import replacing

__all__ = ["TokenFile", "default_folder"]

_LONGEST_LOCK_SECONDS = 120.0  # a renewal that is tried again and again
_LOOK_SECONDS = 0.05


def default_folder() -> Path:
    """`$XDG_STATE_HOME/pailitao_spider`, by default below `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "pailitao_spider"


class _Kept(msgspec.Struct):
    grown_from: str
    access: str
    refresh: str | None
    renew_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The newest tokens of one app key, grown from the configured ones."""

    path: Path
    configured: Token

    @classmethod
    def of(cls, folder: Path, app_key: str, configured: Token) -> TokenFile:
        return cls(folder / f"tokens-{_hash(app_key)}.json", configured)

    def newest(self) -> Token:
        """The kept tokens, or the configured ones."""
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
        except (OSError, *UNDECODABLE):
            return self.configured
        if kept.grown_from != self._root():
            return self.configured
        return Token(kept.access, kept.refresh, 0, kept.renew_at, kept.ends_at)

    def keep(self, token: Token) -> None:
        """Replaces the file as a whole, readable by the user only. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = _Kept(
            self._root(), token.access or "", token.refresh, token.renew_at, token.ends_at
        )
        with replacing(self.path, is_private=True) as file:
            file.write(msgspec.json.encode(content))

    @asynccontextmanager
    async def locked(self, is_closing: Callable[[], bool] = lambda: False) -> AsyncIterator[None]:
        """Held by one run at a time; the system lets go of it when its process dies.

        Where nothing can be written, or whoever holds it does not let go for long, it is gone on
        without. Raises GateClosedError when the run ends meanwhile.
        """
        with closing(self._lock()) as lock:
            left = _LONGEST_LOCK_SECONDS
            while left > 0 and _is_held(lock):
                if is_closing():
                    raise GateClosedError
                await asyncio.sleep(_LOOK_SECONDS)
                left -= _LOOK_SECONDS
            yield

    def _lock(self) -> sqlite3.Connection:
        """SQLite's own locks work everywhere; nothing is written."""
        place = self.path.with_name(f"renewal-{self.path.stem.removeprefix('tokens-')}.lock")
        with suppress(OSError, sqlite3.Error):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return sqlite3.connect(place, timeout=0, isolation_level=None)
        return sqlite3.connect(":memory:")

    def _root(self) -> str:
        return _hash(f"{self.configured.access}\n{self.configured.refresh}")


def _is_held(lock: sqlite3.Connection) -> bool:
    """By another run; else it is taken."""
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return False


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
