"""The spider `pailitao`: seeds in, pages asked for, rows out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any, Self, cast

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.utils.asyncio import run_in_thread, sleep

from pailitao_spider import stat_keys
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.bad_lines import BadLines
from pailitao_spider.crawl.paging import PAGE_LIMIT, Paging
from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.crawl.requests import META, ImageSearch, PageResponse, call_of
from pailitao_spider.crawl.searches import OpenSearch, Part, Search, now_text
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import BadSeedError, RefusedError, SourceError
from pailitao_spider.gateways.calls import PictureRef, SearchCall
from pailitao_spider.middlewares.answers import TOO_LARGE
from pailitao_spider.middlewares.call_accounting import no_answer
from pailitao_spider.middlewares.endings import (
    GatewayGoneError,
    PageNotNeededError,
    RunEndsError,
)
from pailitao_spider.monitoring import text as telling
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.seeds.async_reader import SeedReader
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Image, Seed, UrlImage

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure

    from pailitao_spider.config.arguments import Arguments
    from pailitao_spider.crawl.local_session import LocalSession
    from pailitao_spider.crawl.session import Session

__all__ = ["PailitaoSpider"]

logger = logging.getLogger(__name__)

_FEWEST_OPEN = 8
_LOST = "lost: dropped on its way, by an error in the log or a middleware"


class PailitaoSpider(Spider):
    """Searches 1688 for every picture of a source. Arguments: see `arguments.Arguments`.

    Subclass it and override `rows` to change what leaves a page.
    """

    name = "pailitao"
    keeps_ledger = True

    def __init__(self, **given: Any) -> None:
        super().__init__(given.pop("name", None))
        self._bad_lines = BadLines(logger.warning)
        self.given = {key: value for key, value in given.items() if not key.startswith("_")}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **given: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **given)
        crawler.signals.connect(spider.give_up_lost, signals.spider_idle)
        return spider

    @property
    def session(self) -> Session:
        return session_of(self.crawler)

    @property
    def _local(self) -> LocalSession:
        return cast("LocalSession", self.session)

    @property
    def arguments(self) -> Arguments:
        arguments = self.session.arguments
        assert arguments is not None
        return arguments

    # seeds to requests

    async def start(self) -> AsyncIterator[Request]:
        if not self.session.reads_source:
            return
        self._local.bookkeeping.on_twins = self._start_twins
        try:
            source = SeedReader(self.arguments.seeds or "", self.arguments.sheet)
            while (each := await self._next(source)) is not None:
                request = await self._begin(each)
                if request is not None:
                    request.meta["is_start_request"] = True
                    yield request
            self._bad_lines.end()
        except SourceError as error:
            logger.error("%s", error)
            raise CloseSpider("pailitao_source") from error

    async def _next(self, source: SeedReader) -> Seed | BadLine | None:
        """The next seed, once few enough searches are open; None at the end of source or run."""
        while len(self.session.searches) >= self._most_open():
            if scrapy_internals.is_closing(self.crawler.engine):
                return None
            await sleep(0.01)
        return await source.next()

    def _most_open(self) -> int:
        """Enough to use the rate found so far: what is open is asked for again after a kill."""
        per_second = self.session.pool.per_second
        most = self.settings.getint("CONCURRENT_REQUESTS") or _FEWEST_OPEN
        return min(max(_FEWEST_OPEN, ceil(per_second)), most) + len(self.session.in_doubt)

    async def _begin(self, each: Seed | BadLine) -> Request | None:
        """The request for a seed's first page; None where the ledger has its end, or gets it."""
        if isinstance(each, BadLine):
            self._begin_bad(each)
            return None
        label, books = each.image.label, self.session.books
        try:
            picture = await _identified(each.image)
        except BadSeedError as error:
            text = f"{label}: {error}"
            self._begin_bad(BadLine(each.seed_id, label, error.code, text, each.extra))
            return None
        seed = books.named_apart(each, picture.key)
        if seed is not each:
            logger.info(
                "%s: another picture was searched under this name; this one is %s",
                each.seed_id, seed.seed_id,
            )  # fmt: skip
        if self._is_known(seed.seed_id):
            return None
        if books.is_in_vain(seed.seed_id, picture.key):
            self.crawler.stats.inc_value(stat_keys.SEEDS_IN_VAIN)
            return None
        self._local.bookkeeping.without_end += 1
        return self._search(seed, picture)

    def _is_known(self, seed_id: str) -> bool:
        is_complete = self.session.books.is_complete(seed_id)
        if is_complete:
            self.crawler.stats.inc_value(stat_keys.SEEDS_KNOWN)
        return is_complete

    def _begin_bad(self, bad: BadLine) -> None:
        """A picture that was searched before it went is still known."""
        seed_id = self.session.books.bad_name(bad)
        if self._is_known(seed_id):
            return
        self._local.bookkeeping.without_end += 1
        self._bad_lines.tell(bad.code, bad.text)
        now = now_text()
        line = LedgerLine(
            seed_id, bad.image, "failed", f"{bad.code}: {bad.text}",
            started_at=now, finished_at=now, seed_extra=bad.extra,
        )  # fmt: skip
        self._local.bookkeeping.close_seed(line)

    def _search(self, seed: Seed, picture: PictureRef) -> Request | None:
        """The first page's request; none when the same picture was or is being searched."""
        session, local = self.session, self._local
        under_way = local.bookkeeping.searches.with_picture(picture.key)
        if under_way is not None:
            under_way.twins.append(seed)
            return None
        ended = session.books.picture(picture.key)
        if ended is not None and session.pages is None:
            local.bookkeeping.close_twin(ended, seed)
            return None
        call = session.first_page(picture)
        search = Search(seed, picture, self._paging(call), now_text())
        local.bookkeeping.searches.open(search)
        return self.page_request(seed.seed_id, call)

    def _paging(self, call: SearchCall) -> Paging:
        asked = self.arguments
        return Paging(call.page_size, asked.max_pages, asked.max_offers, asked.passes)

    def _start_twins(self, search: Search) -> None:
        for seed in search.twins:
            request = self._search(seed, search.picture)
            if request is not None:
                self.crawler.engine.crawl(request)

    def page_request(
        self, key: str, call: SearchCall, gateway: str | None = None, answered: int = 0
    ) -> Request:
        """The request for one page of a search; `key` is its seed's id, or that of a further part.

        `gateway` is the one that gave the first page; the page was `answered` so often before.
        Lower pages go first, and further pages before first ones.
        """
        priority = PAGE_LIMIT + 1 - call.page if call.page > 1 else 0
        request = ImageSearch.of(call, gateway).request(
            self.parse_page, self.page_failed, dont_filter=True, priority=priority
        )
        request.meta[META] |= {"seed_id": key, "page": call.page, "answered": answered}
        return request

    def _further(
        self, search: OpenSearch, key: str, pages: list[int], call: SearchCall, gateway: str | None
    ) -> Iterator[Request]:
        for number in pages:
            asked = replace(call, page=number, cursor=search.cursor_of(number))
            yield self.page_request(key, asked, gateway, search.times_answered(number))

    # answers to rows

    def parse_page(self, response: PageResponse) -> Iterator[Offer | RejectedRow | Request]:
        """One page: asks for the pages that follow, yields its rows."""
        assert response.request is not None
        call, key = call_of(response.request), response.request.meta[META]["seed_id"]
        search = self.session.searches.find(key, call.page)
        if search is None:
            return
        new = search.take_in(call.page, response.page)
        yield from self._further(search, key, new, call, response.gateway)
        if isinstance(search, Part):
            yield from self._regions(search, call, response)
        yield from self.rows(response, search.seed)

    def _regions(self, part: Part, call: SearchCall, response: PageResponse) -> Iterator[Request]:
        """Where a photo shows several products, a search for each."""
        if self.arguments.regions != "all" or call.page > 1 or call.region is not None:
            return
        for region in response.page.regions if len(response.page.regions) > 1 else ():
            each = self._local.bookkeeping.searches.add(part.search, self._paging(call), region)
            yield self.page_request(each.key, replace(call, region=region))

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
            self._move(request)
            return
        given_up = None if isinstance(error, PageNotNeededError) else _reason(error)
        if given_up is not None and (sent := self.session.sent.get(request)) is not None:
            given_up = sent.washed(given_up)
        seed_id, call = request.meta[META]["seed_id"], call_of(request)
        if given_up is not None:
            words = telling.given_up(given_up)
            logger.warning("%s: page %d given up: %s", seed_id, call.page, words)
        search = self.session.searches.find(seed_id, call.page)
        if search is None:
            return
        new = search.will_not_come(call.page, given_up)
        gateway = request.meta[META].get("gateway")
        for each in self._further(search, seed_id, new, call, gateway):
            self.crawler.engine.crawl(each)
        self.session.searches.settle(seed_id, call.page)

    def give_up_lost(self) -> None:
        """Nothing is under way any more: a page that is still open was dropped on its way."""
        if not self.session.reads_source or self.session.stopped is not None:
            return
        for seed in self._local.bookkeeping.searches.settle_all(_LOST):
            logger.warning("%s: pages are missing: %s", seed.seed_id, _LOST)

    def _move(self, request: Request) -> None:
        """The gateway of a search has no key left: it begins anew at another."""
        call = replace(call_of(request), page=1, cursor=None)
        part = self.session.searches.find(request.meta[META]["seed_id"], call.page)
        if not isinstance(part, Part):
            self._give_up_moved(request)
            return
        if not part.is_moved:
            part.is_moved = True
            logger.info("%s: begun anew at another gateway", part.seed.seed_id)
            again = self._local.bookkeeping.searches.add(
                part.search, self._paging(call), part.region
            )
            self.crawler.engine.crawl(self.page_request(again.key, call))
        self.session.searches.settle(part.key, call_of(request).page)

    def _give_up_moved(self, request: Request) -> None:
        """A worker cannot begin a search anew: others have pages of it."""
        gateway, page = request.meta[META]["gateway"], call_of(request).page
        why = (
            f"moved: no key of {gateway} is left, which gave the first page; another gateway "
            "searches it anew after scrapy pailitao push --again"
        )
        seed_id = request.meta[META]["seed_id"]
        logger.warning("%s: page %d given up: %s", seed_id, page, why)
        self.session.searches.settle(seed_id, page, why)


async def _identified(image: Image) -> PictureRef:
    if isinstance(image, UrlImage):
        return picture_of(image)
    return picture_of(image, await run_in_thread(_sha256, image))


def _sha256(image: Any) -> str:
    return sha256(load(image)).hexdigest()


def _reason(error: BaseException | None) -> str:
    if isinstance(error, BadSeedError | RefusedError):
        return error.reason
    if isinstance(error, IgnoreRequest) and "DOWNLOAD_MAXSIZE" in str(error):  # once unzipped
        return TOO_LARGE
    return f"error: {type(error).__name__}: {error}"
