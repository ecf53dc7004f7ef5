"""What this run and the one before it know of seeds and pictures, in flat memory.

A private temporary SQLite database: exact, on disk when it grows, gone with the process.
"""

from __future__ import annotations

import sqlite3
import zlib

__all__ = ["PageStore", "Roster"]

_SCHEMA = """
CREATE TABLE ledger (seed_id TEXT PRIMARY KEY, image TEXT, status TEXT) WITHOUT ROWID;
CREATE TABLE pictures (key TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID;
"""


def _temporary() -> sqlite3.Connection:
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    return database


class Roster:
    """Final seeds by id, and finished searches by picture."""

    def __init__(self) -> None:
        self._database = _temporary()
        self._database.executescript(_SCHEMA)

    def note_seed(self, seed_id: str, image: str, status: str) -> bool:
        """Remembers a seed's final state, the last one wins; True when there was one before."""
        known = self.seed(seed_id) is not None
        self._database.execute(
            "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?)", (seed_id, image, status)
        )
        return known

    def seed(self, seed_id: str) -> tuple[str, str] | None:
        """The image and status of a final seed."""
        found: tuple[str, str] | None = self._database.execute(
            "SELECT image, status FROM ledger WHERE seed_id = ?", (seed_id,)
        ).fetchone()
        return found

    def note_picture(self, key: str, line: bytes) -> None:
        """Remembers the ledger line of the first seed with this picture."""
        self._database.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?)", (key, line))

    def picture(self, key: str) -> bytes | None:
        """The ledger line of the finished search for this picture."""
        found = self._database.execute("SELECT line FROM pictures WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def close(self) -> None:
        self._database.close()


class PageStore:
    """Answers kept for other seeds with the same picture, when each needs rows of its own."""

    def __init__(self) -> None:
        self._database = _temporary()
        self._database.execute(
            "CREATE TABLE pages"
            " (key TEXT, page INT, gateway TEXT, body BLOB, PRIMARY KEY (key, page))"
        )

    def keep(self, key: str, page: int, gateway: str, body: bytes) -> None:
        packed = zlib.compress(body, level=1)
        self._database.execute(
            "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)", (key, page, gateway, packed)
        )

    def find(self, key: str, page: int) -> tuple[str, bytes] | None:
        """The gateway that gave the answer, and its body."""
        found = self._database.execute(
            "SELECT gateway, body FROM pages WHERE key = ? AND page = ?", (key, page)
        ).fetchone()
        return (found[0], zlib.decompress(found[1])) if found else None

    def close(self) -> None:
        self._database.close()
