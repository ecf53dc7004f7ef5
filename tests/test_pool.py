"""The pool of keys: who goes by which key, in which order, and what happens when one is out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from pailitao_spider.gateways.calls import Credential
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.keys.adaptive_rate import AdaptiveRate
from pailitao_spider.keys.budget import KeyLimits, LocalBudget, SpendLimit
from pailitao_spider.keys.key import Key, Out
from pailitao_spider.keys.pool import FIRST_PAGE, NEXT_PAGE, UPLOAD, Grant, NoKeyError, Pool
from pailitao_spider.keys.rate_limiter import GateClosedError, LocalRateLimiter
from pailitao_spider.keys.tokens import LocalTokens, Token
from pailitao_spider.keys.upload_cache import LocalUploads
from pailitao_spider.keys.usage_db import UsageFile
from pailitao_spider.results.state import CrawlState
from tests.virtual_time import VirtualLoop

ANY: Callable[[Key], bool] = lambda key: True  # noqa: E731


@dataclass
class House:
    """A pool of real keys; `rates` by name, `daily` calls by name."""

    rates: dict[str, float]
    daily: dict[str, int] = field(default_factory=dict)
    gateways: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        self.now = 0.0
        self.is_closing = False
        self.told: list[tuple[str, str]] = []
        self.failures: list[BaseException] = []
        self.usage = UsageFile(None, lambda: self.now)
        self.state = CrawlState(None)
        self.pool = Pool(
            [self._key(name, rate) for name, rate in self.rates.items()],
            clock=lambda: self.now,
            steady=self.loop.time,
            spent=self._spent,
            failed=self.failures.append,
        )

    def _spent(self, key: Key, why: str) -> None:
        self.told.append((key.name, why))
        self.pool.take_out(key, Out("pailitao_budget", why, 86400.0))

    def _key(self, name: str, rate: float) -> Key:
        gateway = self.gateways.get(name, "router")
        gate = LocalRateLimiter(
            AdaptiveRate(rate),
            clock=self.loop.time,
            sleep=asyncio.sleep,
            is_closing=lambda: self.is_closing,
        )
        allowance = KeyLimits(self.daily.get(name))
        key = Key(
            name=name,
            group=gateway,
            gateway=gateway,
            dialect=dialect(gateway),
            url="http://127.0.0.1",
            token_url=None,
            credential=Credential(name, "secret"),
            gate=gate,
            tokens=LocalTokens(Token("t")),
            budget=LocalBudget(name, allowance, self.usage, SpendLimit(None, lambda: 0)),
            uploads=LocalUploads(self.state.uploads(name)),
        )
        gate._is_proved = True  # the first answer has come
        return key

    def key(self, name: str) -> Key:
        return self.pool.named(name)


def run(house: House, work: Coroutine[Any, Any, Any]) -> Any:
    async def whole() -> Any:
        try:
            async with asyncio.timeout(60):
                return await work
        finally:
            await house.pool.close()
            house.usage.close()
            house.state.close()

    with asyncio.Runner(loop_factory=lambda: house.loop) as runner:
        return runner.run(whole())


async def seats(house: House, number: int, **given: Any) -> list[Grant]:
    enter = [house.pool.enter(given.get("able", ANY), FIRST_PAGE) for _ in range(number)]
    return await asyncio.gather(*enter)


def test_calls_go_by_the_key_that_opens_first() -> None:
    house = House({"fast": 400.0, "slow": 100.0})
    used = Counter(seat.key.name for seat in run(house, seats(house, 100)))
    assert used["fast"] == pytest.approx(80, abs=1)
    assert used.total() == 100


def test_waiting_is_summed_over_all_calls() -> None:
    house = House({"key": 20.0})
    run(house, seats(house, 5))
    assert house.pool.waited_seconds == pytest.approx(0.05 + 0.1 + 0.15 + 0.2)


def test_what_is_begun_goes_before_what_is_new_and_uploads_last() -> None:
    house = House({"key": 100.0})

    async def work() -> list[str]:
        order: list[str] = []

        async def enter(name: str, rank: int) -> None:
            await house.pool.enter(ANY, rank)
            order.append(name)

        await house.pool.enter(ANY, FIRST_PAGE)
        ranks = [("u1", UPLOAD), ("f1", FIRST_PAGE), ("n1", NEXT_PAGE), ("f2", FIRST_PAGE),
                 ("u2", UPLOAD), ("n2", NEXT_PAGE)]  # fmt: skip
        await asyncio.gather(*(enter(*each) for each in ranks))
        return order

    assert run(house, work()) == ["n1", "n2", "f1", "f2", "u1", "u2"]


def test_a_call_goes_only_by_a_key_that_it_may_go_by() -> None:
    house = House({"a": 100.0, "b": 100.0})

    async def work() -> set[str]:
        able = await seats(house, 10, able=lambda key: key.name == "b")
        only = [await house.pool.enter(ANY, UPLOAD, only=house.key("b")) for _ in range(3)]
        return {seat.key.name for seat in (*able, *only)}

    assert run(house, work()) == {"b"}


def test_a_spent_key_is_out_and_the_others_take_its_calls() -> None:
    house = House({"small": 1000.0, "large": 50.0}, daily={"small": 5})
    used = Counter(seat.key.name for seat in run(house, seats(house, 20)))
    assert used == {"small": 5, "large": 15}
    assert house.told == [("small", "PAILITAO_DAILY_CALLS=5 are used up")]


class FarBudget(LocalBudget):
    """A budget that is asked over a line, as a cluster's is."""

    seconds = 0.02

    async def take(self) -> str | None:
        await asyncio.sleep(self.seconds / 2)
        why = await super().take()
        await asyncio.sleep(self.seconds / 2)
        return why


