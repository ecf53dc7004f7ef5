"""The frontier of one process: seeds from a source, their searches, and their ends."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.utils.asyncio import run_in_thread, sleep

from pailitao_spider import stat_keys
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.bad_lines import BadLines
from pailitao_spider.crawl.commits import Commits
from pailitao_spider.crawl.frontier import OpenSearch
from pailitao_spider.crawl.page_requests import PageRequests
from pailitao_spider.crawl.paging import Paging
from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.crawl.requests import META, PageResponse, call_of
from pailitao_spider.crawl.searches import Part, Search, Searches, now_text, twin_line
from pailitao_spider.errors import BadSeedError
from pailitao_spider.gateways.calls import PictureRef, SearchCall
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.results.seed_index import PageStore
from pailitao_spider.seeds.async_reader import SeedReader
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Image, Seed, UrlImage

if TYPE_CHECKING:
    from pailitao_spider.config.arguments import Arguments
    from pailitao_spider.crawl.session import Session

__all__ = ["LocalFrontier"]

logger = logging.getLogger(__name__)

_FEWEST_OPEN = 8
_LOST = "lost: dropped on its way, by an error in the log or a middleware"


class LocalFrontier:
    """Reads seeds no further ahead than the rate can use, and closes each with a ledger line.

    `pages` keeps answers for seeds with the same picture, or is None where a line is all they need.
    """

    def __init__(self, session: Session, books: Books, pages: PageStore | None) -> None:
        self.unfinished = 0
        """Seeds that were begun and whose line is not written yet."""
        self._session = session
        self._books = books
        self._pages = pages
        self._searches = Searches(self._ended)
        self._commits = Commits(books, self._line_written, self._unwritable)
        self._bad_lines = BadLines(logger.warning)

    def __len__(self) -> int:
        return len(self._searches)

    # seeds to requests

    async def requests(self) -> AsyncIterator[Request]:
        source = SeedReader(self._asked.seeds or "", self._asked.sheet)
        while (each := await self._next(source)) is not None:
            request = await self._begun(each)
            if request is not None:
                request.meta["is_start_request"] = True
                yield request
        self._bad_lines.end()

    async def _next(self, source: SeedReader) -> Seed | BadLine | None:
        """The next seed, once few enough searches are open; None at the end of source or run."""
        while len(self) >= self._most_open():
            if scrapy_internals.is_closing(self._session.crawler.engine):
                return None
            await sleep(0.01)
        return await source.next()

    def _most_open(self) -> int:
        """Enough to use the rate found so far: what is open is asked for again after a kill."""
        session = self._session
        most = session.crawler.settings.getint("CONCURRENT_REQUESTS") or _FEWEST_OPEN
        return min(max(_FEWEST_OPEN, ceil(session.pool.per_second)), most) + len(session.in_doubt)

    async def _begun(self, each: Seed | BadLine) -> Request | None:
        """The request for a seed's first page; None where the ledger has its end, or gets it."""
        if isinstance(each, BadLine):
            self._close_bad(each)
            return None
        label = each.image.label
        try:
            picture = await _identified(each.image)
        except BadSeedError as error:
            text = f"{label}: {error}"
            self._close_bad(BadLine(each.seed_id, label, error.code, text, each.extra))
            return None
        seed = self._named(each, picture)
        if self._is_known(seed.seed_id):
            return None
        if self._books.is_in_vain(seed.seed_id, picture.key):
            self._count(stat_keys.SEEDS_IN_VAIN)
            return None
        self.unfinished += 1
        return self._search(seed, picture)

    def _named(self, each: Seed, picture: PictureRef) -> Seed:
        seed = self._books.named_apart(each, picture.key)
        if seed is not each:
            logger.info(
                "%s: another picture was searched under this name; this one is %s",
                each.seed_id,
                seed.seed_id,
            )
        return seed

    def _is_known(self, seed_id: str) -> bool:
        is_complete = self._books.is_complete(seed_id)
        if is_complete:
            self._count(stat_keys.SEEDS_KNOWN)
        return is_complete

    def _close_bad(self, bad: BadLine) -> None:
        """A picture that was searched before it went is still known."""
        seed_id = self._books.bad_name(bad)
        if self._is_known(seed_id):
            return
        self.unfinished += 1
        self._bad_lines.tell(bad.code, bad.text)
        now = now_text()
        line = LedgerLine(
            seed_id, bad.image, "failed", f"{bad.code}: {bad.text}",
            started_at=now, finished_at=now, seed_extra=bad.extra,
        )  # fmt: skip
        self._close(line)

    def _search(self, seed: Seed, picture: PictureRef) -> Request | None:
        """The first page's request; none when the same picture was or is being searched."""
        under_way = self._searches.with_picture(picture.key)
        if under_way is not None:
            under_way.twins.append(seed)
            return None
        ended = self._books.picture(picture.key)
        if ended is not None and self._pages is None:
            self._close_twin(ended, seed)
            return None
        call = self._session.first_page(picture)
        self._searches.open(Search(seed, picture, self._paging(call), now_text()))
        return self._requests.page(seed.seed_id, call)

    def _paging(self, call: SearchCall) -> Paging:
        asked = self._asked
        return Paging(call.page_size, asked.max_pages, asked.max_offers, asked.passes)

    # pages

    def find(self, key: str | None, page: int | None) -> Part | None:
        return self._searches.find(key)

    def came(self, search: OpenSearch, response: PageResponse) -> Iterator[Request]:
        assert isinstance(search, Part)
        assert response.request is not None
        call = call_of(response.request)
        new = search.take_in(call.page, response.page)
        yield from self._requests.further(search, new, call, response.gateway)
        yield from self._regions(search, call, response)

    def _regions(self, part: Part, call: SearchCall, response: PageResponse) -> Iterator[Request]:
        """Where a photo shows several products, a search for each."""
        if self._asked.regions != "all" or call.page > 1 or call.region is not None:
            return
        for region in response.page.regions if len(response.page.regions) > 1 else ():
            each = self._searches.add(part.search, self._paging(call), region)
            yield self._requests.page(each.key, replace(call, region=region))

    def settle(self, key: str, page: int, given_up: str | None = None) -> None:
        self._searches.settle(key, page, given_up)

    def lost(self, request: Request, given_up: str | None) -> None:
        call, meta = call_of(request), request.meta[META]
        part = self.find(meta["seed_id"], call.page)
        if part is None:
            return
        new = part.will_not_come(call.page, given_up)
        for each in self._requests.further(part, new, call, meta.get("gateway")):
            self._session.crawler.engine.crawl(each)
        self.settle(part.key, call.page)

    def moved(self, request: Request) -> None:
        """The search begins anew at another gateway."""
        page = call_of(request).page
        part = self.find(request.meta[META]["seed_id"], page)
        if part is None:
            return
        if not part.is_moved:
            part.is_moved = True
            logger.info("%s: begun anew at another gateway", part.seed.seed_id)
            call = replace(call_of(request), page=1, cursor=None)
            again = self._searches.add(part.search, self._paging(call), part.region)
            self._session.crawler.engine.crawl(self._requests.page(again.key, call))
        self.settle(part.key, page)

    def idle(self) -> None:
        """A page that is still open was dropped on its way."""
        if self._session.stopped is not None:
            return
        for seed in self._searches.settle_all(_LOST):
            logger.warning("%s: pages are missing: %s", seed.seed_id, _LOST)

    # ends

    def _ended(self, search: Search, line: LedgerLine) -> None:
        self._close(line)
        self._books.note_picture(search.picture.key, line)
        for seed in search.twins:
            if self._pages is None:
                self._close_twin(line, seed)
            elif (request := self._search(seed, search.picture)) is not None:
                self._session.crawler.engine.crawl(request)

    def _close(self, line: LedgerLine) -> None:
        self._books.close_seed(line)
        self._commits.begin()

    def _close_twin(self, line: LedgerLine, seed: Seed) -> None:
        """Ends a seed whose picture was searched for another: it has the sightings of that one."""
        self._count(stat_keys.SEEDS_SAME_PICTURE)
        if self._session.keeps_matches:
            try:
                self._books.copy_matches(line.seed_id, seed.seed_id)
            except OSError as error:
                self._unwritable(f"results cannot be written: {error}")
        self._close(twin_line(line, seed))

    def _line_written(self, line: LedgerLine) -> None:
        self.unfinished -= 1
        self._session.count_seed(line)

    def _unwritable(self, why: str) -> None:
        self._session.stop("pailitao_disk", why)

    async def finish(self) -> None:
        """Waits until all that is final is written."""
        await self._commits.finish()

    # the crawl

    @property
    def _asked(self) -> Arguments:
        assert self._session.arguments is not None
        return self._session.arguments

    @property
    def _requests(self) -> PageRequests:
        return PageRequests(self._session.crawler.spider)  # type: ignore[arg-type]

    def _count(self, key: str) -> None:
        self._session.crawler.stats.inc_value(key)


async def _identified(image: Image) -> PictureRef:
    if isinstance(image, UrlImage):
        return picture_of(image)
    return picture_of(image, await run_in_thread(_sha256, image))


def _sha256(image: Any) -> str:
    return sha256(load(image)).hexdigest()
