"""A picture is uploaded once, whether the callers are in one process or in many on one Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.upload_cache import RedisUploads
from pailitao_spider.errors import RefusedError
from pailitao_spider.keys.upload_cache import LocalUploads, Uploads
from pailitao_spider.results.state import CrawlState

KEYS = AppKeys("http://gateway", "key")


class Gateway:
    """Takes pictures; `answers` are given in turn."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.under_way = self.most_under_way = self.number = 0

    async def upload(self) -> str:
        self.number += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0.01)
        self.under_way -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


Scenario = Callable[[Uploads], Awaitable[Any]]


def local(scenario: Scenario) -> Any:
    """Runs a scenario with the uploads of one process."""
    state = CrawlState(None)
    try:
        return asyncio.run(scenario(LocalUploads(state.uploads("key"))))  # type: ignore[arg-type]
    finally:
        state.close()


class Cluster:
    """Runs scenarios with so many workers on one Redis."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.link: Link

    def __call__(self, scenario: Scenario) -> Any:
        return asyncio.run(self._run(scenario))

    async def _run(self, scenario: Scenario) -> Any:
        self.link = Link(connect(Settings({"REDIS_URL": self.server.url})))
        try:
            return await scenario(self.worker())
        finally:
            await self.link.close()

    def worker(self, **given: Any) -> RedisUploads:
        return RedisUploads(self.link, KEYS, **given)


@pytest.fixture
def cluster(redis_server: LocalServer) -> Cluster:
    return Cluster(redis_server)


@pytest.fixture(params=["local", "redis"])
def run(request: pytest.FixtureRequest) -> Any:
    return local if request.param == "local" else request.getfixturevalue("cluster")


class TestUploads:
    def test_a_hundred_calls_for_one_picture_upload_it_once(self, run: Any) -> None:
        gateway = Gateway("id")

        async def scenario(uploads: Uploads) -> Any:
            return await asyncio.gather(*(uploads.imgid("a", gateway.upload) for _ in range(100)))

        assert run(scenario) == ["id"] * 100
        assert gateway.number == 1

    def test_other_pictures_do_not_wait(self, run: Any) -> None:
        gateway = Gateway("id-1", "id-2")

        async def scenario(uploads: Uploads) -> Any:
            return await asyncio.gather(*(uploads.imgid(each, gateway.upload) for each in "ab"))

        assert sorted(run(scenario)) == ["id-1", "id-2"]
        assert gateway.most_under_way == 2

    def test_a_picture_that_was_uploaded_is_known_later(self, run: Any) -> None:
        gateway = Gateway("id")

        async def scenario(uploads: Uploads) -> Any:
            return [await uploads.imgid("a", gateway.upload) for _ in range(2)]

        assert run(scenario) == ["id", "id"]

    @pytest.mark.parametrize("named", [None, "id-1"], ids=["the-last", "by-name"])
    def test_a_picture_that_the_gateway_forgot_is_uploaded_anew(
        self, run: Any, named: str | None
    ) -> None:
        gateway = Gateway("id-1", "id-2")

        async def scenario(uploads: Uploads) -> Any:
            await uploads.imgid("a", gateway.upload)
            await uploads.forget("a", named)
            return await uploads.imgid("a", gateway.upload)

        assert run(scenario) == "id-2"

    def test_an_id_that_is_newer_than_the_forgotten_one_stays(self, run: Any) -> None:
        gateway = Gateway("id-1", "id-2")

        async def scenario(uploads: Uploads) -> Any:
            await uploads.imgid("a", gateway.upload)
            await uploads.forget("a", "id-1")
            await uploads.imgid("a", gateway.upload)
            await uploads.forget("a", "id-1")  # another page of the picture, sent before
            return await uploads.imgid("a", gateway.upload)

        assert run(scenario) == "id-2"
        assert gateway.number == 2

    def test_what_was_never_uploaded_can_be_forgotten(self, run: Any) -> None:
        async def scenario(uploads: Uploads) -> Any:
            await uploads.forget("a")
            await uploads.forget("a", "id")
            return await uploads.imgid("a", Gateway("id").upload)

        assert run(scenario) == "id"

    def test_after_a_failed_upload_the_next_in_line_tries(self, run: Any) -> None:
        gateway = Gateway(RefusedError("transient: 500"), "id")

        async def scenario(uploads: Uploads) -> Any:
            waiting = (uploads.imgid("a", gateway.upload) for _ in range(3))
            return await asyncio.gather(*waiting, return_exceptions=True)

        failed, *others = run(scenario)
        assert isinstance(failed, RefusedError)
        assert others == ["id", "id"]
        assert gateway.number == 2

    def test_who_comes_after_a_failed_upload_waits_for_the_next_in_line(self, run: Any) -> None:
        gateway = Gateway(RefusedError("transient: 500"), "id", "id-again")

        async def late(uploads: Uploads) -> str:
            while gateway.number < 2:  # noqa: ASYNC110  the upload's own steps are the clock
                await asyncio.sleep(0)
            return await uploads.imgid("a", gateway.upload)

        async def scenario(uploads: Uploads) -> Any:
            calls = (uploads.imgid("a", gateway.upload) for _ in range(2))
            return await asyncio.gather(*calls, late(uploads), return_exceptions=True)

        run(scenario)
        assert (gateway.number, gateway.most_under_way) == (2, 1)


# many workers on one Redis


def test_a_picture_that_another_worker_uploaded_is_known(cluster: Cluster) -> None:
    async def scenario(uploads: Uploads) -> Any:
        await uploads.imgid("a", Gateway("id").upload)
        return await cluster.worker().imgid("a", Gateway().upload)

    assert cluster(scenario) == "id"


def test_where_two_workers_upload_a_picture_at_once_both_use_one_id(cluster: Cluster) -> None:
    gateway = Gateway("id-1", "id-2")

    async def scenario(uploads: Uploads) -> Any:
        workers = uploads, cluster.worker()
        return await asyncio.gather(*(each.imgid("a", gateway.upload) for each in workers))

    one, other = cluster(scenario)
    assert one == other
    assert gateway.number == 2


def test_a_worker_with_a_stale_id_takes_the_one_that_another_has_put_in_its_place(
    cluster: Cluster,
) -> None:
    gateway = Gateway("id-1", "id-2")

    async def scenario(uploads: Uploads) -> Any:
        other = cluster.worker()
        for each in (uploads, other):
            await each.imgid("a", gateway.upload)
        await uploads.forget("a")
        await uploads.imgid("a", gateway.upload)
        await other.forget("a")
        return await other.imgid("a", gateway.upload)

    assert cluster(scenario) == "id-2"
    assert gateway.number == 2


def test_the_further_pages_of_a_picture_cost_no_call_to_redis(cluster: Cluster) -> None:
    async def scenario(uploads: Uploads) -> int:
        await uploads.imgid("a", Gateway("id").upload)
        calls = cluster.link.calls
        for _ in range(100):
            await uploads.imgid("a", Gateway().upload)
        return cluster.link.calls - calls

    assert cluster(scenario) == 0


def test_a_newer_id_stays_at_hand(cluster: Cluster) -> None:
    async def scenario(uploads: Uploads) -> int:
        await uploads.imgid("a", Gateway("id-2").upload)
        await uploads.forget("a", "id-1")
        calls = cluster.link.calls
        await uploads.imgid("a", Gateway().upload)
        return cluster.link.calls - calls

    assert cluster(scenario) == 0


def test_as_many_ids_are_kept_at_hand_as_told_the_latest_ones(cluster: Cluster) -> None:
    async def scenario(uploads: Uploads) -> list[int]:
        worker = cluster.worker(kept_here=2)
        for each in "abac":
            await worker.imgid(each, Gateway(f"id-{each}").upload)
        calls = []
        for each in "acb":
            before = cluster.link.calls
            assert await worker.imgid(each, Gateway().upload) == f"id-{each}"
            calls.append(cluster.link.calls - before)
        return calls

    assert cluster(scenario) == [0, 0, 1]


def test_uploads_are_kept_for_a_week_from_the_last_one(cluster: Cluster) -> None:
    async def scenario(uploads: Uploads) -> Any:
        await uploads.imgid("a", Gateway("id").upload)
        await cluster.link.client.expire(KEYS.uploads, 60)
        await uploads.imgid("b", Gateway("id-b").upload)
        return await cluster.link.client.ttl(KEYS.uploads)

    assert cluster(scenario) == 7 * 86400


def test_an_upload_is_kept_though_redis_is_away_for_a_while(cluster: Cluster) -> None:
    async def upload() -> str:
        cluster.server.kill()
        return "id"

    async def scenario(uploads: Uploads) -> Any:
        kept = asyncio.create_task(uploads.imgid("a", upload))
        await asyncio.sleep(0.3)
        cluster.server.start()
        return await kept, await cluster.worker().imgid("a", Gateway().upload)

    assert cluster(scenario) == ("id", "id")
