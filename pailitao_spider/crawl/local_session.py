"""The session of a crawl that is one process: seeds from a source, all it keeps beside its feed."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pailitao_spider.config.feeds import FeedTarget, can_go_on, check_apart, local_feeds
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.local_frontier import LocalFrontier
from pailitao_spider.crawl.session import Session
from pailitao_spider.errors import ResultsError
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.adaptive_rate import AdaptiveRate
from pailitao_spider.keys.budget import LocalBudget, SpendLimit
from pailitao_spider.keys.key import Key
from pailitao_spider.keys.rate_limiter import LocalRateLimiter
from pailitao_spider.keys.retry_policy import RetryPolicy
from pailitao_spider.keys.token_file import TokenFile, default_folder
from pailitao_spider.keys.tokens import LocalTokens, Token
from pailitao_spider.keys.upload_cache import LocalUploads
from pailitao_spider.keys.usage_db import UsageFile
from pailitao_spider.offers.dedup import DEDUP_KEYS, LocalSeen, Written
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.seed_index import PageStore
from pailitao_spider.results.state import CrawlState

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["LocalSession"]

logger = logging.getLogger(__name__)


class LocalSession(Session):
    """One process, one feed that a later run can go on with."""

    frontier: LocalFrontier

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._state: CrawlState | None = None
        self._usage: UsageFile | None = None

    async def _open_run(self) -> None:
        feeds = local_feeds(self.crawler.settings)
        self._open_books(feeds if self.keeps_ledger else [])
        if not self.keeps_ledger and self.crawler.settings.get("JOBDIR"):
            self._go_on_with_job(feeds)
        self._open_access()

    def _open_books(self, feeds: list[FeedTarget]) -> None:
        config = self.config
        first = feeds[0] if feeds else None
        paths = ResultPaths.beside(first.path) if first else None
        if self.arguments is not None:
            check_apart(feeds, self.arguments.seeds)
        for feed in feeds:
            feed.make()
        self._hold(feeds)
        self._state = CrawlState(paths.state if paths else None)
        is_again = self.arguments is not None and self.arguments.again
        self.books = Books(paths, self.flush_results, again=is_again)
        self.pages = PageStore() if config.dedup != "crawl" else None
        self.frontier = LocalFrontier(self, self.books, self.pages)
        key = DEDUP_KEYS[config.dedup]
        self.seen, self.written = LocalSeen(key), Written(key)
        if any(feed.overwrite for feed in feeds):
            self._start_over(feeds)
        elif feeds:
            self._go_on(feeds)

    def _start_over(self, feeds: list[FeedTarget]) -> None:
        self.books.start_over()
        for feed in feeds:
            if feed.overwrite:
                feed.path.write_bytes(b"")

    def _go_on(self, feeds: list[FeedTarget]) -> None:
        key = DEDUP_KEYS[self.config.dedup]
        telling = [feed for feed in feeds if feed.is_empty or not feed.is_filtered]
        self.books.go_on(
            ((offer.seed_id, key(offer)) for offer in feed.written()) for feed in telling
        )
        if short := self.books.short_seeds:
            logger.warning(
                "%s: lacks %d offers of %d seeds that its ledger calls done, such as %s: "
                "these seeds are searched again",
                feeds[0].path,
                sum(short.values()),
                len(short),
                next(iter(short)),
            )
        offers = {str(feed.path): feed.written() for feed in feeds}
        number = self.written.take_up(offers, self.seen, self.books.is_final)
        if number:
            logger.info("%s: going on after %d offers", feeds[0].path, number)

    def _go_on_with_job(self, feeds: list[FeedTarget]) -> None:
        """What the job's earlier runs have written is a duplicate in this one."""
        for feed in feeds:
            if feed.overwrite or feed.is_filtered or feed.is_empty:
                continue
            with suppress(ResultsError):  # a feed without offers tells nothing
                for offer in feed.written():
                    self.seen.add(offer)

    def _open_access(self) -> None:
        self.policy = RetryPolicy(tries=self.config.transient_tries)
        self._usage = self._opened_usage()
        purse = SpendLimit(self.config.max_spend, self._usage.spent_today)
        self._open_pool([self._local_key(each, purse) for each in self._accounts()])

    def _opened_usage(self) -> UsageFile:
        """What all runs count together; the sandbox's calls are nobody's."""
        if self._sandbox is not None:
            return UsageFile(None, time.time)
        path = default_folder() / "usage.sqlite"

        def failed(error: Exception) -> None:
            logger.warning(
                "%s cannot be used (%s): the day's calls are counted for this run only", path, error
            )

        try:
            return UsageFile(path, time.time, failed)
        except (OSError, sqlite3.Error) as error:
            failed(error)
            return UsageFile(None, time.time)

    def _local_key(self, account: Account, purse: SpendLimit) -> Key:
        assert self._state is not None
        assert self._usage is not None
        engine, config = self.crawler.engine, account.config
        gate = LocalRateLimiter(
            AdaptiveRate(account.rate),
            config.burst,
            clock=time.monotonic,
            sleep=asyncio.sleep,
            is_closing=lambda: self.stopped is not None or scrapy_internals.is_closing(engine),
        )
        budget = LocalBudget(account.owner, account.allowance, self._usage, purse)
        uploads = LocalUploads(self._state.uploads(account.owner))
        return account.key(gate, self._opened_tokens(account), budget, uploads)

    def _opened_tokens(self, account: Account) -> LocalTokens:
        if account.is_invented:
            return LocalTokens(account.configured)
        file = account.token_file()
        return LocalTokens(
            file.newest(),
            lambda token: self._keep_token(file, token),
            account.configured,
            newest=file.newest,
            lock=lambda: file.locked(self._is_closing),
        )

    def _is_closing(self) -> bool:
        return self.stopped is not None or scrapy_internals.is_closing(self.crawler.engine)

    def _keep_token(self, file: TokenFile, token: Token) -> None:
        try:
            file.keep(token)
        except OSError as error:
            logger.warning(
                "%s: the new tokens could not be kept (%s); the next run may need a new login",
                file.path,
                error.strerror,
            )

    @property
    def without_end(self) -> int:
        return self.frontier.unfinished

    def what_is_left(self) -> str:
        feeds = local_feeds(self.crawler.settings)
        if self.books.is_held or not can_go_on(feeds):
            return "the table was not finished; crawl to .jsonl, which can be gone on with"
        how = "with -o in place of -O" if any(feed.overwrite for feed in feeds) else "again"
        return (
            f"{len(self.frontier)} begun seeds and all that follow are searched when you run the "
            f"same command {how}"
        )

    async def last_commit(self) -> None:
        if self.is_open:
            await self.frontier.finish()

    async def _close_run(self) -> None:
        if self._state is not None:
            self._state.close()
            self._state = None
        if self._usage is not None:
            self._usage.close()
            self._usage = None
