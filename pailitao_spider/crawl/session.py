"""What the parts of one crawl share: the keys and their gates, the open searches, the books.

It hangs on the crawler (`session_of`), is opened before the first request, and is the one
place that stops a run. `local_session` has the one of a single process, `cluster.worker.session`
that of a worker among others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from scrapy.exceptions import CloseSpider
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider import stat_keys
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.credentials import keys_of, where_it_is_set
from pailitao_spider.config.feeds import FeedTarget, feed_settings
from pailitao_spider.config.setting_table import Config, unknown_names
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.frontier import Frontier
from pailitao_spider.crawl.item_listeners import takes_items
from pailitao_spider.crawl.output_checks import check_has_output, check_outputs
from pailitao_spider.crawl.picture_refs import image_of
from pailitao_spider.errors import BadSeedError, ConfigError, PailitaoError
from pailitao_spider.gateways.calls import Form, PictureRef, SearchCall
from pailitao_spider.gateways.capabilities import why_not_taken
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.washing import Washing, signatures_of
from pailitao_spider.keys.accounts import Account, accounts_of
from pailitao_spider.keys.adaptive_rate import Permit
from pailitao_spider.keys.budget import DayUsage
from pailitao_spider.keys.key import Key, Out
from pailitao_spider.keys.pool import Pool
from pailitao_spider.keys.quota_day import next_midnight
from pailitao_spider.keys.retry_policy import RetryPolicy
from pailitao_spider.keys.suspensions import why_all_are_out, with_time
from pailitao_spider.offers.dedup import SeenOffers, Written
from pailitao_spider.offers.drift_monitor import DriftMonitor
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.results.seed_index import PageStore
from pailitao_spider.results.watched_files import HeldFile
from pailitao_spider.seeds.image_bytes import load

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from pailitao_spider.sandbox.server import Site

__all__ = ["Sent", "Session", "keeps_ledger", "session_of"]

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Sent:
    """What a request carries only between signing and its answer."""

    form: Form
    """Signed, for the wire alone."""
    key: Key
    permit: Permit | None
    token_version: int
    washing: Washing | None = field(default=None, repr=False)
    imgid: str | None = None
    """What the gateway was told of the picture: its address, or the id of an upload."""
    number: str = ""
    """What `META` of the request and of its copies calls it by."""
    is_through: bool = False
    """Gate and budget know what became of the call."""

    @property
    def signatures(self) -> tuple[str, ...]:
        return signatures_of(self.form)

    def washed(self, text: str) -> str:
        """A gateway's words without what was sent in secret."""
        return text if self.washing is None else self.washing.text(text, self.signatures)

    def washed_body(self, body: bytes) -> bytes:
        return body if self.washing is None else self.washing.body(body, self.signatures)


