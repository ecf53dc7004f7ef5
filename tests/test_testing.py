"""The test kit, as a project without pytest-twisted uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pailitao_spider import ImageSearch, PageResponse, RefusedError
from pailitao_spider.testing import SandboxServer, page_response
from tests.crawling import Crawler

pytest_plugins = ["pailitao_spider.testing.plugin"]

ANSWER = {
    "error_code": "0000",
    "items": {
        "item": [
            {"num_iid": "610947572360", "title": "mug", "price": "12.50"},
            {"num_iid": "610947572361", "title": "cup", "price": "3.00"},
            {"title": "no offer at all"},
        ],
        "real_total_results": 2,
    },
}


def parse(response: PageResponse) -> Iterator[Any]:
    for offer in response.offers:
        yield {"id": offer.num_iid, "of": offer.seed_id, "cost": offer.price}
    yield from response.next_pages()


def test_a_callback_is_tested_without_network() -> None:
    search = ImageSearch("https://example.com/a.jpg", seed_id="SKU-1")
    response = page_response(ANSWER, search=search, gateway="onebound", callback=parse)

    items = list(parse(response))

    assert [each["id"] for each in items[:2]] == ["610947572360", "610947572361"]
    assert {each["of"] for each in items[:2]} == {"SKU-1"}
    assert len(response.rejected) == 1


def test_a_refusal_is_what_the_errback_would_get() -> None:
    with pytest.raises(RefusedError):
        page_response({"error": "no", "error_code": "4013"}, gateway="onebound")


@pytest.fixture
def pailitao_sandbox_options() -> str:
    return "fault=500@2"


def test_a_crawl_calls_the_sandbox(pailitao_sandbox: SandboxServer, tmp_path: Path) -> None:
    crawler = Crawler(tmp_path)
    settings = pailitao_sandbox.settings()
    crawler.env |= {name: str(value) for name, value in settings.items() if name[:2] == "PA"}
    crawler.seeds(pailitao_sandbox.photo("mug-01"), pailitao_sandbox.photo("mug-02"))

    crawled = crawler.crawl()

    assert set(crawled.ids) == pailitao_sandbox.offer_ids("mug-01", "mug-02"), crawled.log
    assert pailitao_sandbox.calls == 3
