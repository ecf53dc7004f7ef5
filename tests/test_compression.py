"""The short way of a gzip answer gives the response that Scrapy's own middleware gives."""

from __future__ import annotations

import gzip
import logging
from typing import Any

import pytest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, JsonResponse, Response
from scrapy.utils.test import get_crawler

from pailitao_spider.crawl.requests import META
from pailitao_spider.middlewares.compression import CompressionMiddleware
from pailitao_spider.settings import DOWNLOADER_MIDDLEWARES_BASE

BODY = '{"title": "凉鞋"}'.encode() * 40
ZIPPED = gzip.compress(BODY)


def crawler(**settings: Any) -> Crawler:
    made = get_crawler(settings_dict={"DOWNLOAD_WARNSIZE": 5000, **settings})
    made.spider = made._create_spider("x")
    return made


def answered(
    kind: Any, body: bytes, encoding: bytes | list[bytes], cls: type[Response], meta: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """What one of the middlewares makes of an answer, and its stats."""
    made = crawler()
    assert made.stats is not None
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": encoding}
    if cls is Response:
        headers["Content-Type"] = "application/octet-stream"
    request = Request("https://a.test/b", meta=meta)
    response = cls(request.url, headers=headers, body=body, request=request)
    try:
        answer = kind(crawler=made).process_response(request, response)
    except IgnoreRequest as error:
        return str(error), made.stats.get_stats()
    told = (type(answer), answer.body, answer.headers, answer.status, answer.request is request)
    return told, made.stats.get_stats()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ZIPPED, id="whole"),
        pytest.param(gzip.compress(b""), id="empty"),
        pytest.param(ZIPPED[:-9], id="torn"),
        pytest.param(ZIPPED[:-8] + b"12345678", id="another checksum"),
        pytest.param(ZIPPED + ZIPPED, id="two in one"),
        pytest.param(ZIPPED + b"rest", id="something behind"),
        pytest.param(gzip.compress(bytes(6000)), id="large: a warning"),
        pytest.param(gzip.compress(bytes(10_000)), id="just as large as may be"),
        pytest.param(gzip.compress(bytes(10_001)), id="too large"),
    ],
)
@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", [b"gzip", b"gzip"]], ids=str)
@pytest.mark.parametrize("cls", [JsonResponse, Response])
@pytest.mark.parametrize("is_ours", [True, False])
def test_an_answer_is_what_scrapy_makes_of_it(
    body: bytes,
    encoding: Any,
    cls: type[Response],
    is_ours: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    meta: dict[str, Any] = {"download_maxsize": 10_000} | ({META: {}} if is_ours else {})
    caplog.set_level(logging.WARNING)
    results = []
    for kind in (HttpCompressionMiddleware, CompressionMiddleware):
        caplog.clear()
        try:
            found: Any = answered(kind, body, encoding, cls, meta)
        except (OSError, EOFError) as error:
            found = repr(error)
        lines = [line.replace(kind.__name__, "it") for line in caplog.messages]
        results.append((found, lines))
    assert results[1] == results[0]


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def scrapys(*_: Any) -> None:
        raise AssertionError("Scrapy's way")

    monkeypatch.setattr(HttpCompressionMiddleware, "process_response", scrapys)
    meta = {META: {}, "download_maxsize": 10_000}
    told, stats = answered(CompressionMiddleware, ZIPPED, b"gzip", JsonResponse, meta)
    assert told[1] == BODY
    assert stats == {
        "httpcompression/response_bytes": len(BODY), "httpcompression/response_count": 1,
    }  # fmt: skip
    with pytest.raises(AssertionError, match="Scrapy's way"):
        answered(CompressionMiddleware, ZIPPED, b"gzip", HtmlResponse, {})


def test_the_projects_settings_have_it_in_the_place_of_scrapys() -> None:
    names = [path.rpartition(".")[2] for path in DOWNLOADER_MIDDLEWARES_BASE]
    assert "CompressionMiddleware" in names
    assert "HttpCompressionMiddleware" not in names
