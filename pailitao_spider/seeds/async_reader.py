"""Seeds read off the loop, a few ahead of the one that is wanted.

A daemon thread of its own: standard input may stay silent for hours, and a run that ends must not
wait for its next line, as it would for a thread of the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass

from pailitao_spider.seeds.model import BadLine, Seed
from pailitao_spider.seeds.sources import open_source

__all__ = ["SeedReader"]

_AT_ONCE = 8  # a change of threads costs more than a line; pictures in lines may be megabytes


@dataclass(frozen=True, slots=True)
class _Read:
    """A seed; neither seed nor error is the end."""

    seed: Seed | BadLine | None = None
    error: Exception | None = None

    @property
    def is_last(self) -> bool:
        return self.seed is None


class SeedReader:
    """The seeds of a source. Raises SourceError when it is made, or by `next`."""

    def __init__(self, source: str, sheet: str | None = None) -> None:
        # A file object of our own: the interpreter closes sys.stdin at its end, and would wait.
        stdin = open(0, "rb", closefd=False) if source == "-" else None  # noqa: SIM115
        self._seeds = open_source(source, stdin, sheet=sheet)
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # over the two that follow
        self._ahead: deque[_Read] = deque()
        self._wanted: asyncio.Future[_Read] | None = None
        self._needed = threading.Event()
        threading.Thread(target=self._run, name="seeds", daemon=True).start()

    async def next(self) -> Seed | BadLine | None:
        """The next seed, None at the end; one caller at a time."""
        with self._lock:
            if self._ahead:
                wanted = None
                read = self._ahead.popleft()
            else:
                wanted = self._wanted = self._loop.create_future()
        if wanted is not None:
            self._needed.set()
            read = await wanted
        if read.is_last:
            self._ahead.append(read)
        if read.error is not None:
            raise read.error
        return read.seed

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # or who waits for a seed would wait for ever
            self._hand_over(_Read(error=error))

    def _read_on(self) -> None:
        while self._needed.wait():
            self._needed.clear()
            for _ in range(_AT_ONCE):
                read = self._read()
                self._hand_over(read)
                if read.is_last:
                    return

    def _read(self) -> _Read:
        try:
            return _Read(next(self._seeds, None))
        except Exception as error:
            return _Read(error=error)

    def _hand_over(self, read: _Read) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, None
            if wanted is None:
                self._ahead.append(read)
                return
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(_give, wanted, read)


def _give(wanted: asyncio.Future[_Read], read: _Read) -> None:
    if not wanted.done():
        wanted.set_result(read)
