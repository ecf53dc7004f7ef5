"""Who renews, counts and tries again: the one-process parts, without a network."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from weakref import finalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.budget import RedisBudget, RedisSpendLimit, day_use
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.oauth import Renewed
from pailitao_spider.gateways.pages import QuotaTold
from pailitao_spider.gateways.refusals import Refusal, RefusalClass
from pailitao_spider.keys.budget import Budget, DayUsage, KeyLimits, LocalBudget, SpendLimit
from pailitao_spider.keys.quota_day import beijing_day, next_midnight
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.keys.retry_policy import Action, Attempt, RetryPolicy
from pailitao_spider.keys.token_file import TokenFile, default_folder
from pailitao_spider.keys.tokens import Fetch, LocalTokens, Token
from pailitao_spider.keys.usage_db import UsageFile

# tokens: what both kinds of tokens do is in test_cluster_tokens


def gateway(renewed: Renewed | RefusedError) -> Fetch:
    async def fetch(refresh_token: str) -> Renewed:
        if isinstance(renewed, RefusedError):
            raise renewed
        return renewed

    return fetch


def test_each_new_token_is_handed_on_to_be_kept() -> None:
    kept: list[Token] = []
    tokens = LocalTokens(Token("old", "R"), kept.append)
    token = asyncio.run(tokens.renew(0, gateway(Renewed("new", "R2"))))
    assert kept == [token] == [asyncio.run(tokens.current())]


def test_where_the_tokens_of_an_earlier_run_are_dead_the_configured_ones_are_tried() -> None:
    tokens = LocalTokens(Token("kept", "K"), configured=Token("configured", "R"))
    token = asyncio.run(tokens.renew(0, gateway(RefusedError("denied"))))
    assert token == Token("configured", "R", 1)


# the token file

CONFIGURED = Token("access", "refresh")
NEWER = Token("access-2", "refresh-2", 5)


def token_file(folder: Path, configured: Token = CONFIGURED, key: str = "key") -> TokenFile:
    return TokenFile.of(folder, key, configured)


def test_kept_tokens_serve_the_next_run(tmp_path: Path) -> None:
    token_file(tmp_path).keep(NEWER)
    assert token_file(tmp_path).newest() == Token("access-2", "refresh-2")


def test_the_last_tokens_kept_are_the_ones_that_count(tmp_path: Path) -> None:
    for number in range(3):
        token_file(tmp_path).keep(Token(f"a{number}", f"r{number}", number))
    assert token_file(tmp_path).newest() == Token("a2", "r2")


@pytest.mark.parametrize(
    "configured",
    [Token("other", "refresh"), Token("access", "other"), Token(None, "refresh"), Token("access")],
    ids=["access", "refresh", "no-access", "no-refresh"],
)
def test_a_newly_configured_token_wins(tmp_path: Path, configured: Token) -> None:
    token_file(tmp_path).keep(NEWER)
    assert token_file(tmp_path, configured).newest() == configured


def test_each_app_key_has_a_file_of_its_own(tmp_path: Path) -> None:
    token_file(tmp_path, key="one").keep(NEWER)
    assert token_file(tmp_path, key="two").newest() == CONFIGURED


def test_without_a_file_the_configured_tokens_count(tmp_path: Path) -> None:
    assert token_file(tmp_path / "none").newest() == CONFIGURED


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"grown_from":"x"}', b'{"grown_from":1}', b"null"],
    ids=ascii,
)
def test_a_damaged_file_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    file = token_file(tmp_path)
    file.path.write_bytes(content)
    assert file.newest() == CONFIGURED
    file.keep(NEWER)
    assert file.newest() == Token("access-2", "refresh-2")


def test_a_file_with_a_byte_that_is_no_text_is_ignored(tmp_path: Path) -> None:
    file = token_file(tmp_path)
    file.keep(NEWER)
    file.path.write_bytes(file.path.read_bytes().replace(b"access-2", b"access\xff2"))
    assert file.newest() == CONFIGURED


needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@needs_modes
def test_only_the_user_can_read_the_file_and_its_folder(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = token_file(tmp_path / "state" / "pailitao")
        file.keep(NEWER)
    finally:
        os.umask(before)
    assert (mode(file.path), mode(file.path.parent)) == (0o600, 0o700)


@needs_modes
def test_what_a_killed_run_left_open_to_others_is_not_written_into(tmp_path: Path) -> None:
    file = token_file(tmp_path)
    left = file.path.with_name(f"{file.path.name}.{os.getpid()}.new")
    left.write_text("half")
    left.chmod(0o666)
    file.keep(NEWER)
    assert mode(file.path) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody replace an open file")
def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = token_file(tmp_path)
    file.keep(Token("first", "r"))
    with file.path.open("rb") as earlier:
        file.keep(NEWER)
        assert b"first" in earlier.read()
    assert [path.name for path in tmp_path.iterdir()] == [file.path.name]


def test_neither_key_nor_configured_tokens_stand_in_the_file(tmp_path: Path) -> None:
    file = token_file(tmp_path, Token("s3cret-1", "s3cret-2"), key="s3cret-3")
    file.keep(NEWER)
    assert "s3cret" not in file.path.name + file.path.read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        token_file(tmp_path / "file" / "state").keep(NEWER)


def test_the_default_folder_follows_the_xdg_convention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "pailitao_spider"
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "state" / "pailitao_spider"


# budget


class Days:
    """Budgets of one key, each of a worker of its own, on a clock that moves when told."""

    def __init__(self, server: LocalServer | None) -> None:
        self.now = 0.0
        self.server = server
        self.usage = usage = UsageFile(None, lambda: self.now)
        finalize(self, usage.close)

    @asynccontextmanager
    async def budgets(
        self,
        calls_a_day: int | None,
        number: int = 1,
        *,
        is_closing: bool = False,
        price: str | None = None,
        most: str | None = None,
    ) -> AsyncIterator[list[Budget]]:
        allowance = KeyLimits(calls_a_day, None if price is None else Decimal(price))
        spend = None if most is None else Decimal(most)
        if self.server is None:
            purse = SpendLimit(spend, self.usage.spent_today)
            budget = LocalBudget("key", allowance, self.usage, purse)
            yield [budget] * number
            await budget.close()
            return
        links = [
            Link(Redis.from_url(self.server.url), is_closing=lambda: is_closing)
            for _ in range(number)
        ]
        keys = AppKeys("url", "key")
        budgets = [
            RedisBudget(
                link,
                keys,
                allowance,
                RedisSpendLimit(link, spend, lambda: self.now),
                lambda: self.now,
            )
            for link in links
        ]
        yield budgets
        for budget, link in zip(budgets, links, strict=True):
            await budget.close()
            await link.close()

    def taken(self, calls_a_day: int | None, times: int) -> list[bool]:
        async def take() -> list[bool]:
            async with self.budgets(calls_a_day) as [budget]:
                return [await budget.take() is None for _ in range(times)]

        return asyncio.run(take())

    def use(self) -> DayUsage:
        """The day so far, by one who looks on."""

        async def ask() -> DayUsage:
            assert self.server is not None
            async with Redis.from_url(self.server.url) as client:
                return await day_use(Link(client), AppKeys("url", "key"), self.now)

        return self.usage.today("key") if self.server is None else asyncio.run(ask())


def test_without_a_limit_calls_are_written_ahead_and_taken_back_at_the_end() -> None:
    """A kill may leave some too many in the day's count, none too few."""

    async def run() -> None:
        days = Days(None)
        async with days.budgets(None, price="0.5") as [budget]:
            for made in range(1, 24):
                assert await budget.take() is None
                assert budget.today.calls == made
                assert budget.today.spent == made * 500_000
                assert made <= days.use().calls < made + 10
            await budget.give_back()
            budget.answered(True)
        assert days.use() == DayUsage(22, 1, 11_000_000)
        days.usage.close()

    asyncio.run(run())


