"""What each face of the sandbox does in its own way: orders of checks, caps, odd numbers."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.gateways.signing import sign_path
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.options import Key, SandboxOptions, build
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import HOMES, Gateway, Site
from pailitao_spider.verbs.sandbox import settings_of

NOW = 1_767_200_000.0
CATALOGUE = Catalogue()
BROAD = max(CATALOGUE.designs, key=lambda design: len(CATALOGUE.truth(design.name))).name
MUG = CATALOGUE.hosted_url("mug-07")
FENXIAO = "com.alibaba.fenxiao.crossborder"
IMAGE_QUERY, UPLOAD = f"{FENXIAO}/product.search.imageQuery", f"{FENXIAO}/product.image.upload"
SIMILAR = "com.alibaba.linkplus/alibaba.cross.similar.offer.search"

Answer = tuple[int, Any]


def fetched(url: str, form: dict[str, str] | None = None) -> Answer:
    body = None if form is None else urlencode(form).encode()
    try:
        with urlopen(Request(url, body), timeout=60) as response:
            return response.status, json.loads(response.read())
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


class Official:
    """A caller of the open platform whose every step can be wrong."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def call(self, api: str, *, key: str = "sandbox", **params: Any) -> Answer:
        secret = params.pop("secret", "sandbox-secret")
        path = f"param2/1/{api}/{key}"
        form = {name: str(value) for name, value in params.items()}
        form["_aop_signature"] = sign_path(path, form, secret)
        return fetched(f"{self.site.url_of('imagequery')}/{path}", form)

    def search(self, url: str = MUG, **query: Any) -> Any:
        asked = json.dumps({"imageAddress": url, "beginPage": 1, "pageSize": 20} | query)
        _, body = self.call(IMAGE_QUERY, access_token="sandbox-token", offerQueryParam=asked)
        return body["result"]

    def similar(self, url: str = MUG, **params: Any) -> Any:
        return self.call(SIMILAR, access_token="sandbox-token", picUrl=url, **params)[1]

    def upload(self, picture: bytes) -> Any:
        image = json.dumps({"imageBase64": base64.b64encode(picture).decode()})
        _, body = self.call(UPLOAD, access_token="sandbox-token", uploadImageParam=image)
        return body["result"]

    def grant(self, **form: str) -> Answer:
        given = {"client_id": "sandbox", "client_secret": "sandbox-secret"} | form
        url = self.site.token_url_of("imagequery") or ""
        return fetched(url.replace("{app_key}", "sandbox"), given)


Served = Callable[..., Site]


@pytest.fixture
def site(serve_sandbox: Served) -> Site:
    return serve_sandbox(Gateway(CATALOGUE, clock=lambda: NOW))


@pytest.fixture
def official(site: Site) -> Official:
    return Official(site)


def test_every_dialect_has_an_address(site: Site) -> None:
    assert set(HOMES) == set(DIALECTS)
    assert site.url == site.url_of("router") == site.url_of("router?timestamp=ms")
    assert site.token_url == site.token_url_of("router")
    assert (site.token_url_of("onebound"), site.token_url_of("tmapi")) == (None, None)
    with pytest.raises(ConfigError, match="speaks router, imagequery"):
        site.url_of("my.own:Dialect")


# the open platform


def test_the_signature_is_checked_before_the_token_and_that_before_permission(
    serve_sandbox: Served,
) -> None:
    official = Official(serve_sandbox(Gateway(CATALOGUE, Account(has_permission=False))))
    wrong: list[dict[str, str]] = [
        {"secret": "guess", "access_token": "old"},
        {"access_token": "old"},
        {"access_token": "sandbox-token"},
    ]
    codes = [official.call(IMAGE_QUERY, **each)[1]["error_code"] for each in wrong]
    assert codes == ["gw.SignatureInvalid", "401", "gw.APIACLDecline"]


def test_parameters_are_looked_at_last(official: Official) -> None:
    status, body = official.call(IMAGE_QUERY, access_token="sandbox-token")
    assert (status, body["error_code"]) == (400, "gw.ParamMissing")
    assert set(body) == {"error_code", "error_message", "exception"}


def test_a_dead_token_is_told_by_status_and_code(official: Official) -> None:
    status, body = official.call(SIMILAR, access_token="old")
    assert status == 401
    assert (body["error_code"], body["error_message"]) == ("401", "Request need user authorized")


@pytest.mark.parametrize("api", [f"com.alibaba.product/{SIMILAR.partition('/')[2]}", "a/b/c", "x"])
def test_an_api_in_the_wrong_namespace_is_unsupported(official: Official, api: str) -> None:
    assert official.call(api, access_token="sandbox-token")[1]["error_code"] == "gw.APIUnsupported"


