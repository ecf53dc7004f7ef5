"""What the parts of one crawl share: the key and its gate, the open searches, the books.

It hangs on the crawler (`addon.session_of`), is opened before the first request, and is the one
place that stops a run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from scrapy.exceptions import CloseSpider

from pailitao_spider import inner, stats
from pailitao_spider.access.budget import Budget, LocalBudget
from pailitao_spider.access.gate import Gate, LocalGate
from pailitao_spider.access.pace import Pace, Permit
from pailitao_spider.access.retrying import RetryPolicy
from pailitao_spider.access.token_file import TokenFile, default_folder
from pailitao_spider.access.tokens import LocalTokens, Token, TokenStore
from pailitao_spider.access.uploads import LocalUploads, Uploads
from pailitao_spider.arguments import Arguments
from pailitao_spider.bookkeeping import Bookkeeping
from pailitao_spider.config import Config
from pailitao_spider.dedup import DEDUP_KEYS, LocalSeen, SeenOffers, Written
from pailitao_spider.errors import PailitaoError
from pailitao_spider.gateways.calls import Credential, Form
from pailitao_spider.gateways.dialects import Dialect, dialect
from pailitao_spider.outputs import FeedTarget, check_apart, local_feeds
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.roster import PageStore
from pailitao_spider.results.state import CrawlState
from pailitao_spider.results.written import written_offers
from pailitao_spider.searches import Searches

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
    bookkeeping: Bookkeeping
    seen: SeenOffers
    written: Written

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
        self._state: CrawlState | None = None
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
            self.arguments = _arguments(self.crawler.spider) if keeps_ledger else None
            await self._open_gateway()
            self._open_books(local_feeds(self.crawler.settings) if keeps_ledger else [])
            self._open_access()
        except PailitaoError as error:
            self.failed_to_open = error
            await self.close()
            if keeps_ledger:
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

    def _open_books(self, feeds: list[FeedTarget]) -> None:
        config = self.config
        first = feeds[0] if feeds else None
        paths = ResultPaths.beside(first.path) if first else None
        if self.arguments is not None:
            check_apart(feeds, self.arguments.seeds)
        for feed in feeds:
            feed.check_writable()
        owner = f"{self.url} {self.credential.app_key}"
        self._state = CrawlState(paths.state if paths else None, owner, time.time)
        self.bookkeeping = Bookkeeping(
            Books(paths, lambda: self.flush_feeds()),
            PageStore() if config.dedup != "crawl" or config.matches else None,
            self.crawler.stats,
            lambda why: self.stop("pailitao_disk", why),
        )
        self.seen = LocalSeen()
        self.written = Written(DEDUP_KEYS[config.dedup])
        if any(feed.overwrite for feed in feeds):
            self._start_over(feeds)
        elif feeds:
            self._go_on(feeds)

    @property
    def books(self) -> Books:
        return self.bookkeeping.books

    @property
    def searches(self) -> Searches:
        return self.bookkeeping.searches

    @property
    def pages(self) -> PageStore | None:
        return self.bookkeeping.pages

    def _start_over(self, feeds: list[FeedTarget]) -> None:
        self.books.start_over()
        for feed in feeds:
            if feed.overwrite:
                feed.path.write_bytes(b"")

    def _go_on(self, feeds: list[FeedTarget]) -> None:
        offers = {str(feed.path): written_offers(feed.path, feed.format) for feed in feeds}
        claimed = self.books.claims()
        short = [feed for feed in feeds if _holds_fewer(feed, claimed)]
        self.books.go_on(trusts_feed=not short)
        if self.books.claims_void:
            logger.warning(
                "%s: fewer offers than the %d that its ledger claims: "
                "its %d done seeds are searched again",
                short[0].path,
                claimed,
                self.books.claims_void,
            )
        number = self.written.take_up(offers, self.seen, self.books.is_complete)
        if number:
            logger.info("%s: going on after %d offers", feeds[0].path, number)

    def _open_access(self) -> None:
        config, engine = self.config, self.crawler.engine
        assert self._state is not None
        self.gate = LocalGate(
            Pace(config.rate),
            config.burst,
            clock=time.monotonic,
            sleep=asyncio.sleep,
            is_closing=lambda: self.stopped is not None or inner.is_closing(engine),
        )
        self.policy = RetryPolicy(tries=config.transient_tries)
        self.budget = LocalBudget(config.daily_calls, self._state)
        self.uploads = LocalUploads(self._state)
        self.tokens = self._opened_tokens()

    def _opened_tokens(self) -> LocalTokens:
        if self._sandbox is not None or self._token.refresh is None:
            return LocalTokens(self._token)
        file = TokenFile.of(default_folder(), self.credential.app_key, self._token)
        return LocalTokens(file.newest(), lambda token: self._keep_token(file, token), self._token)

    def _keep_token(self, file: TokenFile, token: Token) -> None:
        try:
            file.keep(token)
        except OSError as error:
            logger.warning(
                "%s: the new tokens could not be kept (%s); the next run may need a new login",
                file.path,
                error.strerror,
            )

    # running

    async def last_commit(self) -> None:
        """Waits until all that is final is written."""
        if self.is_open:
            await self.bookkeeping.finish()

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
        self.stop(reason, f"{text}; go on with -o after {at} (local time)")

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
        if self._state is not None:
            self._state.close()
        if self._sandbox is not None:
            await self._sandbox.close()
        self._state = self._sandbox = None


def _holds_fewer(feed: FeedTarget, claimed: int) -> bool:
    """Lines of the feed are gone; one that filters items says nothing about it."""
    if feed.is_filtered and not feed.is_empty:
        return False
    return claimed > 0 and sum(1 for _ in written_offers(feed.path, feed.format)) < claimed


def _arguments(spider: Any) -> Arguments:
    return Arguments.read(spider.given)
