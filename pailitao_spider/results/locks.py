"""Whether a crawl is writing these results right now, or was killed while it did."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

__all__ = ["is_being_written", "journal_of", "was_cut_off"]

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_being_written(state: Path) -> bool:
    """A run holds its state file for itself until its process ends, however it ends."""
    if not state.is_file():
        return False
    address = f"file:{quote(str(state.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        return (error.sqlite_errorcode or 0) & 0xFF in _LOCKED
    return False


def was_cut_off(state: Path) -> bool:
    """SQLite's journal stays beside the state file until the run that holds it closes it."""
    return journal_of(state).exists() and not is_being_written(state)


def journal_of(state: Path) -> Path:
    """What SQLite writes beside its file."""
    return state.with_name(f"{state.name}-journal")
