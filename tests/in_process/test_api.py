"""The public API, as a developer uses it in a spider of her own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from scrapy import Request, Spider

import pailitao_spider
from pailitao_spider import (
    BadSeedError,
    ConfigError,
    ImageSearch,
    Offer,
    PageResponse,
    PailitaoSpider,
    PictureError,
    RefusedError,
)
from pailitao_spider.sandbox.server import Gateway, Site
from tests.in_process.conftest import Ran
from tests.test_crawl import CATALOGUE, PHOTOS, photo, truth

Crawl = Callable[..., Any]
Serve = Callable[..., Site]


class Own(Spider):
    """Asks for `searches`, and keeps what came and what failed."""

    name = "own"
    searches: tuple[ImageSearch, ...] = ()
    follows = False

    async def start(self) -> AsyncIterator[Request]:
        self.pages: list[PageResponse] = []
        self.failed: list[BaseException] = []
        for search in self.searches:
            yield search.request(self.parse, self.fails, meta={"mine": 1}, cb_kwargs={"given": 2})

    def parse(self, response: PageResponse, given: int) -> Iterator[Any]:
        assert (response.meta["mine"], given) == (1, 2)
        self.pages.append(response)
        yield from response.offers
        if self.follows:
            yield from response.next_pages()

    def fails(self, failure: Any) -> None:
        self.failed.append(failure.value)


def own(*searches: ImageSearch, **members: Any) -> type[Spider]:
    return type("Own", (Own,), {"searches": searches, **members})


def test_all_that_is_public_can_be_had() -> None:
    for name in pailitao_spider.__all__:
        assert getattr(pailitao_spider, name) is not None
    assert pailitao_spider.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = pailitao_spider.Nothing


@pytest_twisted.ensureDeferred
async def test_offers_and_rejected_rows_are_two_lists(crawl: Crawl) -> None:
    spider = own(ImageSearch(photo("mug-01")))
    ran: Ran = await crawl(spider, {"PAILITAO_SANDBOX": "messy=on"})

    page = ran.crawler.spider.pages[0]
    assert {type(each) for each in page.offers} == {Offer}
    assert page.rejected
    assert len(page.rows) == len(page.offers) + len(page.rejected)
    assert all(row.reason for row in page.rejected)


@pytest_twisted.ensureDeferred
async def test_each_offer_says_whose_it_is(crawl: Crawl) -> None:
    searches = (
        ImageSearch(photo("mug-01"), seed_id="SKU-1", extra={"sell_price": 9.9}),
        ImageSearch(str(PHOTOS / "mug-06.jpg")),
    )
    ran: Ran = await crawl(own(*searches), {"PAILITAO_DEDUP": "seed"})

    seeds = {(each.seed_id, each.seed_image, str(each.seed_extra)) for each in ran.items}
    assert seeds == {
        ("SKU-1", photo("mug-01"), "{'sell_price': 9.9}"),
        ("mug-06.jpg", str(PHOTOS / "mug-06.jpg"), "{}"),
    }
    assert {each.num_iid for each in ran.items} == truth("mug-01", "mug-06")


@pytest.mark.parametrize("gateway", ["router", "imagequery", "onebound", "tmapi"])
@pytest_twisted.ensureDeferred
async def test_the_pages_that_follow_bring_what_the_spider_of_the_package_brings(
    crawl: Crawl, gateway: str
) -> None:
    search = ImageSearch(CATALOGUE.hosted_url("mug-01"), page_size=20)
    settings = {"PAILITAO_GATEWAY": gateway}
    ran: Ran = await crawl(own(search, follows=True), settings)

    spider = ran.crawler.spider
    assert not spider.failed
    assert sorted(ran.ids) == sorted(truth("mug-01"))
    assert [each.rank for each in ran.items] == sorted(each.rank for each in ran.items)
    numbers = [each.offers[0].page for each in spider.pages if each.offers]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(spider.pages) <= len(numbers) + 2, "at most the two in question at the end"


@pytest.mark.parametrize(
    "lie",
    [{"pagecount_lie": 100}, {"total_lie": 5000}, {"repeat_after": 1}, {"total_lie": 1}],
    ids=str,
)
@pytest_twisted.ensureDeferred
async def test_a_gateway_that_lies_of_its_pages_costs_few_calls(
    crawl: Crawl, serve_sandbox: Serve, lie: dict[str, Any]
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, page_size_cap=20, **lie))
    account = site.gateway.account
    settings = {
        "PAILITAO_SANDBOX": None,
        "PAILITAO_URL": site.url,
        "PAILITAO_APP_KEY": account.app_key,
        "PAILITAO_APP_SECRET": account.secret,
        "PAILITAO_ACCESS_TOKEN": account.access_token,
    }
    search = ImageSearch(photo("mug-01"))
    ran: Ran = await crawl(own(search, follows=True), settings)
    packages: Ran = await crawl(
        PailitaoSpider,
        settings | {"FEEDS": {"x.jsonl": {"format": "jsonl"}}},
        seeds=photo("mug-01"),
    )

    assert sorted(ran.ids) == sorted(packages.ids)
    assert len(set(ran.ids)) == len(ran.ids) >= 20
    assert len(ran.crawler.spider.pages) <= packages.stats["pailitao/pages"] <= 3 + 4


@pytest_twisted.ensureDeferred
async def test_pages_after_the_most_that_is_wanted_are_not_asked_for(crawl: Crawl) -> None:
    class Few(Own):
        searches = (ImageSearch(photo("mug-01"), page_size=10),)

        def parse(self, response: PageResponse, given: int) -> Iterator[Any]:
            self.pages.append(response)
            yield from response.next_pages(max_pages=2)

    ran: Ran = await crawl(Few, {})
    assert len(ran.crawler.spider.pages) == 2


BROKEN = "broken.jpg"


@pytest.mark.parametrize(
    ("image", "settings", "error", "words"),
    [
        ("nope.jpg", {}, BadSeedError, "no such file"),
        (BROKEN, {}, PictureError, ""),
        ("ftp://host/x.jpg", {}, BadSeedError, "neither http"),
        ("no picture at all", {}, BadSeedError, ""),
        ("https://sandbox.invalid/unknown.png", {}, RefusedError, "bad_seed"),
        (photo("mug-01"), {"PAILITAO_SANDBOX": "fault=denied@1-"}, RefusedError, "denied"),
        (photo("mug-01"), {"PAILITAO_SANDBOX": None}, ConfigError, "PAILITAO_APP_KEY"),
        (photo("mug-01"), {"PAILITAO_RATE": "fast"}, ConfigError, "PAILITAO_RATE"),
    ],
    ids=["missing", "broken", "scheme", "nonsense", "unknown", "denied", "no key", "bad setting"],
)
@pytest_twisted.ensureDeferred
async def test_all_that_goes_wrong_reaches_the_errback_and_nobody_else(
    crawl: Crawl,
    tmp_path: Path,
    image: str,
    settings: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    (tmp_path / BROKEN).write_bytes(b"\xff\xd8\xff no picture")

    class Others(Own):
        async def start(self) -> AsyncIterator[Request]:
            async for each in super().start():
                yield each
            yield Request("data:text/html,hers", lambda response: {"hers": response.text})

    spider = type("Others", (Others,), {"searches": (ImageSearch(image),)})
    ran: Ran = await crawl(spider, settings)

    assert ran.items == [{"hers": "hers"}]
    assert ran.stats["finish_reason"] == "finished"
    assert "spider_exceptions/count" not in ran.stats
    (failed,) = ran.crawler.spider.failed
    assert type(failed).__mro__.count(error) == 1, repr(failed)
    assert words in str(failed)


@pytest_twisted.ensureDeferred
async def test_a_ledger_for_a_spider_of_another_kind_is_refused_in_one_line(
    crawl: Crawl, caplog: pytest.LogCaptureFixture
) -> None:
    spider = own(ImageSearch(photo("mug-01")), keeps_ledger=True)
    ran: Ran = await crawl(spider, {"FEEDS": {"x.jsonl": {"format": "jsonlines"}}})
    assert ran.stats["finish_reason"] == "pailitao_config"
    assert "keeps_ledger = True is for subclasses of" in caplog.text
    assert "Traceback" not in caplog.text


@pytest_twisted.ensureDeferred
async def test_offers_as_dicts_keep_their_numbers(crawl: Crawl, tmp_path: Path) -> None:
    class Dicts(Own):
        searches = (ImageSearch(photo("mug-01")),)

        def parse(self, response: PageResponse, given: int) -> Iterator[Any]:
            for offer in response.offers:
                yield {"num_iid": offer.num_iid, "price": offer.price}

    formats = {"out.jsonl": {"format": "jsonlines"}, "out.json": {"format": "json"}}
    await crawl(Dicts, {"FEEDS": formats})

    text = (tmp_path / "out.jsonl").read_text()
    lines = [json.loads(each, parse_float=Decimal) for each in text.splitlines()]
    assert {type(line["price"]) for line in lines} <= {Decimal, int, type(None)}
    assert any(type(line["price"]) is Decimal for line in lines)
    assert json.loads((tmp_path / "out.json").read_text(), parse_float=Decimal) == lines


def test_without_the_addon_one_line_says_so(tmp_path: Path) -> None:
    code = """
from pailitao_spider import ImageSearch
for number in range(3):
    ImageSearch(f"https://host/{number}.jpg").request()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("\n") == 1
    assert 'ADDONS = {"pailitao_spider.Addon": 500}' in done.stderr
