"""A loop whose time jumps to the next timer as soon as nothing else is to be done.

What is proved of waiting is then proved exactly, at once, and on a machine of any speed. Threads
and sockets are not waited for: nothing for code that uses them.
"""

from __future__ import annotations

import asyncio

__all__ = ["VirtualLoop"]


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock stands while anything is done."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def stand_still(self, seconds: float) -> None:
        """As a process that gets no time."""
        self._now += seconds

    def _run_once(self) -> None:
        timers = [each.when() for each in self._scheduled if not each.cancelled()]
        if not self._ready and timers:
            self._now = max(self._now, min(timers))
        super()._run_once()  # type: ignore[misc]
