"""The gateway over real HTTP: what it checks, what it answers, how it fails by script."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from PIL import Image

from pailitao_spider.gateways.signing import sign
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.market import Catalogue, LineKey
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import Gateway, Site, serve

NOW = 1_767_200_000.0
CATALOGUE = Catalogue()
MUG = CATALOGUE.photo_url("mug-07")
BROAD = max(CATALOGUE.designs, key=lambda design: len(CATALOGUE.truth(design.name))).name


class Client:
    """Signs and sends; each call's body is parsed JSON."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        self.site = site
        self.session = session
        self.token = "sandbox-token"

    def form(self, method: str = "1688.item_search_img", **params: Any) -> dict[str, str]:
        secret = params.pop("secret", "sandbox-secret")
        form = {
            "method": method,
            "app_key": "sandbox",
            "access_token": self.token,
            "timestamp": str(int(NOW)),
            "format": "json",
            "v": "2.0",
        } | {name: str(value) for name, value in params.items()}
        return form | {"sign": sign(form, secret, form.get("sign_method", "md5"))}

    async def send(self, form: dict[str, str], verb: str = "POST") -> tuple[int, str, Any]:
        headers, body = (
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )
        request = (
            self.session.get(self.site.url, params=form)
            if verb == "GET"
            else self.session.post(self.site.url, data=io.BytesIO(body), headers=headers)
        )
        async with request as response:
            return response.status, await response.text(), response.headers

    async def search(self, imgid: str = MUG, **params: Any) -> Any:
        return json.loads((await self.send(self.form(imgid=imgid, **params)))[1])

    async def upload(self, picture: bytes) -> Any:
        imgcode = base64.b64encode(picture).decode()
        return json.loads((await self.send(self.form("1688.upload_img", imgcode=imgcode)))[1])

    async def refresh(self, **changes: str) -> tuple[int, Any]:
        form = {
            "grant_type": "refresh_token",
            "client_id": "sandbox",
            "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh",
        }
        async with self.session.post(self.site.token_url, data=form | changes) as response:
            return response.status, await response.json()


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Client]:
    site = await serve(gateway)
    timeout = aiohttp.ClientTimeout(total=60)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield Client(site, session)
    finally:
        await site.close()


def with_gateway(
    story: Callable[[Client], Awaitable[Any]], *faults: str, **options: Any
) -> Gateway:
    """Play a story against a fresh gateway whose clock stands still."""
    options.setdefault("clock", lambda: NOW)
    options.setdefault("catalogue", CATALOGUE)
    gateway = Gateway(faults=[parse_fault(text) for text in faults], **options)

    async def play() -> None:
        async with connected(gateway) as client:
            await story(client)

    asyncio.run(play())
    return gateway


def reason(body: Any) -> Any:
    """The part of a refusal that is always the same."""
    error = dict(body.get("error_response", body))
    assert error.pop("request_id")
    return error


def ids(body: Any) -> list[str]:
    return [row["num_iid"] for row in body["items"]["item"]]


def test_a_search_answers_in_the_documented_form() -> None:
    async def story(client: Client) -> None:
        body = await client.search(
            CATALOGUE.photo_url(BROAD), page=1, page_size=50, sort="sale_desc"
        )
        expected = CATALOGUE.truth(BROAD, 1, "sale_desc")
        assert list(body) == ["code", "msg", "request_id", "items"]
        assert (body["code"], body["msg"]) == (200, "success")
        assert {k: v for k, v in body["items"].items() if k != "item"} == {
            "page": "1",
            "real_total_results": len(expected),
            "total_results": len(expected),
            "pagecount": math.ceil(len(expected) / 50),
            "page_size": "50",
        }
        assert ids(body) == expected[:50]

    gateway = with_gateway(story)
    assert (gateway.log.calls, gateway.log.good) == (1, 1)


@pytest.mark.parametrize(("size", "effective"), [(20, 20), (100, 100), (500, 100)])
def test_pages_together_are_the_whole_truth(size: int, effective: int) -> None:
    async def story(client: Client) -> None:
        truth, found = CATALOGUE.truth(BROAD, 2, "price_asc"), []
        for page in range(1, math.ceil(len(truth) / effective) + 1):
            body = await client.search(
                CATALOGUE.photo_url(BROAD),
                search_type=2,
                sort="price_asc",
                page=page,
                page_size=size,
            )
            assert body["items"]["page_size"] == str(effective)
            found += ids(body)
        assert found == truth

    with_gateway(story)


def test_a_page_beyond_the_end_is_empty() -> None:
    async def story(client: Client) -> None:
        assert ids(await client.search(page=99)) == []

    with_gateway(story)


