"""Each picture is uploaded once for all workers: the twin of `keys.upload_cache.LocalUploads`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys

__all__ = ["RedisUploads"]

_KEPT_SECONDS = 7 * 86400  # since the last upload; a gateway forgets some day as well
_KEPT_HERE = 10_000


class RedisUploads:
    """The uploads of one app key; in a process, of many who need a picture one asks for it.

    Ids are kept at hand as well, so that the further pages of a picture cost no call.
    """

    def __init__(self, link: Link, keys: AppKeys, *, kept_here: int = _KEPT_HERE) -> None:
        self._link = link
        self._key: str = keys.uploads
        self._kept_here = kept_here
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def known(self, sha256: str) -> bool:
        """Known to this worker; others may know it as well."""
        return sha256 in self._ids

    async def imgid(self, sha256: str, upload: Callable[[], Awaitable[str]]) -> str:
        """The gateway's id of the picture; `upload` is awaited when it has none yet.

        Raises StoppedError when the run ends while Redis is away.
        """
        lock = self._under_way.setdefault(sha256, asyncio.Lock())
        async with lock:
            known = self._ids.get(sha256) or await self._found(sha256)
            imgid = known or await self._kept(sha256, await upload())
            self._put(sha256, imgid)
            return imgid

    async def forget(self, sha256: str, imgid: str | None = None) -> None:
        """The gateway no longer knows `imgid`, by default the last one that was given here.

        A newer one that another worker has put in its place stays.
        """
        here = self._ids.get(sha256)
        if imgid in (None, here):
            self._ids.pop(sha256, None)
        if failed := imgid or here:
            await self._link.patient_script("uploads", self._key, "forget", sha256, failed)

    async def _found(self, sha256: str) -> str | None:
        async def call() -> Any:
            return await self._link.client.hget(self._key, sha256)

        found = await self._link.patiently(call)
        return _text(found) if found else None

    async def _kept(self, sha256: str, imgid: str) -> str:
        """Remembers an upload; another worker's counts if it was earlier."""
        self._put(sha256, imgid)
        kept = await self._link.patient_script(
            "uploads", self._key, "keep", sha256, imgid, _KEPT_SECONDS
        )
        return _text(kept)

    def _put(self, sha256: str, imgid: str) -> None:
        self._ids[sha256] = imgid
        self._ids.move_to_end(sha256)
        while len(self._ids) > self._kept_here:
            self._ids.popitem(last=False)


def _text(imgid: bytes) -> str:
    return imgid.decode("utf-8", "replace")
