"""One worker: takes pages from the run, hands them to the crawl, says what became of them.

Nothing leaves Redis before its consequence is durable elsewhere: feeds are synced before each
exchange, and a page is acknowledged in it only when it has left the engine for good. While Redis
is away all is kept and the same message is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

import msgspec

from pailitao_spider import stat_keys
from pailitao_spider.cluster.redis.client import RedisUnavailableError
from pailitao_spider.cluster.seed_codec import MOST_LINE_BYTES, NoSeedError, read_payload
from pailitao_spider.cluster.worker.intake import ReadLines
from pailitao_spider.cluster.worker.leased_pages import Hand, PageInHand
from pailitao_spider.cluster.worker.local_requests import OwnRequests
from pailitao_spider.cluster.worker.messages import (
    Answer,
    Burial,
    Message,
    PageOut,
    decoded_answer,
    encoded,
    ledger_line,
)
from pailitao_spider.cluster.worker.polling import Polling
from pailitao_spider.cluster.worker.start_urls import StartUrls
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.page_requests import PageRequests
from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.crawl.requests import META
from pailitao_spider.errors import ResultsError
from pailitao_spider.offers import values

if TYPE_CHECKING:
    from scrapy import Request

    from pailitao_spider.cluster.worker.session import ClusterSession
    from pailitao_spider.results.records import LedgerLine

__all__ = ["Worker"]

logger = logging.getLogger(__name__)

_STOP_SECONDS = 5.0  # from the signal until what is still under way is given back
_LAST_WORD_SECONDS = 4.0  # for Redis to answer the last message
_TICK_SECONDS = 0.05
_MOST_LINES = 64
_MOST_SHOWN = 200  # letters of an id out of Redis


class Worker:
    """The exchange of one worker with its run, as a task beside the crawl."""

    def __init__(self, session: ClusterSession, name: str) -> None:
        self.name = name
        self.hand = Hand()
        self.own = OwnRequests()
        self.pacing = Polling(session.config.lease_seconds)
        self.is_over = False
        """The run is empty, and this worker was to end with it."""
        self._session = session
        self._engine = session.crawler.engine
        self._stats = session.crawler.stats
        self._number = 0
        self._start_urls = StartUrls(session)
        self._read = ReadLines()
        self._lines: list[LedgerLine] = []
        self._burials: list[Burial] = []
        self._has_failed = self._is_cut_off = False
        self._nudged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing_since: float | None = None
        self._is_finishing = False
        self._has_seen_run = False

    # the crawl's side

    def begin(self) -> None:
        self._task = asyncio.ensure_future(self._run())
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault of this project ends the worker rather than leave it idle."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("the worker's task failed", exc_info=error)
            self._session.stop("pailitao_error", f"{type(error).__name__}: {error}")

    def next_request(self) -> Request | None:
        """The next request that is ready here."""
        self._collect()
        self._nudged.set()
        return self.hand.next_request() or self.own.next_request()

    def enqueue(self, request: Request) -> None:
        """Another try of a page in hand, or a request of the spider's own; never fails."""
        if request.meta.get(META, {}).get("seed_id") is None:
            self.own.add(request)
        else:
            self.hand.again(request)  # one that is not in hand stands in Redis

    async def finish(self) -> None:
        """The engine has let go of all."""
        self._is_finishing = True
        self._nudged.set()
        if self._task is not None:
            await asyncio.wait([self._task])  # never cancelled: a message may be under way
        await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        """Acknowledges what is durable and gives back the rest."""
        self._is_finishing = True
        self._closing_since = self._closing_since or time.monotonic()
        self.hand.drop_queued()
        self._collect()
        self.hand.drop_out()
        if not self._is_cut_off:
            with contextlib.suppress(RedisUnavailableError):
                await self._last_exchanges()

    async def _last_exchanges(self) -> None:
        """The second one writes the lines of seeds that the first one brought to their end."""
        await self._exchange()
        while self._lines and not self._has_failed and self._closing_seconds < _LAST_WORD_SECONDS:
            await self._exchange()
        await self._exchange(is_last=True)

    # the loop

    async def _run(self) -> None:
        while not (self._engine.running or self._is_finishing):
            await self._rest()  # a signal that comes before ends the process without a last word
        while not self._is_finishing:
            self._watch_closing()
            if self._closing_seconds > _STOP_SECONDS and len(self.hand):
                await self._leave_what_hangs()
            elif self._is_due():
                await self._exchange_or_end()
                scrapy_internals.wake(self._engine)
            else:
                await self._rest()

    async def _exchange_or_end(self) -> None:
        """Redis that is away at the end of this worker gets no last word."""
        try:
            await self._exchange()
        except RedisUnavailableError:
            self._is_cut_off = True

    async def _rest(self) -> None:
        self._nudged.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK_SECONDS):
                await self._nudged.wait()

    def _is_due(self) -> bool:
        if self._has_failed or self._is_cut_off or self.is_over:
            return False
        self._collect()
        return self.pacing.is_due(
            time.monotonic(),
            unfinished=len(self.hand),
            finished=len(self.hand.finished) + len(self.hand.left),
            has_words=bool(self._read.raw or self._burials),
            has_lines=bool(self._lines),
        )

    def _collect(self) -> None:
        in_progress = scrapy_internals.in_progress(self._engine)
        self.own.collect(in_progress)
        self.hand.collect(in_progress, self.own.last)

    def _watch_closing(self) -> None:
        if self._closing_since is None and scrapy_internals.is_closing(self._engine):
            self._closing_since = time.monotonic()
            self.hand.drop_queued()

    @property
    def _closing_seconds(self) -> float:
        return 0.0 if self._closing_since is None else time.monotonic() - self._closing_since

    async def _leave_what_hangs(self) -> None:
        """A stop is over within ten seconds, whatever calls still hang."""
        logger.warning("calls still hang: their pages go back to the queue")
        await self._say_goodbye()
        # Scrapy's own way to end without waiting for them is a second signal; this stop may have
        # begun without a first one.
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    # one exchange

    async def _exchange(self, *, is_last: bool = False) -> None:
        if not is_last and self._closing_since is None:
            await self._start_urls.take()
        acked, left = self._through()
        lines = self._lines
        if (acked or lines) and not self._has_failed:
            await self._make_durable(lines)
        if self._has_failed:
            acked, left, lines = [], [*acked, *left], []
        message = self._message(acked, left, lines, is_last=is_last)
        read = self._read
        answer, raw = await self._answered(message, read.raw)
        self._lines, self._read, self._burials = self._lines[len(lines) :], ReadLines(), []
        self._let_go(acked, left)
        self._stats.inc_value(stat_keys.LEASES_ACKED, len(acked))
        self._take(answer)
        self._read = ReadLines.of(raw)

    def _through(self) -> tuple[list[PageInHand], list[PageInHand]]:
        """The pages to acknowledge and those to give back."""
        oldest = self.own.oldest
        acked = [
            page for page in self.hand.finished if self._is_finishing or page.after_local < oldest
        ]
        return acked, list(self.hand.left)

    async def _make_durable(self, lines: list[LedgerLine]) -> None:
        for line in lines:
            self._session.books.close_seed(line)
        try:
            for line in await self._session.books.sync():
                self._session.count_seed(line)
        except ResultsError as error:
            self._has_failed = True
            self._session.stop("pailitao_disk", str(error))

    def _message(
        self,
        acked: list[PageInHand],
        left: list[PageInHand],
        lines: list[LedgerLine],
        *,
        is_last: bool,
    ) -> Message:
        self._number += 1
        is_closing = self._closing_since is not None or self._has_failed
        gone = {page.id for page in (*acked, *left)}
        holds = [hold for hold in self.hand.holds() if hold.id not in gone]
        want = 0 if is_closing else self.pacing.room(len(holds) - len(self._session.in_doubt))
        return Message(
            worker=self.name,
            number=self._number,
            says="" if is_last else self._introduction(),
            most_line_bytes=MOST_LINE_BYTES,
            **self._session.terms,
            holds=holds,
            acks=[page.ack(self._session.seen.written) for page in acked],
            given_back=[page.give_back() for page in left],
            burials=self._burials,
            written=[line.seed_id for line in lines],
            admits=self._read.admits,
            refusals=self._read.refusals,
            want=want,
            want_seeds=self.pacing.seeds_ahead if want else 0,
            want_lines=0 if is_last or self._has_failed else _MOST_LINES,
            is_empty_handed=not holds,
        )

    async def _answered(self, message: Message, raw: list[bytes]) -> tuple[Answer, list[bytes]]:
        """Sends the same message until it is answered: it may arrive more than once."""
        failures = 0
        packed = encoded(message)
        while True:
            try:
                reply = await self._session.link.script(
                    "exchange", self._session.keys.prefix, packed, *raw
                )
                return decoded_answer(reply[0]), reply[1:]
            except RedisUnavailableError:
                await self._pause(failures)
            except msgspec.ValidationError as error:
                if failures == 0:
                    logger.error("Redis' answer is none: %s; trying again, nothing is lost", error)
                await self._pause(failures)
            failures += 1

    async def _pause(self, failures: int) -> None:
        """As the link's own, but a worker that ends does not wait for long. Raises AwayError."""
        left = self._session.link.pause_seconds(failures)
        while left > 0:
            await asyncio.sleep(min(left, _TICK_SECONDS))
            left -= _TICK_SECONDS
            self._watch_closing()
            if self._closing_seconds > _LAST_WORD_SECONDS:
                raise RedisUnavailableError(
                    "Redis was away at the end; the leases run out by themselves"
                )

    def _let_go(self, acked: list[PageInHand], left: list[PageInHand]) -> None:
        for page in (*acked, *left):
            self.hand.release(page)
        if acked:
            self._session.seen.acknowledged(acked)
        self._session.seen.given_back(left)

    def _take(self, answer: Answer) -> None:
        self.pacing.answered(time.monotonic(), answer, self._session.pool.per_second)
        self._stats.inc_value(stat_keys.LEASES_TAKEN, len(answer.pages))
        self._stats.inc_value(stat_keys.LEASES_RECLAIMED, answer.reclaimed)
        self._stats.inc_value(stat_keys.LEASES_BURIED, len(answer.buried))
        for id_ in answer.buried:
            shown = values.cleaned(id_)[:_MOST_SHOWN]
            logger.error("%s was buried: see scrapy pailitao dead", shown)
        self._let_go([], self.hand.queued_among(answer.lost))
        for page in answer.pages:
            self._take_page(page)
        self._lines += [ledger_line(line) for line in answer.lines]
        self._watch_run(answer)
        if self._session.ends_when_empty and answer.is_run_empty and self._has_nothing:
            self.is_over = True

    def _watch_run(self, answer: Answer) -> None:
        """A run that had seeds and has none any more was emptied under its workers."""
        if self._has_seen_run and not answer.is_known:
            self._session.stop(
                "pailitao_forgotten",
                f"Redis has forgotten run {self._session.config.run}: it was emptied or cleared. "
                "What was found is safe in the feeds; push the seeds again, it doubles nothing",
            )
        self._has_seen_run |= answer.is_known
        if self._session.ends_when_empty and answer.is_run_empty and not answer.is_known:
            logger.warning(
                "run %s has no seeds: push some, or check PAILITAO_RUN", self._session.config.run
            )

    @property
    def _has_nothing(self) -> bool:
        return self.hand.is_empty and self.own.is_empty and not self._lines

    def _take_page(self, out: PageOut) -> None:
        try:
            found = read_payload(out.seed, out.payload)
            if found.bad is not None:
                raise NoSeedError(found.bad)
        except NoSeedError as error:
            self._burials.append(Burial(f"{out.seed}/{out.page}", out.delivery, str(error)))
            return
        call = self._session.page_call(picture_of(found.seed.image), out.page, out.cursor)
        page = PageInHand(found.seed, call, out.delivery, out.size, out.last, out.answered)
        requests = PageRequests(self._session.spider)
        request = requests.page(out.seed, call, out.gateway, out.answered)
        if out.failures:
            request.meta[META]["attempt"] = {"failures": out.failures}
        self.hand.take(page, request)

    def _introduction(self) -> str:
        values = self._stats.get_stats()
        return msgspec.json.encode(
            {
                "pages": values.get(stat_keys.PAGES, 0),
                "offers": values.get(stat_keys.OFFERS_NEW, 0),
                "calls": values.get(stat_keys.CALLS, 0),
                "in_hand": len(self.hand),
            }
        ).decode()
