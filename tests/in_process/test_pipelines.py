"""Every shape of item pipeline that Scrapy takes gets every offer, by the lane as without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import count, permutations, product
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import redis
from scrapy import Request, Spider, signals
from scrapy.exceptions import DropItem
from twisted.internet.defer import Deferred

from pailitao_spider import ImageSearch
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.item_fast_path import middleware
from tests.in_process.conftest import Ran
from tests.test_crawl import photo

OFFERS = 49
Crawl = Callable[..., Any]
Change = Callable[[Any], Any]

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(requires a spider argument|returned a Deferred|has no from_crawler)"
)


class Shoes(Spider):
    name = "shoes"

    async def start(self) -> AsyncIterator[Request]:
        yield ImageSearch(photo("mug-01")).request(self.parse)

    def parse(self, response: Any) -> Iterator[Any]:
        yield from response.rows


# a pipeline's shape: how it answers, and what it is given


def _deferred(change: Change, item: Any) -> Any:
    deferred: Deferred[Any] = Deferred()
    deferred.addCallback(change)
    deferred.callback(item)
    return deferred


def _deferred_later(change: Change, item: Any) -> Any:
    deferred: Deferred[Any] = Deferred()
    deferred.addCallback(change)
    asyncio.get_running_loop().call_later(0.001, deferred.callback, item)
    return deferred


def _future(change: Change, item: Any) -> Any:
    return asyncio.ensure_future(_awaiting(change, item))


async def _awaiting(change: Change, item: Any) -> Any:
    await asyncio.sleep(0.001)
    return change(item)


ANSWERS: dict[str, Callable[[Change, Any], Any]] = {
    "sync": lambda change, item: change(item),
    "async": _awaiting,
    "Deferred at once": _deferred,
    "Deferred later": _deferred_later,
    "Future": _future,
}
SHAPES = list(product(ANSWERS, (False, True)))
_NUMBER = count()


def _same(item: Any) -> Any:
    return item


def pipeline(shape: tuple[str, bool], change: Change = _same) -> Any:
    """A class of that shape, which counts what it got."""
    name, takes_spider = shape
    answer = partial(ANSWERS[name], change)

    class Plain:
        got = 0

        def process_item(self, item: Any) -> Any:
            type(self).got += 1
            return answer(item)

    class WithSpider:
        got = 0

        def process_item(self, item: Any, spider: Spider) -> Any:
            assert spider.name == "shoes"
            type(self).got += 1
            return answer(item)

    class Async:
        got = 0

        async def process_item(self, item: Any) -> Any:
            type(self).got += 1
            return await answer(item)

    class AsyncWithSpider:
        got = 0

        async def process_item(self, item: Any, spider: Spider) -> Any:
            type(self).got += 1
            return await answer(item)

    of = {(False, False): Plain, (False, True): WithSpider,
          (True, False): Async, (True, True): AsyncWithSpider}  # fmt: skip
    made = of[name == "async", takes_spider]
    made.__qualname__ = f"Pipeline{next(_NUMBER)}"  # Scrapy tells them apart by their names
    return made


def _named(shapes: Any) -> str:
    shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
    return " then ".join(f"{name}{'+spider' if spider else ''}" for name, spider in shapes)


def in_a_row(*pipelines: Any) -> dict[str, Any]:
    return {"ITEM_PIPELINES": {each: 300 + place for place, each in enumerate(pipelines)}}


@pytest.mark.parametrize(
    "shapes", [*permutations(SHAPES, 2), *zip(SHAPES, SHAPES, strict=True)], ids=_named
)
@pytest_twisted.ensureDeferred
async def test_all_offers_come_through(crawl: Crawl, shapes: tuple[tuple[str, bool], ...]) -> None:
    pipelines = [pipeline(shape) for shape in shapes]

    ran: Ran = await crawl(Shoes, in_a_row(*pipelines))

    assert len(ran.ids) == len(set(ran.ids)) == OFFERS
    assert [each.got for each in pipelines] == [OFFERS, OFFERS]
    assert "log_count/ERROR" not in ran.stats


def _mixed(item: Any) -> Any:
    """Every end that an item can have."""
    number = int(item.num_iid)
    if number % 5 == 0:
        raise DropItem("no")
    if number % 5 == 1:
        raise ValueError("bad")
    return {"num_iid": item.num_iid} if number % 5 == 2 else item


@pytest.mark.parametrize("shape", SHAPES, ids=_named)
@pytest_twisted.ensureDeferred
async def test_each_item_ends_as_it_does_without_the_lane(
    crawl: Crawl, shape: tuple[str, bool]
) -> None:
    ends = []
    for lane in ("0", "searches"):
        settings = in_a_row(pipeline(shape, _mixed)) | {"PAILITAO_LANE": lane}
        ran: Ran = await crawl(Shoes, settings)
        names = ("item_dropped_count", "item_scraped_count", "log_count/ERROR")
        stats = {name: ran.stats.get(name) for name in names}
        shown = sorted(f"{type(item).__name__} {item_id(item)}" for item in ran.items)
        failed = sorted(f"{item.num_iid} {error!r}" for item, error in ran.failed)
        ends.append((shown, failed, stats))

    assert ends[0] == ends[1]
    shown, failed, stats = ends[1]
    assert len(shown) + len(failed) + stats["item_dropped_count"] == OFFERS
    assert failed
    assert any(each.startswith("dict") for each in shown)


def item_id(item: Any) -> str:
    return str(item["num_iid"] if isinstance(item, dict) else item.num_iid)


@pytest_twisted.ensureDeferred
async def test_scrapy_redis_own_pipeline_gets_every_offer(crawl: Crawl, tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "redis").start()
    try:
        settings = {
            "ITEM_PIPELINES": {"scrapy_redis.pipelines.RedisPipeline": 400},
            "REDIS_URL": server.url,
        }
        ran: Ran = await crawl(Shoes, settings)
        with redis.Redis.from_url(server.url) as client:
            pushed = client.llen("shoes:items")
    finally:
        server.kill()

    assert pushed == len(ran.ids) == OFFERS
    assert "log_count/ERROR" not in ran.stats


class Counting:
    def __init__(self) -> None:
        self.heard = 0

    def __call__(self, item: Any) -> None:
        self.heard += 1


@pytest_twisted.ensureDeferred
async def test_receivers_of_a_kind_that_cannot_be_read_lose_nothing(crawl: Crawl) -> None:
    """The dispatcher refuses a partial and a built-in with an error for each item, no more."""
    kept: list[Any] = []
    instance = Counting()

    class Odd(Shoes):
        async def start(self) -> AsyncIterator[Request]:
            self.keep, self.counted = kept.append, partial(kept.append)
            for receiver in (self.counted, instance):
                self.crawler.signals.connect(receiver, signals.item_scraped, weak=False)
            async for each in super().start():
                yield each

    errors = []
    for lane in ("0", "searches"):
        ran: Ran = await crawl(Odd, {"PAILITAO_LANE": lane})
        errors.append(ran.stats["log_count/ERROR"])
        assert len(ran.ids) == OFFERS

    # Scrapy calls the object, then asks it in vain for the name of a function.
    assert errors == [2 * OFFERS, OFFERS]
    assert instance.heard == 2 * OFFERS
    assert not kept


@pytest_twisted.ensureDeferred
async def test_where_the_lane_cannot_run_items_go_scrapys_way_with_one_warning(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise TypeError("of another Scrapy")

    monkeypatch.setattr(middleware, "Items", fails)
    ran: Ran = await crawl(Shoes, {})

    assert len(ran.ids) == OFFERS
    told = [each.getMessage() for each in caplog.records if "steps aside" in each.getMessage()]
    assert told == [
        "PAILITAO_LANE steps aside: TypeError: of another Scrapy; items go Scrapy's way"
    ]