def test_a_call_without_signature_says_so(site: Site) -> None:
    _, body = fetched(f"{site.origin}/openapi/param2/1/{SIMILAR}/sandbox", {"page": "1"})
    assert body["error_code"] == "gw.SignatureMissing"


def test_the_time_costs_nothing_and_needs_no_token(serve_sandbox: Served) -> None:
    gateway = Gateway(CATALOGUE, quota=Quota(daily_calls=1), clock=lambda: NOW)
    official = Official(serve_sandbox(gateway))
    for _ in range(3):
        assert official.call("system/currentTime")[1] == {"result": "20260101005320000+0800"}
    assert official.call("system/currentTime", secret="guess")[0] == 400
    assert gateway.log.by_method == {"time": 4}
    assert (gateway.log.calls, gateway.log.good) == (0, 0)


def test_a_token_is_renewed_with_its_end_in_either_shape(official: Official) -> None:
    refresh_token, ends = "sandbox-refresh", []
    for _ in range(2):
        _, body = official.grant(grant_type="refresh_token", refresh_token=refresh_token)
        refresh_token = body["refresh_token"]
        ends.append(body["refresh_token_timeout"])
    assert ends == ["20260630005320+0800", "20260630005320000+0800"]
    assert official.call(IMAGE_QUERY, access_token="sandbox-token")[0] == 401
    assert official.call(IMAGE_QUERY, access_token=body["access_token"])[0] == 400


@pytest.mark.parametrize(("code", "status"), [("sandbox-code", 200), ("mine", 200), ("no", 400)])
def test_a_logins_code_gives_tokens(serve_sandbox: Served, code: str, status: int) -> None:
    official = Official(serve_sandbox(Gateway(CATALOGUE, Account(code="mine"))))
    told, body = official.grant(grant_type="authorization_code", code=code)
    assert told == status
    assert ("access_token" in body) == (status == 200)


def test_the_official_answers_say_true_in_words(official: Official) -> None:
    answer = official.search()
    assert answer["success"] == "true"
    assert answer["result"]["totalRecords"] == len(CATALOGUE.truth("mug-07"))
    row = answer["result"]["data"][0]
    assert (type(row["offerId"]), type(row["sales7d"])) == (int, str)
    assert "similarity" not in row


def test_a_page_of_more_than_fifty_is_one_of_fifty(official: Official) -> None:
    found = official.search(CATALOGUE.hosted_url(BROAD), pageSize=100)["result"]
    assert (len(found["data"]), found["pageSize"]) == (50, 50)


def test_a_picture_elsewhere_has_to_be_uploaded(official: Official) -> None:
    answer = official.search(CATALOGUE.photo_url("mug-07"))
    assert answer["success"] == "false"
    assert "imageAddress" in answer["message"]


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"imageId":7'])
def test_a_parameter_that_is_no_object_is_refused(official: Official, text: str) -> None:
    _, body = official.call(IMAGE_QUERY, access_token="sandbox-token", offerQueryParam=text)
    assert body["result"]["success"] == "false"
    assert body["result"]["message"] == "offerQueryParam is no JSON object"


def test_a_picture_over_a_hundred_kilobytes_gets_the_id_zero(official: Official) -> None:
    assert official.upload(b"\xff" * 103_000) == {
        "success": "true",
        "code": "200",
        "message": "success",
        "result": "0",
    }


def test_linkplus_gives_twenty_a_page_and_seventy_five_in_all(official: Official) -> None:
    truth = CATALOGUE.truth(BROAD)
    assert len(truth) > 75
    pages = [
        official.similar(CATALOGUE.hosted_url(BROAD), page=page, pageSize=50)["result"]
        for page in range(1, 6)
    ]
    assert [len(page["result"]) for page in pages] == [20, 20, 20, 15, 0]
    assert {page["total"] for page in pages} == {len(truth)}
    assert [str(row["offerId"]) for page in pages for row in page["result"]] == truth[:75]


def test_linkplus_prices_are_whole_fen(official: Official) -> None:
    rows = official.similar()["result"]["result"]
    sold = {m.listing.num_iid: m.listing.price_fen for m in CATALOGUE.matches(
        CATALOGUE.sight_design(CATALOGUE.design("mug-07")), 1, None
    )}  # fmt: skip
    assert all(row["oldPrice"] == sold[str(row["offerId"])] for row in rows)


def test_linkplus_takes_a_picture_from_anywhere_but_not_a_dead_one(official: Official) -> None:
    assert official.similar(CATALOGUE.photo_url("mug-07"))["success"] is True
    dead = "https://example.com/gone.jpg"
    assert official.similar(dead) == {
        "success": False,
        "code": "SYSTEM_ERROR",
        "message": f"handle image error with url {dead}",
    }


# the resellers


