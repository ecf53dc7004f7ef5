"""The gate and its pace, against a token bucket on a clock of our own."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from pailitao_spider.access.gate import GateClosedError, LocalGate
from pailitao_spider.access.pace import Pace


class Clock:
    """Virtual time: sleepers wake in order, nobody waits for real."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def run(self, until: float) -> None:
        while self.now < until:
            for _ in range(20):
                await asyncio.sleep(0)
            if not self._sleepers or self._sleepers[0][0] > until:
                self.now = until
                return
            at, _, future = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            if not future.done():
                future.set_result(None)


@dataclass
class Bucket:
    """A gateway's quota: `rate` a second, `burst` at once, answers after `latency`."""

    clock: Clock
    rate: float
    burst: float
    latency: float = 0.08
    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tokens = self.burst
        self._at = self.clock()

    async def call(self) -> bool:
        await self.clock.sleep(self.latency / 2)
        now = self.clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        accepted = self._tokens >= 1
        self._tokens -= accepted
        (self.good if accepted else self.refused).append(now)
        await self.clock.sleep(self.latency / 2)
        return accepted


class Scattered(Bucket):
    """Refuses every fifth call, however slow they come."""

    async def call(self) -> bool:
        accepted = await super().call()
        if accepted and len(self.good) % 5 == 4:
            self.refused.append(self.good.pop())
            self.good.append(self.clock() - 1e6)
            return False
        return accepted


async def _client(gate: LocalGate, bucket: Bucket) -> None:
    while True:
        permit = await gate.enter()
        if await bucket.call():
            gate.good(permit)
        else:
            gate.throttled(permit, None)


def drive(
    rate: float, burst: int, known: bool, seconds: float, latency: float = 0.08, workers: int = 64
) -> Bucket:
    async def run() -> Bucket:
        clock = Clock()
        bucket = Bucket(clock, rate, burst, latency)
        gate = LocalGate(Pace(rate if known else None), clock=clock, sleep=clock.sleep)
        tasks = [asyncio.ensure_future(_client(gate, bucket)) for _ in range(workers)]
        await clock.run(clock() + seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return bucket

    return asyncio.run(run())


def share(bucket: Bucket, start: float, end: float) -> float:
    good = sum(1000 + start <= at < 1000 + end for at in bucket.good)
    return good / (bucket.rate * (end - start))


def refusals(bucket: Bucket, start: float, end: float) -> float:
    refused = sum(1000 + start <= at < 1000 + end for at in bucket.refused)
    return refused / max(1, sum(1000 + start <= at < 1000 + end for at in bucket.good))


@pytest.mark.parametrize("rate", [1, 5, 20, 100])
def test_a_known_rate_is_used_to_the_full_without_a_refusal(rate: int) -> None:
    bucket = drive(rate, 5, known=True, seconds=60)
    assert share(bucket, 0, 60) >= 0.98
    assert bucket.refused == []


@pytest.mark.parametrize(
    ("rate", "burst"), [(5, 5), (20, 5), (20, 40), (50, 10), (100, 5), (300, 20)]
)
def test_an_unknown_rate_is_found_within_ten_seconds(rate: int, burst: int) -> None:
    bucket = drive(rate, burst, known=False, seconds=60)
    assert share(bucket, 10, 60) >= 0.95
    assert refusals(bucket, 10, 60) <= 0.01


def test_a_quota_that_shrinks_is_followed() -> None:
    async def run() -> Bucket:
        clock = Clock()
        bucket = Bucket(clock, 50, 5)
        gate = LocalGate(Pace(None), clock=clock, sleep=clock.sleep)
        tasks = [asyncio.ensure_future(_client(gate, bucket)) for _ in range(64)]
        await clock.run(1020)
        bucket.rate = 10
        await clock.run(1080)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return bucket

    bucket = asyncio.run(run())
    assert share(bucket, 40, 80) >= 0.9
    assert refusals(bucket, 40, 80) <= 0.05


def test_a_rate_given_too_high_settles_below_what_the_gateway_allows() -> None:
    async def run() -> Bucket:
        clock = Clock()
        bucket = Bucket(clock, 10, 5)
        gate = LocalGate(Pace(30), clock=clock, sleep=clock.sleep)
        tasks = [asyncio.ensure_future(_client(gate, bucket)) for _ in range(64)]
        await clock.run(1120)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return bucket

    bucket = asyncio.run(run())
    assert share(bucket, 20, 120) >= 0.9
    assert refusals(bucket, 20, 120) <= 0.05


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_refusals_that_have_nothing_to_do_with_the_pace_do_not_bring_it_to_a_halt(
    known: bool,
) -> None:
    async def run() -> Bucket:
        clock = Clock()
        bucket = Scattered(clock, 20, 5)
        gate = LocalGate(Pace(20 if known else None), clock=clock, sleep=clock.sleep)
        tasks = [asyncio.ensure_future(_client(gate, bucket)) for _ in range(64)]
        await clock.run(1120)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return bucket

    bucket = asyncio.run(run())
    assert share(bucket, 60, 120) >= (0.05 if known else 0.02)


def scenario(run: Callable[[Clock, LocalGate], Awaitable[None]], **options: object) -> None:
    async def play() -> None:
        clock = Clock()
        gate = LocalGate(Pace(10), clock=clock, sleep=clock.sleep, **options)  # type: ignore[arg-type]
        await run(clock, gate)

    asyncio.run(play())


def test_a_retry_after_holds_every_call_back() -> None:
    async def run(clock: Clock, gate: LocalGate) -> None:
        gate.throttled(await gate.enter(), 5.0)
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(3)]
        await clock.run(1004.9)
        assert not any(task.done() for task in waiting)
        await clock.run(1006)
        assert [task.result().issued_at >= 1005 for task in waiting] == [True] * 3

    scenario(run)


def test_until_the_first_answer_one_call_is_under_way() -> None:
    async def run(clock: Clock, gate: LocalGate) -> None:
        calls = [asyncio.ensure_future(gate.enter()) for _ in range(5)]
        await clock.run(1003)
        assert [task.done() for task in calls] == [True, False, False, False, False]
        gate.unclear()
        await clock.run(1006)
        assert sum(task.done() for task in calls) == 2
        gate.good(calls[1].result())
        await clock.run(1010)
        assert all(task.done() for task in calls)

    scenario(run)


def test_a_run_that_ends_lets_nobody_wait() -> None:
    ends = [False]

    async def run(clock: Clock, gate: LocalGate) -> None:
        gate.throttled(await gate.enter(), 22238.0)
        waiting = asyncio.ensure_future(gate.enter())
        await clock.run(1010)
        ends[0] = True
        await clock.run(1010.5)
        with pytest.raises(GateClosedError):
            await waiting

    scenario(run, is_closing=lambda: ends[0])


def test_a_stall_is_made_good_only_a_little() -> None:
    async def run(clock: Clock, gate: LocalGate) -> None:
        gate.good(await gate.enter())
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(20)]
        await asyncio.sleep(0)
        clock.now += 5  # the machine stood still
        await clock.run(clock.now + 0.05)
        assert sum(task.done() for task in waiting) <= 3
        for task in waiting:
            task.cancel()

    scenario(run)


def test_a_burst_is_let_through_when_it_is_allowed() -> None:
    async def run(clock: Clock, gate: LocalGate) -> None:
        gate.good(await gate.enter())
        await clock.run(1010)
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(8)]
        await clock.run(1010.01)
        assert sum(task.done() for task in waiting) == 4
        for task in waiting:
            task.cancel()

    scenario(run, burst=4)
