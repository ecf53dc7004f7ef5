"""A look at a run as the live page has it: of one process, or of a run in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pailitao_spider.monitoring.snapshot import KeyProgress, Progress
from pailitao_spider.monitoring.text import pace

__all__ = ["of_progress"]


def of_progress(progress: Progress) -> dict[str, Any]:
    """All that the page shows, as plain values."""
    counts = progress.counts
    return {
        "name": None if progress.run is None else progress.run.name,
        "seconds": progress.seconds,
        "left_seconds": progress.left_seconds,
        "total": progress.total,
        "through": progress.through,
        "open": progress.open,
        "seeds": dict(counts.seeds),
        "known": counts.known,
        "offers": dict(counts.offers),
        "offers_per_second": progress.offers_per_second,
        "pages": counts.pages,
        "pages_per_second": progress.pages_per_second,
        "calls": counts.calls,
        "refused": {name: count for name, count in counts.refused.items() if count},
        "keys": _keys(progress.keys),
        "run": None if progress.run is None else asdict(progress.run),
        "slowest": None if progress.slowest is None else asdict(progress.slowest),
        "last_word": None if progress.last_word is None else asdict(progress.last_word),
        "workers": [],
    }


def _keys(keys: Sequence[KeyProgress]) -> list[dict[str, Any]]:
    return [
        {"name": key.name, "pace": pace(key), "calls": key.calls, "today": key.today.calls,
         "daily_calls": key.daily_calls, "out": key.out}
        for key in keys
    ]  # fmt: skip
