"""What this project expects of Scrapy's inside, as a contract."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import subprocess
import sys

import pytest
from scrapy import Request
from scrapy.core.engine import ExecutionEngine, _Slot
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.request import fingerprint

from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.errors import ConfigError
from tests.crawling import REPOSITORY


def test_another_address_is_what_scrapy_reads_from_then_on() -> None:
    request = Request("https://pailitao.invalid/search?page=1", method="POST")
    before = fingerprint(request)
    assert urlparse_cached(request).hostname == "pailitao.invalid"

    scrapy_internals.readdress(request, "http://gateway.example/rest?page=1")
    assert (request.url, urlparse_cached(request).hostname, urlparse_cached(request).scheme) == (
        "http://gateway.example/rest?page=1",
        "gateway.example",
        "http",
    )
    assert fingerprint(request) != before
    scrapy_internals.readdress(request, "https://pailitao.invalid/search?page=1")
    assert fingerprint(request) == before


def test_a_response_can_be_given_another_address() -> None:
    response = Response("https://gateway.example/?sign=ABC")
    scrapy_internals.readdress(response, "https://gateway.example/")
    assert response.url == "https://gateway.example/"


class _Engine:
    _slot: object = None


def test_another_scrapy_is_refused_with_one_line() -> None:
    async def check() -> None:
        scrapy_internals.check(_Engine())  # type: ignore[arg-type]

    with pytest.raises(ConfigError, match="built differently inside"):
        asyncio.run(check())


def test_a_slot_tells_whether_the_spider_is_closing() -> None:
    engine = ExecutionEngine.__new__(ExecutionEngine)
    engine._slot = None
    assert scrapy_internals.is_closing(engine)
    engine._slot = _Slot.__new__(_Slot)
    engine._slot.closing = None
    assert not scrapy_internals.is_closing(engine)


def test_a_request_is_in_progress_until_all_that_it_led_to_is_through() -> None:
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.inner_crawl"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    seen = json.loads(told.stdout)
    woken_seconds = seen.pop("woken")
    assert seen == {"in callback": True, "after an awaited handler": True, "when idle": False}
    assert woken_seconds < 4, "not at the next heartbeat, which is five seconds away"


@pytest.mark.parametrize("module", ["http11", "_aiohttp", "_base_streaming", "_httpx", "http2"])
def test_an_address_that_a_download_handler_logs_ends_at_its_question_mark(
    module: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Some gateways are sent their secret in the query."""
    name = f"scrapy.core.downloader.handlers.{module}"
    assert importlib.util.find_spec(name) is not None, "Scrapy has renamed it"
    scrapy_internals.hide_addresses()
    request = Request("https://gateway.example/search?secret=s3cret&page=1")
    logging.getLogger(name).warning("Received %d bytes in request %s.", 9, request)
    assert caplog.messages == [
        "Received 9 bytes in request <GET https://gateway.example/search?…>."
    ]
