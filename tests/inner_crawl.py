"""A crawl that tells what Scrapy's inner parts do; run by tests/test_inner.py."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import AsyncCrawlerProcess

from pailitao_spider.crawl import scrapy_internals

SEEN: dict[str, Any] = {}


class Waiting(BaseScheduler):
    """Has nothing to hand out until a moment later, and says so only to who asks again."""

    ready: Request | None = None

    def has_pending_requests(self) -> bool:
        return "woken" not in SEEN

    def enqueue_request(self, request: Request) -> bool:
        return True

    def next_request(self) -> Request | None:
        request, self.ready = self.ready, None
        if request is not None:
            SEEN["woken"] = round(time.monotonic() - SEEN.pop("waking"), 3)
        return request


class Slow:
    """An item pipeline that takes its time."""

    async def process_item(self, item: Any) -> Any:
        await asyncio.sleep(0.02)
        return item


class Probe(Spider):
    name = "probe"
    custom_settings = {"SCHEDULER": Waiting, "ITEM_PIPELINES": {Slow: 1}, "LOG_LEVEL": "ERROR"}  # noqa: RUF012

    async def start(self) -> Any:
        self.crawler.signals.connect(self._scraped, signals.item_scraped)
        self.request = Request("data:,x", callback=self.parse)
        asyncio.get_running_loop().call_later(0.2, self._wake)
        return
        yield

    def _wake(self) -> None:
        engine = self.crawler.engine
        engine.scheduler.ready, SEEN["waking"] = self.request, time.monotonic()
        scrapy_internals.wake(engine)

    def _holds(self) -> bool:
        return self.request in scrapy_internals.in_progress(self.crawler.engine)

    def parse(self, response: Any) -> Any:
        SEEN["in callback"] = self._holds()
        yield {"n": 1}

    async def _scraped(self) -> None:
        await asyncio.sleep(0.05)
        SEEN["after an awaited handler"] = self._holds()

    def closed(self, reason: str) -> None:
        SEEN["when idle"] = self._holds()


if __name__ == "__main__":
    process = AsyncCrawlerProcess({"TELNETCONSOLE_ENABLED": False})
    process.crawl(Probe)
    process.start()
    print(json.dumps(SEEN))
