"""The resellers' dialects without I/O: forms that leave, pages and refusals that come."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from pailitao_spider.crawl.paging import Hints, Paging
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall
from pailitao_spider.gateways.pages import Page, QuotaTold
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.resellers.onebound import Onebound
from pailitao_spider.gateways.resellers.tmapi import Tmapi
from pailitao_spider.offers.model import Offer, RejectedRow

D = Decimal
PICTURE = "https://cbu01.alicdn.com/img/ibank/O1CN01.jpg?a=1&b=2"
CREDENTIAL = Credential("a-key", "s3cret&", "t0ken/=")
CALL = SearchCall(picture=PictureRef(url=PICTURE), page=2, page_size=50)
NOW = 1744567890.75

THROTTLED, SPENT, TOKEN = RefusalClass.THROTTLED, RefusalClass.SPENT, RefusalClass.TOKEN
DENIED, BAD_SEED, TRANSIENT = RefusalClass.DENIED, RefusalClass.BAD_SEED, RefusalClass.TRANSIENT


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def query(form: Form) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(form.url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def page_of(found: Page | Refusal) -> Page:
    assert isinstance(found, Page), found
    return found


def refused(found: Page | str | Refusal) -> Refusal:
    assert isinstance(found, Refusal), found
    return found


def ids(found: Page | Refusal) -> list[str]:
    return [row.num_iid for row in page_of(found).rows if isinstance(row, Offer)]


# forms of onebound


def test_onebound_s_search_is_a_get_with_exactly_the_documented_parameters() -> None:
    form = Onebound().search_form(Onebound.url, CALL, PICTURE, CREDENTIAL, NOW)
    assert (form.method, form.body) == ("GET", b"")
    assert form.url.partition("?")[0] == "https://api-gw.onebound.cn/1688/item_search_img/"
    assert query(form) == {
        "key": "a-key",
        "secret": "s3cret&",
        "imgid": PICTURE,
        "page": "2",
        "sort": "_sale",
        "cache": "no",
    }


def test_onebound_s_upload_is_a_post_beside_the_search() -> None:
    form = Onebound().upload_form(Onebound.url, "aGk+/w==", CREDENTIAL, NOW)
    assert form.method == "POST"
    assert form.url.partition("?")[0] == "https://api-gw.onebound.cn/1688/upload_img/"
    assert query(form) == {"key": "a-key", "secret": "s3cret&"}
    assert parse_qsl(form.body.decode()) == [("imgcode", "data:image/jpeg;base64,aGk+/w==")]


def test_onebound_s_upload_goes_without_its_prefix_where_that_is_asked_for() -> None:
    form = Onebound(prefix="no").upload_form(Onebound.url, "aGk+/w==", CREDENTIAL, NOW)
    assert parse_qsl(form.body.decode()) == [("imgcode", "aGk+/w==")]


def test_a_png_is_called_one() -> None:
    form = Onebound().upload_form(Onebound.url, "iVBORw0KGgo=", CREDENTIAL, NOW)
    assert parse_qsl(form.body.decode())[0][1].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    ("auth", "in_query", "headers"),
    [
        ("query", True, {}),
        ("header", False, {"apikey": "t0ken/="}),
        (
            "rapidapi",
            False,
            {"x-rapidapi-key": "t0ken/=", "x-rapidapi-host": "1688-product2.p.rapidapi.com"},
        ),
    ],
)
def test_tmapi_s_token_goes_where_it_is_wanted(
    auth: str, in_query: bool, headers: dict[str, str]
) -> None:
    url = "https://1688-product2.p.rapidapi.com/1688/search/image"
    form = Tmapi(auth=auth).search_form(url, CALL, PICTURE, CREDENTIAL, NOW)
    assert (form.headers, "apiToken" in query(form)) == (headers, in_query)


@pytest.mark.parametrize("search", ["search/image", "global/search/image/v2"])
def test_tmapi_makes_the_url_of_another_host_its_own(search: str) -> None:
    url = f"https://api.tmapi.io/1688/{search}"
    form = Tmapi().convert_form(url, "https://shop.example/a.jpg", CREDENTIAL, NOW)
    assert form.url.partition("?")[0] == "https://api.tmapi.io/1688/tools/image/convert_url"
    assert form.wire_headers == {"Content-Type": "application/json"}
    assert json.loads(form.body) == {
        "url": "https://shop.example/a.jpg",
        "search_api_endpoint": f"/{search}",
    }


def test_tmapi_s_filters_are_sent_as_they_are_given() -> None:
    made = Tmapi(is_factory="true", price_end="9.90", language="ru")
    sent = query(made.search_form(Tmapi.url, CALL, PICTURE, CREDENTIAL, NOW))
    assert (sent["is_factory"], sent["price_end"], sent["language"]) == ("true", "9.90", "ru")


@pytest.mark.parametrize(
    "given", [{"auth": "cookie"}, {"is_factory": "1"}, {"price_start": "cheap"}], ids=str
)
def test_an_option_of_tmapi_s_that_cannot_be_is_told(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        Tmapi(**given)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:9/1688/item_search_img/", "http://127.0.0.1:9/1688/upload_img/"),
        ("http://127.0.0.1:9/1688/item_search_img", "http://127.0.0.1:9/1688/upload_img/"),
        ("http://127.0.0.1:9/item_search_img/", "http://127.0.0.1:9/upload_img/"),
        ("http://127.0.0.1:9/1688/", "http://127.0.0.1:9/1688/upload_img/"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/upload_img/"),
    ],
)
def test_uploads_follow_the_url_that_is_set(url: str, expected: str) -> None:
    assert Onebound().upload_form(url, "aGk=", CREDENTIAL, NOW).url.partition("?")[0] == expected


def test_a_url_with_a_query_of_its_own_keeps_it() -> None:
    url = "http://127.0.0.1:9/item_search_img/?lang=cn"
    search = Onebound().search_form(url, CALL, PICTURE, CREDENTIAL, NOW)
    upload = Onebound().upload_form(url, "aGk=", CREDENTIAL, NOW)
    assert (query(search)["lang"], query(search)["key"]) == ("cn", "a-key")
    assert (query(upload)["lang"], query(upload)["key"]) == ("cn", "a-key")


def test_onebound_may_answer_from_its_cache_when_told() -> None:
    form = dialect("onebound?cache=yes").search_form(Onebound.url, CALL, "x", CREDENTIAL, NOW)
    assert query(form)["cache"] == "yes"


@pytest.mark.parametrize("text", ["onebound?cache=maybe", "onebound?colour=red", "tmapi?cache=no"])
def test_an_option_that_is_not_there_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="PAILITAO_GATEWAY"):
        dialect(text)


# forms of tmapi


def test_tmapi_s_search_is_a_get_with_its_token_and_at_most_twenty_rows() -> None:
    form = Tmapi().search_form(Tmapi.url, CALL, PICTURE, CREDENTIAL, NOW)
    assert (form.method, form.body) == ("GET", b"")
    assert form.url.partition("?")[0] == "https://api.tmapi.io/1688/search/image"
    assert query(form) == {
        "apiToken": "t0ken/=",
        "img_url": PICTURE,
        "page": "2",
        "page_size": "20",
        "sort": "sales",
    }


@pytest.mark.parametrize("made", [Onebound(), Tmapi()], ids=lambda made: made.name)
def test_an_empty_picture_is_sent_as_an_empty_parameter(made: Any) -> None:
    form = made.search_form(made.url, CALL, "", CREDENTIAL, NOW)
    assert "" in (query(form).get("imgid"), query(form).get("img_url"))


@pytest.mark.parametrize("made", [Onebound(), Tmapi()], ids=lambda made: made.name)
def test_keys_in_the_query_do_not_show(made: Any) -> None:
    forms = [made.search_form(made.url, CALL, PICTURE, CREDENTIAL, NOW)]
    if made.limits.picture is not None:
        forms.append(made.upload_form(made.url, "aGk=", CREDENTIAL, NOW))
    for form in forms:
        assert "s3cret" not in f"{form!r} {form}"
        assert "t0ken" not in f"{form!r} {form}"


@pytest.mark.parametrize(
    ("made", "url", "expected"),
    [
        (Onebound(), "https://cbu01.alicdn.com/a.jpg", True),
        (Onebound(), "https://ALICDN.com/a.jpg", True),
        (Onebound(), "https://alicdn.com.evil.example/a.jpg", False),
        (Onebound(), "https://notalicdn.com/a.jpg", False),
        (Onebound(), "https://shop.example/a.jpg", False),
        (Tmapi(), "https://cbu01-overseas.1688.com/a.jpg", True),
        (Tmapi(), "https://img.tmall.com/a.jpg", True),
        (Tmapi(), "https://shop.example/a.jpg", False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_only_pictures_on_alibaba_s_hosts_are_passed_on(made: Any, url: str, expected: Any) -> None:
    assert made.limits.takes_url(url) is expected


@pytest.mark.parametrize("made", [Onebound(), Tmapi()], ids=lambda made: made.name)
def test_a_reseller_sorts_but_knows_one_search_and_renews_no_token(made: Any) -> None:
    assert (made.limits.sorts, made.limits.search_types) == (
        frozenset({"sale_desc", "price_asc"}),
        frozenset({1}),
    )
    assert made.token_url is None


# pages of onebound

ONEBOUND_ROW: dict[str, Any] = {
    "num_iid": "610947572360",
    "detail_url": "https://detail.1688.com/offer/610947572360.html",
    "title": "夏季<font color=red>凉鞋</font>",
    "price": "29.90",
    "promotion_price": "25.50",
    "sales": "1.1万+",
    "pic_url": "//cbu01.alicdn.com/img/ibank/1.jpg",
    "seller_nick": "温州鞋业",
    "area": "浙江 温州",
    "turnHead": "15%",
}
AD_ROW = {
    "num_iid": "610947572361",
    "detail_url": "https://detailp4p.1688.com/detail.htm?offerId=610947572361&trace_log=p4p",
    "price": None,
}
ITEMS: dict[str, Any] = {
    "page": "1",
    "real_total_results": 80,
    "total_results": 43,
    "pagecount": 1,
    "page_size": "40",
    "item": [ONEBOUND_ROW, AD_ROW],
}


def onebound(items: Any = ITEMS, **outer: Any) -> dict[str, Any]:
    return {
        "items": items,
        "error": "",
        "reason": "",
        "error_code": "0000",
        "cache": 0,
        "api_info": "today:15 max:10100 all[15=15+0+0];expires:2030-12-31",
        "execution_time": "1.075",
        "server_time": "Beijing/2026-11-25 09:00:00",
        "call_args": [],
        "request_id": "gw-1.60e5",
    } | outer


def read_onebound(answer: Any, status: int = 200, **headers: str) -> Page | Refusal:
    return Onebound().page(status, headers, answer if isinstance(answer, bytes) else dumped(answer))


def test_onebound_s_documented_answer_is_a_page() -> None:
    page = page_of(read_onebound(onebound()))
    assert (page.total, page.page_count, page.request_id) == (80, None, "gw-1.60e5")
    assert (page.billed, page.unreadable) == (True, [])
    assert page.quota == QuotaTold(15, 10100)
    assert (page.drift.unknown, page.drift.flipped) == ({}, {})
    offer, ad = page.rows
    assert offer == Offer(
        num_iid="610947572360",
        title="夏季凉鞋",
        detail_url="https://detail.1688.com/offer/610947572360.html",
        price=D("29.90"),
        promotion_price=D("25.50"),
        sales=11000,
        sales_at_least=True,
        sales_window="total",
        is_ad=False,
        seller_nick="温州鞋业",
        area="浙江 温州",
        pic_url="https://cbu01.alicdn.com/img/ibank/1.jpg",
        repurchase_rate=D("0.15"),
    )
    assert isinstance(ad, Offer)
    assert (ad.is_ad, ad.price, ad.extra) == (True, None, {"detail_url": AD_ROW["detail_url"]})


def test_the_published_totals_lead_to_every_row() -> None:
    """80 rows in pages of 40, told as 80, as 43, and as one page."""
    page = page_of(read_onebound(onebound()))
    paging = Paging(asked_size=Onebound.limits.page_size)
    first, second = [[str(n) for n in range(start, start + 40)] for start in (1, 41)]
    hints = Hints(page.total, page.page_count)
    assert list(paging.came(1, first, 40, hints)) == [2]
    assert list(paging.came(2, second, 40, hints)) == []


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({"pagecount": 18}, 18), ({"pagecount": "18"}, 18), ({"pagecount": 1}, None),
        ({"pagecount": 0}, None), ({"pagecount": ""}, None), ({}, None),
        ({"pagecount": 10**9}, 10**9),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_page_count_is_told_when_it_is_more_than_one(items: Any, expected: int | None) -> None:
    assert page_of(read_onebound(onebound(items))).page_count == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"real_total_results": 80, "total_results": 43}, 80),
        ({"real_total_results": "2"}, 2),
        ({"real_total_results": "many", "total_results": 43}, 43),
        ({"total_results": 43}, 43),
        ({"total_results": 2}, None),
        ({}, None),
    ],
    ids=ascii,
)
def test_a_total_that_may_be_of_one_page_is_not_told(told: Any, expected: int | None) -> None:
    rows = {"item": [ONEBOUND_ROW, AD_ROW]}
    assert page_of(read_onebound(onebound(rows | told))).total == expected


ONE = ["610947572360"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param({"item": ONEBOUND_ROW}, ONE, id="one-object"),
        pytest.param({"item": json.dumps([ONEBOUND_ROW])}, ONE, id="json-text"),
        pytest.param(json.dumps({"item": [ONEBOUND_ROW]}), ONE, id="items-as-json-text"),
        pytest.param([ONEBOUND_ROW], ONE, id="items-is-the-list"),
        pytest.param({"item": []}, [], id="empty-list"),
        pytest.param({"item": ""}, [], id="empty-text"),
        pytest.param({"item": None}, [], id="null"),
        pytest.param({}, [], id="absent"),
        pytest.param(None, [], id="items-null"),
        pytest.param("", [], id="items-empty-text"),
    ],
)
def test_onebound_s_rows_are_found_wherever_they_stand(items: Any, expected: list[str]) -> None:
    assert ids(read_onebound(onebound(items))) == expected


@pytest.mark.parametrize("code", ["0000", 0, "0"], ids=ascii)
def test_success_is_success_in_any_spelling(code: Any) -> None:
    assert len(ids(read_onebound(onebound(error_code=code)))) == 2


@pytest.mark.parametrize("items", [None, {}, {"item": []}, "absent"], ids=ascii)
@pytest.mark.parametrize("code", ["2000", 2000], ids=ascii)
def test_nothing_found_is_an_empty_page_that_is_billed(code: Any, items: Any) -> None:
    answer = onebound(items, error_code=code, reason="no data", error="item-not-found")
    if items == "absent":
        del answer["items"]
    page = page_of(read_onebound(answer))
    assert (page.rows, page.total, page.billed) == ([], 0, True)
    assert page.quota == QuotaTold(15, 10100)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("today:15 max:10100 all[15=15+0+0];expires:2030-12-31", QuotaTold(15, 10100)),
        ("today: 15  max: 10100", QuotaTold(15, 10100)),
        ("max:10100 today:15", QuotaTold(15, 10100)),
        ("today:15", None),
        ("today:x max:y", None),
        ("today:15 max:0", None),
        ("", None),
        (None, None),
        (7, None),
        ({"today": 15, "max": 10100}, QuotaTold(15, 10100)),
    ],
    ids=ascii,
)
def test_the_quota_is_read_from_what_the_envelope_tells(told: Any, expected: Any) -> None:
    assert page_of(read_onebound(onebound(api_info=told))).quota == expected


# refusals of onebound


@pytest.mark.parametrize(
    ("code", "kind", "cause"),
    [
        *((code, TRANSIENT, None) for code in (4000, 4001, 4002, 4009, 4017, 5000)),
        (4006, DENIED, Cause.PERMISSION),
        *((code, TRANSIENT, None) for code in (4003, 4014, 4015)),
        *((code, DENIED, Cause.PERMISSION) for code in (4004, 4007, 4010, 4012)),
        (4005, DENIED, Cause.KEY),
        (4008, THROTTLED, Cause.QUOTA),
        (4013, SPENT, Cause.QUOTA),
        (4016, SPENT, Cause.QUOTA),
        (4999, TRANSIENT, None),
        (9999, TRANSIENT, None),
        ("what", TRANSIENT, None),
        ({"a": 1}, TRANSIENT, None),
        (True, TRANSIENT, None),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("status", [200, 500])
def test_onebound_s_code_decides(code: Any, kind: Any, cause: Any, status: int) -> None:
    code = str(code) if isinstance(code, int) and code is not True else code
    body = dumped(onebound(None, error_code=code, reason="why", error="what"))
    for found in (Onebound().page(status, {}, body), Onebound().imgid(status, {}, body)):
        said = refused(found)
        assert (said.kind, said.cause, said.billed) == (kind, cause, False)
        assert (said.text, said.request_id) == ("why what", "gw-1.60e5")
        assert bool(said.remedy) == (kind in (DENIED, SPENT))


def test_a_wrong_key_names_both_settings() -> None:
    said = refused(read_onebound(onebound(None, error_code="4005")))
    assert "PAILITAO_APP_KEY" in said.remedy
    assert "PAILITAO_APP_SECRET" in said.remedy


@pytest.mark.parametrize(
    ("code", "api_info", "expected"),
    [
        pytest.param("4013", "today:15 max:10100", math.inf, id="bought-calls"),
        pytest.param("4013", "", math.inf, id="nothing-told"),
        pytest.param("4013", "today:100 max:100", None, id="the-day-s"),
        pytest.param("4016", "today:100 max:100", math.inf, id="no-balance"),
    ],
)
def test_spent_calls_come_back_at_midnight_or_never(
    code: str, api_info: str, expected: float | None
) -> None:
    said = refused(read_onebound(onebound(None, error_code=code, api_info=api_info)))
    assert (said.kind, said.wait_seconds) == (SPENT, expected)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        pytest.param(TRANSIENT, b"", 200, id="empty"),
        pytest.param(TRANSIENT, b"<html>", 502, id="html"),
        pytest.param(TRANSIENT, dumped(onebound())[:90], 200, id="cut"),
        pytest.param(TRANSIENT, b"[]", 200, id="list"),
        pytest.param(TRANSIENT, dumped({"items": {"item": [ONEBOUND_ROW]}}), 200, id="no-code"),
        pytest.param(TRANSIENT, dumped(onebound(5)), 200, id="odd-items"),
        pytest.param(TRANSIENT, dumped({"error_code": "0000", "reason": ""}), 200, id="no-items"),
        pytest.param(THROTTLED, b"<html>", 429, id="429"),
        pytest.param(THROTTLED, dumped(onebound(error_code="9999")), 429, id="429-unknown-code"),
        pytest.param(DENIED, b"<html>", 404, id="404"),
        pytest.param(DENIED, b"", 302, id="302"),
    ],
)
def test_without_a_code_the_http_status_decides(kind: Any, body: bytes, status: int) -> None:
    assert refused(read_onebound(body, status)).kind is kind


def test_a_throttled_call_waits_as_long_as_the_header_says() -> None:
    answer = onebound(None, error_code="4008")
    said = refused(Onebound().page(200, {"retry-after": "3"}, dumped(answer)))
    assert (said.kind, said.wait_seconds) == (THROTTLED, 3.0)


@pytest.mark.parametrize(
    "body",
    [
        b"<p>Cannot GET /1688/?key=s3cret&amp;secret=s3cret&page=1</p>",
        b"/1688/x?apiToken=s3cret not found",
        b'{"call_args":{"key": "s3cret", "secret":"s3cret"',
        b'{"args":"{\\"key\\":\\"s3cret\\"',
        dumped({"error_code": "4003", "reason": "bad url /?key=s3cret&secret=s3cret#x"}),
        dumped({"code": 400, "msg": "bad url /?img_url=&apiToken=s3cret"}),
        dumped({"code": 418, "msg": "%26apiToken%3Ds3cret"}),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_gateway_that_repeats_the_keys_does_not_bring_them_into_a_text(
    body: bytes, status: int
) -> None:
    for made in (Onebound(), Tmapi()):
        assert "s3cret" not in repr(made.page(status, {}, body))


# uploads of onebound

UPLOADED = "https://g-search1.alicdn.com/img/bao/uploaded/i4/O1CN01.jpg"


@pytest.mark.parametrize(
    "items",
    [{"item": {"name": UPLOADED}}, {"item": [{"name": UPLOADED}]}],
    ids=["documented", "in-a-list"],
)
def test_an_upload_s_answer_gives_the_url(items: Any) -> None:
    assert Onebound().imgid(200, {}, dumped(onebound(items))) == UPLOADED


@pytest.mark.parametrize(
    "items",
    [{"item": {"name": name}} for name in ("0", "", None, 0, [], True)],
    ids=ascii,
)
def test_an_upload_without_an_id_was_no_picture_to_the_gateway(items: Any) -> None:
    refusal = refused(Onebound().imgid(200, {}, dumped(onebound(items))))
    assert refusal.kind is RefusalClass.BAD_SEED


@pytest.mark.parametrize("items", [{"item": []}, {}, None], ids=ascii)
def test_an_answer_to_an_upload_that_says_nothing_is_tried_again(items: Any) -> None:
    assert refused(Onebound().imgid(200, {}, dumped(onebound(items)))).kind is TRANSIENT


# pages of tmapi

TMAPI_ROW: dict[str, Any] = {
    "item_id": 850588705676,
    "product_url": "https://detail.1688.com/offer/850588705676.html",
    "title": "Tote Bag",
    "origin_title": "托特包",
    "img": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "price": "35.0",
    "price_info": {"price": "35.0", "price_min": "30.0", "price_max": "35.0"},
    "currency": "CNY",
    "quantity_begin": "2",
    "sale_info": {"sale_quantity_90days": "2880"},
    "goods_score": "5.0",
    "shop_info": {"company_name": "某商行", "is_verified": False},
    "is_free_shipping": False,
}
DATA = {"page": 1, "page_size": 20, "total_count": 2000, "items": [TMAPI_ROW]}


def tmapi(data: Any = DATA, **outer: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": data} | outer


def read_tmapi(answer: Any, status: int = 200, **headers: str) -> Page | Refusal:
    return Tmapi().page(status, headers, answer if isinstance(answer, bytes) else dumped(answer))


def tmapi_offer(**changed: Any) -> Offer:
    [row] = page_of(read_tmapi(tmapi({"items": [TMAPI_ROW | changed]}))).rows
    assert isinstance(row, Offer)
    return row


def test_tmapi_s_documented_answer_is_a_page() -> None:
    page = page_of(read_tmapi(tmapi()))
    assert (page.total, page.page_count, page.unreadable) == (2000, None, [])
    assert (page.drift.unknown, page.drift.flipped) == ({}, {})
    assert page.rows == [
        Offer(
            num_iid="850588705676",
            title="托特包",
            title_translated="Tote Bag",
            detail_url="https://detail.1688.com/offer/850588705676.html",
            price=D("35.0"),
            price_min=D("30.0"),
            price_max=D("35.0"),
            min_order=2,
            sales=2880,
            sales_at_least=False,
            sales_window="90d",
            score=D("5.0"),
            is_ad=False,
            seller_nick="某商行",
            pic_url="https://cbu01.alicdn.com/img/ibank/1.jpg",
            seller_badges=[],
            extra={"price_info.price": "35.0", "is_free_shipping": False},
        )
    ]


def test_a_paid_link_of_tmapi_s_is_an_ad_and_stays() -> None:
    url = "https://detailp4p.1688.com/detail.htm?offerId=850588705676"
    offer = tmapi_offer(product_url=url)
    assert (offer.is_ad, offer.extra["product_url"]) == (True, url)


@pytest.mark.parametrize("name", ["price_info", "sale_info", "shop_info"])
@pytest.mark.parametrize("value", [None, "", [], 5, "text"], ids=ascii)
def test_an_inner_object_that_is_none_costs_its_fields_only(name: str, value: Any) -> None:
    offer = tmapi_offer(**{name: value})
    assert offer.title == "托特包"
    assert offer.extra[name] == value


@pytest.mark.parametrize(
    ("said", "sales", "at_least"), [("100000+", 100000, True), (0, 0, False), ("", None, None)]
)
def test_tmapi_s_sales_are_of_ninety_days(said: Any, sales: Any, at_least: Any) -> None:
    offer = tmapi_offer(sale_info={"sale_quantity_90days": said})
    assert (offer.sales, offer.sales_at_least) == (sales, at_least)
    assert offer.sales_window == (None if sales is None else "90d")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"items": TMAPI_ROW}, ["850588705676"], id="one-object"),
        pytest.param([TMAPI_ROW], ["850588705676"], id="data-is-the-list"),
        pytest.param(json.dumps(DATA), ["850588705676"], id="data-as-json-text"),
        pytest.param({"items": [], "total_count": 0}, [], id="empty-list"),
        pytest.param({"items": None}, [], id="null"),
        pytest.param({}, [], id="absent"),
        pytest.param(None, [], id="data-null"),
    ],
)
def test_tmapi_s_rows_are_found_wherever_they_stand(data: Any, expected: list[str]) -> None:
    assert ids(read_tmapi(tmapi(data))) == expected


def test_a_row_without_an_id_is_rejected_and_the_others_stay() -> None:
    page = page_of(read_tmapi(tmapi({"items": [{"title": "?"}, TMAPI_ROW, "text"]})))
    assert [type(row) for row in page.rows] == [RejectedRow, Offer, RejectedRow]


# refusals of tmapi


@pytest.mark.parametrize(
    ("code", "kind", "cause"),
    [
        (400, TRANSIENT, None),
        (401, DENIED, Cause.TOKEN),
        (402, SPENT, Cause.QUOTA),
        (403, DENIED, Cause.PERMISSION),
        (422, TRANSIENT, None),
        (429, THROTTLED, Cause.QUOTA),
        (439, SPENT, Cause.QUOTA),
        *((code, TRANSIENT, None) for code in (417, 499, 500, 503, 777, 0)),
    ],
)
def test_tmapi_s_code_decides_in_the_body_or_as_http_status(
    code: int, kind: Any, cause: Any
) -> None:
    told = [
        read_tmapi({"code": code, "msg": "why", "data": None}),
        read_tmapi({"code": str(code), "msg": "why"}, 500),
        read_tmapi({"detail": "why"}, code),
    ]
    for said in map(refused, told):
        assert (said.kind, said.cause, said.text) == (kind, cause, "why")
        assert bool(said.remedy) == (kind in (DENIED, SPENT))


def test_a_dead_apitoken_is_not_renewed_but_looked_at() -> None:
    said = refused(read_tmapi({"code": 401, "msg": "invalid token"}, 401))
    assert said.kind is DENIED
    assert said.remedy == "check PAILITAO_ACCESS_TOKEN (your apiToken)"


def test_no_balance_comes_back_when_somebody_pays() -> None:
    assert refused(read_tmapi({"code": 402})).wait_seconds == math.inf


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        pytest.param(TRANSIENT, b"", 200, id="empty"),
        pytest.param(TRANSIENT, b"<html>", 503, id="html"),
        pytest.param(TRANSIENT, b"<html>", 403, id="somebody-s-403"),
        pytest.param(TRANSIENT, b"<html>", 400, id="somebody-s-400"),
        pytest.param(TRANSIENT, b"null", 200, id="null"),
        pytest.param(TRANSIENT, dumped({"msg": "?"}), 200, id="no-code"),
        pytest.param(TRANSIENT, dumped({"code": 200, "msg": "success"}), 200, id="no-data"),
        pytest.param(TRANSIENT, dumped(tmapi(5)), 200, id="odd-data"),
        pytest.param(TRANSIENT, dumped(tmapi(code=[200])), 200, id="odd-code"),
        pytest.param(DENIED, b"", 401, id="401"),
        pytest.param(SPENT, b"", 402, id="402"),
        pytest.param(THROTTLED, b"slow down", 429, id="429"),
        pytest.param(DENIED, b"<html>", 404, id="404"),
    ],
)
def test_without_json_only_a_telling_status_decides(kind: Any, body: bytes, status: int) -> None:
    assert refused(read_tmapi(body, status)).kind is kind


def test_tmapi_s_429_waits_as_long_as_the_header_says() -> None:
    said = refused(Tmapi().page(429, {"retry-after": "17"}, b'{"code":429}'))
    assert (said.kind, said.wait_seconds) == (THROTTLED, 17.0)


@pytest.mark.parametrize(
    ("told", "has_next"), [(True, True), ("false", False), (None, None), ("perhaps", None)]
)
def test_tmapi_tells_whether_there_is_a_next_page(told: Any, has_next: bool | None) -> None:
    body = json.dumps({"code": 200, "data": {"items": [TMAPI_ROW], "has_next_page": told}})

    assert page_of(Tmapi().page(200, {}, body.encode())).has_next is has_next