def test_a_photo_of_nothing_gives_no_rows() -> None:
    async def story(client: Client) -> None:
        items = (await client.search("https://sandbox.invalid/empty.jpg"))["items"]
        assert (items["item"], items["real_total_results"], items["pagecount"]) == ([], 0, 0)

    with_gateway(story)


def test_a_search_may_be_a_get() -> None:
    async def story(client: Client) -> None:
        status, text, _ = await client.send(client.form(imgid=MUG), "GET")
        assert (status, json.loads(text)["code"]) == (200, 200)

    with_gateway(story)


@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
def test_every_sign_method_is_known(sign_method: str) -> None:
    async def story(client: Client) -> None:
        assert (await client.search(sign_method=sign_method))["code"] == 200

    with_gateway(story)


@pytest.mark.parametrize("missing", ["method", "app_key", "sign", "timestamp"])
def test_a_missing_parameter_is_named(missing: str) -> None:
    async def story(client: Client) -> None:
        form = client.form(imgid=MUG)
        del form[missing]
        error = reason(json.loads((await client.send(form))[1]))
        assert error["msg"].startswith("Missing")

    with_gateway(story)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"app_key": "nobody"}, {"code": 29, "msg": "Invalid app Key"}),
        ({"secret": "guess"}, {"code": 25, "msg": "Invalid signature"}),
        ({"timestamp": int(NOW) - 601}, {"code": 31, "msg": "Invalid timestamp"}),
        ({"timestamp": "soon"}, {"code": 31, "msg": "Invalid timestamp"}),
        ({"method": "1688.item_get"}, {"code": 22, "msg": "Invalid method"}),
        ({"access_token": "old"}, {"code": 401, "msg": "invalid access_token"}),
        ({"imgid": ""}, {"code": 400, "msg": "imgid is null"}),
        ({"imgid": "O1CN01nothing"}, {"code": 400, "msg": "imgid not found"}),
        ({"imgid": "https://a.b/c.jpg"}, {"code": 400, "msg": "imgid can not be fetched"}),
        ({"search_type": 3}, {"code": 400, "msg": "search_type is invalid"}),
        ({"sort": "random"}, {"code": 400, "msg": "sort is invalid"}),
        ({"page": 0}, {"code": 400, "msg": "page is invalid"}),
        ({"page_size": "many"}, {"code": 400, "msg": "page_size is invalid"}),
    ],
    ids=str,
)
def test_a_wrong_call_is_refused_with_its_reason(
    changes: dict[str, Any], error: dict[str, Any]
) -> None:
    async def story(client: Client) -> None:
        form = client.form(**({"imgid": MUG} | changes))
        assert reason(json.loads((await client.send(form))[1])) == error

    assert with_gateway(story).log.good == 0


def test_a_form_changed_after_signing_is_refused() -> None:
    async def story(client: Client) -> None:
        form = client.form(imgid=MUG) | {"page": "2"}
        assert reason(json.loads((await client.send(form))[1]))["code"] == 25

    with_gateway(story)


@pytest.mark.parametrize(
    "timestamp",
    [
        int(NOW) + 599,
        int(NOW * 1000),
        f"{datetime.fromtimestamp(NOW, timezone(timedelta(hours=8))):%Y-%m-%d %H:%M:%S}",
    ],
    ids=["seconds", "milliseconds", "Beijing time"],
)
def test_each_form_of_a_timestamp_is_understood(timestamp: int | str) -> None:
    async def story(client: Client) -> None:
        assert (await client.search(timestamp=timestamp))["code"] == 200

    with_gateway(story)


def test_the_date_of_an_answer_is_that_of_the_gateways_clock() -> None:
    async def story(client: Client) -> None:
        headers = (await client.send(client.form(imgid=MUG)))[2]
        assert parsedate_to_datetime(headers["Date"]).timestamp() == NOW

    with_gateway(story)


def test_an_upload_is_found_by_its_id_and_each_id_is_new() -> None:
    async def story(client: Client) -> None:
        picture = jpeg(CATALOGUE.design("mug-07"), 2)
        first = (await client.upload(picture))["items"]["item"]["name"]
        second = (await client.upload(picture))["items"]["item"]["name"]
        assert first != second
        assert ids(await client.search(first, page_size=100)) == CATALOGUE.truth("mug-07")[:100]

    with_gateway(story)


def test_a_picture_may_come_with_the_search_itself() -> None:
    async def story(client: Client) -> None:
        imgid = base64.b64encode(jpeg(CATALOGUE.design("lamp-03"), 2)).decode()
        assert ids(await client.search(imgid, page_size=100)) == CATALOGUE.truth("lamp-03")[:100]

    with_gateway(story)


