"""Few requests at a time to each host, with a pause between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pailitao_spider.errors import PictureError

__all__ = ["HostThrottle"]

_GIVEN_UP_AFTER = 10
_BLAMED = ("timeout", "unreachable", "unknown_host", "bad_certificate", "http_403", "http_429",
           "http_5")  # fmt: skip


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    next_at: float = 0
    failures: int = 0
    """In a row, of those that the host is to blame for."""


class HostThrottle:
    """Turns at hosts. One that fails ten times in a row is left alone for the rest of the run."""

    def __init__(self, at_once: int, spacing_seconds: float) -> None:
        self._at_once, self._spacing_seconds = at_once, spacing_seconds
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Raises PictureError for a host that was given up; takes note of those of its block."""
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(asyncio.Semaphore(self._at_once))
        async with host.free:
            await self._pause(host)
            if host.failures >= _GIVEN_UP_AFTER:
                text = f"{name} failed {_GIVEN_UP_AFTER} times in a row; try again later"
                raise PictureError("host_given_up", text)
            try:
                yield
                host.failures = 0
            except PictureError as error:
                host.failures = host.failures + 1 if error.code.startswith(_BLAMED) else 0
                raise

    async def _pause(self, host: _Host) -> None:
        now = asyncio.get_running_loop().time()
        wait = host.next_at - now
        host.next_at = max(now, host.next_at) + self._spacing_seconds
        if wait > 0:
            await asyncio.sleep(wait)
