"""Download handler of the schemes `pailitao+http` and `pailitao+https`: calls as they are signed.

It sends them by the project's handler for http and https, of which it makes one that checks
certificates, whatever the project does for its other sites. The signed form exists here alone: the
request that everybody else sees is never changed into it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response
from scrapy.utils.misc import build_from_crawler, load_object

from pailitao_spider.config.setting_table import goes_by_aiohttp
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.session import session_of
from pailitao_spider.gateways.calls import Form

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["SignedCallHandler"]

_AIOHTTP = "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"
_QUERY = re.compile(r"\?[^\s>\"']+")


class SignedCallHandler(BaseDownloadHandler):
    """Sends the signed form of a request, which the signing middleware has kept for it."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._session = session_of(crawler)
        self._handlers: dict[str, Any] = {}

    async def download_request(self, request: Request) -> Response:
        signed = _signed(request, self._session.sent[request].form)
        scheme = signed.url.partition(":")[0]
        try:
            response: Response = await self._handler(scheme).download_request(signed)
        except Exception as error:
            _hide_addresses(error)
            raise
        finally:
            request.meta.update(signed.meta)  # the latency, as handlers write it
        scrapy_internals.readdress(response, scrapy_internals.plain_address(request.url))
        return response

    async def close(self) -> None:
        for handler in self._handlers.values():
            await handler.close()

    def _handler(self, scheme: str) -> Any:
        if scheme not in self._handlers:
            handler = load_object(_path(self.crawler, scheme))
            crawler = cast("Crawler", _Checking(self.crawler))
            self._handlers[scheme] = build_from_crawler(handler, crawler)
        return self._handlers[scheme]


class _Checking:
    """A crawler whose certificates are checked unless its project says that they are not."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self.settings = crawler.settings.copy()
        self.settings.frozen = False
        self.settings.set("DOWNLOAD_VERIFY_CERTIFICATES", True, "addon")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crawler, name)


def _path(crawler: Crawler, scheme: str) -> Any:
    """The project's own handler, if it has named one; else one of Scrapy's."""
    settings = crawler.settings
    named = settings.getdict("DOWNLOAD_HANDLERS").get(scheme)
    if named is None and goes_by_aiohttp(settings):
        return _AIOHTTP
    return named or settings.getdict("DOWNLOAD_HANDLERS_BASE")[scheme]


def _signed(request: Request, form: Form) -> Request:
    headers = request.headers.copy()
    headers.pop("Content-Type", None)
    headers.update(form.wire_headers)
    return Request(form.url, method=form.method, body=form.body, headers=headers, meta=request.meta)


def _hide_addresses(error: BaseException | None) -> None:
    """A failure's text may hold the address with what was signed: others write it to their logs."""
    while error is not None:
        error.args = tuple(
            _QUERY.sub("?…", each) if isinstance(each, str) else each for each in error.args
        )
        error = error.__cause__ or error.__context__