def far(house: House, name: str) -> None:
    near = house.key(name).budget
    assert isinstance(near, LocalBudget)
    near.__class__ = FarBudget


@pytest.mark.parametrize("waiting", range(5, 12))
def test_a_key_is_told_spent_only_when_its_last_call_is_used(waiting: int) -> None:
    house = House({"small": 1000.0, "large": 150.0}, daily={"small": 4})
    far(house, "small")
    used = Counter(seat.key.name for seat in run(house, seats(house, waiting)))
    assert used.total() == waiting
    assert used["small"] == 4 or not house.told
    assert len(house.told) <= 1


@pytest.mark.parametrize("number", [2, 3, 8])
def test_who_waits_for_a_key_whose_last_call_another_took_is_turned_away(number: int) -> None:
    house = House({"small": 1000.0, "large": 1.0}, daily={"small": 1})
    far(house, "small")

    async def work() -> Counter[str]:
        enter = (house.pool.enter(lambda key: key.name == "small", NEXT_PAGE)
                 for _ in range(number))  # fmt: skip
        came = await asyncio.gather(*enter, return_exceptions=True)
        return Counter(type(each).__name__ for each in came)

    assert run(house, work()) == {"Grant": 1, "NoKeyError": number - 1}


def test_nobody_stands_at_the_gate_of_a_key_that_is_out() -> None:
    house = House({"small": 1000.0, "large": 20.0}, daily={"small": 1})

    async def work() -> int:
        waiting = asyncio.ensure_future(seats(house, 6))
        await asyncio.sleep(0.1)
        before = house.key("small").gate._next_at  # type: ignore[attr-defined]
        await waiting
        return int(house.key("small").gate._next_at > before)  # type: ignore[attr-defined]

    assert run(house, work()) == 0


def test_a_key_that_is_whole_again_takes_calls_from_those_who_wait() -> None:
    house = House({"small": 1000.0, "large": 5.0})
    house.pool.take_out(house.key("small"), Out("pailitao_spent", "spent", 100.0))

    async def work() -> Counter[str]:
        waiting = asyncio.ensure_future(seats(house, 12))
        await asyncio.sleep(0.05)
        house.now = 100.0
        more = await seats(house, 1)
        return Counter(seat.key.name for seat in [*await waiting, *more])

    began = house.loop.time()
    used = run(house, work())
    assert used.total() == 13
    assert used["small"] >= 10
    assert house.loop.time() - began < 1


def test_a_far_budget_is_asked_for_all_who_wait_at_once() -> None:
    house = House({"key": 1000.0})
    far(house, "key")
    began = house.loop.time()
    assert len(run(house, seats(house, 40))) == 40
    assert house.loop.time() - began < 40 * FarBudget.seconds / 2


def test_who_gives_up_while_the_budget_is_asked_leaves_the_call_to_the_next() -> None:
    house = House({"key": 1000.0}, daily={"key": 1})
    far(house, "key")

    async def work() -> str:
        first = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE))
        await asyncio.sleep(FarBudget.seconds / 2)
        second = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).key.name

    assert run(house, work()) == "key"


def test_a_run_that_ends_while_the_budget_is_asked_lets_nobody_wait() -> None:
    house = House({"key": 1000.0})
    far(house, "key")

    async def work() -> list[Any]:
        waiting = [asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE)) for _ in range(3)]
        await asyncio.sleep(FarBudget.seconds / 2)
        await house.pool.close()
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(each, GateClosedError) for each in run(house, work()))


def test_a_budget_that_cannot_be_asked_ends_the_run() -> None:
    house = House({"key": 1000.0})
    far(house, "key")

    async def broken() -> str | None:
        await asyncio.sleep(0.01)
        raise OSError("away")

    house.key("key").budget.take = broken  # type: ignore[method-assign]

    async def work() -> list[Any]:
        enter = (house.pool.enter(ANY, FIRST_PAGE) for _ in range(3))
        return await asyncio.gather(*enter, return_exceptions=True)

    assert [type(each) for each in run(house, work())] == [GateClosedError] * 3
    assert {str(each) for each in house.failures} == {"away"}


