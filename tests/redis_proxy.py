"""A line between workers and Redis that can be cut, slowed and made to lie, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Self

__all__ = ["LOADING", "OOM", "READONLY", "RedisProxy"]

READONLY = b"-READONLY You can't write against a read only replica.\r\n"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"
OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


class RedisProxy:
    """Passes bytes on to `port`. Per answer `fault(number)` names what happens to it, if anything:
    `lost` (never arrives, the line breaks), `torn` (half of it, then the line breaks), `slow`
    (200 ms late), or the bytes that stand in place of question and answer.
    """

    def __init__(self, port: int, fault: Callable[[int], str | bytes | None]) -> None:
        self.faults = 0
        self._upstream = port
        self._fault = fault
        self._number = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        opened = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opened, self._loop).result(timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            try:
                await self._talk(reader, writer, up_reader, up_writer)
            finally:
                up_writer.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _talk(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        """One question at a time, as a client without pipelines asks."""
        while question := await reader.read(1 << 20):
            self._number += 1
            fault = self._fault(self._number)
            self.faults += fault is not None
            if isinstance(fault, bytes):
                writer.write(fault)
                continue
            up_writer.write(question)
            answer = await self._whole(reader, up_reader, up_writer)
            if fault == "lost":
                return
            if fault == "torn":
                writer.write(answer[: len(answer) // 2])
                await writer.drain()
                return
            if fault == "slow":
                await asyncio.sleep(0.2)
            writer.write(answer)
            await writer.drain()

    async def _whole(
        self,
        reader: asyncio.StreamReader,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> bytes:
        """All that comes before a pause of some milliseconds: a long question has parts."""
        answer = b""
        while True:
            try:
                async with asyncio.timeout(0.005 if answer else 0.02):
                    part = await up_reader.read(1 << 20)
            except TimeoutError:
                if answer:
                    return answer
                more = await self._more(reader)
                up_writer.write(more)
                continue
            if not part:
                raise OSError("upstream is gone")
            answer += part

    @staticmethod
    async def _more(reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(0.005):
                return await reader.read(1 << 20)
        except TimeoutError:
            return b""
