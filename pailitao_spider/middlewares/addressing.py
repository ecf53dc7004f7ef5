"""Downloader middleware, the first of all: a call under the address that it goes to.

A search is scheduled under a place that does not exist, since only the keys of a run say which
gateway is asked. From here to the wire it bears the gateway's address, without a secret or
signature, so that proxies, credentials and rules of a project that go by host see the real one.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.call_accounting import lost_answer, no_answer
from pailitao_spider.crawl.endings import AccessLostError, RunEndsError, UnusableError
from pailitao_spider.crawl.picture_refs import image_of
from pailitao_spider.crawl.requests import META, call_of, placed
from pailitao_spider.crawl.session import Session, session_of
from pailitao_spider.errors import BadSeedError
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.seeds.image_bytes import load

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["AddressMiddleware"]


class AddressMiddleware:
    """Opens the session for the first call, and gives each call its address."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(session_of(crawler))

    async def process_request(self, request: Request) -> None:
        if META not in request.meta:
            return
        lost_answer(self._session, request)
        await self._check(request)
        await _identify(request)
        request.meta[META].setdefault("has_proxy", "proxy" in request.meta)
        url = self._url(request)
        if url is not None:
            self._session.urls[request] = url
            query = request.url.partition("?")[2]
            scrapy_internals.readdress(request, f"{_without_secrets(url)}?{query}")

    async def _check(self, request: Request) -> None:
        """Raises what the errback gets where no call can be made at all."""
        session = self._session
        await session.ready()
        if session.failed_to_open is not None:
            why = str(session.failed_to_open)
            session.stop("pailitao_config", why)
            raise RunEndsError if session.keeps_ledger else UnusableError(why)
        if session.stopped is not None and not session.is_back():
            raise RunEndsError if session.keeps_ledger else AccessLostError(session.why_stopped)

    def process_response(self, request: Request, response: Response) -> Response:
        no_answer(self._session, request)
        self._put_back(request)
        if request in self._session.urls:
            scrapy_internals.readdress(response, request.url)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        no_answer(self._session, request)
        self._put_back(request)

    def _put_back(self, request: Request) -> None:
        if request in self._session.urls:
            scrapy_internals.readdress(request, placed(request))

    def _url(self, request: Request) -> str | None:
        """Where the call is likely to go; None where no key can make it, which is told later."""
        kind, call = request.meta[META]["kind"], request.meta[META]["call"]
        pool = self._session.pool
        if kind == "search":
            return self._of_search(request)
        key = pool.named(call["key"])
        return key.token_url if kind == "token" else key.url

    def _of_search(self, request: Request) -> str | None:
        pool, call = self._session.pool, call_of(request)
        group = request.meta[META].get("gateway")
        keys = [each for each in pool.usable if each.takes(call) and group in (None, each.group)]
        if len({key.url for key in keys}) > 1:
            return pool.likely(keys.__contains__, lambda key: _calls(key, call.picture)).url
        return keys[0].url if keys else None


async def _identify(request: Request) -> None:
    """Reads a picture on this machine, for the hash of its bytes. Raises BadSeedError."""
    ours = request.meta[META]
    if "bad" in ours:
        raise BadSeedError(*ours["bad"])
    if ours["kind"] != "search" or (picture := call_of(request).picture).path is None:
        return
    if picture.sha256 is None:
        digest = await run_in_thread(_sha256, picture)
        ours["call"] = {**ours["call"], "picture": {**ours["call"]["picture"], "sha256": digest}}


def _sha256(picture: PictureRef) -> str:
    return sha256(load(image_of(picture))).hexdigest()


def _calls(key: object, picture: PictureRef) -> int:
    return 2 if key.needs_upload(picture) else 1  # type: ignore[attr-defined]


@lru_cache(maxsize=64)
def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
