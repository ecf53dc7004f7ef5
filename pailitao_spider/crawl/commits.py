"""Final lines to the ledger: off the loop, as many at once as have come together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.records import LedgerLine

__all__ = ["Commits"]

_BETWEEN_COMMITS_SECONDS = 0.05  # seeds that end meanwhile share the next one's fsyncs


class Commits:
    """Writes what the books hold for final. `written` is called with each line that is, `failed`
    with the reason why results cannot be written.
    """

    def __init__(
        self, books: Books, written: Callable[[LedgerLine], None], failed: Callable[[str], None]
    ) -> None:
        self._books = books
        self._written = written
        self._failed = failed
        self._committing: asyncio.Task[None] | None = None
        self._finishing = asyncio.Event()

    def begin(self) -> None:
        """Something is final; it is written once its offers are durable."""
        if self._committing is None:
            # The task starts after the handlers of the last item, the feed's among them, have run.
            self._committing = asyncio.ensure_future(self._commit())

    async def finish(self) -> None:
        """Waits until all that is final is written."""
        self._finishing.set()
        if self._committing is not None:
            await self._committing
        await self._commit()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_BETWEEN_COMMITS_SECONDS):
                await self._finishing.wait()

    async def _commit(self) -> None:
        try:
            while self._books.has_pending:
                for line in await self._books.commit():
                    self._written(line)
                await self._pause()
        except ResultsError as error:
            self._failed(str(error))
        finally:
            self._committing = None