def onebound(site: Site, imgid: str = MUG, **params: Any) -> Any:
    keys = {"key": "sandbox", "secret": "sandbox-secret"}
    asked = urlencode(keys | {"imgid": imgid} | params)
    status, body = fetched(f"{site.url_of('onebound')}?{asked}")
    assert status == 200
    return body


def test_onebound_tells_the_day_and_changes_its_types(serve_sandbox: Served) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, quota=Quota(daily_calls=9)))
    first, second = onebound(site), onebound(site, "https://example.com/x.jpg")
    assert (first["error_code"], second["error_code"]) == ("0000", "4014")
    assert [type(answer["execution_time"]) for answer in (first, second)] == [float, str]
    assert [type(answer["call_args"]) for answer in (first, second)] == [dict, list]
    assert re.match(r"today:1 max:9 all\[", first["api_info"])
    assert re.match(r"today:2 max:9 all\[", second["api_info"])


def test_onebounds_totals_disagree_as_in_its_own_sample(site: Site) -> None:
    items = onebound(site, CATALOGUE.hosted_url(BROAD))["items"]
    totals = items["real_total_results"], items["total_results"], items["pagecount"]
    assert totals == (len(CATALOGUE.truth(BROAD)), 40, 1)


def test_onebound_shows_adverts(site: Site) -> None:
    links = [
        row["detail_url"] for row in onebound(site, CATALOGUE.hosted_url(BROAD))["items"]["item"]
    ]
    assert 0 < sum("detailp4p.1688.com" in link for link in links) < len(links)


def test_onebound_bills_a_search_that_finds_nothing(site: Site) -> None:
    answer = onebound(site, "https://cbu01.alicdn.com/empty.jpg")
    assert (answer["error_code"], "items" in answer) == ("2000", False)
    onebound(site, "")
    log = site.gateway.log.by_key["sandbox"]
    assert (log.calls, log.billed) == (2, 1)


def test_an_upload_at_onebound_has_a_url_that_only_this_gateway_knows(site: Site) -> None:
    body = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(body, "PNG")
    code = base64.b64encode(body.getvalue()).decode()
    asked = urlencode({"key": "sandbox", "secret": "sandbox-secret"})
    names = []
    for prefix in ("", "data:image/png;base64,"):
        url = f"{site.origin}/1688/upload_img/?{asked}"
        _, answer = fetched(url, {"imgcode": prefix + code})
        names.append(answer["items"]["item"]["name"])
    assert names.pop(0) is None, "without its data: prefix"
    assert all(name.startswith("https://cbu01.alicdn.com/sandbox/upload-") for name in names)
    assert {onebound(site, name)["error_code"] for name in names} == {"0000"}
    assert onebound(site, names[0].replace(".jpg", "0.jpg"))["error_code"] == "4014"


def test_tmapi_gives_twenty_a_page_of_alibabas_pictures_only(site: Site) -> None:
    def asked(url: str) -> Any:
        params = {"apiToken": "sandbox-token", "img_url": url, "page_size": "50"}
        return fetched(f"{site.url_of('tmapi')}?{urlencode(params)}")[1]

    found = asked(CATALOGUE.hosted_url(BROAD))
    assert (found["code"], len(found["data"]["items"])) == (200, 20)
    assert found["data"]["total_count"] == len(CATALOGUE.truth(BROAD))
    assert asked(CATALOGUE.photo_url(BROAD))["code"] == 422


def test_a_401_does_not_kill_a_token_that_nobody_can_renew(serve_sandbox: Served) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("401@1")]))
    url = f"{site.url_of('tmapi')}?{urlencode({'apiToken': 'sandbox-token', 'img_url': MUG})}"
    assert [fetched(url)[1]["code"] for _ in range(2)] == [401, 200]


# what is common to all


def test_a_key_has_one_quota_whatever_it_speaks(serve_sandbox: Served) -> None:
    quotas = {"other": Quota(daily_calls=3)}
    gateway = Gateway(
        CATALOGUE,
        quota=Quota(daily_calls=1),
        others=[Account("other", "s2", "t2", "r2")],
        quotas=quotas,
    )
    site = serve_sandbox(gateway)
    official = Official(site)
    keys = {"key": "other", "secret": "s2"}
    assert official.similar()["success"] is True
    assert onebound(site)["error_code"] == "4013"
    assert official.call(SIMILAR, access_token="t2", picUrl=MUG, **keys)[1]["success"] is True
    assert [onebound(site, **keys)["error_code"] for _ in range(3)] == ["0000", "0000", "4013"]
    shown = fetched(f"{site.origin}/sandbox/log")[1]["by_key"]
    assert [len(of_key.pop("good_at")) for of_key in shown.values()] == [1, 3]
    assert shown == {
        "sandbox": {"calls": 2, "good": 1, "throttled": 0, "spent": 1, "billed": 1},
        "other": {"calls": 4, "good": 3, "throttled": 0, "spent": 1, "billed": 3},
    }


