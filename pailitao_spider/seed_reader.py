"""Seeds read off the loop, one when one is wanted.

A daemon thread of its own: standard input may stay silent for hours, and a run that ends must not
wait for its next line, as it would for a thread of the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading

from pailitao_spider.seeds import BadLine, Seed
from pailitao_spider.sources import open_source

__all__ = ["SeedReader"]

_Wanted = asyncio.Future[Seed | BadLine | None]


class SeedReader:
    """The seeds of a source. Raises SourceError when it is made, or by `next`."""

    def __init__(self, source: str) -> None:
        # A file object of our own: the interpreter closes sys.stdin at its end, and would wait.
        stdin = open(0, "rb", closefd=False) if source == "-" else None  # noqa: SIM115
        self._seeds = open_source(source, stdin)
        self._wanted: queue.SimpleQueue[_Wanted] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="seeds", daemon=True).start()

    async def next(self) -> Seed | BadLine | None:
        """The next seed, None at the end."""
        wanted: _Wanted = self._loop.create_future()
        self._wanted.put(wanted)
        return await wanted

    def _read(self) -> None:
        while True:
            wanted = self._wanted.get()
            try:
                found, error = next(self._seeds, None), None
            except Exception as caught:
                found, error = None, caught
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(_give, wanted, found, error)


def _give(wanted: _Wanted, found: Seed | BadLine | None, error: Exception | None) -> None:
    if wanted.done():
        return
    if error is not None:
        wanted.set_exception(error)
    else:
        wanted.set_result(found)