class TestBothBudgets:
    @pytest.fixture(params=["local", "redis"])
    def days(self, request: pytest.FixtureRequest) -> Iterator[Days]:
        is_local = request.param == "local"
        days = Days(None if is_local else request.getfixturevalue("redis_server"))
        yield days
        days.usage.close()

    def test_a_day_s_calls_can_be_taken_and_no_more(self, days: Days) -> None:
        assert days.taken(3, 5) == [True, True, True, False, False]
        assert days.use().calls == 3

    def test_the_budget_is_whole_again_at_midnight_in_beijing(self, days: Days) -> None:
        days.now = 16 * 3600 - 1
        assert days.taken(1, 2) == [True, False]
        days.now += 1
        assert days.taken(1, 2) == [True, False]
        assert days.use().calls == 1

    def test_without_a_budget_every_call_may_be_made_and_all_are_counted(self, days: Days) -> None:
        assert all(days.taken(None, 10))
        assert days.use().calls == 10

    def test_a_run_goes_on_with_what_the_one_before_has_left(self, days: Days) -> None:
        assert days.taken(10, 7) == [True] * 7
        assert days.taken(10, 7) == [True] * 3 + [False] * 4

    def test_many_who_ask_at_once_get_exactly_the_day_s_calls(self, days: Days) -> None:
        async def run() -> list[str | None]:
            async with days.budgets(20, number=4) as budgets:
                return await asyncio.gather(*(each.take() for each in budgets for _ in range(15)))

        assert asyncio.run(run()).count(None) == 20
        assert days.use().calls == 20

    def test_what_was_billed_is_counted_with_its_price(self, days: Days) -> None:
        async def run() -> None:
            async with days.budgets(None, price="0.05") as [budget]:
                for billed in (True, False, True):
                    assert await budget.take() is None
                    budget.answered(billed)

        asyncio.run(run())
        assert days.use() == DayUsage(3, 2, 100_000)
        assert days.use().not_billed == 1

    def test_no_more_is_spent_than_the_day_allows_and_what_is_free_costs_nothing(
        self, days: Days
    ) -> None:
        async def run() -> list[str | None]:
            async with days.budgets(None, price="0.40", most="1") as [budget]:
                first, second = await budget.take(), await budget.take()
                third = asyncio.ensure_future(budget.take())
                await asyncio.sleep(0.05)
                assert not third.done(), "the two under way may cost all there is, or nothing"
                budget.answered(False)
                third_said = await third
                budget.answered(True)
                budget.answered(True)
                return [first, second, third_said, await budget.take()]

        why = "PAILITAO_MAX_SPEND=1 yuan a day are spent"
        assert asyncio.run(run()) == [None, None, None, why]
        assert days.use() == DayUsage(3, 2, 800_000)

    def test_calls_of_a_killed_process_count_as_if_they_were_billed(self, days: Days) -> None:
        async def run(times: int) -> list[str | None]:
            async with days.budgets(None, price="0.40", most="1") as [budget]:
                return [await budget.take() for _ in range(times)]

        assert asyncio.run(run(2)) == [None, None]
        why = "PAILITAO_MAX_SPEND=1 yuan a day are spent"
        assert asyncio.run(run(1)) == [why], "no answer was seen, and the money may be gone"

    def test_what_the_gateway_counts_ends_the_day_before_it_refuses(self, days: Days) -> None:
        async def run() -> list[str | None]:
            async with days.budgets(None) as [budget]:
                budget.told(QuotaTold(99, 100))
                first = await budget.take()
                budget.told(QuotaTold(100, 100))
                return [first, await budget.take()]

        assert asyncio.run(run()) == [None, "the gateway counts 100 of 100 calls made"]

    def test_a_call_that_is_not_made_is_given_back(self, days: Days) -> None:
        async def run() -> list[str | None]:
            async with days.budgets(1) as [budget]:
                first = await budget.take()
                await budget.give_back()
                return [first, await budget.take()]

        assert asyncio.run(run()) == [None, None]


