"""What a call that is admitted gets: the rows of a search, the id of an upload."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pailitao_spider.sandbox.catalogue import Catalogue, Sighting
from pailitao_spider.sandbox.checks import asked_page, asked_search
from pailitao_spider.sandbox.envelopes import Lies, page_items
from pailitao_spider.sandbox.refusals import RefusalError, bad_parameter, top
from pailitao_spider.sandbox.uploads import Uploads, decoded

__all__ = ["Answers"]

Params = Mapping[str, str]
Items = dict[str, Any]

SHORTEST_BASE64 = 200  # no upload id is that long, no picture that short


class Answers:
    """The `items` of each method; raises RefusalError for parameters that will not do."""

    def __init__(self, catalogue: Catalogue, lies: Lies) -> None:
        self._catalogue = catalogue
        self._lies = lies
        self._uploads = Uploads()
        self._seen: dict[bytes, Sighting] = {}
        self._by_method: dict[str, Callable[[Params], Awaitable[Items]]] = {
            "search": self._search,
            "upload": self._upload,
        }

    async def items(self, method: str, params: Params) -> Items:
        if method not in self._by_method:
            raise RefusalError(top("denied", 22, "Invalid method"))
        return await self._by_method[method](params)

    def forget(self, imgid: str) -> None:
        """An uploaded picture is lost."""
        self._uploads.forget(imgid)

    async def _search(self, params: Params) -> Items:
        search_type, sort = asked_search(params)
        page = asked_page(params)
        sighting = await self._sighting(params.get("imgid", ""))
        matches = self._catalogue.matches(sighting, search_type, sort)
        shown = matches[page.part(len(matches), self._lies)]
        rows = [self._catalogue.row(match) for match in shown]
        return page_items(page, rows, len(matches), self._lies)

    async def _upload(self, params: Params) -> Items:
        if not params.get("imgcode"):
            raise RefusalError(bad_parameter("imgcode is null"))
        sighting = await self._look(params["imgcode"])
        return {"item": {"name": self._uploads.keep(sighting)}}

    async def _sighting(self, imgid: str) -> Sighting:
        if not imgid:
            raise RefusalError(bad_parameter("imgid is null"))
        if imgid.startswith(("http://", "https://", "//")):
            sighting, missing = self._catalogue.sight_url(imgid), "imgid can not be fetched"
        elif len(imgid) >= SHORTEST_BASE64:
            return await self._look(imgid)
        else:
            sighting, missing = self._uploads.get(imgid), "imgid not found"
        if sighting is None:
            raise RefusalError(bad_parameter(missing))
        return sighting

    async def _look(self, imgcode: str) -> Sighting:
        """Looking is heavy: it happens in a thread, once for each picture."""
        digest = hashlib.sha256(imgcode.encode()).digest()
        if digest not in self._seen:
            self._seen[digest] = await asyncio.to_thread(self._sight, imgcode)
        return self._seen[digest]

    def _sight(self, imgcode: str) -> Sighting:
        return self._catalogue.sight(decoded(imgcode))
