"""Calls by key and day, for all runs of this user: a small SQLite file that they share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from pailitao_spider.access.budget import DayUse
from pailitao_spider.access.days import beijing_day

__all__ = ["UsageFile"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS usage (owner TEXT, day TEXT, calls INTEGER, billed INTEGER,"
    " spent INTEGER, PRIMARY KEY (owner, day)) WITHOUT ROWID"
)
_KEPT_DAYS = 400
_BUSY_SECONDS = 5.0


class UsageFile:
    """`path` None counts for this process only. Raises sqlite3.Error where it cannot be used."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, timeout=_BUSY_SECONDS
        )
        # What the system has taken over outlives a kill; a power cut may cost the last calls.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(_SCHEMA)
        before = beijing_day(clock() - _KEPT_DAYS * 86400)
        self._database.execute("DELETE FROM usage WHERE day < ?", (before,))

    def add(self, owner: str, use: DayUse, most: int | None = None) -> bool:
        """Adds to the day's numbers of a key, in one step for all processes; False, and nothing
        is added, when the day would have more than `most` calls.
        """
        if most is not None and use.calls > most:
            return False
        added = self._database.execute(
            "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (owner, day) DO UPDATE SET"
            " calls = calls + ?3, billed = billed + ?4, spent = spent + ?5"
            " WHERE ?6 IS NULL OR calls + ?3 <= ?6",
            (owner, beijing_day(self._clock()), use.calls, use.billed, use.spent, most),
        )
        return added.rowcount > 0

    def today(self, owner: str) -> DayUse:
        found = self._database.execute(
            "SELECT calls, billed, spent FROM usage WHERE owner = ? AND day = ?",
            (owner, beijing_day(self._clock())),
        ).fetchone()
        return DayUse(*found) if found else DayUse()

    def spent_today(self) -> int:
        found = self._database.execute(
            "SELECT SUM(spent) FROM usage WHERE day = ?", (beijing_day(self._clock()),)
        ).fetchone()
        return found[0] or 0

    def close(self) -> None:
        self._database.close()
