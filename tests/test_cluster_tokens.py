"""One refresh for all, whether the callers are in one process or in many on one Redis."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import ClosingError, Link
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.tokens import RedisTokens
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.gateways.oauth import Renewed
from pailitao_spider.keys.tokens import LocalTokens, Token
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY

KEYS = AppKeys("http://gateway", "key")
CREDENTIAL = Credential("key", "s3cret")
DEAD = RefusedError("denied: the refresh token is dead")


class Gateway:
    """Gives new tokens, one at a time, and counts; `answers` are taken in turn."""

    def __init__(self, *answers: Renewed | BaseException) -> None:
        self.answers = list(answers)
        self.asked_with: list[str] = []

    async def fetch(self, refresh_token: str) -> Renewed:
        self.asked_with.append(refresh_token)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


Make = Callable[[Token], Any]
Scenario = Callable[[Make], Awaitable[Any]]


def local(scenario: Scenario) -> Any:
    """Runs a scenario with tokens of this process."""
    return asyncio.run(scenario(LocalTokens))  # type: ignore[arg-type]


class Cluster:
    """Runs scenarios whose token stores are so many workers on one Redis."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.is_closing = False
        self.link: Link

    def __call__(self, scenario: Scenario) -> Any:
        return asyncio.run(self._run(scenario))

    async def _run(self, scenario: Scenario) -> Any:
        client = connect(Settings({"REDIS_URL": self.server.url}))
        self.link = Link(client, is_closing=lambda: self.is_closing)
        try:
            return await scenario(self.worker)
        finally:
            await self.link.close()

    def worker(
        self,
        token: Token,
        credential: Credential = CREDENTIAL,
        doubt_seconds: float = 0.2,
        **given: Any,
    ) -> RedisTokens:
        return RedisTokens(self.link, KEYS, credential, token, doubt_seconds=doubt_seconds, **given)

    async def keys(self) -> list[bytes]:
        return [key async for key in self.link.client.scan_iter()]


@pytest.fixture
def cluster(redis_server: LocalServer) -> Cluster:
    return Cluster(redis_server)


@pytest.fixture(params=["local", "redis"])
def run(request: pytest.FixtureRequest) -> Any:
    return local if request.param == "local" else request.getfixturevalue("cluster")


async def reasons(tokens: Any, stale: int, gateway: Gateway, callers: int = 1) -> set[str]:
    renewals = (tokens.renew(stale, gateway.fetch) for _ in range(callers))
    answers = await asyncio.gather(*renewals, return_exceptions=True)
    assert {type(answer) for answer in answers} == {RefusedError}
    return {answer.reason for answer in answers}


