"""Pictures made ready to upload, from disk, Redis or the web."""

from __future__ import annotations

import base64
from collections import OrderedDict
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider.crawl.session import Session
from pailitao_spider.errors import BadSeedError
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.pictures import MAX_BYTES, PictureLimits, prepare

__all__ = ["Prepared"]

_KEPT = 32  # pictures that may wait for their upload's next try
_FETCH_SECONDS = 30.0
_MOST_REDIRECTS = 5
_SLOT = "pailitao-pictures"


class Prepared:
    """Base64 of pictures as a gateway takes them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[tuple[str, PictureLimits], str] = OrderedDict()

    async def base64(self, picture: PictureRef, limits: PictureLimits) -> str:
        """Raises BadSeedError for a picture that cannot be had or opened."""
        place = (picture.key, limits)
        if place not in self._kept:
            raw = await self._bytes(picture)
            self._kept[place] = await run_in_thread(_prepared, raw, limits)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[place]

    def forget(self, picture: PictureRef) -> None:
        for place in [place for place in self._kept if place[0] == picture.key]:
            del self._kept[place]

    async def _bytes(self, picture: PictureRef) -> bytes:
        if picture.url is None:
            return await self._session.picture_bytes(picture)
        return await self._fetched(picture.url)

    async def _fetched(self, url: str) -> bytes:
        """The picture at a URL that the gateway does not fetch itself: once, by nobody's quota."""
        for _ in range(_MOST_REDIRECTS):
            response = await self._response(url)
            if response.status == 200:
                return response.body
            place = (response.headers.get("Location") or b"").decode("latin-1")
            if response.status not in (301, 302, 303, 307, 308) or not place:
                raise BadSeedError("not_fetched", f"{url}: HTTP {response.status}")
            url = urljoin(url, place)
        raise BadSeedError("not_fetched", f"{url}: over {_MOST_REDIRECTS} redirections")

    async def _response(self, url: str) -> Response:
        if not url.startswith(("http://", "https://")):
            raise BadSeedError("not_fetched", f"{url}: no http(s) address")
        request = Request(
            url,
            meta={
                "download_slot": _SLOT,
                "download_timeout": _FETCH_SECONDS,
                "download_maxsize": MAX_BYTES,
                "allow_offsite": True,
                "dont_cache": True,
                "dont_redirect": True,
                "dont_merge_cookies": True,
                "dont_obey_robotstxt": True,
                "handle_httpstatus_all": True,
            },
        )
        try:
            return await self._session.crawler.engine.download_async(request)
        except Exception as error:
            raise BadSeedError("not_fetched", f"{url}: {type(error).__name__}") from error


def _prepared(raw: bytes, limits: PictureLimits) -> str:
    return base64.b64encode(prepare(raw, limits).data).decode("ascii")
