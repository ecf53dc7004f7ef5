"""The example of a dialect of one's own: short, found by its import path, and asked over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from pailitao_spider.errors import PailitaoError
from pailitao_spider.gateways.calls import Credential, PictureRef, SearchCall
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.protocol import Dialect
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.results.lines import ENCODER

EXAMPLES = Path(__file__).parent.parent / "examples"
PICTURE = "https://shop.example/a photo.jpg?size=800&v=2"
CREDENTIAL = Credential("", "", "a-token&more")
CALL = SearchCall(picture=PictureRef(url=PICTURE), page=3)


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Dialect:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return dialect("dialect:PictureFinder")


def test_the_example_is_no_longer_than_sixty_lines() -> None:
    lines = (EXAMPLES / "dialect.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60


def test_the_example_has_all_that_a_dialect_must_have(finder: Dialect) -> None:
    assert finder.name == "picturefinder"
    assert finder.needs == ("access_token",)
    assert finder.token_url is None
    assert finder.limits.picture is None
    assert finder.limits.takes_url(PICTURE)


def test_an_option_that_the_example_does_not_have_is_told(finder: Dialect) -> None:
    with pytest.raises(PailitaoError, match="PAILITAO_GATEWAY"):
        dialect("dialect:PictureFinder?colour=red")


Answer = Callable[[web.Request], web.Response]


async def called(finder: Dialect, answer: Answer, imgid: str = PICTURE) -> Page | Refusal:
    """One real call: the form as the dialect makes it, the answer as the dialect reads it."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_get("/search", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/search"
        form = finder.search_form(url, CALL, imgid, CREDENTIAL, 1744567890.0)
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                form.method, URL(form.url, encoded=True), data=form.body or None
            ) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers.items()}
            return finder.page(response.status, headers, await response.read())
    finally:
        await runner.cleanup()


def gateway(request: web.Request) -> web.Response:
    """The invented gateway: it knows one token and two offers."""
    asked = dict(request.query)
    if asked.get("token") != "a-token&more":
        return web.json_response({"error": "bad_token", "about": "who?"}, status=401)
    if not asked.get("picture"):
        return web.json_response({"error": "bad_picture", "about": "no picture"}, status=400)
    assert asked == {"token": "a-token&more", "picture": PICTURE, "page": "3"}
    offers = [
        {"id": 610947572360, "name": "凉鞋", "fen": 2990, "sold": "1.1万+", "colour": "red"},
        {"name": "no id"},
    ]
    return web.json_response({"offers": offers, "found": 62})


def test_offers_come_from_a_real_call(finder: Dialect) -> None:
    page = asyncio.run(called(finder, gateway))
    assert isinstance(page, Page)
    assert page.total == 62
    offer, rejected = page.rows
    assert isinstance(offer, Offer)
    assert isinstance(rejected, RejectedRow)
    assert (offer.num_iid, offer.title) == ("610947572360", "凉鞋")
    assert str(offer.price) == "29.90"
    assert (offer.sales, offer.sales_at_least, offer.sales_window) == (11000, True, "30d")
    assert offer.extra == {"colour": "red"}
    assert ENCODER.encode(offer)


def test_a_price_of_zero_is_a_price_and_an_absent_one_is_none(finder: Dialect) -> None:
    body = b'{"offers":[{"id":1,"fen":0},{"id":2}],"found":2}'
    page = finder.page(200, {}, body)
    assert isinstance(page, Page)
    assert [row.price for row in page.rows if isinstance(row, Offer)] == [Decimal("0"), None]


def test_a_call_without_a_picture_is_refused_for_its_picture(finder: Dialect) -> None:
    found = asyncio.run(called(finder, gateway, imgid=""))
    assert isinstance(found, Refusal)
    assert found.reason == "bad_seed: bad_picture no picture"


def test_a_busy_gateway_says_how_long_to_wait(finder: Dialect) -> None:
    def busy(request: web.Request) -> web.Response:
        said = {"error": "slow_down", "about": "busy"}
        return web.json_response(said, status=429, headers={"Retry-After": "7"})

    found = asyncio.run(called(finder, busy))
    assert isinstance(found, Refusal)
    assert (found.kind, found.wait_seconds) == (RefusalClass.THROTTLED, 7.0)


def test_a_wrong_token_stops_with_the_remedy(finder: Dialect) -> None:
    def locked(request: web.Request) -> web.Response:
        return web.json_response({"error": "bad_token", "about": "who?"}, status=401)

    found = asyncio.run(called(finder, locked))
    assert isinstance(found, Refusal)
    assert (found.kind, found.cause) == (RefusalClass.DENIED, Cause.TOKEN)
    assert "PAILITAO_ACCESS_TOKEN" in found.remedy


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"7", b"[]", b"{}", b'{"offers":5,"found":1}', b'{"offers":[]}'],
    ids=ascii,
)
def test_an_answer_of_no_kind_is_tried_again(finder: Dialect, body: Any) -> None:
    found = finder.page(200, {}, body)
    assert isinstance(found, Refusal)
    assert found.kind is RefusalClass.TRANSIENT