class TestTokens:
    def test_a_hundred_calls_with_the_same_dead_token_make_one_refresh(self, run: Any) -> None:
        gateway = Gateway(Renewed("new"))

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            answers = await asyncio.gather(*(tokens.renew(0, gateway.fetch) for _ in range(100)))
            return answers, tokens.renewals

        assert run(scenario) == ([Token("new", "R", 1)] * 100, 1)
        assert gateway.asked_with == ["R"]

    def test_a_refresh_that_failed_is_told_to_all_without_another(self, run: Any) -> None:
        gateway = Gateway(DEAD)

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            told = await reasons(tokens, 0, gateway, callers=100)
            return told | await reasons(tokens, 0, gateway), tokens.renewals

        assert run(scenario) == ({DEAD.reason}, 0)
        assert gateway.asked_with == ["R"]

    def test_a_refusal_ahead_of_a_token_s_end_leaves_it_as_it_is(self, run: Any) -> None:
        dead, alive = Gateway(DEAD), Gateway(Renewed("new", renew_at=7.0, refresh_expires_at=9.0))

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            with pytest.raises(RefusedError):
                await tokens.renew(0, dead.fetch, ahead=True)
            return await tokens.current(), await tokens.renew(0, alive.fetch)

        assert run(scenario) == (Token("old", "R"), Token("new", "R", 1, 7.0, 9.0))

    def test_a_newer_token_needs_no_refresh(self, run: Any) -> None:
        gateway = Gateway(Renewed("new"))

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            return [await tokens.renew(0, gateway.fetch) for _ in range(2)]

        assert run(scenario) == [Token("new", "R", 1)] * 2
        assert gateway.asked_with == ["R"]

    @pytest.mark.parametrize(
        ("renewed", "expected"),
        [
            pytest.param(Renewed("new", "R2"), "R2", id="rotated"),
            pytest.param(Renewed("new"), "R1", id="none-came"),
            pytest.param(Renewed("new", ""), "R1", id="empty-came"),
        ],
    )
    def test_the_newest_refresh_token_is_kept(
        self, run: Any, renewed: Renewed, expected: str
    ) -> None:
        gateway = Gateway(renewed, Renewed("newer"))

        async def scenario(make: Make) -> None:
            tokens = make(Token("old", "R1"))
            await tokens.renew(0, gateway.fetch)
            await tokens.renew(1, gateway.fetch)

        run(scenario)
        assert gateway.asked_with == ["R1", expected]

    def test_the_current_token_is_the_configured_one_and_then_the_newest(self, run: Any) -> None:
        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            before = await tokens.current()
            await tokens.renew(0, Gateway(Renewed("new", "R2")).fetch)
            return before, await tokens.current()

        assert run(scenario) == (Token("old", "R"), Token("new", "R2", 1))

    def test_while_a_token_is_renewed_it_is_the_current_one(self, run: Any) -> None:
        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            seen: list[Token] = []

            async def fetch(refresh_token: str) -> Renewed:
                seen.append(await tokens.current())
                return Renewed("new")

            await tokens.renew(0, fetch)
            return seen

        assert run(scenario) == [Token("old", "R")]

    def test_without_a_refresh_token_nothing_is_asked_and_the_settings_are_named(
        self, run: Any
    ) -> None:
        gateway = Gateway()

        async def scenario(make: Make) -> Any:
            return await reasons(make(Token("old")), 0, gateway)

        assert "PAILITAO_REFRESH_TOKEN" in run(scenario).pop()
        assert gateway.asked_with == []

    @pytest.mark.parametrize("failure", [TimeoutError(), asyncio.CancelledError()], ids=repr)
    def test_a_refresh_that_broke_off_can_be_tried_again(
        self, run: Any, failure: BaseException
    ) -> None:
        gateway = Gateway(failure, Renewed("new"))

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            with pytest.raises(type(failure)):
                await tokens.renew(0, gateway.fetch)
            return await tokens.renew(0, gateway.fetch)

        assert run(scenario).access == "new"

    def test_where_kept_tokens_are_dead_the_configured_ones_are_tried(self, run: Any) -> None:
        gateway = Gateway(Renewed("kept", "K"), DEAD, Renewed("new", "R2"))

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            return [await tokens.renew(version, gateway.fetch) for version in range(3)]

        assert run(scenario) == [
            Token("kept", "K", 1), Token("old", "R", 2), Token("new", "R2", 3)
        ]  # fmt: skip
        assert gateway.asked_with == ["R", "K", "R"]

    def test_where_the_configured_tokens_are_dead_as_well_all_is_given_up(self, run: Any) -> None:
        gateway = Gateway(Renewed("kept", "K"), DEAD, DEAD)

        async def scenario(make: Make) -> Any:
            tokens = make(Token("old", "R"))
            for version in range(2):
                await tokens.renew(version, gateway.fetch)
            return await reasons(tokens, 2, gateway) | await reasons(tokens, 2, gateway)

        assert run(scenario) == {DEAD.reason}
        assert gateway.asked_with == ["R", "K", "R"]


# many workers on one Redis

OLD = Token("old", "R")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def forever(seconds: float) -> None:
    """Sleeps between two renewals of a lock that never gets to the second."""
    await asyncio.Event().wait()


def test_another_worker_s_token_is_taken_without_asking_the_gateway(cluster: Cluster) -> None:
    gateway = Gateway(Renewed("new", "R2"))

    async def scenario(make: Make) -> Any:
        await make(OLD).renew(0, gateway.fetch)
        return await make(OLD).renew(0, gateway.fetch)

    assert cluster(scenario) == Token("new", "R2", 1)
    assert gateway.asked_with == ["R"]


