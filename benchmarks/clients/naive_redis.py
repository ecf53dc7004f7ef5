"""The chain of the scrapy-redis tutorials: its scheduler and duplicate filter, seeds popped from a
list, one pipeline that validates, one that asks Redis about each offer.

    REDIS_URL=URL scrapy runspider benchmarks/clients/naive_redis.py -a gateway=URL -O out.jsonl

In its favour, the log begins at INFO, a duplicate is not printed, and the spider ends as soon as
the list is empty.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import redis
import scrapy
from scrapy.exceptions import DropItem
from scrapy_redis.spiders import RedisSpider

from benchmarks.clients.bare_scrapy import BareSpider

SEEDS = "naive:start_urls"


class Validation:
    """An offer has a number and a title."""

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if not item.get("num_iid") or not item.get("title"):
            raise DropItem("num_iid or title is missing")
        return item


class Once:
    """One question an offer."""

    def __init__(self) -> None:
        self._server = redis.Redis.from_url(os.environ["REDIS_URL"])

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if not self._server.sadd("naive:offers", item["num_iid"]):
            raise DropItem("duplicate", log_level="DEBUG")
        return item


class NaiveSpider(RedisSpider):  # type: ignore[misc]
    name = "naive"
    redis_key = SEEDS
    custom_settings = {  # noqa: RUF012
        **BareSpider.custom_settings,
        "REDIS_URL": os.environ.get("REDIS_URL"),
        "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
        "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
        "ITEM_PIPELINES": {Validation: 100, Once: 200},
    }
    search = BareSpider.search
    parse = BareSpider.parse

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for request in self.next_requests():
            yield request

    def make_request_from_data(self, data: bytes) -> scrapy.Request:
        return self.search(data.decode(), 1)

    def spider_idle(self) -> None:
        if self.count_size(self.redis_key):
            super().spider_idle()
