"""Requests for the pages of a seed's search, with the callbacks of the spider that searches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pailitao_spider.crawl.paging import PAGE_LIMIT
from pailitao_spider.crawl.requests import META, ImageSearch
from pailitao_spider.gateways.calls import SearchCall

if TYPE_CHECKING:
    from scrapy import Request

    from pailitao_spider.crawl.searches import Part
    from pailitao_spider.spiders.pailitao import PailitaoSpider

__all__ = ["PageRequests"]


class PageRequests:
    """Lower pages go first, and further pages before first ones."""

    def __init__(self, spider: PailitaoSpider) -> None:
        self._spider = spider

    def page(
        self, key: str, call: SearchCall, gateway: str | None = None, answered: int = 0
    ) -> Request:
        """`key` is the seed's id, or that of a further part of its search; `gateway` the one that
        gave the first page; the page was `answered` so often before.
        """
        spider = self._spider
        request = ImageSearch.of(call, gateway).request(
            spider.parse_page,
            spider.page_failed,
            dont_filter=True,
            priority=PAGE_LIMIT + 1 - call.page if call.page > 1 else 0,
        )
        request.meta[META] |= {"seed_id": key, "page": call.page, "answered": answered}
        return request

    def further(
        self, part: Part, pages: list[int], call: SearchCall, gateway: str | None
    ) -> list[Request]:
        """More pages of the search that `call` is of."""
        return [
            self.page(
                part.key,
                replace(call, page=number, cursor=part.paging.cursor_of(number)),
                gateway,
                part.paging.times_answered(number),
            )
            for number in pages
        ]
