"""A database that follows the crawl's feed. The feed is the truth and the queue: while the
database is away nothing waits in memory, and nothing is lost when the crawl is killed.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider import stat_keys
from pailitao_spider.config.database_feed import checked_url, followed_feed
from pailitao_spider.config.setting_table import sql_url_of
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.offers.values.texts import counted

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.results.paths import ResultPaths
    from pailitao_spider.sql.connection import Database
    from pailitao_spider.sql.following import Follower
    from pailitao_spider.sql.tally import Backlog

__all__ = ["SqlFollower"]

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_LAST_SECONDS = 20.0
"""So long a crawl that is over waits for a database that takes nothing."""
_HANGING_SECONDS = 15.0
_TOLD_SECONDS = 2.0
"""So long after its last move a database is waited for without a word."""
_LOOK_SECONDS = 0.2


class SqlFollower:
    """Puts complete lines of the feed, and of what lies beside it, into the database."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._session = session_of(crawler)
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._moved_at = 0.0
        self._failures = 0
        self._why = ""
        self._behind: Backlog | None = None
        self._leaving = asyncio.Event()
        self._settled = asyncio.Event()
        self._could_stop = False
        self._is_told = False
        crawler.signals.connect(self._begin, signals.engine_started)
        crawler.signals.connect(self._end, signals.feed_exporter_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def _begin(self) -> None:
        if self._session.failed_to_open is not None:
            return
        try:
            self._open()
        except ConfigError as error:
            self._session.stop("pailitao_config", str(error))
            return
        self._task = asyncio.ensure_future(self._follow())

    def _open(self) -> None:
        settings = self._crawler.settings
        url = checked_url(sql_url_of(settings) or "")
        self._paths: ResultPaths = followed_feed(settings, url)
        from pailitao_spider.sql.connection import Database
        from pailitao_spider.sql.following import Follower

        self._database: Database = Database(url)
        self._follower: Follower = Follower(self._database, [self._paths])

    # following

    async def _follow(self) -> None:
        await self._try(self._reach)
        while not (self._ending.is_set() and (self._is_late or self._leaving.is_set())):
            more = await self._try(self._follower.step)
            if more is False and self._ending.is_set():
                return
            if not more:
                await self._pause()

    def _reach(self) -> bool:
        self._follower.reach()
        return True

    async def _try(self, act: Callable[[], bool]) -> bool | None:
        """Whether `act` put something in; None where the database takes nothing now."""
        try:
            is_done = await run_in_thread(act)
        except ResultsError as error:
            self._note_failure(str(error))
            return None
        except Exception as error:
            logger.exception("the database cannot be followed")
            self._note_failure(f"{type(error).__name__}, see the log")
            return None
        if is_done:
            self._note_success()
        return is_done

    def _note_failure(self, why: str) -> None:
        if why != self._why:
            logger.warning(
                "the database takes nothing: %s; the run goes on to %s, and what is not in the "
                "database yet is put in when it can be",
                why,
                self._paths.feed,
            )
        self._failures, self._why = self._failures + 1, why

    def _note_success(self) -> None:
        if self._failures:
            logger.warning("the database is back: what was written meanwhile is being put in")
        self._failures, self._why, self._moved_at = 0, "", time.monotonic()
        tally = self._follower.tally
        for key, number in (
            (stat_keys.SQL_OFFERS, tally.offers),
            (stat_keys.SQL_MATCHES, tally.matches),
            (stat_keys.SQL_HISTORY, tally.history),
            (stat_keys.SQL_SEEDS, tally.seeds),
        ):
            self._crawler.stats.set_value(key, number)

    async def _pause(self) -> None:
        longest = min(_PAUSE_SECONDS * 2 ** min(self._failures, 8), _LONGEST_PAUSE_SECONDS)
        until, seconds = self._ending, longest * random.uniform(0.5, 1)  # noqa: S311
        if self._ending.is_set():
            until, seconds = self._leaving, _PAUSE_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), seconds)

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._moved_at > _LAST_SECONDS

    # ending

    async def _end(self) -> None:
        """The feed is closed: what the database lacks by now is told."""
        if self._task is None:
            return
        self._moved_at = time.monotonic()
        self._could_stop = self._crawler.crawling
        self._ending.set()
        try:
            await self._close(self._task)
        finally:
            self._settled.set()

    async def _close(self, task: asyncio.Task[None]) -> None:
        await self._finish(task)
        self._behind = await run_in_thread(self._follower.behind)
        tally = self._follower.tally
        self._crawler.stats.set_value(stat_keys.SQL_BEHIND, self._behind.lines)
        self._crawler.stats.set_value(stat_keys.SQL_LEFT_OUT, tally.left_out)
        if task.done():
            await run_in_thread(self._database.close)

    @property
    def is_settled(self) -> bool:
        """It is known what the database lacks."""
        return self._task is None or self._behind is not None

    async def settle(self) -> None:
        """Waits for an end that has begun."""
        if self._ending.is_set():
            await self._settled.wait()

    async def _finish(self, task: asyncio.Task[None]) -> None:
        while not task.done():
            self._tell_of_wait()
            await asyncio.wait({task}, timeout=_LOOK_SECONDS)
            if self._is_left:
                self._leaving.set()
            if self._is_hanging or self._is_left:
                self._database.abort()
                await asyncio.wait({task}, timeout=_HANGING_SECONDS)
                return

    def _tell_of_wait(self) -> None:
        """Once, where the database is known to be away, or is still for a while."""
        is_slow = time.monotonic() - self._moved_at > _TOLD_SECONDS
        if self._is_told or not (self._failures or is_slow):
            return
        self._is_told = True
        logger.warning(
            "waiting up to %.0f s for the database (%s); the feed is whole: %s; Ctrl-C leaves",
            _LAST_SECONDS,
            self._why or "it is slow",
            self._paths.feed,
        )

    @property
    def _is_left(self) -> bool:
        """Ctrl-C came while the database was waited for; a second one Scrapy hears itself."""
        return self._could_stop and not self._crawler.crawling

    @property
    def _is_hanging(self) -> bool:
        return time.monotonic() - self._moved_at > _LAST_SECONDS + _HANGING_SECONDS

    def last_words(self) -> list[str]:
        """What a person must know of the database at the end."""
        if self._task is None:
            return []
        if self._behind is None:
            return [f"database: it may lack what came last; scrapy pailitao sql {self._paths.feed} "
                    "puts that in"]  # fmt: skip
        tally, feed = self._follower.tally, self._paths.feed
        lines = [f"database: {counted(tally.offers, 'offer')} put in, "
                 f"{counted(tally.history, 'row')} of history"]  # fmt: skip
        if self._behind.lines:
            lines[0] = (
                f"{self._behind.words} {self._behind.are} not in the database yet: "
                f"{self._why or 'it is slow'}; scrapy pailitao sql {feed} puts them in"
            )
        if tally.left_out:
            lines.append(
                f"{counted(tally.left_out, 'line')} could not be put into the database, the first "
                f"at {tally.first_left_out}"
            )
        return lines
