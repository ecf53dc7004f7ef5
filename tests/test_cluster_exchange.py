"""The exchange script: random interleavings against a model, and what they meet seldom.

The model is tests/exchange_model.py; what is done at random stands in tests/exchange_runs.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ResponseError
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import Link, RedisUnavailableError
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.worker.messages import Ack, Burial, GiveBack, Hold
from tests.exchange_runs import play
from tests.exchanges import Exchanges, Talker, url_seed
from tests.redis_programs import PROGRAMS, first_on_the_path

RUNS, SOAK_RUNS, STEPS = 40, 10_000, 50


def play_all(exchanges: Exchanges, runs: int) -> int:
    """How many exchanges there were."""
    number = 0
    for seed in range(runs):
        try:
            number += play(exchanges, seed, STEPS)
        except BaseException as error:
            error.add_note(f"run {seed}")
            raise
    return number


def test_random_interleavings_go_as_the_model_says(exchanges: Exchanges) -> None:
    assert play_all(exchanges, RUNS) > 1000


@pytest.mark.soak
def test_ten_thousand_whole_runs_go_as_the_model_says(exchanges: Exchanges) -> None:
    print(f"{play_all(exchanges, SOAK_RUNS)} exchanges")


# what chance meets seldom, and on each server that packages give


@pytest.fixture(scope="module", params=PROGRAMS)
def exchanges_on_each(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Exchanges]:
    folder = tmp_path_factory.mktemp("each")
    with first_on_the_path(request.param, folder / "bin"):
        server = LocalServer(folder / "redis").start()
    made = Exchanges(server)
    yield made
    made.close()
    server.kill()


@pytest.fixture
def redis(exchanges_on_each: Exchanges) -> Exchanges:
    """Empty."""
    exchanges_on_each.client.flushall()
    return exchanges_on_each


URL = "https://sandbox.invalid/1.jpg"
SEED = url_seed("s", URL)


def rows(page: int, number: int = 20, total: int | None = None) -> Ack:
    ids = [f"{page}{place:03}" for place in range(number)]
    return Ack("s", page, 1, rows=number, total=total, ids=ids)


def gone(page: int) -> Ack:
    return Ack("s", page, 1, gone="transient: 500")


def expire(redis: Exchanges, id_: str) -> None:
    redis.client.zadd(redis.keys.lease, {id_: 0})


def test_a_page_of_an_earlier_search_does_not_end_the_new_one(redis: Exchanges) -> None:
    sleeper, other = Talker(redis, "sleeper"), Talker(redis, "other")
    other.admit(SEED)
    other.take()
    other.say(acks=[rows(1, total=60)])
    sleeper.take(2)
    other.say(acks=[gone(2), gone(3)])
    other.admit(SEED, again=True)

    answer = sleeper.say(acks=[rows(3)], want_lines=9)

    assert (answer.lines, answer.ready) == ([], 1)


def test_what_was_not_needed_in_an_earlier_search_is_fetched_in_the_new_one(
    redis: Exchanges,
) -> None:
    sleeper, other = Talker(redis, "sleeper"), Talker(redis, "other")
    other.admit(SEED)
    other.take()
    other.say(acks=[rows(1, total=80)])
    other.take(2)
    assert [page.page for page in sleeper.take().pages] == [4]
    expire(redis, "s/4")
    other.say(acks=[gone(2), gone(3)])
    assert other.take().alone
    other.say(acks=[gone(4)])
    other.admit(SEED, again=True)
    other.take()
    assert other.say(acks=[rows(1, total=80)]).ready == 3

    answer = sleeper.say(acks=[Ack("s", 4, 0, unneeded=True, answered=0, delivery=1)])

    assert answer.ready == 3


def test_a_line_is_forgotten_only_by_the_worker_that_had_it_last(redis: Exchanges) -> None:
    first, second = Talker(redis, "first"), Talker(redis, "second")
    first.admit(SEED)
    first.take()
    assert len(first.say(acks=[rows(1, 0)], want_lines=1).lines) == 1
    redis.client.zadd(redis.keys.ended, {"s": 0})
    assert len(second.say(want_lines=1).lines) == 1

    assert first.say(written=["s"]).unwritten == 1
    assert second.say(written=["s"]).unwritten == 0


def test_a_seed_that_was_replayed_gets_a_new_line_whoever_has_the_old_one(
    redis: Exchanges,
) -> None:
    first, second = Talker(redis, "first"), Talker(redis, "second")
    first.admit(SEED)
    first.take()
    assert len(first.say(burials=[Burial("s/1", 1, "no")], want_lines=1).lines) == 1
    assert redis.replay("s/1") == 1
    second.take()
    second.say(acks=[rows(1, 0)])

    assert first.say(written=["s"]).unwritten == 1
    assert [line.status for line in second.say(want_lines=1).lines] == ["empty"]


def test_after_an_outage_the_holders_of_pages_come_first(redis: Exchanges) -> None:
    holder, other = Talker(redis, "holder"), Talker(redis, "other")
    holder.admit(SEED)
    holder.take()
    expire(redis, "s/1")
    redis.client.hset(redis.keys.counts, "beat", 1)

    assert (other.say().suspects, other.say().reclaimed) == (0, 0)
    assert holder.say(holds=[Hold("s/1", 1)]).lost == []

    expire(redis, "s/1")
    redis.client.hset(redis.keys.counts, "grace", 1)
    assert other.say().suspects == 1


@pytest.fixture
def full(redis: Exchanges) -> Iterator[Exchanges]:
    """A Redis without memory for anything more, in which a page is in a worker's hands."""
    worker = Talker(redis, "w")
    worker.admit(SEED)
    worker.take()
    redis.push(url_seed("waiting", URL + "?2"))
    redis.client.config_set("maxmemory", 1)
    yield redis
    redis.client.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    "members",
    [
        {"acks": [rows(1, total=60)]},
        {"acks": [gone(1)]},
        {"given_back": [GiveBack("s/1", 1, failures=1)]},
        {"burials": [Burial("s/1", 1, "no seed")]},
        {"want": 5, "is_empty_handed": True, "want_seeds": 5, "want_lines": 5},
    ],
    ids=["page", "given-up", "back", "burial", "taking"],
)
def test_a_full_redis_takes_a_message_as_a_whole_or_not_at_all(
    full: Exchanges, members: dict[str, Any]
) -> None:
    before = full.snapshot()
    try:
        answer = Talker(full, "w", 9).say(**members)
    except ResponseError:
        assert full.snapshot() == before
    else:
        assert (answer.leased, answer.ready + answer.unwritten) in ((0, 1), (0, 2))


def test_a_full_redis_is_one_to_wait_for(full: Exchanges) -> None:
    """Redis before 7 has words of its own for what a script met."""
    port = full.client.connection_pool.connection_kwargs["port"]

    async def push() -> None:
        link = Link(connect(Settings({"REDIS_URL": f"redis://127.0.0.1:{port}"})))
        try:
            await link.script("push", full.keys.prefix, "0", "s2", "digest", "line", "", b"")
        finally:
            await link.close()

    with pytest.raises(RedisUnavailableError, match="command not allowed when used memory"):
        asyncio.run(push())


def test_workers_that_fell_silent_are_forgotten(redis: Exchanges) -> None:
    now = float(redis.client.time()[0])
    here = {"silent": now - 11_000, "future": now + 11_000, "here": now, "odd": "x"}
    said = {name: f"{at} {{}}" for name, at in here.items()}
    redis.client.hset(redis.keys.workers, mapping=said)

    Talker(redis, "w").say()

    assert set(redis.snapshot()["workers"]) == {"w", "here"}


def test_a_worker_that_leaves_is_forgotten_at_once(redis: Exchanges) -> None:
    worker = Talker(redis, "w")
    worker.admit(SEED)
    assert worker.say(says="").workers == 0
