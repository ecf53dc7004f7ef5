"""Offers that were seen before: in one process and among many workers the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.shared.dedup import SharedSeen
from pailitao_spider.cluster.worker.leased_pages import PageInHand
from pailitao_spider.cluster.worker.messages import Ack
from pailitao_spider.config.setting_table import DedupScope
from pailitao_spider.gateways.calls import PictureRef, SearchCall
from pailitao_spider.offers.dedup import DEDUP_KEYS, LocalSeen
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.seeds.model import Seed, UrlImage
from tests.clusters import Cluster
from tests.exchanges import Exchanges, Talker, url_seed
from tests.test_faults import photo, rows_of


@dataclass
class Sight:
    """One offer on one page."""

    num_iid: str
    seed_id: str | None = "a"
    page: int | None = 1
    rank: int | None = 1


class LocalWorker:
    """One process: what is acknowledged makes no difference."""

    def __init__(self, scope: DedupScope) -> None:
        self.seen = LocalSeen(DEDUP_KEYS[scope])

    async def sees(self, *sights: Sight) -> list[bool]:
        """Offers of one page, new or not, as the crawl would ask and add them."""
        await self.seen.ask(sights)
        return [self.seen.add(sight) for sight in sights]

    def acknowledges(self, *sights: Sight) -> None: ...


class SharedWorker:
    """One worker of a run, with all pages of the seeds a and b in hand."""

    def __init__(self, scope: DedupScope, redis: Exchanges, link: Link) -> None:
        self.link = link
        self._pages: dict[Any, PageInHand] = {}
        self._talker = Talker(redis, f"w{id(self)}")
        self._scope = scope
        self.seen = SharedSeen(link, redis.keys.prefix, scope, self.page)

    def page(self, seed_id: str | None, page: int | None) -> PageInHand | None:
        if seed_id is None or page is None:
            return None
        made = PageInHand(
            Seed(seed_id, UrlImage("")), SearchCall(picture=PictureRef(), page=page), 1
        )
        return self._pages.setdefault((seed_id, page), made)

    async def sees(self, *sights: Sight) -> list[bool]:
        await self.seen.ask(sights)
        return [self._adds(sight) for sight in sights]

    def _adds(self, sight: Sight) -> bool:
        is_new = self.seen.add(sight)
        page = self.page(sight.seed_id, sight.page)
        if is_new and page is not None:
            page.written.append(sight.num_iid)
        return is_new

    def acknowledges(self, *sights: Sight) -> None:
        """The pages that these offers are on."""
        keys = {(sight.seed_id, sight.page) for sight in sights}
        pages = [self._pages.pop(key) for key in keys if key in self._pages]
        acks = [page.ack(self.seen.written) for page in pages]
        facts = [Ack(ack.seed, ack.page, 1, rows=20, total=60, offers=ack.offers, own=ack.own)
                 for ack in acks]  # fmt: skip
        self._talker.say(acks=facts, dedup=self._scope)
        self.seen.acknowledged(pages)

    def gives_back(self, *sights: Sight) -> None:
        keys = {(sight.seed_id, sight.page) for sight in sights}
        self.seen.given_back([self._pages.pop(key) for key in keys])


Scenario = Callable[..., Awaitable[None]]


@pytest.fixture
def redis(exchanges: Exchanges) -> Exchanges:
    """A run with two open seeds, a and b, of which pages 1 to 9 have been asked for."""
    exchanges.client.flushall()
    worker = Talker(exchanges, "beginner")
    for seed_id in ("a", "b"):
        worker.admit(url_seed(seed_id, f"https://sandbox.invalid/{seed_id}.jpg"))
        worker.take()
        worker.say(acks=[Ack(seed_id, 1, 1, rows=20, total=180)])
    return exchanges


def shared(redis: Exchanges, scope: DedupScope, scenario: Scenario, workers: int = 1) -> None:
    """Plays a scenario with so many workers of one run."""

    async def play() -> None:
        port = redis.client.connection_pool.connection_kwargs["port"]
        settings = Settings({"REDIS_URL": f"redis://127.0.0.1:{port}"})
        links = [Link(connect(settings)) for _ in range(workers)]
        try:
            await scenario(*(SharedWorker(scope, redis, link) for link in links))
        finally:
            for link in links:
                await link.close()

    asyncio.run(play())


AGAIN = [
    pytest.param("crawl", Sight("7"), False, id="crawl-same-page"),
    pytest.param("crawl", Sight("7", "a", 2, 21), False, id="crawl-later-page"),
    pytest.param("crawl", Sight("7", "b"), False, id="crawl-other-seed"),
    pytest.param("crawl", Sight("07"), True, id="crawl-other-text"),
    pytest.param("seed", Sight("7", "a", 2, 21), False, id="seed-later-page"),
    pytest.param("seed", Sight("7", "b"), True, id="seed-other-seed"),
    pytest.param("off", Sight("7", "a", 2, 21), True, id="off-later-page"),
    pytest.param("off", Sight("7", "b"), True, id="off-other-seed"),
    pytest.param("off", Sight("7", rank=2), True, id="off-twice-on-a-page"),
    pytest.param("off", Sight("7"), False, id="off-the-same-sighting"),
]
FIRST = Sight("7")


@pytest.mark.parametrize("kind", ["local", "shared"])
class TestSeen:
    """The same for one process and for a worker of a cluster."""

    def play(self, kind: str, redis: Exchanges, scope: DedupScope, scenario: Scenario) -> None:
        if kind == "local":
            asyncio.run(cast("Any", scenario(LocalWorker(scope))))
        else:
            shared(redis, scope, scenario)

    @pytest.mark.parametrize(("scope", "again", "is_new"), AGAIN)
    def test_an_offer_is_new_once_in_its_scope(
        self, kind: str, redis: Exchanges, scope: DedupScope, again: Sight, is_new: bool
    ) -> None:
        async def scenario(worker: Any) -> None:
            assert await worker.sees(FIRST) == [True]
            assert await worker.sees(again) == [is_new]
            assert await worker.sees(again) == [False]

        self.play(kind, redis, scope, scenario)

    @pytest.mark.parametrize(("scope", "again", "is_new"), AGAIN)
    def test_an_offer_is_new_once_when_its_page_is_through(
        self, kind: str, redis: Exchanges, scope: DedupScope, again: Sight, is_new: bool
    ) -> None:
        async def scenario(worker: Any) -> None:
            assert await worker.sees(FIRST) == [True]
            worker.acknowledges(FIRST)
            assert await worker.sees(again) == [is_new]

        self.play(kind, redis, scope, scenario)

    @pytest.mark.parametrize("scope", ["crawl", "seed"])
    def test_an_offer_twice_on_a_page_is_new_once(
        self, kind: str, redis: Exchanges, scope: DedupScope
    ) -> None:
        async def scenario(worker: Any) -> None:
            assert await worker.sees(FIRST, Sight("8"), FIRST) == [True, True, False]

        self.play(kind, redis, scope, scenario)


# among workers


def test_only_what_is_acknowledged_is_known_to_others(redis: Exchanges) -> None:
    async def scenario(one: SharedWorker, other: SharedWorker) -> None:
        await one.sees(FIRST, Sight("8"))
        assert await other.sees(Sight("7", "b")) == [True], "one may yet die with it"
        one.acknowledges(FIRST)
        assert await other.sees(Sight("8", "b", 2)) == [False]

    shared(redis, "crawl", scenario, 2)


def test_what_goes_back_with_its_page_is_new_again(redis: Exchanges) -> None:
    async def scenario(worker: SharedWorker) -> None:
        await worker.sees(FIRST)
        worker.gives_back(FIRST)
        assert await worker.sees(Sight("7", "b")) == [True]

    shared(redis, "crawl", scenario)


def test_a_page_that_asked_before_an_acknowledgement_meets_its_offers_after_it(
    redis: Exchanges,
) -> None:
    async def scenario(worker: SharedWorker) -> None:
        await worker.sees(FIRST)
        later = Sight("7", "b")
        await worker.seen.ask([later])
        worker.acknowledges(FIRST)
        assert not worker.seen.add(later)

    shared(redis, "crawl", scenario)


@pytest.mark.parametrize(("scope", "calls"), [("crawl", 1), ("seed", 1), ("off", 0)])
def test_a_page_of_a_hundred_offers_costs_one_question(
    redis: Exchanges, scope: DedupScope, calls: int
) -> None:
    async def scenario(worker: SharedWorker) -> None:
        sights = [Sight(str(number), rank=number) for number in range(100)]
        assert await worker.sees(*sights) == [True] * 100
        assert worker.link.calls == calls
        await worker.sees()
        assert worker.link.calls == calls

    shared(redis, scope, scenario)


@pytest.mark.parametrize("scope", ["crawl", "seed"])
def test_pages_that_come_together_share_a_question_and_get_their_own_answers(
    redis: Exchanges, scope: DedupScope
) -> None:
    async def scenario(worker: SharedWorker, other: SharedWorker) -> None:
        await other.sees(*(Sight(str(page), "a", page) for page in range(1, 10, 2)))
        other.acknowledges(*(Sight("", "a", page) for page in range(1, 10)))
        pages = [worker.sees(Sight(str(page), "a", page), Sight("0" * page, "a", page))
                 for page in range(1, 10)]  # fmt: skip
        found = await asyncio.gather(*pages)
        assert found == [[page % 2 == 0, True] for page in range(1, 10)]
        assert worker.link.calls <= 2

    shared(redis, scope, scenario, 2)


def test_a_question_that_cannot_be_put_is_told_to_all_who_ask_and_the_next_is_answered(
    redis: Exchanges,
) -> None:
    """Who asks must not wait for ever: an id that is no text in UTF-8 cannot be sent."""

    async def scenario(worker: SharedWorker) -> None:
        asked = [worker.sees(Sight("\ud800")), worker.sees(Sight("7", "b"))]
        async with asyncio.timeout(5):
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(each) for each in found] == [UnicodeEncodeError] * 2
            assert await worker.sees(Sight("7", "b")) == [True]

    shared(redis, "seed", scenario)


def test_what_another_worker_has_written_is_not_written_again(
    serve_sandbox: Callable[..., Site], cluster: Callable[..., Cluster]
) -> None:
    run = cluster(serve_sandbox(Gateway(Catalogue())), rate=200)
    run.push(photo(1))
    assert run.crawl(workers=1) == [0], run.logs
    run.push(photo(97))

    assert run.crawl(workers=1) == [0], run.logs

    assert run.feed_ids == Counter(rows_of(1))
