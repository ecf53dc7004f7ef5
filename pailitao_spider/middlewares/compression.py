"""Downloader middleware 590, in the place of Scrapy's: answers to searches unzipped in one go."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.http import Response, TextResponse

from pailitao_spider.crawl.requests import META

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["CompressionMiddleware"]

_GZIP = 16 + zlib.MAX_WBITS


class CompressionMiddleware(HttpCompressionMiddleware):
    """Scrapy's, and what it does; a gzip answer to one of our calls that is whole and within its
    limits takes the short way.
    """

    def __init__(self, *, crawler: Crawler) -> None:
        super().__init__(crawler=crawler)
        self._warned_from = crawler.settings.getint("DOWNLOAD_WARNSIZE")

    def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        body = self._unzipped(request, response)
        if body is None:
            return super().process_response(request, response)
        assert self.stats is not None
        self.stats.inc_value("httpcompression/response_bytes", len(body))
        self.stats.inc_value("httpcompression/response_count")
        answer: Response = response.replace(body=body, encoding=None)
        del answer.headers["Content-Encoding"]
        return answer

    def _unzipped(self, request: Request, response: Response) -> bytes | None:
        """The body; None where Scrapy's way has to look, warn or refuse."""
        if META not in request.meta or not isinstance(response, TextResponse):
            return None
        if response.headers.getlist("Content-Encoding") != [b"gzip"]:
            return None
        limits = [request.meta.get("download_maxsize"), self._warned_from]
        least = min((each for each in limits if each), default=1)
        unzip = zlib.decompressobj(_GZIP)
        try:
            body = unzip.decompress(response.body, max(least - 1, 1))
        except zlib.error:
            return None
        return body if unzip.eof and not unzip.unused_data else None