def test_after_a_fault_nobody_waits() -> None:
    house = House({"key": 1000.0})
    key = house.key("key")
    cast("LocalRateLimiter", key.gate)._is_proved = False  # whose first answer all others wait for

    async def broken() -> str | None:
        raise OSError("no longer there")

    async def work() -> None:
        key.budget.take = broken  # type: ignore[method-assign]
        for _ in range(2):
            with pytest.raises(GateClosedError):
                await house.pool.enter(ANY, FIRST_PAGE)

    run(house, work())
    assert [str(each) for each in house.failures] == ["no longer there"]


def test_a_seat_that_is_left_is_free_for_others_and_costs_no_call() -> None:
    house = House({"key": 1000.0}, daily={"key": 1})
    key = house.key("key")
    cast("LocalRateLimiter", key.gate)._is_proved = False

    async def work() -> tuple[int, int]:
        await house.pool.leave(await house.pool.enter(ANY, FIRST_PAGE))
        await house.pool.enter(ANY, FIRST_PAGE)
        return key.seats, key.budget.today.calls

    assert run(house, work()) == (1, 1)


def test_with_the_last_key_all_who_wait_are_turned_away() -> None:
    house = House({"a": 1000.0, "b": 1000.0}, daily={"a": 3, "b": 4})

    async def work() -> Counter[str]:
        enter = (house.pool.enter(ANY, FIRST_PAGE) for _ in range(20))
        came = await asyncio.gather(*enter, return_exceptions=True)
        with pytest.raises(NoKeyError):
            await house.pool.enter(ANY, FIRST_PAGE)
        return Counter(type(each).__name__ for each in came)

    assert run(house, work()) == {"Grant": 7, "NoKeyError": 13}


def test_a_key_is_whole_again_when_its_time_has_come() -> None:
    house = House({"key": 1000.0})

    async def work() -> str:
        house.pool.take_out(house.key("key"), Out("pailitao_spent", "spent", 100.0))
        with pytest.raises(NoKeyError):
            await house.pool.enter(ANY, FIRST_PAGE)
        assert house.pool.outs()[0][1].text == "spent"
        house.now = 100.0
        return (await house.pool.enter(ANY, FIRST_PAGE)).key.name

    assert run(house, work()) == "key"


def test_who_chose_a_key_that_is_held_back_for_long_looks_again() -> None:
    house = House({"banned": 100.0, "other": 100.0})

    async def work() -> None:
        key = house.key("banned")
        seat = await house.pool.enter(ANY, FIRST_PAGE, only=key)
        waiting = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE, only=key))
        await asyncio.sleep(0)
        key.gate.throttled(seat.permit, 60.0)
        house.pool.slowed(key)
        with pytest.raises(NoKeyError):
            await waiting
        assert house.pool.likely(ANY).name == "other"

    run(house, work())


def test_the_likely_key_is_the_one_where_a_call_is_through_first() -> None:
    house = House({"fast": 10.0, "slow": 1.0})

    async def work() -> list[str]:
        chosen = []
        for _ in range(22):
            key = house.pool.likely(ANY)
            key.load += 1
            chosen.append(key.name)
        assert house.pool.likely(ANY, lambda key: 50 if key.name == "fast" else 1).name == "slow"
        return chosen

    used = Counter(run(house, work()))
    assert used["fast"] == 20


def test_a_permit_that_nobody_needs_any_more_keeps_no_one_out() -> None:
    house = House({"key": 20.0})

    async def work() -> None:
        gate = house.key("key").gate
        gate._is_proved = False  # type: ignore[attr-defined]
        seat = await house.pool.enter(ANY, FIRST_PAGE)
        gate.unclear()  # no answer came: one call alone is let go again
        waiting = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0.2)
        again = await house.pool.enter(ANY, FIRST_PAGE)
        assert again.permit.issued_at > seat.permit.issued_at

    run(house, work())


def test_a_run_that_ends_lets_nobody_wait() -> None:
    house = House({"key": 0.1})

    async def work() -> list[Any]:
        await house.pool.enter(ANY, FIRST_PAGE)
        waiting = [asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE)) for _ in range(3)]
        await asyncio.sleep(0.05)
        house.is_closing = True
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(each, GateClosedError) for each in run(house, work()))


def test_a_closed_pool_lets_nobody_in() -> None:
    house = House({"key": 0.1})

    async def work() -> None:
        await house.pool.enter(ANY, FIRST_PAGE)
        waiting = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE))
        await asyncio.sleep(0.01)
        await house.pool.close()
        with pytest.raises(GateClosedError):
            await waiting
        with pytest.raises(GateClosedError):
            await house.pool.enter(ANY, FIRST_PAGE)

    run(house, work())


def test_a_waiter_that_gives_up_costs_no_budget() -> None:
    house = House({"key": 20.0}, daily={"key": 2})

    async def work() -> None:
        await house.pool.enter(ANY, FIRST_PAGE)
        waiting = asyncio.ensure_future(house.pool.enter(ANY, FIRST_PAGE))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0.1)
        assert house.usage.today("key").calls == 1
        await house.pool.enter(ANY, FIRST_PAGE)

    run(house, work())