def test_an_answer_cut_on_its_way_is_billed_but_not_good(serve_sandbox: Served) -> None:
    gateway = Gateway(CATALOGUE, faults=[parse_fault("cut@1")])
    site = serve_sandbox(gateway)
    with pytest.raises(json.JSONDecodeError):
        onebound(site)
    log = gateway.log.by_key["sandbox"]
    assert (log.calls, log.good, log.billed) == (1, 0, 1)


def test_a_key_that_nobody_has_is_counted_by_no_key(site: Site) -> None:
    assert onebound(site, key="nobody")["error_code"] == "4005"
    assert (site.gateway.log.calls, site.gateway.log.by_key) == (1, {})


def test_a_photos_url_can_be_fetched(site: Site) -> None:
    with urlopen(f"{site.origin}/photos/mug-07-3.jpg", timeout=60) as response:
        assert response.headers["Content-Type"] == "image/jpeg"
        picture = response.read()
    assert Image.open(io.BytesIO(picture)).format == "JPEG"
    assert {row["num_iid"] for row in CATALOGUE.search(picture)} == set(CATALOGUE.truth("mug-07"))


@pytest.mark.parametrize("name", ["spoon-01-1.jpg", "mug-07.exe", "empty.jpg"])
def test_other_photos_are_not_there(site: Site, name: str) -> None:
    with pytest.raises(HTTPError, match="404") as refused:
        urlopen(f"{site.origin}/photos/{name}", timeout=60)
    refused.value.close()


# the command


@pytest.mark.parametrize("spoken", DIALECTS)
def test_the_settings_of_a_dialect_are_what_it_needs(site: Site, spoken: str) -> None:
    text = " ".join(settings_of(site, spoken))
    settings = dict(each.split("=", 1) for each in shlex.split(text))
    needed = {f"PAILITAO_{name.upper()}" for name in dialect(spoken).needs}
    assert needed | {"PAILITAO_URL"} <= set(settings)
    assert settings.get("PAILITAO_GATEWAY", "router") == spoken
    assert settings["PAILITAO_URL"] == site.url_of(spoken)
    assert settings.get("PAILITAO_TOKEN_URL") == site.token_url_of(spoken)
    assert ("PAILITAO_REFRESH_TOKEN" in settings) == (dialect(spoken).token_url is not None)


def test_the_command_prints_them_and_serves() -> None:
    command = [sys.executable, "-m", "scrapy", "pailitao", "sandbox", "--port", "0"]
    with subprocess.Popen(
        [*command, "--gateway", "onebound"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(4)]
        url = printed[2].removeprefix("export PAILITAO_URL=").strip()
        assert fetched(f"{url}?key=nobody")[1]["error_code"] == "4005"
        process.terminate()
        assert process.wait(timeout=240) == 0


# options


def test_keys_are_read_with_their_quotas() -> None:
    options = SandboxOptions.from_text("burst=7,key=a:2:3:40,key=b,key=c:::9,key=d:0.5")
    assert options.keys == (
        Key("a", 2, 3, 40),
        Key("b"),
        Key("c", daily_calls=9),
        Key("d", 0.5),
    )
    gateway = build(options)
    account = gateway.desk.accounts["c"]
    assert (account.secret, account.access_token, account.refresh_token) == (
        "c-secret",
        "c-token",
        "c-refresh",
    )
    assert gateway.desk.day_of(account) == (0, 9)


def test_a_key_of_the_first_accounts_name_is_that_account_with_its_own_quota() -> None:
    gateway = build(SandboxOptions.from_text("daily=2,key=sandbox:::5"))
    assert list(gateway.desk.accounts.values()) == [gateway.account]
    assert gateway.desk.day_of(gateway.account) == (0, 5)


def test_the_gateways_clock_can_be_ahead_or_behind() -> None:
    for text, now in (("clock=3600", 4600.0), ("clock=-300", 700.0)):
        gateway = build(SandboxOptions.from_text(text), clock=lambda: 1000.0)
        assert gateway.desk.now() == now


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("key=", "NAME:RATE"),
        ("key=a b", "NAME:RATE"),
        ("key=a:1:2:3:4", "NAME:RATE"),
        ("key=a:fast", "key="),
        ("key=a::0", "above 0"),
        ("clock=nan", "seconds"),
        ("clock=soon", "clock="),
        ("drift=shift@3", "rename, flip, drop"),
        ("drift=flip@0", "rename, flip, drop"),
    ],
)
def test_a_wrong_option_of_these_is_named_in_one_line(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)) as wrong:
        SandboxOptions.from_text(text)
    assert "\n" not in str(wrong.value)
