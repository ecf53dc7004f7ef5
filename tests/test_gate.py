"""The gate and its pace, against a token bucket on a clock of our own; then both twins of the gate,
the one in this process on a loop whose time jumps, the one in Redis in real time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.shared import rate_limiter as cluster_gate
from pailitao_spider.cluster.shared.rate_limiter import RedisRateLimiter
from pailitao_spider.keys import rate_limiter as access_gate
from pailitao_spider.keys.adaptive_rate import AdaptiveRate, Permit
from pailitao_spider.keys.rate_limiter import GateClosedError, LocalRateLimiter, RateLimiter
from tests.virtual_time import VirtualLoop


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


async def _client(gate: LocalRateLimiter, bucket: Bucket) -> None:
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
        gate = LocalRateLimiter(
            AdaptiveRate(rate if known else None), clock=clock, sleep=clock.sleep
        )
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
        gate = LocalRateLimiter(AdaptiveRate(None), clock=clock, sleep=clock.sleep)
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
        gate = LocalRateLimiter(AdaptiveRate(30), clock=clock, sleep=clock.sleep)
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
        gate = LocalRateLimiter(AdaptiveRate(20 if known else None), clock=clock, sleep=clock.sleep)
        tasks = [asyncio.ensure_future(_client(gate, bucket)) for _ in range(64)]
        await clock.run(1120)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return bucket

    bucket = asyncio.run(run())
    assert share(bucket, 60, 120) >= (0.05 if known else 0.02)


def scenario(run: Callable[[Clock, LocalRateLimiter], Awaitable[None]], **options: object) -> None:
    async def play() -> None:
        clock = Clock()
        gate = LocalRateLimiter(AdaptiveRate(10), clock=clock, sleep=clock.sleep, **options)  # type: ignore[arg-type]
        await run(clock, gate)

    asyncio.run(play())


def test_a_retry_after_holds_every_call_back() -> None:
    async def run(clock: Clock, gate: LocalRateLimiter) -> None:
        gate.throttled(await gate.enter(), 5.0)
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(3)]
        await clock.run(1004.9)
        assert not any(task.done() for task in waiting)
        await clock.run(1006)
        assert [task.result().issued_at >= 1005 for task in waiting] == [True] * 3

    scenario(run)


def test_until_the_first_answer_one_call_is_under_way() -> None:
    async def run(clock: Clock, gate: LocalRateLimiter) -> None:
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

    async def run(clock: Clock, gate: LocalRateLimiter) -> None:
        gate.throttled(await gate.enter(), 22238.0)
        waiting = asyncio.ensure_future(gate.enter())
        await clock.run(1010)
        ends[0] = True
        await clock.run(1010.5)
        with pytest.raises(GateClosedError):
            await waiting

    scenario(run, is_closing=lambda: ends[0])


def test_a_stall_is_made_good_only_a_little() -> None:
    async def run(clock: Clock, gate: LocalRateLimiter) -> None:
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
    async def run(clock: Clock, gate: LocalRateLimiter) -> None:
        gate.good(await gate.enter())
        await clock.run(1010)
        waiting = [asyncio.ensure_future(gate.enter()) for _ in range(8)]
        await clock.run(1010.01)
        assert sum(task.done() for task in waiting) == 4
        for task in waiting:
            task.cancel()

    scenario(run, burst=4)


# both twins


def now() -> float:
    """Of the loop: real seconds or such as jump."""
    return asyncio.get_running_loop().time()


def stand_still(seconds: float) -> None:
    """As a process that gets no time."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        loop.stand_still(seconds)
    else:
        time.sleep(seconds)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  nobody tells of it
        await asyncio.sleep(0.02)


Closing = Callable[[], bool]
Play = Callable[..., None]


@asynccontextmanager
async def local_gate(server: None, rate: float, burst: int, is_closing: Closing):
    yield LocalRateLimiter(
        AdaptiveRate(rate), burst, clock=now, sleep=asyncio.sleep, is_closing=is_closing
    )


@asynccontextmanager
async def redis_gate(server: object, rate: float, burst: int, is_closing: Closing):
    link = Link(Redis.from_url(server.url), is_closing=is_closing)
    gate = RedisRateLimiter(link, AppKeys("url", "key"), rate, burst, is_closing=is_closing)
    try:
        yield gate
    finally:
        await gate.close()
        await link.close()


