"""The gateways' day: it begins at midnight in Beijing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["beijing_day", "next_midnight"]

_BEIJING_SECONDS = 8 * 3600


def beijing_day(now: float) -> str:
    """The date there; `now` in unix seconds."""
    there = datetime.fromtimestamp(now, UTC) + timedelta(seconds=_BEIJING_SECONDS)
    return there.date().isoformat()


def next_midnight(now: float, hours: int = 8) -> float:
    """When the next day begins so many hours ahead of UTC, as in Beijing; in unix seconds."""
    return now + 86400 - (now + 3600 * hours) % 86400
