"""The spider `pailitao`: asks for what the frontier says, and yields what comes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Self

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider, IgnoreRequest

from pailitao_spider.config.capability_checks import unanswered
from pailitao_spider.crawl.call_accounting import no_answer
from pailitao_spider.crawl.endings import (
    TOO_LARGE,
    GatewayGoneError,
    PageNotNeededError,
    RunEndsError,
)
from pailitao_spider.crawl.requests import META, PageResponse, call_of
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import BadSeedError, RefusedError, SourceError
from pailitao_spider.monitoring import text as telling
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.seeds.model import Seed

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

    from pailitao_spider.config.arguments import Arguments
    from pailitao_spider.crawl.session import Session

__all__ = ["PailitaoSpider"]

logger = logging.getLogger(__name__)


class PailitaoSpider(Spider):
    """Searches 1688 for every picture of a source. Arguments: see `arguments.Arguments`.

    Subclass it and override `rows` to change what leaves a page.
    """

    name = "pailitao"
    keeps_ledger = True

    def __init__(self, **given: Any) -> None:
        super().__init__(given.pop("name", None))
        self.given = {key: value for key, value in given.items() if not key.startswith("_")}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **given)
        crawler.signals.connect(spider.nothing_under_way, signals.spider_idle)
        return spider

    @property
    def session(self) -> Session:
        return session_of(self.crawler)

    @property
    def arguments(self) -> Arguments:
        arguments = self.session.arguments
        assert arguments is not None
        return arguments

    async def start(self) -> AsyncIterator[Request]:
        for line in unanswered(self.session.config.keys, self.arguments):
            logger.warning("%s", line)
        try:
            async for request in self.session.frontier.requests():
                yield request
        except SourceError as error:
            logger.error("%s", error)
            raise CloseSpider("pailitao_source") from error

    def parse_page(self, response: PageResponse) -> Iterator[Offer | RejectedRow | Request]:
        """One page: asks for the pages that follow, yields its rows."""
        assert response.request is not None
        key, page = response.request.meta[META]["seed_id"], call_of(response.request).page
        search = self.session.frontier.find(key, page)
        if search is None:
            return
        yield from self.session.frontier.came(search, response)
        yield from self.rows(response, search.seed)

    def rows(self, response: PageResponse, seed: Seed) -> Iterator[Offer | RejectedRow]:
        """The page's rows, each with its seed; up to `max_offers` of a seed."""
        most = self.arguments.max_offers
        assert response.request is not None
        region = call_of(response.request).region
        for row in response.rows:
            row.seed_id = seed.seed_id
            if isinstance(row, Offer):
                if region is not None:
                    row.extra["region"] = region
                if most is not None and (row.rank or 0) > most:
                    return
                row.seed_image, row.seed_extra = seed.image.label, seed.extra
            yield row

    def page_failed(self, failure: Failure) -> None:
        """A page that will not come: its search ends without it, and says so."""
        request: Request = failure.request  # type: ignore[attr-defined]
        error = failure.value
        no_answer(self.session, request)
        if isinstance(error, RunEndsError):
            return
        if isinstance(error, GatewayGoneError):
            self.session.frontier.moved(request)
            return
        given_up = None if isinstance(error, PageNotNeededError) else self._reason(request, error)
        if given_up is not None:
            seed_id, page = request.meta[META]["seed_id"], call_of(request).page
            words = telling.given_up(given_up)
            logger.warning("%s: page %d given up: %s", seed_id, page, words)
        self.session.frontier.lost(request, given_up)

    def _reason(self, request: Request, error: BaseException | None) -> str:
        """Why a page is given up, without what was sent in secret."""
        sent = self.session.sent.get(request)
        return _reason(error) if sent is None else sent.washed(_reason(error))

    def nothing_under_way(self) -> None:
        if self.session.is_open:
            self.session.frontier.idle()


def _reason(error: BaseException | None) -> str:
    if isinstance(error, BadSeedError | RefusedError):
        return error.reason
    if isinstance(error, IgnoreRequest) and "DOWNLOAD_MAXSIZE" in str(error):  # once unzipped
        return TOO_LARGE
    return f"error: {type(error).__name__}: {error}"
