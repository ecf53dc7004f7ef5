"""What a run leaves for the next one beside its results: uploads made, calls of the day.

A small SQLite file. It saves calls and no more: a damaged one is set aside and begun anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pailitao_spider.errors import ResultsError

__all__ = ["CrawlState", "beijing_day"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS uploads"
    " (owner TEXT, sha256 TEXT, imgid TEXT, PRIMARY KEY (owner, sha256)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS calls"
    " (owner TEXT, day TEXT, number INTEGER, PRIMARY KEY (owner, day)) WITHOUT ROWID",
)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def beijing_day(now: float) -> str:
    """The gateways' day begins at midnight in Beijing; `now` in unix seconds."""
    return (datetime.fromtimestamp(now, UTC) + timedelta(hours=8)).date().isoformat()


class CrawlState:
    """Uploads and calls of one app key. `path` None keeps them for this run only."""

    def __init__(self, path: Path | None, owner: str, clock: Callable[[], float]) -> None:
        self._owner = hashlib.sha256(owner.encode()).hexdigest()[:16]
        self._clock = clock
        self._database = _opened(path)

    def imgid(self, sha256: str) -> str | None:
        """The id under which the gateway has this picture."""
        found = self._database.execute(
            "SELECT imgid FROM uploads WHERE owner = ? AND sha256 = ?", (self._owner, sha256)
        ).fetchone()
        return found[0] if found else None

    def keep_upload(self, sha256: str, imgid: str) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", (self._owner, sha256, imgid)
        )

    def forget_upload(self, sha256: str) -> None:
        self._database.execute(
            "DELETE FROM uploads WHERE owner = ? AND sha256 = ?", (self._owner, sha256)
        )

    def count_call(self) -> int:
        """Notes a call before it leaves; returns the day's calls with it."""
        day = beijing_day(self._clock())
        self._database.execute(
            "INSERT INTO calls VALUES (?, ?, 1)"
            " ON CONFLICT (owner, day) DO UPDATE SET number = number + 1",
            (self._owner, day),
        )
        return self.calls_today()

    def calls_today(self) -> int:
        found = self._database.execute(
            "SELECT number FROM calls WHERE owner = ? AND day = ?",
            (self._owner, beijing_day(self._clock())),
        ).fetchone()
        return found[0] if found else 0

    def close(self) -> None:
        self._database.close()


def _opened(path: Path | None) -> sqlite3.Connection:
    try:
        return _prepared(path)
    except sqlite3.DatabaseError as error:
        if path is None or error.sqlite_errorcode not in _DAMAGED:
            raise ResultsError(_why(path, error)) from error
        path.replace(path.with_name(path.name + ".damaged"))
        return _prepared(path)


def _why(path: Path | None, error: sqlite3.DatabaseError) -> str:
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path}: another run is writing these results; wait for its end or name other ones"
    return f"{path} cannot be written ({error}); give another place with -O or -o"


def _prepared(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect("" if path is None else path, isolation_level=None, timeout=0)
    try:
        # A kill loses nothing that was handed to the system; a power cut may, and costs calls.
        database.execute("PRAGMA synchronous=OFF")
        # Held until the process ends, however it ends: two runs cannot write the same results.
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        for statement in _SCHEMA:
            database.execute(statement)
        database.execute("COMMIT")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