@pytest.mark.parametrize(
    ("picture", "msg"),
    [
        (b"", "imgcode is null"),
        (b"no picture", "image can not be read"),
        (jpeg(CATALOGUE.design("mug-01"), 1, 64)[:300], "image can not be read"),
        (bytes(3 * 1024 * 1024 + 1), "image is larger than 3M"),
    ],
    ids=["nothing", "text", "cut", "large"],
)
def test_an_upload_that_is_no_picture_is_refused(picture: bytes, msg: str) -> None:
    async def story(client: Client) -> None:
        assert reason(await client.upload(picture)) == {"code": 400, "msg": msg}

    with_gateway(story)


def test_an_upload_with_a_data_prefix_is_refused() -> None:
    async def story(client: Client) -> None:
        form = client.form("1688.upload_img", imgcode="data:image/jpeg;base64,AAAA")
        assert reason(json.loads((await client.send(form))[1]))["msg"] == "imgcode is not base64"

    with_gateway(story)


def test_a_dead_token_is_renewed_by_a_refresh_and_the_old_refresh_token_dies() -> None:
    async def story(client: Client) -> None:
        assert (await client.search())["code"] == 401
        status, grant = await client.refresh()
        assert (status, grant["expires_in"]) == (200, "36000")
        client.token = grant["access_token"]
        assert (await client.search())["code"] == 200
        status, refused = await client.refresh()
        assert (status, refused["error"]) == (400, "invalid_grant")
        status, again = await client.refresh(refresh_token=grant["refresh_token"])
        assert status == 200
        assert again["access_token"] != grant["access_token"]

    gateway = with_gateway(story, "401@1")
    assert gateway.log.by_method == {"search": 2, "token": 3}


def test_the_token_url_can_fail_by_script() -> None:
    async def story(client: Client) -> None:
        assert (await client.refresh())[0] == 503
        assert (await client.refresh())[0] == 200

    with_gateway(story, "503@1:token")


def test_calls_over_the_rate_are_refused_and_logged() -> None:
    async def story(client: Client) -> None:
        codes = [(await client.search())["code"] for _ in range(4)]
        assert codes == [200, 200, 429, 429]

    gateway = with_gateway(story, quota=Quota(1, 2, clock=lambda: NOW))
    assert gateway.log.refused == {"throttled": 2}
    assert list(gateway.log.throttled_at) == [NOW, NOW]


def test_a_second_account_has_its_own_quota() -> None:
    async def story(client: Client) -> None:
        other = {"app_key": "other", "secret": "s2", "access_token": "t2"}
        assert (await client.search())["code"] == 200
        assert "error_response" in await client.search()
        assert (await client.search(**other))["code"] == 200

    quota = Quota(daily_calls=1, clock=lambda: NOW)
    with_gateway(story, quota=quota, others=[Account("other", "s2", "t2", "r2")])


@pytest.mark.parametrize(
    ("fault", "status", "kind", "sign_of_it"),
    [
        ("429@1", 200, "throttled", '"code":429,"msg":"too many requests"'),
        ("429-http=3@1", 429, "throttled", '"code":429'),
        ("ban=22238@1", 200, "throttled", "This ban will last for 22238 more seconds"),
        ("spent@1", 200, "spent", "accesscontrol.limited-by-app-access-count"),
        ("401@1", 200, "token", "invalid access_token"),
        ("500@1", 200, "transient", '"code":500,"msg":"server error"'),
        ("503@1", 503, "transient", '"code":503'),
        ("html@1", 200, "transient", "<html>"),
        ("400@1", 200, "bad_seed", "imgid is null"),
        ("denied@1", 200, "denied", "isv.permission"),
        ("bad-sign@1", 200, "denied", '"code":25'),
        ("lost-upload@1", 200, "bad_seed", "imgid not found"),
    ],
)
def test_a_scripted_fault_shows_itself_once(
    fault: str, status: int, kind: str, sign_of_it: str
) -> None:
    async def story(client: Client) -> None:
        got, text, headers = await client.send(client.form(imgid=MUG))
        assert got == status
        assert sign_of_it in text
        assert headers.get("Retry-After") == ("3" if fault.startswith("429-http") else None)
        client.token = client.site.gateway.account.access_token
        if kind != "token":
            assert (await client.search())["code"] == 200

    assert with_gateway(story, fault).log.refused == {kind: 1}


def test_a_lost_upload_is_gone_until_it_is_sent_again() -> None:
    async def story(client: Client) -> None:
        picture = jpeg(CATALOGUE.design("mug-07"), 2)
        imgid = (await client.upload(picture))["items"]["item"]["name"]
        for _ in range(2):
            assert reason(await client.search(imgid))["msg"] == "imgid not found"
        again = (await client.upload(picture))["items"]["item"]["name"]
        assert (await client.search(again))["code"] == 200

    with_gateway(story, "lost-upload@1:search")


