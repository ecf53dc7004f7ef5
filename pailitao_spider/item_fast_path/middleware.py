"""Spider middleware next to the engine, which takes the items out of a response's output.

It stands outside all others, so that they see every item and request as ever. Requests go on to
the engine; the items' pipelines and signals are run here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from pailitao_spider.config.setting_table import lane_of
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.requests import PageResponse
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import ConfigError
from pailitao_spider.item_fast_path.items import Audiences, Items

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["LaneMiddleware"]

logger = logging.getLogger(__name__)

_BREATH = 100  # items after which others have their turn


class LaneMiddleware:
    """On for answers to picture searches; for all responses with PAILITAO_LANE=1."""

    def __init__(self, crawler: Crawler) -> None:
        try:
            lane = lane_of(crawler.settings)
        except ConfigError as error:
            session_of(crawler).unusable = error
            raise NotConfigured(str(error)) from error
        if lane == "off":
            raise NotConfigured("PAILITAO_LANE is off")
        self._crawler = crawler
        self._takes: type[Response] = Response if lane == "all" else PageResponse
        self._at_once = crawler.settings.getint("CONCURRENT_ITEMS")
        self._audiences = Audiences(crawler)
        self._is_known: bool | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_spider_output(
        self, response: Response, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        items = self._items(response) if isinstance(response, self._takes) else None
        if items is None:
            async for each in result:
                yield each
            return
        taken = 0
        try:
            async for each in result:
                if each is None or isinstance(each, Request):
                    yield each
                    continue
                if taken == _BREATH:  # at a page's end there is nothing left to interrupt
                    await asyncio.sleep(0)
                    taken = 0
                taken += 1
                if (rest := items.run(each)) is not None:
                    await items.wait_for(rest)
        finally:
            await items.finish()

    def _items(self, response: Response) -> Items | None:
        """The way for a response's items; None where they go Scrapy's."""
        if not self._can_run():
            return None
        try:
            steps = scrapy_internals.item_steps(self._crawler.engine.scraper)
            return Items(self._crawler, response, steps, self._audiences, self._at_once)
        except Exception as error:
            self._is_known = False
            scrapy_internals.set_workers(self._crawler.engine.scraper, self._at_once)
            logger.warning(
                "PAILITAO_LANE steps aside: %s: %s; items go Scrapy's way",
                type(error).__name__,
                error,
            )
            return None

    def _can_run(self) -> bool:
        """Scrapy's own path of an item is the one that was copied here."""
        if self._is_known is None:
            self._is_known = scrapy_internals.has_known_item_path(self._crawler)
            if self._is_known and (
                self._takes is Response or session_of(self._crawler).keeps_ledger
            ):
                scrapy_internals.set_workers(self._crawler.engine.scraper, 1)
            if not self._is_known:
                logger.warning(
                    "PAILITAO_LANE steps aside: this Scrapy, or a component in place of its own, "
                    "takes items another way than this version knows; they go Scrapy's way"
                )
        return self._is_known
