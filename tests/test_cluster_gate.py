"""The gate that all workers share, against a real Redis and a real quota.

What holds for one worker's gate as for the local one stands in `test_gate.py`, the budget in
`test_access.py`.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec import msgpack
from redis.asyncio import Redis

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.rate_limiter import RedisRateLimiter
from pailitao_spider.cluster.shared.rate_schedule import Ask, Plan, Report
from pailitao_spider.keys.adaptive_rate import CONSTANTS, AdaptiveRate, Permit
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.sandbox.quota import Quota

KEYS = AppKeys("http://gateway", "key")


class Workers:
    """Gates of several workers, each with a line to Redis of its own."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.is_closing = False
        self._gates: list[RedisRateLimiter] = []
        self._links: list[Link] = []

    def link(self) -> Link:
        client = Redis.from_url(self.server.url, socket_timeout=10, socket_connect_timeout=10)
        self._links.append(Link(client, is_closing=lambda: self.is_closing))
        return self._links[-1]

    def gate(
        self, rate: float | None = 50, burst: int = 1, link: Link | None = None
    ) -> RedisRateLimiter:
        gate = RedisRateLimiter(
            link or self.link(), KEYS, rate, burst, is_closing=lambda: self.is_closing
        )
        self._gates.append(gate)
        return gate

    async def proved(self, rate: float | None = 50, burst: int = 1) -> RedisRateLimiter:
        """A gate whose first call has been answered."""
        gate = self.gate(rate, burst)
        gate.good(await gate.enter())
        return gate

    async def plan(self, **ask: Any) -> Plan:
        """What the script says when only looked at."""
        link = self._links[0] if self._links else self.link()
        return await told(link, KEYS.gate, Ask(**{"rate": 50, **ask}))

    async def close(self) -> None:
        for gate in self._gates:
            await gate.close()
        for link in self._links:
            await link.close()


async def told(link: Link, key: str, ask: Ask) -> Plan:
    answer = await link.script("gate", key, msgpack.encode(CONSTANTS), msgpack.encode(ask))
    return msgpack.decode(answer, type=Plan)


def scenario(server: LocalServer, run: Callable[[Workers], Awaitable[Any]]) -> Any:
    async def play() -> Any:
        workers = Workers(server)
        try:
            return await asyncio.wait_for(run(workers), 60)
        finally:
            await workers.close()

    return asyncio.run(play())


def entering(gate: RedisRateLimiter, number: int) -> list[asyncio.Task[Permit]]:
    return [asyncio.ensure_future(gate.enter()) for _ in range(number)]


