"""Seeds to their final lines: what a finished search means for the books, and the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from pailitao_spider import stat_keys
from pailitao_spider.crawl.searches import Search, Searches, twin_line
from pailitao_spider.errors import ResultsError
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.results.seed_index import PageStore
from pailitao_spider.seeds.model import Seed

if TYPE_CHECKING:
    from scrapy.statscollectors import StatsCollector

__all__ = ["Bookkeeping"]

_BETWEEN_COMMITS_SECONDS = 0.05  # seeds that end meanwhile share the next one's fsyncs


class Bookkeeping:
    """Closes seeds and commits them, off the loop, as many at once as have come together.

    `pages` keeps answers for seeds with the same picture, or is None where a line is all they
    need. `on_twins` is called with a search whose twins want rows of their own, `on_failure` with
    the reason why results cannot be written, `count` with each line that is. `copies_matches`: a
    seed whose picture was searched for another has the sightings of that one.
    """

    def __init__(
        self,
        books: Books,
        pages: PageStore | None,
        collector: StatsCollector,
        on_failure: Callable[[str], None],
        count: Callable[[LedgerLine], None],
        *,
        copies_matches: bool = False,
    ) -> None:
        self.books = books
        self.pages = pages
        self.searches = Searches(self._finished)
        self.without_end = 0
        """Seeds that were begun and whose line is not written yet."""
        self.on_twins: Callable[[Search], None] = lambda search: None
        self._stats = collector
        self._on_failure = on_failure
        self._count = count
        self._copies_matches = copies_matches
        self._committing: asyncio.Task[None] | None = None
        self._finishing = asyncio.Event()

    def close_seed(self, line: LedgerLine) -> None:
        """Ends a seed; its line is written once its offers are durable."""
        self.books.close_seed(line)
        if self._committing is None:
            # The task starts after the handlers of the last item, the feed's among them, have run.
            self._committing = asyncio.ensure_future(self._commit())

    def close_twin(self, line: LedgerLine, seed: Seed) -> None:
        """Ends a seed whose picture was searched for another."""
        self._stats.inc_value(stat_keys.SEEDS_SAME_PICTURE)
        if self._copies_matches:
            self._copy_matches(line.seed_id, seed.seed_id)
        self.close_seed(twin_line(line, seed))

    def _copy_matches(self, seed_id: str, to: str) -> None:
        try:
            self.books.copy_matches(seed_id, to)
        except OSError as error:
            self._on_failure(f"results cannot be written: {error}")

    async def finish(self) -> None:
        """Waits until all that is final is written."""
        self._finishing.set()
        if self._committing is not None:
            await self._committing
        await self._commit()

    def _finished(self, search: Search, line: LedgerLine) -> None:
        self.close_seed(line)
        self.books.note_picture(search.picture.key, line)
        if self.pages is not None and search.twins:
            self.on_twins(search)
            return
        for seed in search.twins:
            self.close_twin(line, seed)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_BETWEEN_COMMITS_SECONDS):
                await self._finishing.wait()

    async def _commit(self) -> None:
        try:
            while self.books.has_pending:
                for line in await self.books.commit():
                    self.without_end -= 1
                    self._count(line)
                await self._pause()
        except ResultsError as error:
            self._on_failure(str(error))
        finally:
            self._committing = None