def test_a_worker_that_comes_later_begins_with_the_newest_token(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        await make(OLD).renew(0, Gateway(Renewed("new", "R2")).fetch)
        late = make(OLD)
        return await asyncio.gather(*(late.current() for _ in range(10)))

    assert cluster(scenario) == [Token("new", "R2", 1)] * 10


def test_redis_is_looked_at_once_in_five_seconds(cluster: Cluster) -> None:
    clock = Clock()

    async def scenario(make: Make) -> Any:
        tokens, other = cluster.worker(OLD, clock=clock), make(OLD)
        await tokens.current()
        await other.renew(0, Gateway(Renewed("new", "R2")).fetch)
        calls, seen = cluster.link.calls, []
        for clock.now in (1.0, 4.9, 5.1, 5.2, 9.0):
            seen += [(await tokens.current()).version for _ in range(100)]
        return seen, cluster.link.calls - calls

    assert cluster(scenario) == ([0] * 200 + [1] * 300, 1)


def test_while_redis_is_away_the_token_at_hand_is_used(cluster: Cluster) -> None:
    clock = Clock()

    async def scenario(make: Make) -> Any:
        tokens = cluster.worker(OLD, clock=clock)
        await tokens.renew(0, Gateway(Renewed("new", "R2")).fetch)
        cluster.server.kill()
        clock.now = 6.0
        return await tokens.current(), await make(OLD).current()

    assert cluster(scenario) == (Token("new", "R2", 1), OLD)


def test_newly_configured_tokens_win_and_leave_those_of_others_alone(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        old, new = make(OLD), make(Token("configured", "C"))
        await old.renew(0, Gateway(Renewed("grown", "R2")).fetch)
        before = await new.current()
        await new.renew(0, Gateway(Renewed("newer", "C2")).fetch)
        return before, await make(OLD).current(), await make(Token("configured", "C")).current()

    assert cluster(scenario) == (
        Token("configured", "C"), Token("grown", "R2", 1), Token("newer", "C2", 1)
    )  # fmt: skip


@pytest.mark.parametrize("record", [b"\xff\x00", b"", b"gAAAAA=="], ids=ascii)
def test_a_record_that_is_none_gives_way_to_the_configured_tokens(
    cluster: Cluster, record: bytes
) -> None:
    gateway = Gateway(Renewed("new", "R2"), Renewed("newer", "R3"))

    async def scenario(make: Make) -> Any:
        await make(OLD).renew(0, gateway.fetch)
        await cluster.link.client.hset((await cluster.keys())[0], "record", record)
        late = make(OLD)
        damaged = await late.current()
        return damaged.access, await late.renew(damaged.version, gateway.fetch)

    access, newer = cluster(scenario)
    assert (access, newer.access) == ("old", "newer")
    assert gateway.asked_with == ["R", "R"]


@pytest.mark.parametrize(
    ("secret", "configured"),
    [("another", OLD), ("s3cret", Token("other", "O"))],
    ids=["another-secret", "other-tokens"],
)
def test_a_record_does_not_open_for_another(
    cluster: Cluster, secret: str, configured: Token
) -> None:
    def other() -> RedisTokens:
        return cluster.worker(configured, Credential("key", secret))

    async def scenario(make: Make) -> Any:
        client = cluster.link.client
        await make(OLD).renew(0, Gateway(Renewed("new", "R2")).fetch)
        (mine,) = await cluster.keys()
        await other().renew(0, Gateway(Renewed("x", "y")).fetch)
        (theirs,) = {*await cluster.keys()} - {mine}
        await client.hset(theirs, "record", await client.hget(mine, "record"))
        return await other().current()

    assert cluster(scenario) == replace(configured, version=1)


def test_no_token_can_be_read_in_redis_or_in_its_files(cluster: Cluster) -> None:
    secrets = ["canary-access", "canary-refresh", "canary-new", "canary-rotated", "canary-secret"]

    async def scenario(make: Make) -> Any:
        key = Credential("key", secrets[4])
        tokens = cluster.worker(Token(*secrets[:2]), key)
        await tokens.renew(0, Gateway(Renewed(*secrets[2:4])).fetch)
        await reasons(cluster.worker(OLD, key), 0, Gateway(DEAD))
        client = cluster.link.client
        return [(name, await client.hgetall(name)) for name in await cluster.keys()]

    held = cluster(scenario)
    assert len(held) == 2
    cluster.server.stop()
    files = [path.read_bytes() for path in cluster.server.folder.rglob("*") if path.is_file()]
    assert any(b"record" in content for content in files), "the log was looked at"
    shown = b"".join(files).decode("latin-1") + repr(held)
    assert [secret for secret in secrets if secret in shown] == []


def test_every_key_has_a_life(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        await make(OLD).renew(0, Gateway(Renewed("new")).fetch)
        await reasons(make(Token("x", "y")), 0, Gateway(DEAD))
        return [await cluster.link.client.ttl(key) for key in await cluster.keys()]

    lives = cluster(scenario)
    assert len(lives) == 2
    assert all(life > 0 for life in lives)


def test_who_only_takes_a_newer_token_holds_nobody_up(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        first, second = make(OLD), make(OLD)
        await first.renew(0, Gateway(Renewed("new", "R2")).fetch)
        await second.renew(0, Gateway().fetch)
        return await cluster.link.client.hkeys((await cluster.keys())[0])

    assert set(cluster(scenario)) == {b"version", b"record"}


def test_a_refusal_is_believed_for_a_minute(cluster: Cluster) -> None:
    gateway = Gateway(DEAD, Renewed("new"))

    async def scenario(make: Make) -> Any:
        client, tokens = cluster.link.client, make(OLD)
        await reasons(tokens, 0, gateway)
        (key,) = await cluster.keys()
        until = int(await client.hget(key, "refused_until")) / 1000 - (await client.time())[0]
        await client.hset(key, "refused_until", 1)
        return until, await tokens.renew(0, gateway.fetch)

    until, token = cluster(scenario)
    assert 50 < until < 62
    assert token.access == "new"


def test_a_clock_that_was_set_back_holds_nobody_up(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        client, tokens = cluster.link.client, make(OLD)
        await tokens.renew(0, Gateway(Renewed("new", "R2")).fetch)
        hour_ms = ((await client.time())[0] + 3600) * 1000
        (key,) = await cluster.keys()
        await client.hset(key, mapping={"owner": "dead", "until": hour_ms})
        return await tokens.renew(1, Gateway(Renewed("newer", "R3")).fetch)

    assert cluster(scenario) == Token("newer", "R3", 2)


def test_while_a_token_is_renewed_redis_is_not_looked_at_for_it(cluster: Cluster) -> None:
    clock = Clock()

    async def scenario(make: Make) -> Any:
        tokens = cluster.worker(OLD, clock=clock)
        spent: list[int] = []

        async def fetch(refresh_token: str) -> Renewed:
            clock.now, calls = 6.0, cluster.link.calls
            await tokens.current()
            spent.append(cluster.link.calls - calls)
            return Renewed("new")

        await tokens.renew(0, fetch)
        return spent

    assert cluster(scenario) == [0]


def test_a_refresh_that_broke_off_leaves_nothing_behind(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        with pytest.raises(TimeoutError):
            await make(OLD).renew(0, Gateway(TimeoutError()).fetch)
        return await cluster.keys()

    assert cluster(scenario) == []


# a leader that loses its lock


class Slow:
    """A gateway whose answer comes when told."""

    def __init__(self, answer: Renewed | RefusedError) -> None:
        self.answer = answer
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def fetch(self, refresh_token: str) -> Renewed:
        self.is_asked.set()
        await self.may_answer.wait()
        if isinstance(self.answer, RefusedError):
            raise self.answer
        return self.answer


async def overtaken(
    cluster: Cluster, first: Slow, second: Slow
) -> tuple[asyncio.Task[Token], asyncio.Task[Token]]:
    """Two leaders that both wait for the gateway: the first no longer holds its lock."""
    frozen = cluster.worker(OLD, life_seconds=0.2, sleep=forever)
    zombie = asyncio.create_task(frozen.renew(0, first.fetch))
    await first.is_asked.wait()
    leader = asyncio.create_task(
        cluster.worker(OLD, life_seconds=0.2, doubt_seconds=2).renew(0, second.fetch)
    )
    await second.is_asked.wait()
    return zombie, leader


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param((1, 0), Token("second", "R-second", 1), id="newer-result-is-there-first"),
        pytest.param((0, 1), Token("second", "R-second", 2), id="newer-result-comes-later"),
    ],
)
def test_the_result_of_the_one_who_asked_last_counts(
    cluster: Cluster, order: tuple[int, int], expected: Token
) -> None:
    async def scenario(make: Make) -> Any:
        gateways = Slow(Renewed("first", "R-first")), Slow(Renewed("second", "R-second"))
        renewals = await overtaken(cluster, *gateways)
        for number in order:
            gateways[number].may_answer.set()
            await renewals[number]
        return await make(OLD).current()

    assert cluster(scenario) == expected


def test_tokens_of_a_leader_that_lost_its_lock_count_while_there_are_no_others(
    cluster: Cluster,
) -> None:
    async def scenario(make: Make) -> Any:
        gateways = Slow(Renewed("first", "R-first")), Slow(DEAD)
        zombie, leader = await overtaken(cluster, *gateways)
        gateways[1].may_answer.set()  # rotated: the first has the only ones
        await asyncio.sleep(0.3)
        gateways[0].may_answer.set()
        return await zombie, await leader, await make(OLD).current()

    assert cluster(scenario) == (Token("first", "R-first", 1),) * 3


def test_who_waits_for_a_leader_stops_when_the_run_ends(cluster: Cluster) -> None:
    async def scenario(make: Make) -> None:
        slow = Slow(Renewed("new"))
        leader = asyncio.create_task(make(OLD).renew(0, slow.fetch))
        await slow.is_asked.wait()
        waiting = asyncio.create_task(make(OLD).renew(0, Gateway().fetch))
        await asyncio.sleep(0.2)
        cluster.is_closing = True
        with pytest.raises(ClosingError):
            await waiting
        slow.may_answer.set()
        assert (await leader).access == "new"

    cluster(scenario)


def test_a_refusal_of_one_who_lost_the_lock_is_told_to_nobody(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        gateways = Slow(DEAD), Slow(Renewed("second", "R-second"))
        zombie, leader = await overtaken(cluster, *gateways)
        gateways[0].may_answer.set()
        await asyncio.sleep(0.5)
        gateways[1].may_answer.set()
        return await zombie, await leader, await make(OLD).current()

    assert cluster(scenario) == (Token("second", "R-second", 1),) * 3


def test_while_the_leader_lives_nobody_else_asks(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        slow, idle = Slow(Renewed("new")), Gateway()
        leader = asyncio.create_task(cluster.worker(OLD, life_seconds=0.2).renew(0, slow.fetch))
        await slow.is_asked.wait()
        other = asyncio.create_task(cluster.worker(OLD, life_seconds=0.2).renew(0, idle.fetch))
        await asyncio.sleep(0.8)
        slow.may_answer.set()
        return await leader, await other

    assert cluster(scenario) == (Token("new", "R", 1),) * 2


# Redis goes away


def test_new_tokens_survive_that_redis_dies_before_they_are_written(cluster: Cluster) -> None:
    """Also beyond the life of the lock, and though another worker asks again before they come."""
    gateway = Gateway(DEAD)

    async def fetch(refresh_token: str) -> Renewed:
        cluster.server.kill()
        return Renewed("new", "R2")

    async def scenario(make: Make) -> Any:
        leader = asyncio.create_task(cluster.worker(OLD, life_seconds=0.3).renew(0, fetch))
        await asyncio.sleep(0.1)
        other = asyncio.create_task(
            cluster.worker(OLD, life_seconds=0.3, doubt_seconds=3).renew(0, gateway.fetch)
        )
        await asyncio.sleep(0.9)
        cluster.server.start()
        return await leader, await other, await make(OLD).current()

    assert cluster(scenario) == (Token("new", "R2", 1),) * 3


def test_a_renewal_waits_for_a_redis_that_is_away(cluster: Cluster) -> None:
    async def scenario(make: Make) -> Any:
        cluster.server.kill()
        renewal = asyncio.create_task(make(OLD).renew(0, Gateway(Renewed("new")).fetch))
        await asyncio.sleep(0.5)
        assert not renewal.done()
        cluster.server.start()
        return await renewal

    assert cluster(scenario) == Token("new", "R", 1)


def test_a_redis_that_forgot_is_told_again(cluster: Cluster) -> None:
    clock = Clock()

    async def scenario(make: Make) -> Any:
        tokens = cluster.worker(OLD, clock=clock)
        await tokens.renew(0, Gateway(Renewed("new", "R2")).fetch)
        await cluster.link.client.flushall()
        clock.now = 6.0
        return await tokens.current(), await make(OLD).current()

    assert cluster(scenario) == (Token("new", "R2", 1),) * 2


def test_when_the_run_ends_while_redis_is_away_the_waiting_ends(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    async def fetch(refresh_token: str) -> Renewed:
        cluster.server.kill()
        cluster.is_closing = True
        return Renewed("canary-access", "canary-refresh")

    async def scenario(make: Make) -> None:
        with pytest.raises(ClosingError):
            await make(OLD).renew(0, fetch)

    with caplog.at_level(logging.DEBUG):
        cluster(scenario)
    assert "may need a new login" in caplog.text
    assert "canary" not in caplog.text


# processes


class Processes:
    """Workers as processes, ready to renew when told."""

    def __init__(self, redis_url: str, site: Site) -> None:
        account = site.gateway.account
        self._told = {
            "redis_url": redis_url,
            "token_url": site.token_url,
            "app_key": account.app_key,
            "app_secret": account.secret,
            "access": account.access_token,
            "refresh": account.refresh_token,
            "doubt_seconds": 0.5,
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, number: int, **told: Any) -> list[subprocess.Popen[str]]:
        argument = json.dumps({**self._told, **told})
        command = [sys.executable, "-W", "error", "-m", "tests.token_worker", argument]
        begun = [
            subprocess.Popen(
                command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(number)
        ]
        self.started += begun
        assert [_line(process) for process in begun] == ["ready\n"] * number
        return begun

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def go(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def until_asked(site: Site, times: int) -> float:
    """Waits until the gateway was asked for tokens so often; how long that took."""
    begun_at = time.monotonic()
    while site.gateway.log.by_method["token"] < times:
        assert time.monotonic() < begun_at + 30, "nobody asks"
        time.sleep(0.01)
    return time.monotonic() - begun_at


def told(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return json.loads(out)


@pytest.fixture
def processes(
    redis_server: LocalServer, serve_sandbox: Callable[..., Site]
) -> Iterator[Callable[..., tuple[Site, Processes]]]:
    made: list[Processes] = []

    def make(**options: Any) -> tuple[Site, Processes]:
        site = serve_sandbox(**options)
        made.append(Processes(redis_server.url, site))
        return site, made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("number", [3, pytest.param(8, marks=pytest.mark.soak)])
def test_workers_with_fifty_dead_calls_each_make_one_refresh(
    processes: Callable[..., tuple[Site, Processes]], number: int
) -> None:
    site, workers = processes(latency_seconds=0.2)
    begun = workers.start(number, callers=50)
    go(begun)
    answers = [answer for process in begun for answer in told(process)]
    assert answers == [f"1 {site.gateway.account.access_token}"] * 50 * number
    assert site.gateway.log.by_method["token"] == 1


def test_workers_with_a_dead_refresh_token_ask_once_and_all_are_told(
    processes: Callable[..., tuple[Site, Processes]],
) -> None:
    site, workers = processes(latency_seconds=0.2)
    begun = workers.start(2, callers=50, refresh="dead")
    go(begun)
    answers = [answer for process in begun for answer in told(process)]
    assert len(answers) == 100
    assert len(set(answers)) == 1
    assert answers[0].startswith("RefusedError denied")
    assert "unknown or was used before" in answers[0]
    assert site.gateway.log.by_method["token"] == 1


def test_a_leader_that_is_killed_is_replaced_within_the_life_of_its_lock(
    processes: Callable[..., tuple[Site, Processes]], *, at_rest: bool
) -> None:
    site, workers = processes(faults=(parse_fault("hang@1:token"),))
    leader, *others = workers.start(3, callers=5)
    go([leader])
    until_asked(site, 1)
    go(others)
    time.sleep(0.5)
    assert site.gateway.log.by_method["token"] == 1
    leader.kill()
    seconds = until_asked(site, 2)
    assert not at_rest or seconds < 2.0 + 0.5 + 0.5, "its life, polling, and a margin"
    answers = [answer for process in others for answer in told(process)]
    assert answers == [f"1 {site.gateway.account.access_token}"] * 10
    assert site.gateway.log.by_method["token"] == 2
