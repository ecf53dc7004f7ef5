"""Each picture is uploaded once per content and key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from weakref import WeakValueDictionary

__all__ = ["LocalUploads", "UploadCache", "Uploads"]


class UploadCache(Protocol):
    """Where uploads are remembered, from one run to the next."""

    def imgid(self, sha256: str) -> str | None: ...
    def keep_upload(self, sha256: str, imgid: str) -> None: ...
    def forget_upload(self, sha256: str) -> None: ...


class Uploads(Protocol):
    """The gateway's ids of pictures that were uploaded."""

    async def known(self, sha256: str) -> bool:
        """The picture needs no upload any more, as far as is known here."""
        ...

    async def imgid(self, sha256: str, upload: Callable[[], Awaitable[str]]) -> str: ...
    async def forget(self, sha256: str, imgid: str | None = None) -> None: ...


class LocalUploads:
    """The uploads of one process; of many who need the same picture, one uploads it."""

    def __init__(self, memory: UploadCache) -> None:
        self._memory = memory
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def known(self, sha256: str) -> bool:
        return self._memory.imgid(sha256) is not None

    async def imgid(self, sha256: str, upload: Callable[[], Awaitable[str]]) -> str:
        """The gateway's id of the picture; `upload` is awaited when it has none yet."""
        lock = self._under_way.setdefault(sha256, asyncio.Lock())
        async with lock:
            known = self._memory.imgid(sha256)
            if known is not None:
                return known
            imgid = await upload()
            self._memory.keep_upload(sha256, imgid)
            return imgid

    async def forget(self, sha256: str, imgid: str | None = None) -> None:
        """The gateway no longer knows `imgid`, by default the newest; a newer one stays."""
        if imgid in (None, self._memory.imgid(sha256)):
            self._memory.forget_upload(sha256)