class Session:
    """One crawl's shared parts. Everything below `open` is there once it has run."""

    config: Config
    arguments: Arguments | None
    pool: Pool
    policy: RetryPolicy
    books: Books
    frontier: Frontier
    pages: PageStore | None
    """Answers kept for seeds with the same picture, where each needs rows of its own."""
    seen: SeenOffers
    written: Written
    way_on = "go on with -o"
    """What to do after a stop."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.sent: WeakKeyDictionary[Request, Sent] = WeakKeyDictionary()
        self.in_doubt: set[str] = set()
        """Pictures refused in words that nobody understands, which others go before now."""
        self.tries: dict[str, Sent] = {}
        """Calls under way whose end nobody has told of, by what their requests' `META` says."""
        self.urls: WeakKeyDictionary[Request, str] = WeakKeyDictionary()
        """The address of the gateway that a call on its way is meant for."""
        self.flush_feeds: Callable[[], list[int]] = list
        """Hands all that was exported to the system; set by the exporter that is live."""
        self.held_files: list[HeldFile] = []
        """The local feeds, kept from other runs and looked at before anything is claimed."""
        self.drift: dict[str, DriftMonitor] = {}
        """By gateway, once it has given a page."""
        self.items_kept = 0
        """Items of searches that went through all pipelines to the feeds."""
        self.is_open = False
        self.failed_to_open: Exception | None = None
        self.unusable: PailitaoError | None = None
        """What a component has found wrong in the settings as it was made."""
        self.stopped: str | None = None
        self._stopped_by = ""
        self.uses: dict[str, DayUsage] = {}
        """What was made of each key today, over all runs; known when the session has closed."""
        self._sandbox: Site | None = None
        self._closing: asyncio.Task[None] | None = None
        self._closed: asyncio.Task[None] | None = None
        self._gave_up = False
        self._opening: asyncio.Task[None] | None = None
        self._waits_for_keys = False

    @property
    def without_end(self) -> int:
        """Seeds that were begun and have no line; none where a worker leaves them to others."""
        return 0

    @property
    def keeps_ledger(self) -> bool:
        """The spider's searches are the run: with them it ends, and each has its line."""
        return keeps_ledger(self.crawler)

    @property
    def is_packaged(self) -> bool:
        """The spider is the package's own, as it stands."""
        return type(self.crawler.spider).__module__ == "pailitao_spider.spiders.pailitao"

    @property
    def keeps_matches(self) -> bool:
        """Every sighting is written: what was paid for is kept, unless PAILITAO_MATCHES=0."""
        asked = self.config.matches
        return self.keeps_ledger if asked is None else asked

    @property
    def has_exporter(self) -> bool:
        """The feed exporter of this project is live."""
        return self.flush_feeds is not list

    # opening

    def opened(self) -> Awaitable[None] | None:
        """The spider is opened: one that keeps a ledger needs all of it now."""
        return self.open() if self.keeps_ledger else None

    async def ready(self) -> None:
        """Opens everything for the first call of another spider, which may never come."""
        if self.is_open or self.failed_to_open is not None:
            return
        try:
            scrapy_internals.check(self.crawler.engine)
        except PailitaoError as error:  # without asyncio nothing can be awaited here
            self.failed_to_open = error
            return
        if self._opening is None:
            self._opening = asyncio.ensure_future(self.open())
        with suppress(CloseSpider):
            await asyncio.shield(self._opening)

    async def open(self) -> None:
        """Opens everything; a spider that keeps a ledger is closed when that fails."""
        is_the_run = self.keeps_ledger
        try:
            scrapy_internals.check(self.crawler.engine)
            scrapy_internals.hide_addresses()
            if self.unusable is not None:
                raise self.unusable
            self._tell_unknown_names()
            self.config = Config.read(self.crawler.settings)
            self.arguments = self._arguments() if is_the_run else None
            if is_the_run:
                self._check_outputs()
            await self._open_sandbox()
            await self._open_run()
        except PailitaoError as error:
            self.failed_to_open = error
            await self.close()
            if is_the_run:
                logger.error("%s", error)
                raise CloseSpider("pailitao_config") from error
        except Exception as error:
            # Scrapy would log it and crawl on: without its session a crawl must not begin.
            self.failed_to_open = error
            logger.exception("the crawl cannot be opened")
            raise CloseSpider("pailitao_error") from error
        else:
            self.is_open = True

    def _tell_unknown_names(self) -> None:
        if unknown := unknown_names(self.crawler.settings):
            logger.warning("settings that nobody reads: %s", ", ".join(unknown))

    def _check_outputs(self) -> None:
        """Whatever is to be written has somebody who writes it. Raises PailitaoError."""
        crawler, settings = self.crawler, self.crawler.settings
        check_outputs(settings, crawler, holds_offers=self.is_packaged)
        if feed_settings(settings) and not self.has_exporter:
            raise ConfigError(
                "EXTENSIONS: the feed exporter of this project is off, and another one cannot say "
                "what is safe on disk; leave FeedExporter out of EXTENSIONS, or name "
                "pailitao_spider.exporters.feed_exporter.DurableFeedExporter or a subclass of it"
            )
        if self.is_packaged and not self.config.cluster and not takes_items(crawler):
            check_has_output(settings)

    async def _open_sandbox(self) -> None:
        if self.config.sandbox is not None:
            from pailitao_spider.sandbox.embedded import start_embedded

            self._sandbox, _ = await start_embedded(self.config.sandbox)

    def _accounts(self) -> list[Account]:
        """The keys of the settings; with the sandbox on, they are the sandbox's."""
        return accounts_of(self.config, self._sandbox)

    def _open_pool(self, keys: list[Key]) -> None:
        self._rates = {config.name: config.rate for config in keys_of(self.config)}
        self.pool = Pool(
            keys,
            clock=time.time,
            steady=time.monotonic,
            spent=self._budget_spent,
            failed=self._access_failed,
        )

    async def _open_run(self) -> None:
        """Opens books, searches, gate, tokens and the rest. Raises PailitaoError."""
        raise NotImplementedError

    async def _close_run(self) -> None:
        """Closes what `_open_run` opened, as far as it came."""
        raise NotImplementedError

    def _arguments(self) -> Arguments:
        given = getattr(self.crawler.spider, "given", None)
        if given is None:
            raise ConfigError(
                "keeps_ledger = True is for subclasses of pailitao_spider.PailitaoSpider; remove it"
            )
        return Arguments.read(given)

    def first_page(self, picture: PictureRef) -> SearchCall:
        """The call that begins a picture's search."""
        asked = self.arguments
        assert asked is not None
        return SearchCall(
            picture=picture,
            search_type=asked.search_type,
            sort=asked.sort,
            page_size=min(asked.page_size or 100, self.pool.largest_page),
        )

    async def picture_bytes(self, picture: PictureRef) -> bytes:
        """The bytes of a picture that is not on the web. Raises BadSeedError."""
        return await run_in_thread(load, image_of(picture))

    # running

    def what_is_left(self) -> str:
        """What a person does to have the rest of a stopped run, to end a sentence."""
        raise NotImplementedError

    def flush_results(self) -> list[int]:
        """Hands all feeds to the system; returns the descriptors to fsync.

        Raises OSError, also when a feed's name no longer leads to what was written.
        """
        self.check_held()
        return self.flush_feeds()

    def check_held(self) -> None:
        """Raises OSError where the name of a feed leads elsewhere, or nowhere."""
        for file in self.held_files:
            file.check()

    def _hold(self, feeds: list[FeedTarget]) -> None:
        """Keeps the feeds for this run. Raises ResultsError when another one writes them."""
        self.held_files = [HeldFile(feed.path) for feed in feeds]

    async def last_commit(self) -> None:
        """Waits until all that is final is written."""
        raise NotImplementedError

    def stop(self, reason: str, text: str) -> None:
        """Ends the run with a named reason; what is not final stays for the next run.

        Of a spider that keeps no ledger only the searches end: it may do other things as well.
        """
        if self.stopped is not None:
            return
        self.stopped, self._stopped_by = text, reason
        logger.error("%s", text)
        if not self.keeps_ledger:
            return
        if not scrapy_internals.is_closing(self.crawler.engine):
            closing = self.crawler.engine.close_spider_async(reason=reason)
            self._closing = asyncio.ensure_future(closing)

    @property
    def why_stopped(self) -> str:
        """The reason of an end, as a call that was refused for it has it: `class: text`."""
        return f"{self._stopped_by.removeprefix('pailitao_')}: {self.stopped}"

    def is_back(self) -> bool:
        """A key that was out makes calls again, for a spider that has gone on without."""
        if self._waits_for_keys and self.pool.usable:
            self.stopped, self._waits_for_keys = None, False
        return self.stopped is None

    def _budget_spent(self, key: Key, why: str) -> None:
        self.lose(key, Out("pailitao_budget", why, next_midnight(time.time())))

    def _access_failed(self, error: BaseException) -> None:
        if self.stopped is None:
            logger.error("no call can be let through", exc_info=error)
        self.stop("pailitao_error", f"no call can be let through: {type(error).__name__}: {error}")

    def lose(self, key: Key, out: Out) -> bool:
        """Takes a key out. With the last one the run ends; True when others go on."""
        out = replace(out, text=where_it_is_set(out.text, self.config))
        self.pool.take_out(key, out)
        if self.pool.usable:
            logger.warning("key %s is out: %s; the other keys go on", key.name, with_time(out))
            return True
        self._stop_for_keys(out.reason)
        return False

    def stop_without_key(self) -> None:
        """A call has no key to go by, though others may have."""
        outs = self.pool.outs()
        self._stop_for_keys(outs[0][1].reason if outs else "pailitao_spent")

    def _stop_for_keys(self, reason: str) -> None:
        self._waits_for_keys = not self.keeps_ledger
        self.stop(reason, self.why_no_key())

    def check_takes(self, call: SearchCall) -> None:
        """Raises BadSeedError when none of the keys' gateways can be asked this at all."""
        if any(key.takes(call) for key in self.pool.keys):
            return
        names = ", ".join(sorted({key.dialect.name for key in self.pool.keys}))
        raise BadSeedError("not_taken", why_not_taken(call, names))

    def rate_of(self, key: Key) -> float | None:
        """The calls a second of a key that the settings give, or its gateway states."""
        given = self._rates.get(key.name)
        return key.dialect.limits.rate if given is None else given

    def watch(self, page: Page) -> str | None:
        """Takes a page under watch; says why the rows of its gateway are none to go on with."""
        watch = self._watch_of(page.gateway or "")
        watch.note(page.rows, page.unreadable, page.drift)
        return watch.excess

    def _watch_of(self, group: str) -> DriftMonitor:
        if group not in self.drift:
            dialect = (self.pool.of_group(group) or self.pool.keys[0]).dialect
            self.drift[group] = DriftMonitor(dialect.name, dialect.shape, self.config.drift_limit)
        return self.drift[group]

    def count_seed(self, line: LedgerLine) -> None:
        """A seed's final line is written."""
        collector = self.crawler.stats
        collector.inc_value(stat_keys.seeds(line.status))
        if line.coverage is not None and line.coverage < 1:
            collector.inc_value(stat_keys.SEEDS_NOT_SHOWN)
            collector.inc_value(stat_keys.SHORT_SEEN, line.offers_seen)
            collector.inc_value(stat_keys.SHORT_OF, line.offers_expected or 0)

    def _count_drift(self) -> None:
        for watch in self.drift.values():
            for kind, signs in (("unknown", watch.signs.unknown), ("flipped", watch.signs.flipped)):
                for name, sign in signs.items():
                    self.crawler.stats.inc_value(stat_keys.drift(kind, name), sign.rows)

    def why_no_key(self) -> str:
        """Why no key is left, and when one is whole again."""
        return why_all_are_out(self.pool.outs(), self.way_on, named=len(self.pool.keys) > 1)

    async def close(self) -> None:
        """Closes what `open` opened, as far as it came: once, whoever asks and waits for it."""
        if not self.is_open:  # perhaps for want of asyncio
            if not self._gave_up:
                self._gave_up = True
                await self._close()
            return
        if self._closed is None:
            self._closed = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closed)

    async def _close(self) -> None:
        if self.is_open:
            self.crawler.stats.set_value(
                stat_keys.GATE_WAIT_SECONDS, round(self.pool.waited_seconds, 3)
            )
            self._count_drift()
            try:
                await self.pool.close()
                for key in self.pool.keys:
                    await key.budget.close()
                self.uses = {key.name: key.budget.today for key in self.pool.keys}
            finally:
                self.books.close()
        elif hasattr(self, "books"):  # what was there before stays as it is
            self.books.abandon()
        await self._close_run()
        for file in self.held_files:
            file.close()
        if self._sandbox is not None:
            await self._sandbox.close()
            self._sandbox = None


def keeps_ledger(crawler: Crawler) -> bool:
    """The crawl's spider says that its searches are the run: `keeps_ledger = True`."""
    return bool(getattr(crawler.spider or crawler.spidercls, "keeps_ledger", False))


def session_of(crawler: Crawler) -> Session:
    """The crawl's session. Raises RuntimeError where the add-on is not installed."""
    for addon in crawler.addons.addons:
        session = getattr(addon, "session", None)
        if isinstance(session, Session):
            return session
    raise RuntimeError('pailitao_spider needs ADDONS = {"pailitao_spider.Addon": 500}')