def test_workers_share_what_may_be_spent_in_a_day(redis_server: LocalServer) -> None:
    days = Days(redis_server)

    async def run() -> list[str | None]:
        async with days.budgets(None, number=3, price="0.10", most="1") as budgets:
            took = []
            for each in budgets * 8:
                took.append(await each.take())
                if took[-1] is None:
                    each.answered(True)
            return took

    assert asyncio.run(run()).count(None) == 10


def test_what_a_day_cost_is_kept_in_redis_for_three_days(redis_server: LocalServer) -> None:
    days = Days(redis_server)
    days.taken(5, 2)

    async def left() -> list[tuple[bytes, int]]:
        async with Redis.from_url(redis_server.url) as client:
            return [(key, await client.ttl(key)) for key in await client.keys()]

    [(key, seconds)] = asyncio.run(left())
    assert key.endswith(b":use:1970-01-01")
    assert 259_190 < seconds <= 259_200


@pytest.mark.parametrize(
    ("now", "day", "next_day"),
    [
        (0, "1970-01-01", 16 * 3600),
        (16 * 3600 - 1, "1970-01-01", 16 * 3600),
        (16 * 3600, "1970-01-02", 40 * 3600),
        (1744567890.5, "2025-04-14", 1744646400),
    ],
)
def test_a_day_begins_at_midnight_in_beijing(now: float, day: str, next_day: float) -> None:
    assert beijing_day(now) == day
    assert next_midnight(now) == next_day


