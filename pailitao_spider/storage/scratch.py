"""Databases for one process: on disk where they grow, gone with it, never looked at again."""

from __future__ import annotations

import sqlite3

__all__ = ["scratch_database"]

_CACHE_KIB = 32 * 1024


def scratch_database(
    schema: str, *, cache_kib: int | None = None, of_any_thread: bool = False
) -> sqlite3.Connection:
    """An empty database with these tables, without a transaction.

    `of_any_thread`: one thread at a time uses it, but not always the one that made it.
    """
    # An empty name is SQLite's own temporary file, removed when it is closed.
    database = sqlite3.connect("", isolation_level=None, check_same_thread=not of_any_thread)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    database.execute(f"PRAGMA cache_size=-{cache_kib or _CACHE_KIB}")
    database.executescript(schema)
    return database
