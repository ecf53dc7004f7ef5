"""What the parts of one crawl share: the key and its gate, the open searches, the books.

It hangs on the crawler (`addon.session_of`), is opened before the first request, and is the one
place that stops a run. `local_session` has the one of a single process, `cluster.session` that of
a worker among others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from scrapy.exceptions import CloseSpider
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider import inner, stats
from pailitao_spider.access.budget import Budget
from pailitao_spider.access.gate import Gate
from pailitao_spider.access.pace import Permit
from pailitao_spider.access.retrying import RetryPolicy
from pailitao_spider.access.tokens import Token, TokenStore
from pailitao_spider.access.uploads import Uploads
from pailitao_spider.arguments import Arguments
from pailitao_spider.config import Config
from pailitao_spider.dedup import SeenOffers, Written
from pailitao_spider.errors import PailitaoError
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall
from pailitao_spider.gateways.dialects import Dialect, dialect
from pailitao_spider.image_search import image_of
from pailitao_spider.pictures import load
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.roster import PageStore
from pailitao_spider.searches import OpenSearches

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from pailitao_spider.sandbox.server import Site

__all__ = ["Sent", "Session"]

logger = logging.getLogger(__name__)

_BEIJING_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request carries only between signing and its answer."""

    clean: Form
    permit: Permit | None
    token_version: int
    imgid: str | None = None
    """What the gateway was told of the picture: its address, or the id of an upload."""


class Session:
    """One crawl's shared parts. Everything below `open` is there once it has run."""

    config: Config
    arguments: Arguments | None
    dialect: Dialect
    credential: Credential
    url: str
    token_url: str
    gateway: str
    """What offers name as their origin: the dialect, or `sandbox` for invented ones."""
    gate: Gate
    tokens: TokenStore
    budget: Budget
    uploads: Uploads
    policy: RetryPolicy
    books: Books
    searches: OpenSearches
    pages: PageStore | None
    """Answers kept for seeds with the same picture, where each needs rows of its own."""
    seen: SeenOffers
    written: Written
    reads_source = True
    """The spider reads the seeds itself."""
    takes_guests = True
    """Somebody else's spider may go on without what cannot be opened."""
    way_on = "go on with -o"
    """What to do after a stop."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.sent: WeakKeyDictionary[Request, Sent] = WeakKeyDictionary()
        self.flush_feeds: Callable[[], list[int]] = list
        self.is_open = False
        self.failed_to_open: Exception | None = None
        self.stopped: str | None = None
        self.calls_today = 0
        """Calls of the key and day, over all runs; known when the session has closed."""
        self._sandbox: Site | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def keeps_ledger(self) -> bool:
        """The spider is this project's: it is the run, not a guest in somebody else's."""
        return getattr(self.crawler.spider, "keeps_ledger", False)

    # opening

    async def open(self) -> None:
        """Opens everything; a spider that keeps a ledger is closed when that fails."""
        keeps_ledger = self.keeps_ledger
        try:
            inner.check(self.crawler.engine)
            self.config = Config.read(self.crawler.settings)
            self.arguments = self._arguments() if keeps_ledger else None
            await self._open_gateway()
            await self._open_run()
        except PailitaoError as error:
            self.failed_to_open = error
            await self.close()
            if keeps_ledger or not self.takes_guests:
                logger.error("%s", error)
                raise CloseSpider("pailitao_config") from error
        except Exception as error:
            # Scrapy would log it and crawl on: without its session a crawl must not begin.
            self.failed_to_open = error
            logger.exception("the crawl cannot be opened")
            raise CloseSpider("pailitao_error") from error
        else:
            self.is_open = True

    async def _open_gateway(self) -> None:
        config = self.config
        self.dialect = dialect(config.gateway)
        self.gateway = self.dialect.name
        self.url = config.url or self.dialect.url
        self.token_url = config.token_url or self.dialect.token_url
        self.credential = Credential(config.app_key or "", config.app_secret or "")
        self._token = Token(config.access_token, config.refresh_token)
        if config.sandbox is not None:
            await self._open_sandbox(config.sandbox)

    async def _open_sandbox(self, options: str) -> None:
        from pailitao_spider.sandbox.embedded import start_embedded

        self._sandbox, account = await start_embedded(options)
        self.gateway = "sandbox"
        self.url, self.token_url = self._sandbox.url, self._sandbox.token_url
        self.credential = Credential(account.app_key, account.secret)
        self._token = Token(account.access_token, account.refresh_token)

    async def _open_run(self) -> None:
        """Opens books, searches, gate, tokens and the rest. Raises PailitaoError."""
        raise NotImplementedError

    async def _close_run(self) -> None:
        """Closes what `_open_run` opened, as far as it came."""
        raise NotImplementedError

    def _arguments(self) -> Arguments:
        return Arguments.read(self.crawler.spider.given)  # type: ignore[union-attr]

    def first_page(self, picture: PictureRef) -> SearchCall:
        """The call that begins a picture's search."""
        asked = self.arguments
        assert asked is not None
        return SearchCall(
            picture=picture,
            search_type=asked.search_type,
            sort=asked.sort,
            page_size=min(asked.page_size or 100, self.dialect.limits.page_size),
        )

    async def picture_bytes(self, picture: PictureRef) -> bytes:
        """The bytes of a picture that is not on the web. Raises BadSeedError."""
        return await run_in_thread(load, image_of(picture))

    # running

    def what_is_left(self) -> str:
        """What a person does to have the rest of a stopped run, to end a sentence."""
        raise NotImplementedError

    async def last_commit(self) -> None:
        """Waits until all that is final is written."""
        raise NotImplementedError

    def stop(self, reason: str, text: str) -> None:
        """Ends the run with a named reason; what is not final stays for the next run."""
        if self.stopped is not None:
            return
        self.stopped = text
        logger.error("%s", text)
        if not inner.is_closing(self.crawler.engine):
            closing = self.crawler.engine.close_spider_async(reason=reason)
            self._closing = asyncio.ensure_future(closing)

    def stop_until_midnight(self, reason: str, text: str) -> None:
        """Ends the run; the key is whole again when Beijing's day begins."""
        now = time.time()
        self.stop_for(reason, text, 86400 - (now + _BEIJING_SECONDS) % 86400)

    def stop_for(self, reason: str, text: str, seconds: float) -> None:
        """Ends the run and says when it can go on."""
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + seconds))
        self.stop(reason, f"{text}; {self.way_on} after {at} (local time)")

    async def close(self) -> None:
        """Closes what `open` opened, as far as it came; once."""
        if self._is_closed:
            return
        self._is_closed = True
        if self.is_open:
            self.crawler.stats.set_value(
                stats.GATE_WAIT_SECONDS, round(self.gate.waited_seconds, 3)
            )
            self.calls_today = self.budget.calls_today
            self.books.close()
        await self._close_run()
        if self._sandbox is not None:
            await self._sandbox.close()
            self._sandbox = None
