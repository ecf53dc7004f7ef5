"""How many calls may still be made today."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Budget", "CallCounter", "LocalBudget"]


class CallCounter(Protocol):
    """Counts the calls of a key and day, over all runs."""

    def count_call(self) -> int: ...
    def calls_today(self) -> int: ...


class Budget(Protocol):
    """Leave to make one more call today; raises GateClosedError when the run ends meanwhile."""

    @property
    def calls_today(self) -> int: ...
    async def take(self) -> bool: ...


class LocalBudget:
    """A day's number of calls; None is no limit."""

    def __init__(self, calls_a_day: int | None, counter: CallCounter) -> None:
        self._calls_a_day = calls_a_day
        self._counter = counter

    async def take(self) -> bool:
        """Counts one call; False when the day's calls are used up, and nothing is counted."""
        if self._calls_a_day is None:
            return True
        if self.calls_today >= self._calls_a_day:
            return False
        self._counter.count_call()
        return True

    @property
    def calls_today(self) -> int:
        return self._counter.calls_today()
