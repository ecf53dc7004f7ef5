"""scrapy-redis as the tutorials use it, with the same typed rows: the other side of a comparison.

scrapy-redis as shipped: its scheduler, its queue, its duplicate filter; seeds popped from a list,
and, with `dedup=1`, one SADD an offer in a pipeline of its own.
"""

from __future__ import annotations

from typing import Any

import redis
from scrapy import Spider
from scrapy.exceptions import DropItem
from scrapy_redis.spiders import RedisMixin

from pailitao_spider import ImageSearch


class RedisDedup:
    """One question an offer."""

    def __init__(self, crawler: Any) -> None:
        self._server = redis.Redis.from_url(crawler.settings["REDIS_URL"])

    @classmethod
    def from_crawler(cls, crawler: Any) -> RedisDedup:
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        if not self._server.sadd("plain:offers", item.num_iid):
            raise DropItem("duplicate", log_level="DEBUG")
        return item


class PlainSpider(RedisMixin, Spider):  # type: ignore[misc]
    """Searches for each picture of the list, and asks for the pages that the first answer names."""

    name = "plain"
    redis_key = "plain:start_urls"
    max_idle_time = 2

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> PlainSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.setup_redis(crawler)
        return spider

    async def start(self) -> Any:
        for request in self.next_requests():
            yield request

    def make_request_from_data(self, data: bytes) -> Any:
        return self._page(data.decode(), 1)

    def _page(self, picture: str, page: int) -> Any:
        search = ImageSearch(picture, page=page)
        return search.request(self.parse_page, cb_kwargs={"picture": picture, "page": page})

    def parse_page(self, response: Any, picture: str, page: int) -> Any:
        if page == 1:
            for number in range(2, (response.page.page_count or 1) + 1):
                yield self._page(picture, number)
        yield from response.rows
