"""What goes by host or certificate in a project judges the address that a call really goes to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_twisted
from scrapy import Request, Spider
from scrapy.exceptions import IgnoreRequest

from pailitao_spider import ImageSearch
from pailitao_spider.errors import RefusedError
from pailitao_spider.sandbox.server import Site
from tests.forward_proxy import ForwardProxy
from tests.in_process.conftest import Ran
from tests.self_signed import SelfSignedSite
from tests.test_crawl import CATALOGUE

PHOTO = CATALOGUE.hosted_url("mug-01")  # every gateway takes it by its address
OFFERS = 49
Crawl = Callable[..., Any]
Serve = Callable[..., Site]


class Shoes(Spider):
    """`seen` is what its middlewares wrote down."""

    name = "shoes"
    meta: dict[str, Any] = {}  # noqa: RUF012

    async def start(self) -> AsyncIterator[Request]:
        self.seen: list[Any] = []
        self.failed: list[BaseException] = []
        self.urls: list[str] = []
        yield ImageSearch(PHOTO).request(self.parse, self.fails, meta=dict(self.meta))

    def parse(self, response: Any) -> Iterator[Any]:
        self.urls += [response.url, response.request.url]
        yield from response.rows

    def fails(self, failure: Any) -> None:
        self.failed.append(failure.value)


@pytest.fixture
def gateway(serve_sandbox: Serve) -> Callable[..., dict[str, Any]]:
    """The settings of a project that calls a sandbox, as one of its gateways."""
    site = serve_sandbox()
    account = site.gateway.account

    def settings(name: str = "router", host: str = "127.0.0.1") -> dict[str, Any]:
        port = urlsplit(site.url).port
        path = {"router": "/router/rest", "onebound": "/1688/item_search_img/"}[name]
        return {
            "PAILITAO_SANDBOX": None,
            "PAILITAO_GATEWAY": name,
            "PAILITAO_URL": f"http://{host}:{port}{path}",
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
        }

    settings.account = account  # type: ignore[attr-defined]
    return settings


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    made = ForwardProxy()
    yield made
    made.close()


class AddSimilarity:
    """Writes down what a middleware at any order sees of a call, before and after it."""

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        made = cls()
        made.crawler = crawler
        return made

    def process_request(self, request: Request) -> None:
        self.look("request", request.url, request.body, request.headers, request.meta)

    def process_response(self, request: Request, response: Any) -> Any:
        self.look("response", request.url, request.body, response.url)
        self.look("response", response.url, b"", response.headers)
        return response

    def look(self, when: str, url: str, *more: Any) -> None:
        self.crawler.spider.seen.append((when, url, repr(more)))


ORDERS = (1, 75, 299, 543, 610, 749, 899, 949)


@pytest.mark.parametrize(("name", "offers"), [("router", OFFERS), ("onebound", 40)])
@pytest_twisted.ensureDeferred
async def test_every_middleware_sees_the_gateways_address_and_nothing_signed(
    crawl: Crawl, gateway: Any, name: str, offers: int
) -> None:
    looking = {type(f"Looking{order}", (AddSimilarity,), {}): order for order in ORDERS}
    for each in looking:
        each.__qualname__ = each.__name__
    settings = gateway(name)

    ran: Ran = await crawl(Shoes, settings | {"DOWNLOADER_MIDDLEWARES": looking})

    spider = ran.crawler.spider
    assert len(ran.ids) == offers, spider.failed
    assert len(spider.seen) == 3 * len(ORDERS)
    asked = urlsplit(settings["PAILITAO_URL"])
    for _, url, more in spider.seen:
        assert urlsplit(url)[:3] == asked[:3]
        assert "picture=" in url, "two searches have two addresses"
        for secret in ("sign=", gateway.account.secret, gateway.account.access_token):
            assert secret not in url + more
    assert all(url.startswith("https://pailitao.invalid/search?") for url in spider.urls)


@pytest.mark.parametrize(
    ("env", "meta", "is_passed_on"),
    [
        ({}, {}, False),
        ({"http_proxy": "{}"}, {}, True),
        ({"http_proxy": "{}", "no_proxy": "127.0.0.1,localhost"}, {}, False),
        ({"http_proxy": "{}", "no_proxy": "pailitao.invalid"}, {}, True),
        ({"https_proxy": "{}"}, {}, False),
        ({}, {"proxy": "{}"}, True),
        ({"http_proxy": "{}"}, {"proxy": None}, False),
        ({"http_proxy": "http://127.0.0.1:9"}, {"proxy": "{}"}, True),
    ],
    ids=lambda each: str(each).replace("{}", "PROXY") if isinstance(each, dict) else "",
)
@pytest_twisted.ensureDeferred
async def test_a_proxy_is_chosen_by_the_gateways_address(
    crawl: Crawl,
    gateway: Any,
    proxy: ForwardProxy,
    monkeypatch: pytest.MonkeyPatch,
    env: dict[str, str],
    meta: dict[str, Any],
    is_passed_on: bool,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value.format(proxy.url))
    settings = gateway()
    given = {name: value and value.format(proxy.url) for name, value in meta.items()}
    spider = type("Given", (Shoes,), {"meta": given})

    ran: Ran = await crawl(spider, settings)

    assert len(ran.ids) == OFFERS
    assert proxy.asked == ([("POST", settings["PAILITAO_URL"])] if is_passed_on else [])


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_only_the_proxy_can_reach_is_reached(
    crawl: Crawl, gateway: Any, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    ran: Ran = await crawl(Shoes, gateway(host="gateway.test"))
    assert len(ran.ids) == OFFERS
    assert urlsplit(proxy.asked[0][1]).hostname == "gateway.test"


class Rotating:
    """As those do that rotate proxies: another proxy for each try, a slot for each proxy, a new
    try where a proxy is bad.
    """

    good = ""

    def process_request(self, request: Request) -> None:
        if "proxy" in request.meta and not request.meta.get("rotates"):
            return
        tries = request.meta.get("tries", 0)
        request.meta["proxy"] = self.good if tries else "http://127.0.0.1:9"
        request.meta.update(rotates=True, tries=tries, download_slot=request.meta["proxy"])

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if isinstance(exception, IgnoreRequest):
            return None
        again = request.replace(dont_filter=True)
        again.meta["tries"] += 1
        return again


@pytest_twisted.ensureDeferred
async def test_proxies_can_be_rotated_and_the_projects_delay_is_not_waited_for(
    crawl: Crawl, gateway: Any, proxy: ForwardProxy
) -> None:
    rotating = type("RotatingHere", (Rotating,), {"good": proxy.url})
    rotating.__qualname__ = "RotatingHere"
    settings = gateway() | {"DOWNLOADER_MIDDLEWARES": {rotating: 610}, "DOWNLOAD_DELAY": 3600}

    ran: Ran = await crawl(Shoes, settings)

    assert len(ran.ids) == OFFERS
    assert proxy.asked == [("POST", settings["PAILITAO_URL"])]


@pytest.mark.parametrize("is_sent", [True, False], ids=["the gateway", "another site"])
@pytest_twisted.ensureDeferred
async def test_credentials_go_to_their_domain_alone(
    crawl: Crawl, gateway: Any, is_sent: bool
) -> None:
    settings = gateway()
    domain = urlsplit(settings["PAILITAO_URL"]).netloc if is_sent else "example.com"

    class Headers(AddSimilarity):
        def process_response(self, request: Request, response: Any) -> Any:
            return response

        def process_request(self, request: Request) -> None:
            self.crawler.spider.seen.append(b"Authorization" in request.headers)

    Headers.__qualname__ = "Headers"
    settings |= {"HTTPAUTH_USER": "her", "HTTPAUTH_PASS": "self", "HTTPAUTH_DOMAIN": domain}
    spider = type("Elsewhere", (Shoes,), {"allowed_domains": ["example.com"]})

    ran: Ran = await crawl(spider, settings | {"DOWNLOADER_MIDDLEWARES": {Headers: 900}})

    assert len(ran.ids) == OFFERS, "offsite is what her own requests are"
    assert ran.crawler.spider.seen == [is_sent]


class OwnSite(Shoes):
    site = ""

    async def start(self) -> AsyncIterator[Request]:
        async for each in super().start():
            yield each
        yield Request(f"{self.site}/page", self.own, errback=self.fails)

    def own(self, response: Any) -> Iterator[Any]:
        yield {"title": response.css("title::text").get()}


@pytest.mark.parametrize("checks", [None, False], ids=["unset", "off"])
@pytest_twisted.ensureDeferred
async def test_certificates_are_checked_for_searches_alone(
    crawl: Crawl, gateway: Any, tmp_path: Path, checks: bool | None
) -> None:
    site = SelfSignedSite(tmp_path)
    settings = gateway() | {
        "PAILITAO_URL": f"{site.url}/router/rest",
        "PAILITAO_TRANSIENT_TRIES": 1,
    }
    if checks is not None:
        settings["DOWNLOAD_VERIFY_CERTIFICATES"] = checks
    try:
        ran: Ran = await crawl(type("Own", (OwnSite,), {"site": site.url}), settings)
    finally:
        site.close()

    assert ran.items == [{"title": "a site of her own"}], ran.crawler.spider.failed
    assert len(ran.crawler.spider.failed) == 1
    assert isinstance(ran.crawler.spider.failed[0], RefusedError)
    # What is not trusted is sent nothing; who has switched that off, has.
    assert ("/router/rest" in site.asked) is (checks is False)
