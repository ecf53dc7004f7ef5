"""Progress while a crawl runs: a panel on a terminal, else a line of the log now and then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pailitao_spider.progress.snapshot import LastWord
from pailitao_spider.progress.telling import line
from pailitao_spider.watching import Watch

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.session import Session
    from pailitao_spider.terminal import Foot

__all__ = ["Showing"]

logger = logging.getLogger(__name__)

_LINE_SECONDS = 10.0
_LOOK_SECONDS = 2.0
_DRAW_SECONDS = 1.0
_DUMB = ("dumb", "unknown", "")


class Showing:
    """From `begin` to `end`. What goes wrong here is told and costs the crawl nothing."""

    def __init__(self, crawler: Crawler, session: Session) -> None:
        self._crawler = crawler
        self._session = session
        self._watch = Watch(crawler, session)
        self._words = _LastWords(self._watch)
        self._foot: Foot | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        logging.root.addHandler(self._words)
        self._start(self._watch.count_seeds)
        if self._has_panel():
            self._open_panel()
        look_seconds = _LINE_SECONDS if self._foot is None else _LOOK_SECONDS
        self._start(_every(look_seconds, self._watch.look))
        if self._foot is None or self._crawler.settings.get("LOG_FILE"):
            self._start(_every(_LINE_SECONDS, self._say))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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

    # the panel

    def _has_panel(self) -> bool:
        return self._session.config.panel and _has_terminal() and not self._shows_offers()

    def _shows_offers(self) -> bool:
        """A feed goes to standard output, and that is the terminal."""
        feeds = map(str, self._crawler.settings.getdict("FEEDS"))
        return sys.stdout.isatty() and any(feed.startswith("stdout:") for feed in feeds)

    def _open_panel(self) -> None:
        from pailitao_spider.progress.panel import panel
        from pailitao_spider.terminal import Foot

        foot = Foot(
            lambda width, height, ascii_only: panel(
                self._watch.progress(), width, height, ascii_only=ascii_only
            )
        )
        foot.open()
        self._foot = foot

        async def draw() -> None:
            self._watch.note()
            foot.draw()

        self._start(_every(_DRAW_SECONDS, draw))

    def _close_panel(self) -> None:
        if self._foot is not None:
            self._foot.close()
            self._foot = None


def _has_terminal() -> bool:
    """Standard error is one that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _DUMB


class _LastWords(logging.Handler):
    """Keeps the last line of the log that asks for attention."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.WARNING)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._watch.last_word = LastWord(record.levelname, record.getMessage(), record.created)


def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(seconds)
            await work()

    return again_and_again
