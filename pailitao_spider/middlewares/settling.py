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

from pailitao_spider.access.gate import GateClosedError
from pailitao_spider.addon import session_of
from pailitao_spider.image_search import META, call_of
from pailitao_spider.offers import Offer
from pailitao_spider.responses import PageResponse

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

__all__ = ["SettlingMiddleware"]


@dataclass(slots=True)
class _Underway:
    """One page's items: how many left for the pipelines, how many came out, what went wrong."""

    left: int = 0
    came_out: int = 0
    is_drained: bool = False
    given_up: str | None = None

    @property
    def is_settled(self) -> bool:
        return self.is_drained and self.came_out >= self.left


class SettlingMiddleware:
    """Settles each page of an open search once all its items have met their end."""

    def __init__(self, crawler: Crawler) -> None:
        self._session = session_of(crawler)
        self._pages: dict[tuple[str, int], _Underway] = {}
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
        page = self._page(response)
        if page is not None and isinstance(response, PageResponse):
            try:
                await self._session.seen.ask(_offers(response))
            except GateClosedError:
                return  # the page is left for the next run
        async for each in result:
            if page is not None and each is not None and not isinstance(each, Request):
                page.left += 1
            yield each
        self._drain(response)

    def process_spider_exception(self, response: Response, exception: Exception) -> None:
        """The callback failed: what it yielded before counts, the page is not whole."""
        page = self._page(response)
        if page is not None:
            page.given_up = f"callback: {type(exception).__name__}: {exception}"
            self._drain(response)

    def _item_scraped(self, item: Any, response: Response | Failure | None) -> None:
        """The item went through all pipelines to the feeds: its seed's line claims it."""
        key = _key(response)
        search = None if key is None else self._session.searches.find(*key)
        if search is not None:
            search.wrote(item)
        self._item_came_out(response)

    def _item_came_out(self, response: Response | Failure | None) -> None:
        page = self._page(response)
        if page is not None:
            page.came_out += 1
            self._settle(response)

    def _item_failed(self, response: Response | Failure | None, failure: Failure) -> None:
        page = self._page(response)
        if page is not None:
            page.given_up = f"pipeline: {type(failure.value).__name__}: {failure.value}"
        self._item_came_out(response)

    def _drain(self, response: Response) -> None:
        page = self._page(response)
        if page is not None:
            page.is_drained = True
            self._settle(response)

    def _page(self, response: Any) -> _Underway | None:
        key = _key(response)
        if key is None or self._session.searches.find(*key) is None:
            return None
        return self._pages.setdefault(key, _Underway())

    def _settle(self, response: Any) -> None:
        key = _key(response)
        if key is not None and self._pages[key].is_settled:
            self._session.searches.settle(*key, self._pages.pop(key).given_up)


def _offers(response: PageResponse) -> list[Offer]:
    """The offers of a page, each with its seed: the callback has not run yet."""
    seed_id = response.request.meta[META]["seed_id"]  # type: ignore[union-attr]
    offers = [row for row in response.rows if isinstance(row, Offer)]
    for offer in offers:
        offer.seed_id = seed_id
    return offers


def _key(response: Any) -> tuple[str, int] | None:
    """Seed and page of an answer to one of our searches."""
    request = getattr(response, "request", None)
    if not isinstance(request, Request):
        return None
    seed_id = request.meta.get(META, {}).get("seed_id")
    return None if seed_id is None else (seed_id, call_of(request).page)
