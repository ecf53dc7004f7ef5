"""The test kit, as a project with pytest-twisted uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest_twisted
from scrapy import Request, Spider, signals
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.test import get_crawler

from pailitao_spider import ImageSearch, PageResponse
from pailitao_spider.testing import SandboxServer

pytest_plugins = ["pailitao_spider.testing.plugin"]


class Shoes(Spider):
    name = "shoes"

    async def start(self) -> AsyncIterator[Request]:
        yield ImageSearch(self.photo).request(self.parse)  # type: ignore[attr-defined]

    def parse(self, response: PageResponse) -> Iterator[Any]:
        yield from response.offers
        yield from response.next_pages()


@pytest_twisted.ensureDeferred
async def test_a_spider_finds_every_offer(pailitao_sandbox: SandboxServer) -> None:
    crawler, ids = get_crawler(Shoes, pailitao_sandbox.settings("imagequery")), set()

    def keep(item: Any) -> None:
        ids.add(item.num_iid)

    crawler.signals.connect(keep, signals.item_scraped)
    await deferred_from_coro(crawler.crawl_async(photo=pailitao_sandbox.photo("mug-01")))

    assert ids == pailitao_sandbox.offer_ids("mug-01")