def test_a_reset_closes_the_connection_without_an_answer() -> None:
    async def story(client: Client) -> None:
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.send(client.form(imgid=MUG))
        assert (await client.search())["code"] == 200

    with_gateway(story, "reset@1")


def test_a_hanging_call_never_answers_and_does_not_keep_the_gateway_open() -> None:
    async def story(client: Client) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.send(client.form(imgid=MUG)), 0.05)

    with_gateway(story, "hang@1")


def test_a_cut_answer_is_the_beginning_of_the_right_one() -> None:
    async def story(client: Client) -> None:
        form = client.form(imgid=MUG)
        async with client.session.post(client.site.url, data=form) as response:
            half = await response.read()
        assert half.startswith(b'{"code":200')
        with pytest.raises(ValueError, match=r".+"):
            json.loads(half.decode(errors="replace"))

    assert with_gateway(story, "cut@1").log.good == 0


def test_slow_answers_are_slow_and_right() -> None:
    async def story(client: Client) -> None:
        started = time.monotonic()
        assert (await client.search())["code"] == 200
        assert time.monotonic() - started >= 0.05

    with_gateway(story, "slow=0.05@1")


def test_faults_of_searches_leave_uploads_alone() -> None:
    async def story(client: Client) -> None:
        assert (await client.upload(jpeg(CATALOGUE.design("mug-01"), 1)))["code"] == 200
        assert (await client.search())["code"] == 500

    with_gateway(story, "500:search")


def test_a_capped_page_is_shorter_than_it_claims() -> None:
    async def story(client: Client) -> None:
        items = (await client.search(page=2, page_size=50))["items"]
        assert items["page_size"] == "50"
        assert [row["num_iid"] for row in items["item"]] == CATALOGUE.truth("mug-07")[20:40]

    with_gateway(story, page_size_cap=20)


def test_totals_and_page_counts_can_lie() -> None:
    async def story(client: Client) -> None:
        items = (await client.search())["items"]
        assert (items["real_total_results"], items["pagecount"]) == (892, 18)

    with_gateway(story, total_lie=892, pagecount_lie=18)


def test_pages_can_repeat_without_end() -> None:
    async def story(client: Client) -> None:
        second = ids(await client.search(page=2, page_size=10))
        assert ids(await client.search(page=3, page_size=10)) == second
        assert ids(await client.search(page=1, page_size=10)) != second

    with_gateway(story, repeat_after=2)


@pytest.mark.parametrize(
    ("envelope", "start"),
    [
        ("jsonp", 'callback({"code":200'),
        ("bom", '\ufeff{"code":200'),
        ("json-in-json", '"{\\"code\\":200'),
    ],
)
def test_an_answer_can_come_wrapped(envelope: str, start: str) -> None:
    async def story(client: Client) -> None:
        form = client.form(imgid=MUG)
        async with client.session.post(client.site.url, data=form) as response:
            assert (await response.read()).decode().startswith(start)

    with_gateway(story, envelope=envelope)


def test_a_lone_row_can_come_without_its_list() -> None:
    async def story(client: Client) -> None:
        assert isinstance((await client.search(page_size=1))["items"]["item"], dict)
        assert isinstance((await client.search(page_size=2))["items"]["item"], list)

    with_gateway(story, envelope="item-object")


def test_items_can_be_the_list_itself() -> None:
    async def story(client: Client) -> None:
        assert isinstance((await client.search())["items"], list)

    with_gateway(story, envelope="items-list")


def test_the_log_is_shown_over_http() -> None:
    async def story(client: Client) -> None:
        await client.search()
        await client.search()
        async with client.session.get(f"{client.site.origin}/sandbox/log") as response:
            assert await response.json() == {
                "calls": 2,
                "by_method": {"search": 2},
                "by_key": {
                    "sandbox": {
                        "calls": 2,
                        "good": 1,
                        "throttled": 0,
                        "spent": 0,
                        "billed": 1,
                        "good_at": [NOW],
                    }
                },
                "refused": {"transient": 1},
                "good": 1,
                "good_at": [NOW],
                "throttled_at": [],
            }

    with_gateway(story, "500@2")


class Held(Catalogue):
    """Looks at a photo for as long as it is not let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def sight(self, picture: Image.Image) -> LineKey:
        assert self.let_go.wait(timeout=240)
        return super().sight(picture)


def test_looking_at_a_photo_does_not_hold_up_other_calls() -> None:
    catalogue = Held()

    async def story(client: Client) -> None:
        looking = asyncio.create_task(client.upload(jpeg(CATALOGUE.design("mug-01"), 1)))
        await client.search()
        assert not looking.done()
        catalogue.let_go.set()
        assert (await looking)["code"] == 200

    with_gateway(story, catalogue=catalogue)