def test_the_days_of_a_user_are_counted_over_processes_and_forgotten_after_a_year(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state" / "usage.sqlite"
    first, second = (UsageFile(path, lambda: 0.0) for _ in range(2))
    first.add("key", DayUsage(2, 1, 50))
    second.add("key", DayUsage(1, 1, 50))
    assert first.today("key") == second.today("key") == DayUsage(3, 2, 100)
    assert first.today("other") == DayUsage()
    assert first.spent_today() == 100
    first.close()
    second.close()
    assert path.parent.stat().st_mode & 0o077 == 0
    later = UsageFile(path, lambda: 500 * 86400.0)
    later.close()
    again = UsageFile(path, lambda: 0.0)
    assert again.today("key") == DayUsage()
    again.close()


def test_a_run_that_ends_while_redis_is_away_takes_no_call(redis_server: LocalServer) -> None:
    days = Days(redis_server)
    redis_server.kill()

    async def run() -> None:
        async with days.budgets(5, is_closing=True) as [budget]:
            with pytest.raises(GateClosedError):
                await budget.take()

    asyncio.run(run())


# retrying


def refusal(kind: RefusalClass, wait_seconds: float | None = None) -> Refusal:
    return Refusal(kind, "code", "text", wait_seconds)


POLICY = RetryPolicy(tries=3, renewals=2, longest_ban_seconds=600)
THROTTLED, TRANSIENT = RefusalClass.THROTTLED, RefusalClass.TRANSIENT


@pytest.mark.parametrize(
    ("kind", "wait_seconds", "attempt", "expected"),
    [
        pytest.param(THROTTLED, None, Attempt(), Action.WAIT_AT_GATE, id="throttled"),
        pytest.param(
            THROTTLED, None, Attempt(failures=99), Action.WAIT_AT_GATE, id="throttled-is-no-failure"
        ),
        pytest.param(THROTTLED, 600.0, Attempt(), Action.WAIT_AT_GATE, id="ban-that-is-waited-out"),
        pytest.param(THROTTLED, 22238.0, Attempt(), Action.STOP, id="ban-that-outlasts-the-run"),
        pytest.param(TRANSIENT, None, Attempt(), Action.BACK_OFF, id="first-failure"),
        pytest.param(TRANSIENT, None, Attempt(failures=1), Action.BACK_OFF, id="second-failure"),
        pytest.param(TRANSIENT, None, Attempt(failures=2), Action.GIVE_UP, id="last-try"),
        pytest.param(TRANSIENT, None, Attempt(renewals=9), Action.BACK_OFF, id="renewals-apart"),
        pytest.param(RefusalClass.TOKEN, None, Attempt(), Action.RENEW, id="token"),
        pytest.param(RefusalClass.TOKEN, None, Attempt(renewals=1), Action.RENEW, id="token-again"),
        pytest.param(
            RefusalClass.TOKEN, None, Attempt(renewals=2), Action.STOP, id="token-for-ever"
        ),
        pytest.param(RefusalClass.BAD_SEED, None, Attempt(), Action.GIVE_UP, id="bad-seed"),
        pytest.param(RefusalClass.SPENT, None, Attempt(), Action.STOP, id="spent"),
        pytest.param(RefusalClass.DENIED, None, Attempt(), Action.STOP, id="denied"),
    ],
)
def test_each_class_of_refusal_has_its_action(
    kind: RefusalClass, wait_seconds: float | None, attempt: Attempt, expected: Action
) -> None:
    assert POLICY.action(refusal(kind, wait_seconds), attempt) is expected


@pytest.mark.parametrize("kind", RefusalClass)
def test_no_class_of_refusal_is_without_an_action(kind: RefusalClass) -> None:
    assert isinstance(POLICY.action(refusal(kind), Attempt()), Action)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (RefusalClass.TRANSIENT, Attempt(2, 2, 1)),
        (RefusalClass.TOKEN, Attempt(1, 3, 1)),
        (RefusalClass.THROTTLED, Attempt(1, 2, 1)),
    ],
    ids=str,
)
def test_an_attempt_counts_what_it_has_been_through(kind: RefusalClass, expected: Attempt) -> None:
    assert POLICY.after(refusal(kind), Attempt(1, 2, 1)) == expected