async def give_up(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  nobody tells of it
        await asyncio.sleep(0.02)


async def use(gate: RedisRateLimiter) -> None:
    """A caller that always has a next call, and whose calls are all good."""
    while True:
        permit = await gate.enter()
        await asyncio.sleep(0.02)
        gate.good(permit)


# the pace in Lua is the pace in Python


@dataclass
class Story:
    """Answers of a gateway that is now calm, now busy; repeatable. `together` are told at once."""

    rate: float | None
    seed: int
    events: int = 2000
    together: int = 1
    calm: int = 200
    """So many answers long, on average, before the gateway changes its mood."""

    def __iter__(self) -> Iterator[tuple[tuple[Report, ...], AdaptiveRate, float]]:
        """Reports with the pace after them and the moment until which calls must wait."""
        draw, pace, blocked_until = random.Random(self.seed), AdaptiveRate(self.rate), 0.0
        now, refusing, told = 1_700_000_000.0, 0.0, []
        for number in range(self.events):
            now += draw.expovariate(pace.per_second)
            if draw.random() < 1 / self.calm:
                refusing = draw.choice([0.0, 0.0, 0.01, 0.05, 0.5])
            told.append(self._report(draw, pace, now, draw.random() < refusing))
            blocked_until = max(blocked_until, self._told(pace, told[-1]))
            if len(told) == self.together or number == self.events - 1:
                yield tuple(told), pace, blocked_until
                told = []

    def _report(
        self, draw: random.Random, pace: AdaptiveRate, now: float, is_refused: bool
    ) -> Report:
        pause = draw.choice([0.0, 0.0, 0.0, 1.99, 2.01]) / pace.per_second
        return Report(
            is_good=not is_refused,
            at=now,
            issued_at=now - draw.uniform(0.01, 0.2),
            limited=draw.random() < 0.99,
            generation=max(0, pace.generation - (draw.random() < 0.1)),
            wait_seconds=pause if is_refused else 0.0,
        )

    def _told(self, pace: AdaptiveRate, report: Report) -> float:
        permit = Permit(report.issued_at, report.limited, report.generation)
        if not report.is_good:
            return report.at + pace.throttled(permit, report.at, report.wait_seconds)
        pace.good(permit, report.at)
        return 0.0


STORIES = [
    Story(None, 1),
    Story(None, 2, calm=2000),
    Story(50, 3),
    Story(0.03, 4, calm=50),
    Story(None, 19, events=3000, calm=1000),
    Story(None, 9, events=40_000, together=100, calm=6000),
]


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_the_pace_in_redis_is_the_local_one_after_every_event(
    redis_server: LocalServer, story: Story
) -> None:
    async def run(workers: Workers) -> None:
        link = workers.link()
        await link.client.config_set("appendonly", "no")  # thousands of events
        for reports, pace, blocked_until in story:
            plan = await told(link, KEYS.gate, Ask(story.rate, reports=reports))
            assert plan.per_second == pytest.approx(pace.per_second, rel=1e-9)
            assert plan.generation == pace.generation
            assert plan.blocked_until == blocked_until

    scenario(redis_server, run)


# one plan for all


def test_workers_together_keep_to_the_rate(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gates = [await workers.proved(40) for _ in range(4)]
        tasks = [task for gate in gates for task in entering(gate, 15)]
        left = sorted(permit.issued_at for permit in await asyncio.gather(*tasks))
        assert all(place <= (at - left[0]) * 40 + 5 for place, at in enumerate(left))

    scenario(redis_server, run)


@pytest.mark.soak
def test_little_is_handed_out_ahead_of_time(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> float:
        gates = [await workers.proved(50) for _ in range(8)]
        users = [asyncio.ensure_future(use(gate)) for gate in gates for _ in range(16)]
        ahead = []
        for _ in range(20):
            await asyncio.sleep(0.1)
            plan = await workers.plan()
            ahead.append(plan.next_at - plan.now)
        await give_up(*users)
        return max(ahead)

    assert scenario(redis_server, run) < 0.6


def test_a_ban_of_one_worker_holds_all_back_even_with_tickets_in_hand(
    redis_server: LocalServer,
) -> None:
    async def run(workers: Workers) -> None:
        banned, other = await workers.proved(1), await workers.proved(1)
        permit = await banned.enter()
        waiting = entering(other, 3)
        await asyncio.sleep(0.05)  # the first of them holds a ticket for a moment soon
        banned.throttled(permit, 2.0)
        left = await asyncio.gather(*waiting)
        assert min(each.issued_at for each in left) >= permit.issued_at + 2.0

    scenario(redis_server, run)


def test_a_limit_that_one_worker_meets_is_known_to_all(
    redis_server: LocalServer,
) -> None:
    async def run(workers: Workers) -> None:
        gates = [await workers.proved(None) for _ in range(4)]
        users = [asyncio.ensure_future(use(gate)) for gate in gates]
        await asyncio.sleep(0.3)
        gates[0].throttled(await gates[0].enter(), None)
        await until(lambda: all(gate.has_found for gate in gates))
        await give_up(*users)
        plan = await workers.plan(rate=None)
        assert all(gate.per_second == pytest.approx(plan.per_second, rel=0.3) for gate in gates)

    scenario(redis_server, run)


@pytest.mark.soak
def test_tickets_move_forward_when_the_pace_grows(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(None)
        began_at = time.monotonic()
        waiting = entering(gate, 3)
        await asyncio.sleep(0.05)  # at 2 a second the last of them would go after 1.5 s
        plan = await workers.plan(rate=None)
        goods = (Report(True, plan.now, plan.now, True, 0),) * 100
        await workers.plan(rate=None, reports=goods)
        await asyncio.gather(*waiting)
        assert time.monotonic() - began_at < 1.0

    scenario(redis_server, run)


def test_the_rate_of_the_worker_that_comes_last_holds_for_all(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        first = await workers.proved(50)
        first.throttled(await first.enter(), None)
        await until(lambda: first.has_found)
        same = await workers.proved(50)
        assert same.per_second == pytest.approx(47.5)
        await workers.proved(20)
        first.good(await first.enter())
        assert (await workers.plan()).per_second == first.per_second == 20

    scenario(redis_server, run)


def test_what_is_known_of_a_key_is_forgotten_an_hour_after_its_last_ticket(
    redis_server: LocalServer,
) -> None:
    async def run(workers: Workers) -> None:
        gate, link = await workers.proved(50), workers.link()
        assert 3590 < await link.client.ttl(KEYS.gate) <= 3601
        gate.throttled(await gate.enter(), 7200.0)
        await until(lambda: gate.has_found)
        assert 10790 < await link.client.ttl(KEYS.gate) <= 10801
        assert await link.client.keys() == [KEYS.gate.encode()]

    scenario(redis_server, run)


def test_a_ban_that_is_long_is_told_once_and_lasts_a_day_at_most(
    redis_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(50)
        permit = await gate.enter()
        gate.throttled(permit, 1e18)
        waiting = entering(gate, 3)
        await until(lambda: gate.has_found)
        gate.good(permit)
        await asyncio.sleep(0.2)
        plan = await workers.plan()
        assert plan.blocked_until - plan.now == pytest.approx(86400, abs=10)
        await give_up(*waiting)

    scenario(redis_server, run)
    [record] = caplog.records
    assert (record.levelname, "no call for 86400 s" in record.message) == ("WARNING", True)


@pytest.mark.soak
def test_a_fast_key_costs_one_redis_call_for_a_hundred_calls(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> float:
        link = workers.link()
        gate = workers.gate(20_000, link=link)
        gate.good(await gate.enter())
        users = [asyncio.ensure_future(use(gate)) for _ in range(1000)]
        await asyncio.sleep(0.5)
        before, calls = link.calls, (await workers.plan()).next_number
        await asyncio.sleep(1.0)
        calls = (await workers.plan()).next_number - calls
        await give_up(*users)
        return calls / (link.calls - before)

    assert scenario(redis_server, run) >= 100


# what Redis may do


def test_while_redis_is_away_calls_wait_and_reports_are_kept(
    redis_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(50)
        permit = await gate.enter()
        redis_server.kill()
        waiting = entering(gate, 20)
        gate.throttled(permit, None)
        await asyncio.sleep(0.5)
        assert sum(task.done() for task in waiting) <= 2
        redis_server.start()
        await asyncio.gather(*waiting)
        assert gate.per_second == pytest.approx(47.5)

    with caplog.at_level(logging.INFO):
        scenario(redis_server, run)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_a_ban_counts_from_when_it_came_however_late_redis_hears_of_it(
    redis_server: LocalServer,
) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(50)
        permit = await gate.enter()
        redis_server.kill()
        gate.throttled(permit, 4.0)
        refused_at = permit.issued_at
        await asyncio.sleep(2.0)
        redis_server.start()
        await asyncio.gather(*entering(gate, 1))
        assert (await workers.plan()).blocked_until - refused_at == pytest.approx(4.0, abs=1.5)

    scenario(redis_server, run)


def test_a_run_that_ends_while_redis_is_away_lets_nobody_wait(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(50)
        redis_server.kill()
        waiting = entering(gate, 10)
        await asyncio.sleep(0.3)
        workers.is_closing = True
        ended_at = time.monotonic()
        left = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.monotonic() - ended_at < 20
        assert GateClosedError in {type(each) for each in left}
        gate.good(Permit(0.0, True, 0))
        with pytest.raises(GateClosedError):
            await gate.enter()

    scenario(redis_server, run)


def test_closing_delivers_the_last_reports_and_lets_nobody_in(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gate = await workers.proved(50)
        permit = await gate.enter()
        waiting = entering(gate, 5)
        gate.throttled(permit, 30.0)
        await gate.close()
        plan = await workers.plan()
        assert (plan.generation, plan.blocked_until > plan.now + 25) == (1, True)
        left = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in left] == [GateClosedError] * 5

    scenario(redis_server, run)


def test_a_redis_that_forgot_everything_is_told_the_rate_anew(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gate, link = await workers.proved(20), workers.link()
        waiting = entering(gate, 10)
        await asyncio.sleep(0.1)
        await link.client.flushall()
        await asyncio.gather(*waiting)
        assert (await workers.plan()).per_second == 20

    scenario(redis_server, run)


def test_a_redis_whose_clock_is_set_back_lets_calls_go_on(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        gate, link = await workers.proved(20), workers.link()
        plan = await workers.plan()
        later = {"seen_at": plan.now + 3600, "next_at": plan.next_at + 3600}
        await link.client.hset(KEYS.gate, mapping=later)
        await asyncio.gather(*entering(gate, 5))
        plan = await workers.plan()
        assert plan.next_at - plan.now < 1

    scenario(redis_server, run)


def test_an_error_of_redis_itself_is_not_waited_out(redis_server: LocalServer) -> None:
    async def run(workers: Workers) -> None:
        await workers.link().client.set(KEYS.gate, "not a hash")
        with pytest.raises(Exception, match="WRONGTYPE"):
            await workers.gate().enter()

    scenario(redis_server, run)


# eight workers, one quota


class Stalls:
    """When a process stood still, and for how long: what no gate can make good."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    async def watch(self, redis: Redis | None = None) -> None:
        """This process and, where it is given, the one of `redis`."""
        while True:
            began_at = time.monotonic()
            await asyncio.sleep(0.01)
            if redis is not None:
                await redis.ping()
            now = time.monotonic()
            if now - began_at > 0.02:
                self.seen.append((now, now - began_at - 0.01))


class Counter:
    """A gateway that knows only its quota, and when it was called."""

    def __init__(self, rate: float, burst: int, redis_url: str) -> None:
        self.quota = Quota(rate, burst, clock=time.monotonic)
        self.redis_url = redis_url
        self.good_at: list[float] = []
        self.refused_at: list[float] = []
        self.stalls = Stalls()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/router/rest", self._call)
        app.cleanup_ctx.append(self._watch)
        return app

    async def _watch(self, app: web.Application) -> AsyncIterator[None]:
        async with Redis.from_url(self.redis_url) as redis:
            await (
                redis.flushall()
            )  # else it goes at the pace to which a run before was brought down
            watching = asyncio.ensure_future(self.stalls.watch(redis))
            yield
            await give_up(watching)

    async def _call(self, request: web.Request) -> web.Response:
        refused = self.quota.take("key")
        (self.refused_at if refused else self.good_at).append(time.monotonic())
        await asyncio.sleep(0.08)
        return web.Response(status=429 if refused else 200)


@dataclass
class Seen:
    """What one worker process saw; moments of the machine's monotonic clock."""

    pid: int = 0
    began_at: float = 0.0
    called_at: list[float] = field(default_factory=list)
    redis_calls: int = 0
    stalls: list[tuple[float, float]] = field(default_factory=list)


def work(url: str, redis_url: str, rate: float | None, of: int, seconds: float) -> Seen:
    """One worker process: begins when all are there."""
    return asyncio.run(_work(url, redis_url, rate, of, seconds))


async def _work(url: str, redis_url: str, rate: float | None, of: int, seconds: float) -> Seen:
    link = Link(Redis.from_url(redis_url))
    gate = RedisRateLimiter(link, KEYS, rate, 1)
    seen = Seen(os.getpid())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await link.client.incr("ready")
        while int(await link.client.get("ready")) % of:  # noqa: ASYNC110  others count it up
            await asyncio.sleep(0.01)
        seen.began_at = time.monotonic()
        stalls = Stalls()
        watching = asyncio.ensure_future(stalls.watch())
        callers = [asyncio.ensure_future(_call(gate, session, url, seen)) for _ in range(16)]
        await asyncio.sleep(seconds)
        await give_up(watching, *callers)
    seen.stalls, seen.redis_calls = stalls.seen, link.calls
    await gate.close()
    await link.close()
    return seen


async def _call(
    gate: RedisRateLimiter, session: aiohttp.ClientSession, url: str, seen: Seen
) -> None:
    while True:
        permit = await gate.enter()
        seen.called_at.append(time.monotonic())
        async with session.get(url) as response:
            if response.status == 200:
                gate.good(permit)
            else:
                gate.throttled(permit, None)


def workers_seen(
    url: str, server: LocalServer, rate: float | None, number: int, seconds: float
) -> list[Seen]:
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(number, processes) as pool:
        each = [pool.submit(work, url, server.url, rate, number, seconds) for _ in range(number)]
        seen = [one.result(timeout=seconds + 60) for one in each]
    assert len({one.pid for one in seen}) == number
    return seen


def most_in_a_second(moments: list[float]) -> int:
    first = most = 0
    for last, moment in enumerate(moments):
        while moments[first] < moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def within(moments: list[float], start: float, end: float) -> int:
    return sum(start <= moment < end for moment in moments)


@dataclass(frozen=True)
class Figures:
    """What the steady part of a run has shown."""

    used: float
    refused: int
    most_in_a_second: int
    shares: tuple[float, float]
    redis_calls_per_call: float
    longest_stall: float

    @classmethod
    def of(cls, counter: Counter, seen: list[Seen], seconds: float) -> Figures:
        start = max(one.began_at for one in seen) + 0.5
        end = start + seconds
        calls = [within(one.called_at, start, end) for one in seen]
        stalls = [*counter.stalls.seen, *(stall for one in seen for stall in one.stalls)]
        return cls(
            within(counter.good_at, start, end) / (50 * seconds),
            within(counter.refused_at, start, end),
            most_in_a_second(sorted(counter.good_at + counter.refused_at)),
            (min(calls) * 8 / sum(calls), max(calls) * 8 / sum(calls)),
            sum(one.redis_calls for one in seen) / len(counter.good_at),
            max((late for at, late in stalls if start <= at < end), default=0.0),
        )


STALL_SECONDS = 0.05  # two calls and a half of the quota's burst of five


@pytest.fixture
def figures(served: Any, redis_server: LocalServer) -> Figures:
    """Of a run in which the machine kept up, or of the best of three."""
    runs = []
    for _ in range(3):
        counter = Counter(50, 5, redis_server.url)
        seen = workers_seen(served.gateway(counter).url, redis_server, 50, 8, seconds=9.0)
        runs.append(Figures.of(counter, seen, seconds=8.0))
        print(runs[-1])
        if runs[-1].longest_stall < STALL_SECONDS:
            break
    return min(runs, key=lambda figures: figures.longest_stall)


@pytest.mark.soak
def test_eight_workers_use_a_quota_to_the_full_and_share_it(figures: Figures) -> None:
    # While the machine stands still calls pile up, beyond any gate's power.
    piled_up = 0.0 if figures.longest_stall < STALL_SECONDS else figures.longest_stall
    assert figures.used >= 0.98 - piled_up
    assert figures.refused <= 50 * piled_up
    assert figures.most_in_a_second <= 55 + 50 * piled_up
    assert min(figures.shares) >= 0.85
    assert max(figures.shares) <= 1.15
