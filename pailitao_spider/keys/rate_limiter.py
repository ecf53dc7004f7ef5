"""Who may call when: a GCRA per app key, taken before a call is signed.

The crawl waits here, in the order in which it asked, so that a signature is fresh when it leaves
and a refusal slows everybody down. Until the first answer has come only one call is under way: a
wrong secret costs one call, a stale token one refresh.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

from pailitao_spider.keys.adaptive_rate import AdaptiveRate, Permit

__all__ = [
    "FIRST_ANSWER_SECONDS",
    "GateClosedError",
    "LocalRateLimiter",
    "RateLimiter",
    "catch_up_seconds",
]

_SLICE_SECONDS = 0.25  # how long a waiting call may take to notice that the run ends
_FIRST_SLICE_SECONDS = 0.01
FIRST_ANSWER_SECONDS = 60.0  # beyond any timeout: an answer that never came to the gate
# How much of a stall may be made good at once: a gateway's burst is small.
_CATCH_UP_CALLS = 3
_CATCH_UP_SECONDS = 0.1
_LEAST_CATCH_UP_SECONDS = 0.004  # a sleep ends that much late


class GateClosedError(Exception):
    """The run ends: no call leaves any more."""


class RateLimiter(Protocol):
    """Leave to call, for one key. The answer to each call is reported back."""

    @property
    def per_second(self) -> float: ...
    @property
    def has_found(self) -> bool: ...
    @property
    def opens_in(self) -> float:
        """Seconds until a call could leave, were it alone."""
        ...

    async def enter(self) -> Permit: ...
    def good(self, permit: Permit) -> None: ...
    def throttled(self, permit: Permit, wait_seconds: float | None) -> None: ...
    def unclear(self) -> None: ...


class LocalRateLimiter:
    """The gate of one process. `clock` gives monotonic seconds, `sleep` waits for some."""

    def __init__(
        self,
        pace: AdaptiveRate,
        burst: int = 1,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.pace = pace
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._next_at = clock()
        self._blocked_until = 0.0
        self._is_closing = is_closing
        self._is_proved = False
        self._first_until = -math.inf
        """So long the answer to the first call is waited for."""

    @property
    def per_second(self) -> float:
        """The calls a second that the key is held to now."""
        return self.pace.per_second

    @property
    def has_found(self) -> bool:
        """The gateway has shown where its limit is."""
        return self.pace.generation > 0

    @property
    def opens_in(self) -> float:
        return max(self._opens_at() - self._clock(), 0.0)

    async def enter(self) -> Permit:
        """Waits for leave to call. Raises GateClosedError when the run ends meanwhile."""
        asked_at = self._clock()
        async with self._turn:
            await self._first_answer()
            limited = await self._slot()
            if self._is_closing():
                raise GateClosedError
            now = self._clock()
            self._take(asked_at, now)
            return Permit(now, limited, self.pace.generation)

    def good(self, permit: Permit) -> None:
        """The key works and was not too fast."""
        self._is_proved = True
        self.pace.good(permit, self._clock())

    def throttled(self, permit: Permit, wait_seconds: float | None) -> None:
        """Too fast: all calls of the key wait, and go on slower."""
        self._is_proved = True
        self._burst = 1  # a burst that drew a refusal was too large, or somebody else's
        now = self._clock()
        pause = self.pace.throttled(permit, now, wait_seconds)
        self._blocked_until = max(self._blocked_until, now + pause)

    def unclear(self) -> None:
        """An answer that says nothing of key or pace."""
        self._first_until = -math.inf

    async def _first_answer(self) -> None:
        while not self._is_proved and self._clock() < self._first_until:
            await self._wait(_FIRST_SLICE_SECONDS)
            self._next_at = max(self._next_at, self._clock())
        self._first_until = self._clock() + FIRST_ANSWER_SECONDS

    async def _wait(self, seconds: float) -> None:
        if self._is_closing():
            raise GateClosedError
        await self._sleep(seconds)

    async def _slot(self) -> bool:
        limited = False
        while (delay := self._opens_at() - self._clock()) > 0:
            limited = True
            await self._wait(min(delay, _SLICE_SECONDS))
        return limited

    def _opens_at(self) -> float:
        slack = (self._burst - 1) / self.pace.per_second
        return max(self._next_at - slack, self._blocked_until)

    def _take(self, asked_at: float, now: float) -> None:
        """A call that was already waiting takes its slot as planned, however late it woke."""
        planned = max(self._next_at, self._blocked_until)
        interval = 1.0 / self.pace.per_second
        late = catch_up_seconds(self.pace.per_second)
        base = max(planned, now - late) if asked_at <= planned else max(planned, now)
        self._next_at = base + interval


def catch_up_seconds(per_second: float, calls: int = _CATCH_UP_CALLS) -> float:
    """How late a call may take its slot as if it were in time."""
    late = max(calls / per_second, _LEAST_CATCH_UP_SECONDS)
    return min(late, _CATCH_UP_SECONDS)