class Callers:
    """Calls that wait at a gate; they note the order in which they leave."""

    def __init__(self, gate: RateLimiter, number: int) -> None:
        self.left: list[int] = []
        self.left_at: list[float] = []
        self._gate = gate
        self.tasks = [asyncio.ensure_future(self._enter(each)) for each in range(number)]

    async def _enter(self, number: int) -> Permit:
        permit = await self._gate.enter()
        self.left.append(number)
        self.left_at.append(now())
        return permit

    async def give_up(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def proved(gate: RateLimiter) -> Permit:
    """The key's first call has been answered; its permit."""
    permit = await gate.enter()
    gate.good(permit)
    return permit


either = pytest.mark.parametrize("play", ["local", "redis"], indirect=True)
# What holds where a process wakes in time is proved of the one in Redis on a machine at rest.
in_time = pytest.mark.parametrize(
    "play", ["local", pytest.param("redis", marks=pytest.mark.soak)], indirect=True
)


class TestBothGates:
    @pytest.fixture
    def play(self, request: pytest.FixtureRequest) -> Play:
        """Plays a scenario with a gate of either kind."""
        is_local = request.param == "local"
        server = None if is_local else request.getfixturevalue("redis_server")
        opened = local_gate if is_local else redis_gate

        def play(
            run: Callable[[RateLimiter], Awaitable[None]],
            rate: float = 50,
            burst: int = 1,
            is_closing: Closing = lambda: False,
        ) -> None:
            async def scene() -> None:
                async with opened(server, rate, burst, is_closing) as gate:
                    await asyncio.wait_for(run(gate), 60)

            with asyncio.Runner(loop_factory=VirtualLoop if is_local else None) as runner:
                runner.run(scene())

        return play

    @either
    def test_until_the_first_answer_one_call_is_under_way(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            callers = Callers(gate, 5)
            await asyncio.sleep(0.3)
            assert callers.left == [0]
            gate.unclear()
            await until(lambda: len(callers.left) > 1)
            assert callers.left == [0, 1]
            gate.good(await callers.tasks[1])
            await asyncio.gather(*callers.tasks)

        play(run)

    @either
    def test_a_first_answer_that_never_comes_does_not_close_it_for_ever(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (access_gate, cluster_gate):
            monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.3)

        async def run(gate: RateLimiter) -> None:
            began_at = now()
            await gate.enter()
            await gate.enter()
            assert now() - began_at >= 0.3

        play(run, rate=100)

    @either
    def test_callers_leave_in_the_order_in_which_they_asked(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            callers = Callers(gate, 30)
            await asyncio.gather(*callers.tasks)
            assert callers.left == list(range(30))

        play(run, rate=100)

    @either
    @pytest.mark.parametrize(("rate", "number"), [(20, 12), (2000, 1000)])
    def test_calls_never_leave_faster_than_at_the_given_rate(
        self, play: Play, rate: int, number: int
    ) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            began_at = now()
            callers = Callers(gate, number)
            await asyncio.gather(*callers.tasks)
            # A few calls more: what a late wake may make good.
            assert all(
                place <= (at - began_at) * rate + max(4, rate * 0.01)
                for place, at in enumerate(callers.left_at)
            )

        play(run, rate=rate)

    @in_time
    @pytest.mark.parametrize(("rate", "number"), [(20, 12), (2000, 1000)])
    def test_calls_leave_at_the_given_rate(self, play: Play, rate: int, number: int) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            began_at = now()
            await asyncio.gather(*Callers(gate, number).tasks)
            assert now() - began_at < 1.5 * number / rate + 0.5

        play(run, rate=rate)

    @either
    def test_a_retry_after_holds_every_call_back(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            permit = await gate.enter()
            callers = Callers(gate, 3)
            gate.throttled(permit, 0.6)
            refused_at = now()
            await asyncio.gather(*callers.tasks)
            assert min(callers.left_at) - refused_at >= 0.59

        play(run, rate=10)

    @either
    def test_a_refusal_slows_down_and_shows_that_the_limit_is_found(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            permit = await proved(gate)
            assert (gate.per_second, gate.has_found) == (50, False)
            gate.throttled(permit, None)
            await until(lambda: gate.has_found)
            assert gate.per_second == pytest.approx(50 * 0.95)

        play(run)

    @either
    def test_refusals_of_calls_sent_before_the_last_step_do_not_slow_down_again(
        self, play: Play
    ) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            for permit in [await gate.enter() for _ in range(10)]:
                gate.throttled(permit, None)
            await until(lambda: gate.has_found)
            await asyncio.sleep(0.2)
            assert gate.per_second == pytest.approx(50 * 0.95)

        play(run)

    @in_time
    def test_a_burst_leaves_at_once_when_it_is_allowed(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            await asyncio.sleep(1.1)
            callers = Callers(gate, 8)
            await asyncio.sleep(0.2)
            assert len(callers.left) == 4
            await callers.give_up()

        play(run, rate=4, burst=4)

    @in_time
    def test_a_stall_is_made_good_only_a_little(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            callers = Callers(gate, 30)
            await asyncio.sleep(0.1)
            left = len(callers.left)
            stand_still(1.0)
            await asyncio.sleep(0.05)
            assert len(callers.left) - left <= 5
            await callers.give_up()

        play(run, rate=20)

    @in_time
    def test_who_gives_up_does_not_hold_the_others_up(self, play: Play) -> None:
        async def run(gate: RateLimiter) -> None:
            await proved(gate)
            gone, stayed = Callers(gate, 20), Callers(gate, 5)
            await asyncio.sleep(0.05)
            await gone.give_up()
            began_at = now()
            await asyncio.gather(*stayed.tasks)
            assert now() - began_at < 1.5

        play(run, rate=10)

    @either
    def test_a_run_that_ends_lets_nobody_wait(self, play: Play) -> None:
        ends: list[bool] = []

        async def run(gate: RateLimiter) -> None:
            gate.throttled(await gate.enter(), 22238.0)
            callers = Callers(gate, 20)
            await asyncio.sleep(0.1)
            ends.append(True)
            ended_at = now()
            left = await asyncio.gather(*callers.tasks, return_exceptions=True)
            assert now() - ended_at < 20
            assert [type(each) for each in left] == [GateClosedError] * 20

        play(run, is_closing=lambda: bool(ends))