@pytest.mark.parametrize("tries", [1, 2, 8])
def test_a_call_that_always_fails_is_sent_exactly_so_often(tries: int) -> None:
    policy, attempt, sent = RetryPolicy(tries=tries), Attempt(), 1
    while policy.action(refusal(TRANSIENT), attempt) is Action.BACK_OFF:
        attempt, sent = policy.after(refusal(TRANSIENT), attempt), sent + 1
    assert sent == tries


@pytest.mark.parametrize(
    ("failures", "most"),
    [(0, 0.5), (1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (20, 30.0), (10**6, 30.0)],
)
def test_the_longest_wait_doubles_up_to_a_limit(failures: int, most: float) -> None:
    assert RetryPolicy().backoff_seconds(Attempt(failures), lambda: 1.0) == most


@given(failures=st.integers(0, 10**6), share=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_any_share_of_its_step(failures: int, share: float) -> None:
    policy, attempt = RetryPolicy(), Attempt(failures)
    longest = policy.backoff_seconds(attempt, lambda: 1.0)
    assert policy.backoff_seconds(attempt, lambda: share) == pytest.approx(longest * share)


def test_waits_differ_from_call_to_call() -> None:
    waits = {RetryPolicy().backoff_seconds(Attempt(3)) for _ in range(20)}
    assert len(waits) > 1
    assert all(0 <= wait < 4.0 for wait in waits)


def test_a_count_whose_disk_is_full_goes_on_in_memory_with_all_that_it_had(tmp_path: Path) -> None:
    told: list[sqlite3.Error] = []
    usage = UsageFile(tmp_path / "usage.sqlite", lambda: 0.0, told.append)
    usage.add("key", DayUsage(2, 1, 50))
    [pages] = usage._database.execute("PRAGMA page_count").fetchone()
    usage._database.execute(f"PRAGMA max_page_count={pages}")
    for number in range(500):
        assert usage.add(f"key {number}", DayUsage(1))
    assert [error.sqlite_errorname for error in told] == ["SQLITE_FULL"]
    assert usage.add("key", DayUsage(1), most=3)
    assert not usage.add("key", DayUsage(1), most=3)
    assert usage.today("key") == DayUsage(3, 1, 50)
    assert usage.today("key 499") == DayUsage(1)
    usage.close()
