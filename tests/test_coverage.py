"""Crawls against gateways that tell of more than they show, or show it in another order.

What was asked, what is kept and what is said of it; on one machine and in a cluster.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from pailitao_spider.cluster.redis.local_server import LocalServer
from tests.clusters import Cluster, Unserved
from tests.crawling import Crawled, Crawler
from tests.scripted_gateway import Answer, Script, ScriptedGateway, found, refused, scripted

SIZE = 10
PHOTO = "https://cbu01.alicdn.com/img/ibank/1.jpg"
KEY = {"PAILITAO_APP_KEY": "1", "PAILITAO_APP_SECRET": "s", "PAILITAO_ACCESS_TOKEN": "t"}

Rows = Callable[[int, int], Sequence[int]]
"""The offers on a page, the how-maniest time it is asked for."""


def offers(page: int) -> range:
    return range(1000 + page * SIZE, 1000 + (page + 1) * SIZE)


def shows(rows: Rows, total: int | None, beyond: Answer | None = None, **hints: Any) -> Script:
    """A gateway with pages of ten offers; `beyond` answers where `rows` has none."""
    asked_for: dict[int, int] = {}

    def answer(asked: dict[str, str], number: int) -> Answer:
        page = int(asked["page"])
        asked_for[page] = asked_for.get(page, 0) + 1
        ids = rows(page, asked_for[page])
        if not ids and beyond is not None:
            return beyond
        answer = found(*ids, total=total)
        answer.body["items"] |= hints
        return answer

    return answer


def pages(last: int) -> Rows:
    return lambda page, time: offers(page) if page <= last else ()


def crawl(
    crawler: Crawler, script: Script, *arguments: str, out: str = "-O", **env: str
) -> tuple[Crawled, ScriptedGateway]:
    with scripted(script) as gateway:
        crawler.env |= KEY | {"PAILITAO_URL": gateway.url, "PAILITAO_RATE": "200"} | env
        crawler.seeds(PHOTO)
        return crawler.crawl("-a", f"page_size={SIZE}", *arguments, out=out), gateway


def asked(gateway: ScriptedGateway) -> list[int]:
    return [int(call["page"]) for call in gateway.calls]


def line(ended: Crawled) -> dict[str, Any]:
    (only,) = ended.ledger.values()
    return only | {"coverage": only["coverage"] and float(only["coverage"])}


# what a total that lies costs


@pytest.mark.parametrize("rate", [{"PAILITAO_RATE": "10"}, {"PAILITAO_RATE": "2000"}], ids=str)
@pytest.mark.parametrize(
    "beyond",
    [None, refused("参数错误"), refused("page is invalid"), refused("no more", "X9")],
    ids=["empty", "refused", "named", "unknown"],
)
def test_two_thousand_claimed_and_five_pages_there_cost_four_calls_more(
    crawler: Crawler, beyond: Answer | None, rate: dict[str, str]
) -> None:
    ended, gateway = crawl(crawler, shows(pages(5), 2000, beyond), PAILITAO_BURST="64", **rate)

    assert len(ended.ids) == 50, ended.log
    assert len(gateway.calls) <= 5 + 4
    assert max(asked(gateway)) <= 8
    assert (line(ended)["status"], line(ended)["coverage"]) == ("done", 0.025)
    assert "1 seed: 50 of 2000 offers" in ended.log


def test_a_total_that_lies_costs_a_cluster_no_more(
    crawler: Crawler, redis_server: LocalServer
) -> None:
    with (
        scripted(shows(pages(5), 2000)) as gateway,
        clustered(crawler, redis_server, gateway) as run,
    ):
        assert run.crawl("-a", f"page_size={SIZE}", workers=2) == [0, 0], run.logs
        told = run.status()
        merged = run.merge()

    assert len(gateway.calls) <= 5 + 4
    assert len(merged.ids) == 50
    assert (line(merged)["offers_seen"], line(merged)["coverage"]) == (50, 0.025)
    assert told["short"] == {"seeds": 1, "offers_seen": 50, "offers_expected": 2000}
    assert "1 seed: 50 of 2000 offers" in run.logs


@contextmanager
def clustered(
    crawler: Crawler, redis_server: LocalServer, gateway: ScriptedGateway
) -> Iterator[Cluster]:
    run = Cluster(crawler.folder, redis_server, Unserved)
    run.env |= KEY | {"PAILITAO_URL": gateway.url, "PAILITAO_RATE": "200"}
    try:
        run.push(PHOTO)
        yield run
    finally:
        run.close()


def test_fewer_pages_than_the_total_are_not_a_call_too_many(crawler: Crawler) -> None:
    ended, gateway = crawl(crawler, shows(pages(3), 800_000, pagecount=3))
    assert sorted(asked(gateway)) == [1, 2, 3]
    assert (line(ended)["offers_expected"], line(ended)["coverage"]) == (30, 1.0)


def test_a_run_that_stops_early_holds_the_first_pages(crawler: Crawler) -> None:
    ended, gateway = crawl(crawler, shows(pages(30), 300), PAILITAO_DAILY_CALLS="5")
    assert sorted(asked(gateway)) == [1, 2, 3, 4, 5]
    assert sorted({offer["page"] for offer in ended.offers}) == [1, 2, 3, 4, 5]


# an order that moves


def test_an_order_that_moves_is_told_in_distinct_offers(crawler: Crawler) -> None:
    every = list(range(1000, 1050))

    def shuffled(page: int, time: int) -> list[int]:
        order = random.Random(page).sample(every, len(every))
        return order[(page - 1) * SIZE : page * SIZE]

    ended, _ = crawl(crawler, shows(shuffled, 50))
    distinct = len({each for page in range(1, 6) for each in shuffled(page, 1)})
    final = line(ended)
    assert (final["rows_seen"], final["offers_seen"], final["offers_expected"]) == (
        50,
        distinct,
        50,
    )
    assert f"1 seed: {distinct} of 50 offers" in ended.log


def test_a_new_offer_on_top_of_each_page_is_told(crawler: Crawler) -> None:
    def moving(page: int, time: int) -> range:
        first = 1000 + (page - 1) * SIZE - (page - 1)
        return range(first, first + SIZE)

    ended, _ = crawl(crawler, shows(lambda page, time: moving(page, time) if page < 6 else (), 50))
    assert (line(ended)["rows_seen"], line(ended)["offers_seen"]) == (50, 46)
    assert "1 seed: 46 of 50 offers" in ended.log


@pytest.mark.parametrize("is_clustered", [False, True], ids=["one-machine", "cluster"])
def test_a_second_pass_finds_what_the_first_one_missed(
    crawler: Crawler, redis_server: LocalServer, is_clustered: bool
) -> None:
    def settles(page: int, time: int) -> Sequence[int]:
        return offers(page - 1) if time == 1 and page == 3 else offers(page) if page < 4 else ()

    script = shows(settles, 30)
    if not is_clustered:
        ended, gateway = crawl(crawler, script, "-a", "passes=2")
    else:
        with scripted(script) as gateway, clustered(crawler, redis_server, gateway) as run:
            run.crawl("-a", f"page_size={SIZE}", "-a", "passes=2", workers=1)
            ended = run.merge()
    assert len(ended.ids) == 30, ended.log
    assert line(ended)["coverage"] == 1.0
    assert len(gateway.calls) <= 7


# a page in the middle that brings nothing


@pytest.mark.parametrize("is_clustered", [False, True], ids=["one-machine", "cluster"])
@pytest.mark.parametrize("instead", [(), offers(1)], ids=["empty", "repeated"])
def test_a_page_that_brings_nothing_once_is_asked_again(
    crawler: Crawler, redis_server: LocalServer, instead: Sequence[int], is_clustered: bool
) -> None:
    def blip(page: int, time: int) -> Sequence[int]:
        return instead if page == 2 and time == 1 else offers(page) if page < 6 else ()

    script = shows(blip, 50)
    if not is_clustered:
        ended, gateway = crawl(crawler, script)
    else:
        with scripted(script) as gateway, clustered(crawler, redis_server, gateway) as run:
            run.crawl("-a", f"page_size={SIZE}", workers=2)
            ended = run.merge()
    assert sorted(map(int, ended.ids)) == [*range(1010, 1060)], ended.log
    assert (line(ended)["status"], line(ended)["coverage"]) == ("done", 1.0)
    assert len(gateway.calls) == 6


def test_a_page_that_never_brings_anything_is_named(crawler: Crawler) -> None:
    ended, gateway = crawl(
        crawler, shows(lambda page, time: () if page == 2 or page > 5 else offers(page), 50)
    )
    assert len(ended.ids) == 40
    assert (line(ended)["status"], line(ended)["reason"]) == (
        "partial",
        "page 2: no rows, asked 3 times",
    )
    assert asked(gateway).count(2) == 3


@pytest.mark.parametrize("words", ["今日调用次数已达上限", "Daily limit reached for your plan"])
def test_a_quota_that_ends_between_two_pages_calls_nothing_done(
    crawler: Crawler, words: str
) -> None:
    script = shows(pages(3), 30)

    def spent(asked: dict[str, str], number: int) -> Answer:
        return script(asked, number) if asked["page"] == "1" else refused(words, 1001)

    ended, gateway = crawl(crawler, spent)
    assert (ended.exit_code, ended.ledger) == (1, {}), ended.log
    assert len(gateway.calls) <= 4

    whole, _ = crawl(crawler, script, out="-o")
    assert (len(whole.ids), line(whole)["coverage"]) == (30, 1.0)


def test_a_gateway_that_ignores_the_page_is_partial_and_paid_for_once(crawler: Crawler) -> None:
    script = shows(lambda page, time: offers(1), 900)
    ended, gateway = crawl(crawler, script)
    assert len(gateway.calls) <= 6
    assert line(ended)["reason"] == "repeats: every further page shows the first one again"
    assert (line(ended)["offers_seen"], line(ended)["coverage"]) == (10, 0.0111)

    again, gateway = crawl(crawler, script, out="-o")
    assert (len(gateway.calls), len(again.ids)) == (0, 10)


def test_a_further_page_that_fails_is_missing_though_others_came(crawler: Crawler) -> None:
    script = shows(pages(5), 50)

    def failing(asked: dict[str, str], number: int) -> Answer:
        return Answer("<html>", 500) if asked["page"] == "3" else script(asked, number)

    ended, _ = crawl(crawler, failing, PAILITAO_TRANSIENT_TRIES="2")
    assert line(ended)["status"] == "partial"
    assert line(ended)["reason"].startswith("page 3: transient: HTTP 500")
    assert (line(ended)["pages_fetched"], line(ended)["pages_expected"]) == (4, 5)
