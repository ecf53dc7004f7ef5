"""The session of a worker: the run's queue, books, token and quota are shared through Redis."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from redis.exceptions import ResponseError

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys, RunKeys
from pailitao_spider.cluster.redis.server_checks import check_server, open_client
from pailitao_spider.cluster.shared.budget import RedisBudget, RedisSpendLimit
from pailitao_spider.cluster.shared.dedup import SharedSeen
from pailitao_spider.cluster.shared.rate_limiter import RedisRateLimiter
from pailitao_spider.cluster.shared.tokens import RedisTokens
from pailitao_spider.cluster.shared.upload_cache import RedisUploads
from pailitao_spider.cluster.worker.exchange import Worker
from pailitao_spider.cluster.worker.identity import feed_of_worker, worker_name
from pailitao_spider.cluster.worker.scheduler import LeasingScheduler
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.credentials import keys_of
from pailitao_spider.config.feeds import FeedTarget, local_feeds
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.session import Session
from pailitao_spider.errors import UNDECODABLE, BadSeedError, ConfigError
from pailitao_spider.gateways.calls import PictureRef, SearchCall
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.key import Key
from pailitao_spider.keys.retry_policy import RetryPolicy
from pailitao_spider.offers.dedup import DEDUP_KEYS, Written
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.lines import cut_torn_tail
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.state import CrawlState

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.spiders.pailitao import PailitaoSpider

__all__ = ["ClusterSession"]

logger = logging.getLogger(__name__)

_MERGED_FORMATS = ("jsonlines", "jsonl", "jl")
_NO_TERMS = ("seeds", "until_empty", "again", "sheet")
_DEFAULT_TERMS = {
    name: value for name, value in asdict(Arguments()).items() if name not in _NO_TERMS
}


class ClusterSession(Session):
    """One worker among as many as there are."""

    way_on = "start workers again"
    seen: SharedSeen

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.worker: Worker | None = None
        self._lock: CrawlState | None = None

    @property
    def spider(self) -> PailitaoSpider:
        return cast("PailitaoSpider", self.crawler.spider)

    @property
    def ends_when_empty(self) -> bool:
        return self.arguments is not None and self.arguments.until_empty

    @property
    def is_closing(self) -> bool:
        return self.stopped is not None or scrapy_internals.is_closing(self.crawler.engine)

    @property
    def terms(self) -> dict[str, Any]:
        """What the exchange must know of the run: the same in each message."""
        config, asked = self.config, self.arguments
        assert asked is not None
        return {
            "lease_seconds": config.lease_seconds,
            "lease_ceil": ceil(config.lease_seconds),
            "most_deliveries": config.max_deliveries,
            "dedup": config.dedup,
            "rows_for_each": config.dedup != "crawl",
            "page_size": self.page_call(PictureRef(), 1).page_size,
            "max_pages": asked.max_pages,
            "max_rows": asked.max_offers,
            "passes": asked.passes,
        }

    def page_call(self, picture: PictureRef, page: int, cursor: str | None = None) -> SearchCall:
        """The call for a page of a picture's search."""
        return replace(self.first_page(picture), page=page, cursor=cursor)

    async def picture_bytes(self, picture: PictureRef) -> bytes:
        key, client = self.keys.picture(picture.sha256 or ""), cast("Any", self.link.client)
        raw: bytes | None = await self.link.patiently(lambda: client.get(key))
        if raw is None:
            raise BadSeedError("picture_gone", "its bytes are no longer in Redis; push it again")
        return raw

    @property
    def _own_feed(self) -> Path:
        return Path(feed_of_worker(self.config.run))

    # opening

    def _arguments(self) -> Arguments:
        return Arguments.read(self.spider.given, is_worker=True)

    async def _open_run(self) -> None:
        self._check_place()
        feeds = local_feeds(self.crawler.settings)
        self._open_books(feeds)
        client = await open_client(self.crawler.settings)
        self.link = Link(client, is_closing=lambda: self.is_closing)
        for warning in await self.link.patiently(lambda: check_server(client)):
            logger.warning("%s", warning)
        self.keys = RunKeys(self.config.run)
        try:
            await self._pin_terms()
            await self._open_access()
        except ResponseError as error:
            raise ConfigError(
                f"Redis refuses: {error}; see docs/cluster.md for the rights of a worker"
            ) from error
        self.link.waits_out_refusals = True
        self.worker = Worker(self, worker_name())
        self.frontier = self.worker.hand
        self.seen = SharedSeen(
            self.link, self.keys.prefix, self.config.dedup, self.worker.hand.find
        )
        self.worker.begin()

    def _check_place(self) -> None:
        if not self.keeps_ledger:
            raise ConfigError(
                "PAILITAO_CLUSTER works with the spider pailitao and subclasses of it; "
                "unset it for others"
            )
        if not isinstance(self.crawler.engine.scheduler, LeasingScheduler):
            raise ConfigError(
                f"SCHEDULER={self.crawler.settings['SCHEDULER']} does not go with "
                "PAILITAO_CLUSTER, which brings its own; remove that setting"
            )

    def _open_books(self, feeds: list[FeedTarget]) -> None:
        paths = ResultPaths.beside(feeds[0].path)
        for feed in feeds:
            _check_feed(feed)
        self._hold(feeds)
        if paths.feed != self._own_feed:
            # Two workers that were told the same file would tear each other's lines.
            self._lock = CrawlState(paths.state)
        for path in (paths.seeds, paths.rejected, paths.matches):
            cut_torn_tail(path)
        self.books, self.pages = Books(paths, self.flush_results), None
        self.written = Written(DEDUP_KEYS[self.config.dedup])

    async def _pin_terms(self) -> None:
        """All workers of a run ask alike: the first one says how."""
        assert self.arguments is not None
        given = asdict(self.arguments).items()
        ours = {name: value for name, value in given if name not in _NO_TERMS}
        ours |= {"dedup": self.config.dedup, "matches": self.keeps_matches}
        ours["gateways"] = sorted({key.group for key in keys_of(self.config)})
        text = msgspec.json.encode(ours, order="sorted")
        client, key = self.link.client, self.keys.terms

        async def pinned() -> bytes:
            await client.set(key, text, nx=True)
            return cast("bytes", await client.get(key))

        theirs = _terms(await self.link.patiently(pinned))
        if theirs is not None and self.config.matches is None:
            # A run of a version whose default was another one goes on as it was begun.
            self.config = replace(self.config, matches=bool(theirs.get("matches")))
            ours["matches"] = self.config.matches
        if difference := _difference(theirs, msgspec.json.decode(msgspec.json.encode(ours))):
            raise ConfigError(
                f"run {self.config.run!r} was begun otherwise: {difference}; "
                "give the same, another PAILITAO_RUN, or end it with scrapy pailitao clear"
            )

    async def _open_access(self) -> None:
        """Hears what was used of each key today, which shows whether Redis lets it."""
        self.policy = RetryPolicy(tries=self.config.transient_tries)
        purse = RedisSpendLimit(self.link, self.config.max_spend, time.time)
        self._open_pool([await self._shared_key(each, purse) for each in self._accounts()])

    async def _shared_key(self, account: Account, purse: RedisSpendLimit) -> Key:
        config, link = account.config, self.link
        keys = AppKeys(account.url, account.credential.owner)
        gate = RedisRateLimiter(
            link, keys, account.rate, config.burst, is_closing=lambda: self.is_closing
        )
        budget = RedisBudget(link, keys, account.allowance, purse, time.time)
        await budget.open()
        tokens = RedisTokens(link, keys, account.credential, account.configured)
        return account.key(gate, tokens, budget, RedisUploads(link, keys))

    # closing

    def what_is_left(self) -> str:
        return (
            "what this worker had in hand is back in the queue; other workers go on with it, or "
            "start one again"
        )

    async def last_commit(self) -> None:
        """The scheduler has had the last word already."""

    async def _close_run(self) -> None:
        if self.failed_to_open and self._own_feed.exists() and not self._own_feed.stat().st_size:
            self._own_feed.unlink()
        for key in self.pool.keys if self.worker is not None else ():
            await cast("RedisRateLimiter", key.gate).close()
        if hasattr(self, "link"):
            await self.link.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _check_feed(feed: FeedTarget) -> None:
    """What a worker has acknowledged is in its feed alone: nothing of it may be written over."""
    if feed.format not in _MERGED_FORMATS:
        raise ConfigError(
            f"{feed.path}: workers write JSON Lines, which can be merged; give a .jsonl file, or "
            "none for a file of this worker's own"
        )
    feed.make()
    if feed.overwrite and not feed.is_empty:
        raise ConfigError(
            f"{feed.path} holds offers, and -O would write over them; give it with -o to go on, "
            "or leave both out for a file of this worker's own"
        )
    feed.written()  # cuts what a kill left of a line


def _terms(raw: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except UNDECODABLE:
        return None


def _difference(theirs: dict[str, Any] | None, ours: dict[str, Any]) -> str:
    """Where the terms differ; one that an older version did not know is at its default."""
    if theirs is None:
        return "its terms in Redis cannot be read"
    known = {**_DEFAULT_TERMS, **theirs}
    return ", ".join(
        f"{name}={known.get(name)} there, {ours.get(name)} here"
        for name in sorted({*known, *ours})
        if known.get(name) != ours.get(name)
    )
