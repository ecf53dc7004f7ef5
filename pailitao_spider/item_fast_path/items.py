"""One response's items on their way through pipelines and signals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import DropItem
from scrapy.utils.log import logformatter_adapter
from twisted.python.failure import Failure

from pailitao_spider.item_fast_path.receivers import Receivers, Subscribers, awaitable, is_awaited

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

__all__ = ["Audiences", "Items"]

logger = logging.getLogger("scrapy.core.scraper")  # Scrapy tells of items there

Step = Callable[[Any], Any]


class Audiences:
    """Who listens to the signals of a crawl's items."""

    def __init__(self, crawler: Crawler) -> None:
        def audience(signal: Any, *own: str) -> Subscribers:
            return Subscribers(crawler, signal, ("response", "spider"), ("item", *own))

        self.scraped = audience(signals.item_scraped)
        self.dropped = audience(signals.item_dropped, "exception")
        self.failed = audience(signals.item_error, "failure")


class Items:
    """Takes a response's items through `steps`, the `process_item` of each pipeline.

    An item that has to wait becomes a task; of these at most `at_once` are under way.
    """

    def __init__(
        self,
        crawler: Crawler,
        response: Response,
        steps: Sequence[Step],
        audiences: Audiences,
        at_once: int,
    ) -> None:
        assert crawler.spider is not None
        self._spider = crawler.spider
        self._response = response
        self._formatter = crawler.logformatter
        self._steps = steps
        self._at_once = at_once
        self._waiting: set[asyncio.Future[Any]] = set()
        given = {"response": response, "spider": crawler.spider}
        self._scraped = Receivers(audiences.scraped, given)
        self._dropped = Receivers(audiences.dropped, given)
        self._failed = Receivers(audiences.failed, given)

    async def wait_for(self, rest: Awaitable[Any]) -> None:
        """Takes over what `run` left; returns when another may come."""
        self._waiting.add(asyncio.ensure_future(rest))
        if len(self._waiting) >= self._at_once:
            await self._some(asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Waits for all that are under way."""
        while self._waiting:
            await self._some(asyncio.ALL_COMPLETED)
        for receivers in (self._scraped, self._dropped, self._failed):
            receivers.forget()

    async def _some(self, when: str) -> None:
        done, self._waiting = await asyncio.wait(self._waiting, return_when=when)
        for each in done:
            each.result()

    def run(self, item: Any) -> Awaitable[Any] | None:
        """Brings an item to its end, or as far as it goes without waiting: returns the rest."""
        output = item
        try:
            for place, step in enumerate(self._steps):
                answer = step(output)
                if answer is not output and is_awaited(answer):
                    return self._later(item, answer, place)
                output = answer
        except DropItem as error:
            return self._drop(item, error)
        except Exception as error:
            return self._fail(item, error)
        return self._scrape(output)

    async def _later(self, item: Any, answer: Any, place: int) -> None:
        """The same from the first answer on that has to be awaited."""
        rest: Awaitable[Any] | None
        try:
            output = await awaitable(answer, self._steps[place])
            for step in islice(self._steps, place + 1, None):
                output = await awaitable(step(output), step)
        except DropItem as error:
            rest = self._drop(item, error)
        except Exception as error:
            rest = self._fail(item, error)
        else:
            rest = self._scrape(output)
        if rest is not None:
            await rest

    def _scrape(self, item: Any) -> Awaitable[Any] | None:
        line = self._formatter.scraped(item, self._response, self._spider)
        if line is not None:
            self._tell(line, item)
        return self._scraped.send({"item": item})

    def _drop(self, item: Any, error: DropItem) -> Awaitable[Any] | None:
        line = self._formatter.dropped(item, error, self._response, self._spider)
        if line is not None:
            self._tell(line, item)
        return self._dropped.send({"item": item, "exception": error})

    def _fail(self, item: Any, error: Exception) -> Awaitable[Any] | None:
        line = self._formatter.item_error(item, error, self._response, self._spider)
        self._tell(line, item, exc_info=True)
        failure = Failure()  # type: ignore[no-untyped-call]
        return self._failed.send({"item": item, "failure": failure})

    def _tell(self, line: Any, item: Any, **options: Any) -> None:
        words = logformatter_adapter(line)
        if logger.isEnabledFor(words[0]):
            logger.log(*words, extra={"spider": self._spider, "item": item}, **options)
