"""A project's other spiders: settings, requests, feeds and stats with the add-on and without."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_twisted
from scrapy import Field, Item, Request, Spider
from scrapy.extensions.feedexport import FeedExporter

from tests.forward_proxy import ForwardProxy
from tests.in_process.conftest import Ran

Crawl = Callable[..., Any]
pytestmark = pytest.mark.filterwarnings("ignore::scrapy.exceptions.ScrapyDeprecationWarning")


class Site:
    """A web site that writes down the headers of every request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                names = ("Host", "Via-Proxy")
                asked.append((self.path, [h for h in self.headers.items() if h[0] not in names]))
                body = "<html><a href='/2'>é 中文</a></html>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@dataclass
class Shoe:
    text: str
    price: Decimal


class Product(Item):  # type: ignore[misc]
    text = Field()
    price = Field()


class Other(Spider):
    name = "other"
    site = ""
    items: tuple[Any, ...] = ()

    async def start(self) -> AsyncIterator[Request]:
        yield Request(f"{self.site}/1")

    def parse(self, response: Any) -> Iterator[Any]:
        text = response.css("a::text").get()
        yield {"text": text, "price": Decimal("1.50"), "none": None}
        yield Shoe(text, Decimal("2.50"))
        yield Product(text=text, price=3)
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link)


class Old:
    def process_item(self, item: Any, spider: Spider) -> Any:
        return item


class Rotating:
    """Sends every second request by a proxy."""

    proxy = ""
    number = 0

    def process_request(self, request: Request) -> None:
        self.number += 1
        if self.number % 2:
            request.meta["proxy"] = self.proxy


FORMATS = ("json", "jsonlines", "csv", "xml", "pickle")
_OURS = ("ADDONS", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES",
         "DOWNLOAD_HANDLERS", "DOWNLOAD_SLOTS", "FEED_EXPORTERS")  # fmt: skip
"""What the docs say that the add-on adds members to."""


def _without(ran: Ran, names: tuple[str, ...]) -> dict[str, Any]:
    settings = ran.crawler.settings
    return {
        name: settings.get(name)
        if not hasattr(settings.get(name), "copy_to_dict")
        else settings.get(name).copy_to_dict()
        for name in settings
        if name not in names
    }


def _added(plain: Ran, guest: Ran, name: str) -> dict[str, Any]:
    before, after = (dict(each.crawler.settings.getdict(name)) for each in (plain, guest))
    assert {key: after.get(key) for key in before} == before, f"{name} keeps what it held"
    return {str(key): value for key, value in after.items() if key not in before}


@pytest_twisted.ensureDeferred
async def test_nothing_of_another_spider_changes_but_what_the_docs_say(
    crawl: Crawl, site: Site, tmp_path: Path
) -> None:
    proxy = ForwardProxy()
    rotating = type("RotatingGuest", (Rotating,), {"proxy": proxy.url})
    rotating.__qualname__ = "RotatingGuest"
    seen = []
    for addons in ({}, {"pailitao_spider.Addon": 500}):
        feeds = {f"{len(seen)}.{each}": {"format": each} for each in FORMATS}
        settings = {
            "ADDONS": addons,
            "ITEM_PIPELINES": {Old: 300},
            "DOWNLOADER_MIDDLEWARES": {rotating: 610},
            "FEEDS": {
                **{path: {**options, "item_classes": [dict]} for path, options in feeds.items()},
                f"{len(seen)}.all.jsonlines": {"format": "jsonlines"},
            },
            "HTTPCACHE_ENABLED": True,
            "HTTPCACHE_DIR": f"cache-{len(seen)}",
            "SCHEDULER_DEBUG": True,
            "DUPEFILTER_DEBUG": True,
            "SPIDERMON_ENABLED": True,
            "EXTENSIONS": {"spidermon.contrib.scrapy.extensions.Spidermon": 500},
        }
        before = len(site.asked), len(proxy.asked)
        ran = await crawl(type("Other", (Other,), {"site": site.url}), settings)
        seen.append((ran, site.asked[before[0] :], proxy.asked[before[1] :]))
    proxy.close()
    (plain, plain_asked, plain_proxied), (guest, guest_asked, guest_proxied) = seen

    assert len(plain.items) == 6
    assert guest.items == plain.items
    assert guest_asked == plain_asked
    assert guest_proxied == plain_proxied
    assert plain_proxied, "a proxy was used"
    for each in (*FORMATS, "all.jsonlines"):
        bytes_of = [(tmp_path / f"{number}.{each}").read_bytes() for number in range(2)]
        assert bytes_of[0] == bytes_of[1], each
        assert bytes_of[0]
    unsteady = ("time", "memusage", "log_count", "per_minute", "httpcache")
    stats = [
        {key: n for key, n in each.stats.items() if not any(word in key for word in unsteady)}
        for each in (plain, guest)
    ]
    assert stats[1] == stats[0]
    names = ("FEEDS", "HTTPCACHE_DIR", *_OURS)
    assert _without(guest, names) == _without(plain, names)
    assert set(_added(plain, guest, "DOWNLOAD_HANDLERS")) == {"pailitao+http", "pailitao+https"}
    assert set(_added(plain, guest, "DOWNLOAD_SLOTS")) == {"pailitao"}
    for name in ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES"):
        assert all("pailitao_spider." in key for key in _added(plain, guest, name))
    assert type(guest.crawler.get_extension(FeedExporter)) is FeedExporter
    left = {path.name for path in os.scandir(tmp_path)}
    assert not any("seeds" in name for name in left), "nothing was opened"
    assert not left & {".local", ".cache", ".config"}
