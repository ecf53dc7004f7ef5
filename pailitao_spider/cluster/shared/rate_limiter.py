"""The gate of all workers that use one app key: the plan lies in Redis, each worker waits here.

A worker takes tickets in small batches, ahead of need, and lets a call go when its ticket opens.
A ticket is a place in the plan, not a moment: when the pace changes or the key is held back, every
worker's tickets move with the plan as soon as it hears of it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from msgspec import msgpack

from pailitao_spider.cluster.redis.client import ClosingError, Link, RedisUnavailableError
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.shared.rate_schedule import Ask, Plan, Report, Reservation, Tickets
from pailitao_spider.keys.adaptive_rate import CONSTANTS, AdaptiveRate, Permit
from pailitao_spider.keys.rate_limiter import (
    FIRST_ANSWER_SECONDS,
    GateClosedError,
    catch_up_seconds,
)

__all__ = ["RedisRateLimiter"]

logger = logging.getLogger(__name__)

_SLICE_SECONDS = 0.25  # how long a waiting call may take to notice that the run ends
_FIRST_SLICE_SECONDS = 0.01
_BATCH_SECONDS = 0.04
_LEAD_SECONDS = 0.02  # so long before its last ticket opens a worker asks for more
_CATCH_UP_CALLS = 2  # fewer than in one process: workers that are late are late together
_REPORT_SECONDS = 1.0  # a steady pace changes over hundreds of calls
_LEARNING_REPORT_SECONDS = 0.005  # a figure is as good as the answers that have been counted
# Who waits for a ticket that opens later looks again after a quarter of the time that is left.
_LOOK_SHARE = 0.25
_LEAST_LOOK_SECONDS, _MOST_LOOK_SECONDS = 0.1, 1.0

_LONG_BAN_SECONDS = 60.0  # worth a line: a crawl that only waits looks like one that hangs

_CONSTANTS = msgpack.encode(CONSTANTS)


class RedisRateLimiter:
    """The gate of one worker among several. `rate` None finds the pace together."""

    def __init__(
        self,
        link: Link,
        keys: AppKeys,
        rate: float | None,
        burst: int = 1,
        *,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._link = link
        self._key = keys.gate
        self._rate = rate
        self._burst = burst
        self._is_closing = is_closing
        self._is_closed = False
        self._turn = asyncio.Lock()
        self._turn_at = 0.0
        self._waiting = 0
        self._is_proved = False
        self._first_until = -math.inf
        """So long the answer to the first call is waited for."""
        self._tickets = Tickets()
        self._news = asyncio.Event()
        self._told_ban_until = 0.0
        self._reports: list[tuple[float, Report]] = []
        """With the moment by which each is to be told."""
        self._report_at = math.inf
        self._need = asyncio.Event()
        self._rests_until = -math.inf
        self._talk: asyncio.Task[None] | None = None

    @property
    def per_second(self) -> float:
        """The calls a second that the key is held to, all workers together."""
        plan = self._tickets.plan
        return plan.per_second if plan else AdaptiveRate(self._rate).per_second

    @property
    def has_found(self) -> bool:
        """The gateway has shown one of the workers where its limit is."""
        plan = self._tickets.plan
        return plan is not None and plan.generation > 0

    @property
    def opens_in(self) -> float:
        """Seconds for which the key is held back; what other workers wait for is not known."""
        plan = self._tickets.plan
        return max(plan.blocked_until - self._tickets.clock.there(monotonic()), 0) if plan else 0.0

    async def enter(self) -> Permit:
        """Waits for leave to call. Raises GateClosedError when the run ends meanwhile."""
        self._waiting += 1
        self._wake()
        try:
            async with self._turn:
                await self._first_answer()
                ticket = await self._open_ticket()
                return self._permit(ticket)
        finally:
            self._waiting -= 1

    def good(self, permit: Permit) -> None:
        """The key works and was not too fast."""
        plan = self._tickets.plan
        within = _REPORT_SECONDS if plan and not plan.is_learning else _LEARNING_REPORT_SECONDS
        self._report(permit, within)

    def throttled(self, permit: Permit, wait_seconds: float | None) -> None:
        """Too fast: the calls of all workers wait, and go on slower."""
        self._report(permit, 0.0, is_good=False, wait_seconds=wait_seconds or 0.0)

    def unclear(self) -> None:
        """An answer that says nothing of key or pace."""
        self._first_until = -math.inf

    async def close(self) -> None:
        """Lets nobody in any more; delivers the last reports if Redis answers."""
        self._is_closed = True
        self._news.set()
        if self._talk is not None:
            self._talk.cancel()
            await asyncio.gather(self._talk, return_exceptions=True)
        if self._reports:
            with suppress(RedisUnavailableError):
                await self._exchange()

    # waiting

    async def _first_answer(self) -> None:
        while self._is_first_out():
            self._check_open()
            await asyncio.sleep(_FIRST_SLICE_SECONDS)

    def _is_first_out(self) -> bool:
        """A call is under way, and none was answered yet."""
        return not self._is_proved and monotonic() < self._first_until

    async def _open_ticket(self) -> Reservation:
        self._turn_at = monotonic()
        while True:
            self._check_open()
            now = monotonic()
            self._tickets.drop_before(now - self._catch_up_seconds())
            left = self._tickets.first_opens_at() - now
            if left <= 0:
                return self._tickets.take()
            self._wake()
            await self._hear_news(min(left, _SLICE_SECONDS))

    def _permit(self, ticket: Reservation) -> Permit:
        plan = self._tickets.plan
        assert plan is not None
        self._first_until = monotonic() + FIRST_ANSWER_SECONDS
        return Permit(self._tickets.clock.there(monotonic()), ticket.limited, plan.generation)

    def _check_open(self) -> None:
        if self._is_closed or self._is_closing():
            raise GateClosedError
        if self._talk is None:
            self._talk = asyncio.ensure_future(self._talk_on())
        if self._talk.done():
            try:
                self._talk.result()
            except ClosingError as error:
                raise GateClosedError from error

    def _catch_up_seconds(self) -> float:
        return catch_up_seconds(self.per_second, _CATCH_UP_CALLS)

    async def _hear_news(self, seconds: float) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    # what Redis is needed for, and when

    def _report(
        self, permit: Permit, within: float, *, is_good: bool = True, wait_seconds: float = 0.0
    ) -> None:
        self._is_proved = True
        now = monotonic()
        sent = (permit.issued_at, permit.limited, permit.generation)
        report = Report(is_good, self._tickets.clock.there(now), *sent, wait_seconds)
        self._reports.append((now + within, report))
        self._report_at = min(self._report_at, now + within)
        self._wake()

    def _wake(self) -> None:
        if self._needs_at() < self._rests_until:
            self._need.set()

    def _needs_at(self) -> float:
        return min(self._report_at, self._asks_at(), self._looks_at())

    def _asks_at(self) -> float:
        if self._wanted() <= 0:
            return math.inf
        lead = max(_LEAD_SECONDS, 2 * self._tickets.clock.round_trip_seconds)
        return self._tickets.last_opens_at() - lead

    def _wanted(self) -> int:
        if not self._is_proved:
            return 0 if self._is_first_out() or self._tickets else min(self._waiting, 1)
        seconds = max(_BATCH_SECONDS, 2 * self._tickets.clock.round_trip_seconds)
        most = max(round(self.per_second * seconds), 1)
        return min(self._waiting - len(self._tickets), most)

    def _looks_at(self) -> float:
        if not (self._tickets and self._waiting):
            return math.inf
        heard_at = self._tickets.heard_at
        left = self._tickets.first_opens_at() - heard_at
        return heard_at + min(max(left * _LOOK_SHARE, _LEAST_LOOK_SECONDS), _MOST_LOOK_SECONDS)

    # talking to Redis, one call at a time

    async def _talk_on(self) -> None:
        failures = 0
        while not self._is_closed:  # the client may swallow the cancellation of a call
            await self._rest()
            try:
                await self._exchange()
                failures = 0
            except RedisUnavailableError:
                await self._link.pause(failures)
                failures += 1

    async def _rest(self) -> None:
        while (left := (until := self._needs_at()) - monotonic()) > 0:
            self._rests_until = until
            self._need.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if left == math.inf else left):
                    await self._need.wait()
        self._rests_until = -math.inf

    async def _exchange(self) -> None:
        asked_at = monotonic()
        ask = self._ask(asked_at)
        answer = await self._link.script("gate", self._key, _CONSTANTS, msgpack.encode(ask))
        now = monotonic()
        del self._reports[: len(ask.reports)]
        self._report_at = min((by for by, _ in self._reports), default=math.inf)
        plan = msgpack.decode(answer, type=Plan)
        self._tickets.learn(plan, asked_at, now)
        self._tell_ban(plan)
        self._news.set()

    def _ask(self, now: float) -> Ask:
        is_due = now >= self._asks_at() and not self._is_closed
        return Ask(
            self._rate,
            self._burst,
            opens=self._tickets.plan is None,
            wanted=self._wanted() if is_due else 0,
            back_seconds=min(now - self._turn_at, self._catch_up_seconds()),
            reports=tuple(report for _, report in self._reports),
        )

    def _tell_ban(self, plan: Plan) -> None:
        left = plan.blocked_until - plan.now
        if left > _LONG_BAN_SECONDS and plan.blocked_until > self._told_ban_until + 1:
            self._told_ban_until = plan.blocked_until
            logger.warning("the gateway holds this key back: no call for %.0f s", left)
