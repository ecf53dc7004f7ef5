"""Progress while a crawl runs: a panel on a terminal, else a line of the log now and then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.monitoring.snapshot import LastWarning
from pailitao_spider.monitoring.snapshot_taker import SnapshotTaker
from pailitao_spider.monitoring.text import line, stopping

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.crawl.session import Session
    from pailitao_spider.monitoring.terminal_footer import StatusFooter

__all__ = ["ProgressDisplay"]

logger = logging.getLogger(__name__)

_LINE_SECONDS = 10.0
_LOOK_SECONDS = 2.0
_DRAW_SECONDS = 1.0
_STOP_SECONDS = 0.2
_DUMB = ("dumb", "unknown", "")


class ProgressDisplay:
    """From `begin` to `end`. What goes wrong here is told and costs the crawl nothing."""

    def __init__(self, crawler: Crawler, session: Session) -> None:
        self._crawler = crawler
        self._session = session
        self._watch = SnapshotTaker(crawler, session)
        self._words = _LastWords(self._watch)
        self._foot: StatusFooter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped_at: float | None = None

    def begin(self) -> None:
        logging.root.addHandler(self._words)
        self._start(self._watch.count_seeds)
        if self._has_panel():
            self._open_panel()
        look_seconds = _LINE_SECONDS if self._foot is None else _LOOK_SECONDS
        self._start(_every(look_seconds, self._watch.look))
        if self._foot is None or self._crawler.settings.get("LOG_FILE"):
            self._start(_every(_LINE_SECONDS, self._say))
        self._start(_every(_STOP_SECONDS, self._hear_stop))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.leave()

    def leave(self) -> None:
        """Takes away what is shown, also where no loop runs any more."""
        self._close_panel()
        logging.root.removeHandler(self._words)

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.ensure_future(self._guarded(work)))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            self._close_panel()
            logger.exception("progress is no longer shown; the crawl goes on")

    async def _say(self) -> None:
        self._watch.note()
        logger.info("%s", line(self._watch.progress()))

    # Ctrl-C

    async def _hear_stop(self) -> None:
        """Tells once that a signal was heard, where the run does not end at once."""
        if self._crawler.crawling or self._stopped_at is not None:
            return
        self._stopped_at = time.time()
        logger.info("%s", self._stopping())
        self._draw()

    def _stopping(self) -> str:
        requests = scrapy_internals.in_progress(self._crawler.engine)
        calls = [each for each in requests if each in self._session.sent]
        longest = max((float(each.meta.get("download_timeout", 0)) for each in calls), default=0.0)
        return stopping(len(calls), longest)

    # the panel

    def _has_panel(self) -> bool:
        return self._session.config.panel and _has_terminal() and not self._shows_offers()

    def _shows_offers(self) -> bool:
        """A feed goes to standard output, and that is the terminal."""
        feeds = map(str, self._crawler.settings.getdict("FEEDS"))
        return sys.stdout.isatty() and any(feed.startswith("stdout:") for feed in feeds)

    def _open_panel(self) -> None:
        from pailitao_spider.monitoring.panel import panel
        from pailitao_spider.monitoring.terminal_footer import StatusFooter

        foot = StatusFooter(
            lambda width, height, ascii_only: panel(
                self._watch.progress(), width, height, ascii_only=ascii_only
            )
        )
        foot.open()
        self._foot = foot

        async def draw() -> None:
            self._draw()

        self._start(_every(_DRAW_SECONDS, draw))

    def _draw(self) -> None:
        if self._foot is None:
            return
        self._watch.note()
        if self._stopped_at is not None:
            self._watch.last_word = LastWarning("WARNING", self._stopping(), self._stopped_at)
        self._foot.draw()

    def _close_panel(self) -> None:
        if self._foot is not None:
            self._foot.close()
            self._foot = None


def _has_terminal() -> bool:
    """Standard error is one that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _DUMB


class _LastWords(logging.Handler):
    """Keeps the last line of the log that asks for attention."""

    def __init__(self, watch: SnapshotTaker) -> None:
        super().__init__(logging.WARNING)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._watch.last_word = LastWarning(
                record.levelname, record.getMessage(), record.created
            )


def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(seconds)
            await work()

    return again_and_again
