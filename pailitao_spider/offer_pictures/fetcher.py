"""The pictures of a feed's offers, each had once, from the cache where it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from pailitao_spider.errors import PictureError
from pailitao_spider.offer_pictures.cache import PictureCache
from pailitao_spider.offer_pictures.failures import Failures

__all__ = ["OfferPictures", "PictureSource"]


class PictureSource(Protocol):
    """Where pictures come from."""

    async def picture(self, url: str) -> bytes:
        """The bytes of a picture, or of what begins like one. Raises PictureError."""


class OfferPictures:
    """Pictures by URL and by the gateway that named it; `drawn` has the sources of invented ones.

    At most `most` are fetched; those of the cache count for nothing.
    """

    def __init__(
        self,
        web: PictureSource,
        cache: PictureCache | None = None,
        drawn: Mapping[str, PictureSource] | None = None,
        most: int | None = None,
    ) -> None:
        self.failures = Failures()
        self.fetched = self.cached = self.drawn = self.not_kept = 0
        self._web, self._cache, self._most = web, cache, most
        self._drawers = drawn or {}
        self._asked = 0
        self._under_way: dict[str, asyncio.Future[bytes]] = {}

    async def get(self, url: str | None, gateway: str | None = None) -> bytes | None:
        """The bytes; None where they cannot be had, and that is counted in `failures`."""
        try:
            return await self.picture(url, gateway)
        except PictureError as error:
            self.failures.count(error, url or "an offer")
            return None

    async def picture(self, url: str | None, gateway: str | None = None) -> bytes:
        """The bytes; they may still prove damaged when they are opened. Raises PictureError."""
        if not url:
            raise PictureError("no_picture", "it names no picture")
        if drawer := self._drawers.get(gateway or ""):
            raw = await drawer.picture(url)
            self.drawn += 1
            return raw
        if url not in self._under_way:
            task = asyncio.ensure_future(self._kept_or_fetched(url))
            self._under_way[url] = task
            task.add_done_callback(lambda _: self._under_way.pop(url))
        return await asyncio.shield(self._under_way[url])

    async def spoil(self, url: str) -> None:
        """Takes a picture that proved damaged out of the cache."""
        if self._cache:
            await asyncio.to_thread(self._cache.drop, url)

    async def _kept_or_fetched(self, url: str) -> bytes:
        kept = await asyncio.to_thread(self._cache.get, url) if self._cache else None
        if kept is not None:
            self.cached += 1
            return kept
        if self._most is not None and self._asked >= self._most:
            raise PictureError("over_max_pictures", f"--max-pictures {self._most} were fetched")
        self._asked += 1
        raw = await self._web.picture(url)
        self.fetched += 1
        await self._keep(url, raw)
        return raw

    async def _keep(self, url: str, raw: bytes) -> None:
        if self._cache is None:
            return
        try:
            await asyncio.to_thread(self._cache.put, url, raw)
        except OSError:  # a full disk: the picture is there all the same
            self.not_kept += 1
