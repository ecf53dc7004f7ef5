"""Calls by key and day, for all runs of this user: a small SQLite file that they share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from pailitao_spider.keys.budget import DayUsage
from pailitao_spider.keys.quota_day import beijing_day

__all__ = ["UsageFile"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS usage (owner TEXT, day TEXT, calls INTEGER, billed INTEGER,"
    " spent INTEGER, PRIMARY KEY (owner, day)) WITHOUT ROWID"
)
_ADD = (
    "INSERT INTO usage VALUES (:owner, :day, :calls, :billed, :spent)"
    " ON CONFLICT (owner, day) DO UPDATE SET"
    " calls = calls + :calls, billed = billed + :billed, spent = spent + :spent"
    " WHERE :most IS NULL OR calls + :calls <= :most"
)
_KEPT_DAYS = 400
_BUSY_SECONDS = 5.0


class UsageFile:
    """`path` None counts for this process only. Raises sqlite3.Error where it cannot be used.

    One that can no longer be written, as on a full disk, is gone on with in memory: `failed` is
    told why.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Callable[[], float],
        failed: Callable[[sqlite3.Error], None] = lambda error: None,
    ) -> None:
        self._clock = clock
        self._failed = failed
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._is_in_memory = path is None
        self._database = _opened(path)
        before = beijing_day(clock() - _KEPT_DAYS * 86400)
        self._database.execute("DELETE FROM usage WHERE day < ?", (before,))

    def add(self, owner: str, use: DayUsage, most: int | None = None) -> bool:
        """Adds to the day's numbers of a key, in one step for all processes; False, and nothing
        is added, when the day would have more than `most` calls.
        """
        if most is not None and use.calls > most:
            return False
        day = beijing_day(self._clock())
        values = {"owner": owner, "day": day, "most": most, **asdict(use)}
        try:
            return self._database.execute(_ADD, values).rowcount > 0
        except sqlite3.Error as error:
            if self._is_in_memory:
                raise
            self._go_on_in_memory()
            self._failed(error)
            return self._database.execute(_ADD, values).rowcount > 0

    def today(self, owner: str) -> DayUsage:
        found = self._database.execute(
            "SELECT calls, billed, spent FROM usage WHERE owner = ? AND day = ?",
            (owner, beijing_day(self._clock())),
        ).fetchone()
        return DayUsage(*found) if found else DayUsage()

    def spent_today(self) -> int:
        found = self._database.execute(
            "SELECT SUM(spent) FROM usage WHERE day = ?", (beijing_day(self._clock()),)
        ).fetchone()
        return found[0] or 0

    def close(self) -> None:
        self._database.close()

    def _go_on_in_memory(self) -> None:
        """With what the file holds of all keys."""
        memory = _opened(None)
        with suppress(sqlite3.Error):
            rows = self._database.execute("SELECT * FROM usage").fetchall()
            memory.executemany("INSERT INTO usage VALUES (?, ?, ?, ?, ?)", rows)
        self._database.close()
        self._database, self._is_in_memory = memory, True


def _opened(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, timeout=_BUSY_SECONDS
    )
    # What the system has taken over outlives a kill; a power cut may cost the last calls.
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.execute(_SCHEMA)
    return database
