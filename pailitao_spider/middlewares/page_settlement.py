"""Spider middleware nearest the engine: knows when a page's last item is through the pipelines.

It counts the items that leave for the pipelines and the signals that say what became of each, by
the response that they came from. Only public parts of Scrapy are used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, signals
from scrapy.http import Response

from pailitao_spider import stat_keys
from pailitao_spider.crawl.frontier import OpenSearch
from pailitao_spider.crawl.requests import META, PageResponse, call_of
from pailitao_spider.crawl.session import session_of
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.offers.model import Offer

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

    from pailitao_spider.crawl.session import Session

__all__ = ["Arrivals", "SettlingMiddleware"]


class Arrivals:
    """Reads a page's rows next to its callback: they go on while they are at hand."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stats = session.crawler.stats

    def take_in(self, response: PageResponse) -> bool:
        """Counts the rows. False when the run ends for what they have become."""
        page = response.page
        self._stats.inc_value(stat_keys.ROWS, len(page.rows))
        for name in page.unreadable:
            self._stats.inc_value(stat_keys.field_unreadable(name))
        why = self._session.watch(page)
        if why is None:
            return True
        self._session.stop(
            "pailitao_schema_drift",
            f"{why}: the gateway has changed, or another one answers. Offers of before are "
            "kept; look for a newer version, or go on with a higher PAILITAO_DRIFT_LIMIT",
        )
        return False


@dataclass(slots=True, eq=False)
class _Underway:
    """One page's items: how many left for the pipelines, how many came out, what went wrong."""

    key: str
    number: int
    search: OpenSearch
    left: int = 0
    came_out: int = 0
    is_drained: bool = False
    given_up: str | None = None


class SettlingMiddleware:
    """Settles each page of an open search once all its items have met their end."""

    def __init__(self, crawler: Crawler) -> None:
        self._session = session_of(crawler)
        self._arrivals = Arrivals(self._session)
        self._pages: dict[Response, _Underway] = {}
        connect = crawler.signals.connect
        connect(self._item_scraped, signals.item_scraped)
        connect(self._item_came_out, signals.item_dropped)
        connect(self._item_failed, signals.item_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_spider_output(
        self, response: Response, result: AsyncIterator[Any]
    ) -> AsyncIterator[Any]:
        page = self._begin(response)
        if isinstance(response, PageResponse) and not await self._take_in(response, page):
            self._pages.pop(response, None)
            return  # the page is left for the next run
        async for each in result:
            if page is not None and each is not None and not isinstance(each, Request):
                page.left += 1
            yield each
        if page is not None:
            page.is_drained = True
            self._settle(response, page)

    async def _take_in(self, response: PageResponse, page: _Underway | None) -> bool:
        if self._session.is_open and not self._arrivals.take_in(response):
            return False
        try:
            if page is not None:
                await self._session.seen.ask(_offers(response, page.search))
        except GateClosedError:
            return False
        return True

    def process_spider_exception(self, response: Response, exception: Exception) -> None:
        """The callback failed: what it yielded before counts, the page is not whole."""
        page = self._begin(response)
        if page is not None:
            page.given_up = f"callback: {type(exception).__name__}: {exception}"
            page.is_drained = True
            self._settle(response, page)

    def _item_scraped(self, item: Any, response: Response | Failure | None) -> None:
        """The item went through all pipelines to the feeds: its seed's line claims it."""
        if (page := self._page(response)) is not None:
            page.search.wrote(item)
            self._session.items_kept += 1
            page.came_out += 1
            self._settle(response, page)

    def _item_came_out(self, response: Response | Failure | None) -> None:
        if (page := self._page(response)) is not None:
            page.came_out += 1
            self._settle(response, page)

    def _item_failed(self, response: Response | Failure | None, failure: Failure) -> None:
        if (page := self._page(response)) is not None:
            page.given_up = f"pipeline: {type(failure.value).__name__}: {failure.value}"
        self._item_came_out(response)

    def _begin(self, response: Response) -> _Underway | None:
        """The page's account, opened when the first of its output is asked for."""
        if (known := self._page(response)) is not None:
            return known
        request = response.request
        if request is None or (key := request.meta.get(META, {}).get("seed_id")) is None:
            return None
        number = call_of(request).page
        search = self._session.frontier.find(key, number)
        if search is None:
            return None
        return self._pages.setdefault(response, _Underway(key, number, search))

    def _page(self, response: Any) -> _Underway | None:
        return self._pages.get(response)

    def _settle(self, response: Any, page: _Underway) -> None:
        if page.is_drained and page.came_out >= page.left:
            del self._pages[response]
            if self._session.frontier.find(page.key, page.number) is page.search:
                self._session.frontier.settle(page.key, page.number, page.given_up)


def _offers(response: PageResponse, search: OpenSearch) -> list[Offer]:
    """The offers of a page, each with its seed: the callback has not run yet."""
    seed_id = search.seed.seed_id
    offers = [row for row in response.rows if isinstance(row, Offer)]
    for offer in offers:
        offer.seed_id = seed_id
    return offers
