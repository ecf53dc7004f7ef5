"""What a run leaves for the next one beside its results: the uploads it made.

A small SQLite file. It saves calls and no more: a damaged one is set aside and begun anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.locks import journal_of

__all__ = ["CrawlState", "KeptUploads"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS uploads"
    " (owner TEXT, sha256 TEXT, imgid TEXT, PRIMARY KEY (owner, sha256)) WITHOUT ROWID",
)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class CrawlState:
    """Held by one run at a time. `path` None keeps it for this run only. Raises ResultsError."""

    def __init__(self, path: Path | None) -> None:
        self._database = _opened(path)
        self._path = path

    def uploads(self, owner: str) -> KeptUploads:
        """The uploads of one key; `owner` tells it from others and is not written down."""
        return KeptUploads(self._database, hashlib.sha256(owner.encode()).hexdigest()[:16])

    def close(self) -> None:
        """Leaves no journal: one that stays says that a run was killed (`was_cut_off`)."""
        if self._path is not None:
            with suppress(OSError):
                journal_of(self._path).unlink(missing_ok=True)  # while nobody else can have one
        self._database.close()


class KeptUploads:
    """The gateway's ids of pictures that one key uploaded."""

    def __init__(self, database: sqlite3.Connection, owner: str) -> None:
        self._database = database
        self._owner = owner

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
