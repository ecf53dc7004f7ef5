"""A run in a line, and the words that line and panel share."""

from __future__ import annotations

from collections.abc import Mapping

from pailitao_spider.monitoring.snapshot import KeyProgress, Progress
from pailitao_spider.offers.values.texts import counted

__all__ = ["duration", "given_up", "line", "numbers", "pace", "refusals", "stopping"]

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_LARGE_COUNT = 10
_REFUSALS = {
    "throttled": "too fast",
    "spent": "quota used up",
    "token": "token not accepted",
    "denied": "key or call denied",
    "bad_seed": "picture not usable",
    "transient": "failed for the moment",
}


def line(progress: Progress) -> str:
    """The progress of a run that is not watched on a terminal."""
    total = "" if progress.total is None else f" of {progress.total}"
    counts = progress.counts
    return (
        f"{progress.through}{total} seeds ended, {progress.open} open; "
        f"{counts.pages} pages, {counts.offers['new']} offers; "
        f"{counts.calls} calls, at most {progress.limit_per_second:.3g}/s"
        f"{_left(progress.left_seconds)}"
    )


def stopping(calls: int, longest_seconds: float) -> str:
    """A run that was told to stop, while its last calls are under way."""
    waits = f"waiting for {counted(calls, 'call')}" if calls else "writing what came last"
    most = f" (up to {duration(longest_seconds)})" if calls and longest_seconds else ""
    return f"stopping: {waits}{most}; Ctrl-C again leaves at once"


def given_up(reason: str) -> str:
    """Why a page did not come; a refusal's class is put into words."""
    code, mark, text = reason.partition(": ")
    return f"{_REFUSALS[code]} ({code}): {text}" if mark and code in _REFUSALS else reason


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"; about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """`12 s`, `3 min 12 s`, `1 h 4 min`; below the tens a second unit, where it is not 0."""
    whole = max(round(seconds), 0)
    counts = []
    for name, size in _UNITS:
        count, whole = divmod(whole, size)
        counts.append((count, name))
    first = next((place for place, (count, _) in enumerate(counts) if count), len(counts) - 1)
    shown = counts[first : first + (1 if counts[first][0] >= _LARGE_COUNT else 2)]
    return " ".join(f"{count} {name}" for count, name in shown if count) or "0 s"


def numbers(counts: Mapping[str, int], *always: str) -> str:
    """Those that are not 0, and those that are always told."""
    told = (f"{number} {name}" for name, number in counts.items() if number or name in always)
    return ", ".join(told) or "none"


def refusals(counts: Mapping[str, int]) -> str:
    """Refusals by class, in plain words before the class."""
    return numbers({f"{_REFUSALS.get(kind, '?')} ({kind})": n for kind, n in counts.items()})


def pace(key: KeyProgress) -> str:
    """Calls a second now, of what the key is held to."""
    used = "?" if key.per_second is None else f"{key.per_second:.1f}"
    how = "" if key.is_given else " found" if key.has_found else " so far"
    return f"{used} of {key.limit_per_second:.3g}/s{how}"
