"""The open platform's two dialects and its tokens, without I/O."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall
from pailitao_spider.gateways.oauth import Renewed, code_form, login_url, renewed
from pailitao_spider.gateways.openplatform.imagequery import ImageQuery
from pailitao_spider.gateways.openplatform.linkplus import LinkPlus
from pailitao_spider.gateways.openplatform.signed_calls import clock_of, unix_seconds
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.signing import sign_path
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.results.lines import ENCODER

URL = "https://gateway.test/openapi"
CREDENTIAL = Credential("1000000", "test123", "a-token")
CALL = SearchCall(picture=PictureRef(url="https://example.com/a.jpg"), page=3, page_size=20)
NOW = 1744567890.75
QUERY_PATH = "param2/1/com.alibaba.fenxiao.crossborder/product.search.imageQuery/1000000"
UPLOAD_PATH = "param2/1/com.alibaba.fenxiao.crossborder/product.image.upload/1000000"
LINKPLUS_PATH = "param2/1/com.alibaba.linkplus/alibaba.cross.similar.offer.search/1000000"

THROTTLED, TOKEN = RefusalClass.THROTTLED, RefusalClass.TOKEN
DENIED, BAD_SEED, TRANSIENT = RefusalClass.DENIED, RefusalClass.BAD_SEED, RefusalClass.TRANSIENT
DIALECTS = pytest.mark.parametrize("spoken", [ImageQuery(), LinkPlus()], ids=lambda d: d.name)


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def params(form: Form) -> dict[str, str]:
    pairs = parse_qsl(form.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def asked(imgid: str = "1231231", call: SearchCall = CALL, **options: str) -> dict[str, Any]:
    """The query of an imagequery search."""
    form = ImageQuery(**options).search_form(URL, call, imgid, CREDENTIAL, NOW)
    found: dict[str, Any] = json.loads(params(form)["offerQueryParam"])
    return found


# forms


def test_an_imagequery_search_holds_exactly_the_documented_parameters() -> None:
    form = ImageQuery().search_form(URL, CALL, "1231231", CREDENTIAL, NOW)
    assert (form.method, form.url) == ("POST", f"{URL}/{QUERY_PATH}")
    sent = params(form)
    assert sent.pop("_aop_signature") == sign_path(QUERY_PATH, sent, "test123")
    assert sent == {
        "offerQueryParam": '{"imageId":"1231231","beginPage":3,"pageSize":20,"country":"en",'
        '"sort":"{\\"monthSold\\":\\"desc\\"}"}',
        "access_token": "a-token",
        "_aop_timestamp": "1744567890750",
    }


def test_a_linkplus_search_holds_exactly_the_documented_parameters() -> None:
    form = LinkPlus().search_form(URL, CALL, "https://example.com/a.jpg", CREDENTIAL, NOW)
    assert (form.method, form.url) == ("POST", f"{URL}/{LINKPLUS_PATH}")
    sent = params(form)
    assert sent.pop("_aop_signature") == sign_path(LINKPLUS_PATH, sent, "test123")
    assert sent == {
        "picUrl": "https://example.com/a.jpg",
        "page": "3",
        "access_token": "a-token",
        "_aop_timestamp": "1744567890750",
    }


def test_an_upload_is_json_text_with_the_picture() -> None:
    form = ImageQuery().upload_form(URL, "aGk+/w==", CREDENTIAL, NOW)
    assert form.url == f"{URL}/{UPLOAD_PATH}"
    sent = params(form)
    assert sent.pop("_aop_signature") == sign_path(UPLOAD_PATH, sent, "test123")
    assert sent["uploadImageParam"] == '{"imageBase64":"aGk+/w=="}'


@DIALECTS
def test_no_access_token_is_sent_where_there_is_none(spoken: Any) -> None:
    form = spoken.search_form(URL, CALL, "x", Credential("1", "s"), NOW)
    assert "access_token" not in params(form)


@DIALECTS
def test_an_empty_picture_still_makes_a_call(spoken: Any) -> None:
    sent = params(spoken.search_form(URL, CALL, "", CREDENTIAL, NOW))
    empty = sent.get("picUrl", json.loads(sent.get("offerQueryParam", "{}")).get("imageId"))
    assert empty == ""


def test_a_url_is_an_address_and_an_upload_an_id() -> None:
    url = "https://cbu01.alicdn.com/img/ibank/a.jpg"
    assert asked(url)["imageAddress"] == url
    assert "imageId" not in asked(url)
    assert "imageAddress" not in asked("1231231")


@pytest.mark.parametrize(
    ("sort", "sent"), [("sale_desc", {"monthSold": "desc"}), ("price_asc", {"price": "asc"})]
)
def test_a_sort_is_json_text_in_json(sort: Any, sent: dict[str, str]) -> None:
    call = SearchCall(picture=CALL.picture, sort=sort)
    assert json.loads(asked(call=call)["sort"]) == sent


def test_a_part_of_the_photo_is_asked_for() -> None:
    call = SearchCall(picture=CALL.picture, region="265,597,326,764")
    assert asked(call=call)["region"] == "265,597,326,764"
    assert "region" not in asked()


def test_no_page_is_asked_larger_than_the_gateway_gives() -> None:
    assert asked(call=SearchCall(picture=CALL.picture, page_size=100))["pageSize"] == 50


def test_the_options_of_imagequery_are_in_its_forms() -> None:
    text = (
        "imagequery?namespace=com.example.x&country=ja&filter=shipInToday,ksCiphertext"
        "&price_start=10&price_end=9.90&category_id=123"
    )
    form = dialect(text).search_form(URL, CALL, "1", CREDENTIAL, NOW)
    assert "/com.example.x/product.search.imageQuery/" in form.url
    query = json.loads(params(form)["offerQueryParam"])
    chosen = ("country", "filter", "priceStart", "priceEnd", "categoryId")
    assert [query[name] for name in chosen] == [
        "ja", "shipInToday,ksCiphertext", "10", "9.90", 123,
    ]  # fmt: skip


def test_the_options_of_linkplus_are_in_its_forms() -> None:
    spoken = dialect("linkplus?country=JP&language=ja&namespace=com.example.x")
    form = spoken.search_form(URL, CALL, "u", CREDENTIAL, NOW)
    assert "/com.example.x/alibaba.cross.similar.offer.search/" in form.url
    assert (params(form)["country"], params(form)["language"]) == ("JP", "ja")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("imagequery?colour=red", "colour"),
        ("imagequery?country=", "country=''"),
        ("imagequery?namespace=a/b", "namespace='a/b'"),
        ("imagequery?filter=a b", "filter='a b'"),
        ("imagequery?price_start=ten", "give yuan"),
        ("imagequery?price_end=-1", "give yuan"),
        ("imagequery?category_id=shoes", "give the category's number"),
        ("linkplus?colour=red", "colour"),
        ("linkplus?country=a b", "country='a b'"),
        ("linkplus?namespace", "namespace=''"),
    ],
)
def test_a_wrong_option_is_told(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="PAILITAO_GATEWAY") as caught:
        dialect(text)
    assert said in str(caught.value)


def test_an_app_key_cannot_leave_its_place_in_the_path() -> None:
    form = LinkPlus().search_form(URL, CALL, "u", Credential("../1?a=b", "s"), NOW)
    assert urlsplit(form.url).path.endswith("/..%2F1%3Fa%3Db")


@given(
    imgid=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    token=st.none() | st.text("a&=+ 中", max_size=5),
    spoken=st.sampled_from([ImageQuery(), LinkPlus()]),
)
def test_the_signature_is_over_what_the_gateway_reads(
    imgid: str, token: str | None, spoken: Any
) -> None:
    form = spoken.search_form(URL + "/", CALL, imgid, Credential("7", "a secret", token), NOW)
    path = form.url.removeprefix(f"{URL}/")
    assert path.startswith("param2/1/")
    assert params(form)["_aop_signature"] == sign_path(path, params(form), "a secret")


@DIALECTS
def test_secrets_do_not_show(spoken: Any) -> None:
    form = spoken.search_form(URL, CALL, "x", Credential("k", "s3cret", "s3cret"), NOW)
    assert "s3cret" not in repr(form)


# limits


def test_imagequery_takes_small_pictures_and_1688_s_own_urls() -> None:
    limits = ImageQuery.limits
    assert limits.picture is not None
    assert limits.picture.bytes <= 100_000
    assert limits.takes_url("https://cbu01.alicdn.com/a.jpg")
    assert not limits.takes_url("https://example.com/a.jpg")
    assert (limits.page_size, limits.search_types, limits.regions) == (50, {1}, True)


def test_linkplus_takes_any_url_and_nothing_else() -> None:
    limits = LinkPlus.limits
    assert limits.takes_url("https://example.com/a.jpg")
    assert (limits.picture, limits.page_size, limits.sorts) == (None, 20, frozenset())
    assert not hasattr(LinkPlus, "upload_form")


@DIALECTS
def test_tokens_are_renewed_under_the_app_key(spoken: Any) -> None:
    assert spoken.token_url.format(app_key="7").endswith("/system.oauth2/getToken/7")
    assert spoken.needs == ("app_key", "app_secret")


# rows

IMAGEQUERY_ROW: dict[str, Any] = {
    "imageUrl": "https://cbu01.alicdn.com/img/ibank/a.jpg",
    "subject": "凉鞋",
    "subjectTrans": "sandals",
    "priceInfo": {
        "price": "29.90", "jxhyPrice": "28", "pfJxhyPrice": None,
        "consignPrice": "31.00", "promotionPrice": "27.5",
    },
    "offerId": 610000000001,
    "isJxhy": True,
    "repurchaseRate": "13%",
    "monthSold": 1234,
    "traceInfo": "object_id@610000000001",
    "isOnePsale": True,
    "sellerIdentities": ["tp_member"],
    "offerIdentities": ["yx"],
    "tradeScore": "5.0",
    "promotionModel": {"hasPromotion": False},
    "topCategoryId": 1, "secondCategoryId": 2, "thirdCategoryId": 0,
    "isPatentProduct": False,
    "createDate": "2024-04-20 08:00:00",
    "modifyDate": "2024-04-21 08:00:00",
    "isSelect": False,
    "sellerDataInfo": {"tpYear": 1},
    "productSimpleShippingInfo": {"shippingTimeGuarantee": "shipIn24Hours"},
    "minOrderQuantity": 2,
    "token": "5L9Z",
    "promotionURL": "https://detail.1688.com/offer/610000000001.html?fromkv=refer:HV",
    "companyName": "浙江省一路发发商贸公司",
    "companyAddress": "浙江省杭州市",
    "offerDataInfo": {"offerApplauseRate": "100.0%"},
    "sales7d": "17",
    "productTradeInfo": {"addCartCount7d": "1"},
    "invoiceInfo": {"supportFastInvoice": False},
}  # fmt: skip
LINKPLUS_ROW: dict[str, Any] = {
    "offerId": "610000000001",
    "subject": "凉鞋",
    "oldPrice": 2990,
    "imageUrl": "https://cbu01.alicdn.com/img/ibank/a.jpg",
    "categoryId": 1038378,
    "quantityBegin": 2,
    "unit": "双",
    "detailUrl": "https://detail.1688.com/offer/610000000001.html",
    "province": "浙江",
    "city": "杭州市",
    "supplyAmount": 500,
}


def imagequery_answer(rows: Any, **found: Any) -> bytes:
    inner = {"totalRecords": 892, "totalPage": 18, "pageSize": 50, "currentPage": 1, "data": rows}
    return dumped({"result": {"success": "true", "result": inner | found}})


def linkplus_answer(rows: Any, **outer: Any) -> bytes:
    inner = {"total": 75, "page": 1, "pageSize": 20, "result": rows}
    return dumped({"success": True, "result": inner} | outer)


def read(spoken: Any, body: Any, status: int = 200) -> Page:
    page = spoken.page(status, {}, body if isinstance(body, bytes) else dumped(body))
    assert isinstance(page, Page), page
    return page


def refused(spoken: Any, body: Any, status: int = 200, **headers: str) -> Refusal:
    found = spoken.page(status, headers, body if isinstance(body, bytes) else dumped(body))
    assert isinstance(found, Refusal), found
    return found


def only_offer(page: Page) -> Offer:
    [row] = page.rows
    assert isinstance(row, Offer)
    return row


def ids(page: Page) -> list[str]:
    return [row.num_iid for row in page.rows if isinstance(row, Offer)]


def test_a_documented_row_of_imagequery_is_an_offer() -> None:
    page = read(ImageQuery(), imagequery_answer([IMAGEQUERY_ROW]))
    assert (page.total, page.page_count, page.unreadable) == (892, 18, [])
    assert (page.drift.unknown, page.drift.flipped) == ({}, {})
    offer = only_offer(page)
    kept = ("imageUrl", "subject", "offerId", "monthSold", "isOnePsale", "tradeScore", "priceInfo",
            "createDate", "modifyDate", "minOrderQuantity", "companyName", "companyAddress",
            "secondCategoryId", "thirdCategoryId", "subjectTrans", "repurchaseRate",
            "sellerIdentities", "offerIdentities", "isPatentProduct", "sellerDataInfo",
            "productSimpleShippingInfo", "offerDataInfo")  # fmt: skip
    assert offer == Offer(
        "610000000001",
        title="凉鞋",
        detail_url="https://detail.1688.com/offer/610000000001.html",
        price=Decimal("29.90"),
        promotion_price=Decimal("27.5"),
        min_order=2,
        sales=1234,
        sales_at_least=False,
        sales_window="30d",
        score=Decimal("5.0"),
        one_stop_service=True,
        cid="2",
        seller_nick="浙江省一路发发商贸公司",
        area="浙江省杭州市",
        pic_url="https://cbu01.alicdn.com/img/ibank/a.jpg",
        create_time="2024-04-20T08:00:00+08:00",
        update_time="2024-04-21T08:00:00+08:00",
        title_translated="sandals",
        repurchase_rate=Decimal("0.13"),
        dropship_price=Decimal("31.00"),
        seller_badges=["tp_member"],
        offer_badges=["yx"],
        feedback_rate=Decimal("1"),
        shop_years=1,
        ship_within_hours=24,
        is_patented=False,
        extra={name: value for name, value in IMAGEQUERY_ROW.items() if name not in kept}
        | {
            "priceInfo.jxhyPrice": "28",
            "priceInfo.pfJxhyPrice": None,
        },
    )


def test_a_documented_row_of_linkplus_is_an_offer() -> None:
    page = read(LinkPlus(), linkplus_answer([LINKPLUS_ROW]))
    assert (page.total, page.page_count, page.unreadable) == (75, None, [])
    assert (page.drift.unknown, page.drift.flipped) == ({}, {})
    offer = only_offer(page)
    assert str(offer.price) == "29.90"
    assert offer == Offer(
        "610000000001",
        title="凉鞋",
        detail_url="https://detail.1688.com/offer/610000000001.html",
        price=Decimal("29.90"),
        min_order=2,
        is_ad=False,
        unit="双",
        cid="1038378",
        pic_url="https://cbu01.alicdn.com/img/ibank/a.jpg",
        area="浙江 杭州市",
        extra={"supplyAmount": 500},
    )


@pytest.mark.parametrize(
    ("fen", "yuan"),
    [(2990, "29.90"), (5, "0.05"), (0, "0.00"), ("1250", "12.50"), (100000000, "1000000.00")],
)
def test_fen_are_yuan_with_two_digits(fen: Any, yuan: str) -> None:
    page = read(LinkPlus(), linkplus_answer([LINKPLUS_ROW | {"oldPrice": fen}]))
    assert str(only_offer(page).price) == yuan


@pytest.mark.parametrize("fen", ["29.90", 29.9, "cheap", [2990], "2990-3990"])
def test_what_is_no_fen_is_no_price(fen: Any) -> None:
    page = read(LinkPlus(), linkplus_answer([LINKPLUS_ROW | {"oldPrice": fen}]))
    offer = only_offer(page)
    assert (offer.price, page.unreadable) == (None, ["price"])
    assert "oldPrice" in offer.extra


def test_an_advert_s_link_is_kept_and_says_so() -> None:
    link = "https://detailp4p.1688.com/offer/610000000001.html?trace_log=p4p"
    offer = only_offer(read(LinkPlus(), linkplus_answer([LINKPLUS_ROW | {"detailUrl": link}])))
    assert (offer.is_ad, offer.extra["detailUrl"]) == (True, link)


def test_a_row_otherwise_than_documented_is_drift() -> None:
    row = IMAGEQUERY_ROW | {"monthSold": "1.1万+", "novelty": 1}
    page = read(ImageQuery(), imagequery_answer([row, row]))
    assert {name: sign.rows for name, sign in page.drift.unknown.items()} == {"novelty": 2}
    assert {name: sign.rows for name, sign in page.drift.flipped.items()} == {"monthSold": 2}
    assert isinstance(page.rows[0], Offer)
    assert (page.rows[0].sales, page.rows[0].sales_at_least) == (11000, True)


# pages


ONE = ["610000000001"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([IMAGEQUERY_ROW], ONE, id="list"),
        pytest.param([], [], id="empty"),
        pytest.param(None, [], id="null"),
        pytest.param("", [], id="empty-text"),
        pytest.param(IMAGEQUERY_ROW, ONE, id="one-object"),
        pytest.param(json.dumps([IMAGEQUERY_ROW]), ONE, id="json-text"),
        pytest.param([json.dumps(IMAGEQUERY_ROW)], ONE, id="a-row-as-json-text"),
    ],
)
def test_rows_of_imagequery_are_found_however_they_come(rows: Any, expected: list[str]) -> None:
    assert ids(read(ImageQuery(), imagequery_answer(rows))) == expected


@pytest.mark.parametrize("success", ["true", True, 1, "1", "TRUE"], ids=repr)
def test_success_is_said_in_many_ways(success: Any) -> None:
    inner = {"data": [IMAGEQUERY_ROW]}
    assert ids(read(ImageQuery(), {"result": {"success": success, "result": inner}})) == ONE
    body = {"success": success, "result": {"result": [LINKPLUS_ROW]}}
    assert ids(read(LinkPlus(), body)) == ONE


def test_a_page_of_nothing_is_empty() -> None:
    nothing = {"result": {"success": "true", "result": None}}
    assert read(ImageQuery(), nothing).rows == []
    assert read(LinkPlus(), linkplus_answer([])).rows == []
    assert read(LinkPlus(), {"success": True, "result": {"total": 0}}).rows == []


@pytest.mark.parametrize(
    "result",
    [
        pytest.param({"total": 75, "result": [LINKPLUS_ROW]}, id="documented"),
        pytest.param({"total": "75", "result": json.dumps([LINKPLUS_ROW])}, id="texts"),
        pytest.param({"result": {"total": 75, "result": [LINKPLUS_ROW]}}, id="one-deeper"),
        pytest.param({"total": 75, "result": {"total": 20, "result": [LINKPLUS_ROW]}}, id="twice"),
        pytest.param(json.dumps({"total": 75, "result": [LINKPLUS_ROW]}), id="json-text"),
    ],
)
def test_rows_of_linkplus_are_found_however_deep(result: Any) -> None:
    page = read(LinkPlus(), {"success": True, "result": result})
    assert (ids(page), page.total) == (ONE, 75)


def test_a_row_that_is_no_object_is_rejected_and_the_others_stay() -> None:
    page = read(LinkPlus(), linkplus_answer([7, LINKPLUS_ROW]))
    assert ids(page) == ONE
    assert isinstance(page.rows[0], RejectedRow)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"yoloCropRegion": "265,597,326,764;443,783,154,595", "currentRegion": "1,2,3,4"},
            ("265,597,326,764", "443,783,154,595"),
        ),
        ({"yoloCropRegion": " 1, 2.5,3,4 ;1,2.5,3,4;"}, ("1,2.5,3,4",)),
        ({"yoloCropRegion": "1,2,3;1,2,3,4,5;a,b,c,d;-1,2,3,4;1,2,3,4"}, ("1,2,3,4",)),
        ({"yoloCropRegion": ""}, ()),
        ({"yoloCropRegion": None}, ()),
        ({"yoloCropRegion": [1, 2, 3, 4]}, ()),
        ({"currentRegion": "1,2,3,4"}, ()),
        ('{"yoloCropRegion":"1,2,3,4"}', ("1,2,3,4",)),
        ("rubbish", ()),
        (None, ()),
        ([], ()),
    ],
    ids=str,
)
def test_the_products_in_a_photo_are_told(told: Any, expected: tuple[str, ...]) -> None:
    page = read(ImageQuery(), imagequery_answer([], picRegionInfo=told))
    assert page.regions == expected


def test_no_answer_makes_hundreds_of_searches() -> None:
    told = {"yoloCropRegion": ";".join(f"{n},{n},{n},{n}" for n in range(5000))}
    assert len(read(ImageQuery(), imagequery_answer([], picRegionInfo=told)).regions) == 20


# refusals


def flat(code: Any, message: str = "no", **members: Any) -> dict[str, Any]:
    return {"error_code": code, "error_message": message, "exception": "e", **members}


DEAD_PICTURE = "handle image error with url https://example.com/gone.jpg"


def no(id: str, expected: RefusalClass, cause: Cause | None, body: Any, status: int = 200) -> Any:
    body = body if isinstance(body, bytes) else dumped(body)
    return pytest.param(expected, cause, body, status, id=id)


REFUSALS = [
    no("qos-app", THROTTLED, Cause.QUOTA, flat("gw.QosAppFrequencyLimit"), 400),
    no("qos-api", THROTTLED, Cause.QUOTA, flat("gw.QosAPIFrequencyLimit"), 400),
    no("401", TOKEN, Cause.TOKEN, flat("401", "Request need user authorized"), 401),
    no("401-under-200", TOKEN, Cause.TOKEN, flat("401")),
    no("401-as-number", TOKEN, Cause.TOKEN, flat(401)),
    no("acl", DENIED, Cause.PERMISSION, flat("gw.APIACLDecline", "AppKey is not allowed"), 400),
    no("unsupported", DENIED, Cause.SETTINGS, flat("gw.APIUnsupported"), 400),
    no("signature", DENIED, Cause.SECRET, flat("gw.SignatureInvalid"), 400),
    no("no-signature", DENIED, Cause.SECRET, flat("gw.SignatureMissing"), 401),
    no("key", DENIED, Cause.KEY, flat("gw.AppKeyInvalid"), 400),
    no("no-key", DENIED, Cause.KEY, flat("gw.AppKeyNotFound"), 400),
    no("clock", DENIED, Cause.CLOCK, flat("gw.TimestampInvalid"), 400),
    no("parameter", TRANSIENT, None, flat("gw.ParamMissing"), 400),
    no("picture-parameter", BAD_SEED, None,
       flat("gw.ParamMissing", "Required argument picUrl"), 400),
    no("unknown-gw", TRANSIENT, None, flat("gw.SomethingNew"), 400),
    no("unknown-under-429", THROTTLED, Cause.QUOTA, flat("gw.SomethingNew"), 429),
    no("unknown-under-401", TOKEN, Cause.TOKEN, flat("gw.SomethingNew"), 401),
    no("500", TRANSIENT, None, flat("500"), 500),
    no("code-of-no-kind", TRANSIENT, None, flat({"a": 1})),
    no("dead-picture", BAD_SEED, None,
       {"success": False, "code": "SYSTEM_ERROR", "message": DEAD_PICTURE}),
    no("dead-picture-beside-a-result", BAD_SEED, None,
       {"success": False, "code": "SYSTEM_ERROR", "message": DEAD_PICTURE,
        "result": {"total": 0, "result": []}}),
    no("dead-picture-in-the-result", BAD_SEED, None,
       {"result": {"success": "false", "code": "SYSTEM_ERROR", "message": DEAD_PICTURE}}),
    no("system-error", TRANSIENT, None,
       {"success": False, "code": "SYSTEM_ERROR", "message": "param service busy"}),
    no("parameter-of-the-api", BAD_SEED, None,
       {"result": {"success": "false", "code": "PARAM_ERROR", "message": "imageId不能为空"}}),
    no("failed-without-a-word", TRANSIENT, None, {"result": {"success": "false"}}),
    no("failed-with-rows", TRANSIENT, None,
       {"success": False, "result": {"success": True, "result": [LINKPLUS_ROW]}}),
    no("success-unknown", TRANSIENT, None, {"result": {"success": "maybe", "result": {}}}),
    no("success-absent", TRANSIENT, None, {"result": {"result": []}}),
    no("success-without-a-result", TRANSIENT, None, {"success": True}),
    no("odd-result", TRANSIENT, None, {"success": True, "result": {"result": 5}}),
    no("empty-object", TRANSIENT, None, {}),
    no("empty-object-404", DENIED, Cause.SETTINGS, {}, 404),
    no("list", TRANSIENT, None, []),
    no("null", TRANSIENT, None, b"null"),
    no("empty", TRANSIENT, None, b""),
    no("html", TRANSIENT, None, b"<html>busy</html>"),
    no("xml", TRANSIENT, None, b"<?xml version='1.0'?><error/>", 500),
    no("cut", TRANSIENT, None, linkplus_answer([LINKPLUS_ROW])[:90]),
    no("html-404", DENIED, Cause.SETTINGS, b"<html>Not Found</html>", 404),
    no("html-302", DENIED, Cause.SETTINGS, b"", 302),
    no("html-401", TOKEN, Cause.TOKEN, b"<html>", 401),
    no("html-429", THROTTLED, Cause.QUOTA, b"<html>", 429),
    no("of-router", DENIED, Cause.SETTINGS, {"error_response": {"code": 27}}),
    no("of-router-with-rows", DENIED, Cause.SETTINGS, {"code": 200, "items": {"item": []}}),
    no("of-onebound", DENIED, Cause.SETTINGS,
       {"error_code": "0000", "reason": "ok", "api_info": "today:1 max:9"}),
    no("of-tmapi", DENIED, Cause.SETTINGS, {"code": 200, "data": {"items": []}}),
]  # fmt: skip


@DIALECTS
@pytest.mark.parametrize(("expected", "cause", "body", "status"), REFUSALS)
def test_a_refusal_falls_into_its_class(
    spoken: Any, expected: RefusalClass, cause: Cause | None, body: bytes, status: int
) -> None:
    found = refused(spoken, body, status)
    assert (found.kind, found.cause) == (expected, cause), found
    assert bool(found.remedy) is (expected is DENIED)


@DIALECTS
def test_another_dialect_s_rows_are_no_empty_page(spoken: Any) -> None:
    body = imagequery_answer([IMAGEQUERY_ROW])
    other = linkplus_answer([LINKPLUS_ROW])
    assert refused(spoken, other if spoken.name == "imagequery" else body).kind is TRANSIENT


@DIALECTS
@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("gw.APIUnsupported", "namespace"),
        ("gw.SignatureInvalid", "PAILITAO_APP_SECRET"),
        ("gw.AppKeyInvalid", "PAILITAO_APP_KEY"),
        ("gw.TimestampExpired", "clock"),
        ("gw.APIACLDecline", "open.1688.com"),
    ],
)
def test_the_remedy_names_what_to_do(spoken: Any, code: str, word: str) -> None:
    assert word in refused(spoken, flat(code), 400).remedy


def test_a_missing_permission_is_named_by_its_api() -> None:
    missing = flat("gw.APIACLDecline")
    assert "product.search.imageQuery" in refused(ImageQuery(), missing, 400).remedy
    assert "alibaba.cross.similar.offer.search" in refused(LinkPlus(), missing, 400).remedy


def test_a_refusal_keeps_the_gateway_s_words() -> None:
    found = refused(
        LinkPlus(), flat("gw.QosAppFrequencyLimit", "too often"), **{"retry-after": "3"}
    )
    assert found.reason == "throttled: gw.QosAppFrequencyLimit too often"
    assert found.wait_seconds == 3.0


# uploads


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("1231231231", "1231231231"),
        (1231231231231231231, "1231231231231231231"),
        (" 7 ", "7"),
        ("9" * 40, "9" * 40),
    ],
)
def test_an_upload_s_answer_gives_the_id(result: Any, expected: str) -> None:
    body = dumped({"result": {"success": "true", "code": "S", "result": result}})
    assert ImageQuery().imgid(200, {}, body) == expected


@pytest.mark.parametrize("result", ["0", 0, "", None, False, True, {}, [], "00"], ids=repr)
def test_an_upload_without_an_id_says_that_the_picture_is_too_large(result: Any) -> None:
    body = dumped({"result": {"success": "true", "result": result}})
    found = ImageQuery().imgid(200, {}, body)
    assert isinstance(found, Refusal)
    assert found.kind is BAD_SEED
    assert "100 KB" in found.text


@pytest.mark.parametrize(("expected", "cause", "body", "status"), REFUSALS)
def test_a_refused_upload_falls_into_its_class(
    expected: RefusalClass, cause: Cause | None, body: bytes, status: int
) -> None:
    found = ImageQuery().imgid(status, {}, body)
    if b'{"result": 5}' in body:
        assert found == "5"
        return
    assert isinstance(found, Refusal)
    assert (found.kind, found.cause) == (expected, cause), found


# the clock


@DIALECTS
def test_the_platform_is_asked_for_its_time_with_key_and_secret(spoken: Any) -> None:
    form = spoken.clock_form(URL, CREDENTIAL, NOW)
    path = "param2/1/system/currentTime/1000000"
    assert form.url == f"{URL}/{path}"
    sent = params(form)
    assert sent.pop("_aop_signature") == sign_path(path, sent, "test123")
    assert sent == {"_aop_timestamp": "1744567890750"}


@DIALECTS
def test_the_platform_s_time_is_read(spoken: Any) -> None:
    expected = datetime(2026, 9, 25, 2, 10, 10, tzinfo=UTC).timestamp()
    assert spoken.clock_of(b'{"result":"20260925101010000+0800"}') == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"result":""}', b'{"result":"soon"}', b'{"result":{}}',
     b'{"result":"20260925"}', b'{"result":"20269999101010000+0800"}', b'"20260925"'],
)  # fmt: skip
def test_what_is_no_time_is_none(body: bytes) -> None:
    assert clock_of(body) is None


# tokens


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("20121222222222+0800", datetime(2012, 12, 22, 14, 22, 22, tzinfo=UTC).timestamp()),
        ("20170126094556000+0800", datetime(2017, 1, 26, 1, 45, 56, tzinfo=UTC).timestamp()),
        ("20170126094556250+0800", datetime(2017, 1, 26, 1, 45, 56, 250000, UTC).timestamp()),
        ("soon", None),
        ("", None),
        (None, None),
        ({}, None),
        (True, None),
    ],
    ids=repr,
)
def test_a_moment_is_unix_seconds(raw: Any, expected: float | None) -> None:
    assert unix_seconds(raw) == expected


def test_new_tokens_say_when_a_person_has_to_log_in_again() -> None:
    body = {
        "access_token": "A",
        "refresh_token": "R",
        "expires_in": "36000",
        "refresh_token_timeout": "20170126094556000+0800",
    }
    assert renewed(200, dumped(body)) == Renewed("A", "R", 36000, 1485395156.0)
    assert renewed(200, dumped(body | {"refresh_token_timeout": "?"})) == Renewed("A", "R", 36000)


def test_a_login_s_code_is_turned_into_tokens() -> None:
    form = code_form(f"{URL}/http/1/system.oauth2/getToken/7", CREDENTIAL, "c+1", "http://l/?a=b")
    assert (form.method, form.url) == ("POST", f"{URL}/http/1/system.oauth2/getToken/7")
    assert params(form) == {
        "grant_type": "authorization_code",
        "need_refresh_token": "true",
        "client_id": "1000000",
        "client_secret": "test123",
        "redirect_uri": "http://l/?a=b",
        "code": "c+1",
    }
    assert "test123" not in repr(form)


def test_the_login_page_is_told_who_asks_and_where_to_go() -> None:
    url = login_url(CREDENTIAL, "http://127.0.0.1:8000/?a=b", "s&1")
    assert url.startswith("https://auth.1688.com/oauth/authorize?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "client_id": "1000000",
        "site": "1688",
        "redirect_uri": "http://127.0.0.1:8000/?a=b",
        "state": "s&1",
    }
    assert "test123" not in url


@pytest.mark.parametrize(
    ("body", "status", "kind", "cause"),
    [
        ({"error": "invalid_grant"}, 400, DENIED, Cause.TOKEN),
        ({"error_code": "401"}, 401, DENIED, Cause.TOKEN),
        ({"error": "invalid_client"}, 200, DENIED, Cause.SECRET),
        ({"error": "invalid_client"}, 401, DENIED, Cause.SECRET),
        (flat("gw.SignatureInvalid"), 400, DENIED, Cause.SECRET),
        (flat("gw.AppKeyNotFound"), 400, DENIED, Cause.SECRET),
        (flat("gw.QosAppFrequencyLimit"), 400, TRANSIENT, None),
        ({"error": "server_error"}, 500, TRANSIENT, None),
        ({"error": ["invalid_grant"]}, 200, TRANSIENT, None),
    ],
)
def test_a_refused_renewal_says_what_to_look_at(
    body: Any, status: int, kind: RefusalClass, cause: Cause | None
) -> None:
    found = renewed(status, dumped(body))
    assert isinstance(found, Refusal)
    assert (found.kind, found.cause, bool(found.remedy)) == (kind, cause, cause is not None)


# properties

STATUSES = st.sampled_from([200, 302, 400, 401, 403, 404, 429, 500]) | st.integers(100, 599)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=12))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["true", "false", "0", "\ud800", "401", 10**400, 2**70, "1,2,3,4", "{}"])
)
NAMES = st.sampled_from(
    [
        *("success", "result", "data", "code", "message", "error_code", "error_message", "total"),
        *("totalRecords", "totalPage", "picRegionInfo", "yoloCropRegion", "offerId", "oldPrice"),
        *("priceInfo", "price", "subject", "detailUrl", "thirdCategoryId", "monthSold", "x"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=3)
ANSWERS = (
    st.fixed_dictionaries({"success": st.just(True), "result": VALUES})
    | st.builds(lambda rows: {"success": True, "result": {"result": rows}}, ROWS)
    | st.builds(lambda rows: {"result": {"success": "true", "result": {"data": rows}}}, ROWS)
    | st.builds(lambda found: {"result": {"success": "true", "result": found}}, VALUES)
)
SAMPLES = [
    imagequery_answer([IMAGEQUERY_ROW], picRegionInfo={"yoloCropRegion": "1,2,3,4"}),
    linkplus_answer([LINKPLUS_ROW]),
    dumped(flat("gw.ParamMissing")),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
        body[at : min(end, at + 20)] = draw(
            st.binary(max_size=3)
            | st.sampled_from([b"null", b'"x"', b"1e999", b"[]", b'"\\ud800"'])
        )
    return bytes(body)


BODIES = (
    st.binary(max_size=60)
    | VALUES.map(json.dumps).map(str.encode)
    | ANSWERS.map(json.dumps).map(str.encode)
    | mutated()
)


@given(st.sampled_from([ImageQuery(), LinkPlus()]), STATUSES, HEADERS, BODIES)
def test_whatever_comes_is_a_page_that_can_be_written_or_a_refusal(
    spoken: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    found = spoken.page(status, headers, body)
    assert isinstance(found, Page | Refusal)
    assert ENCODER.encode(found.rows if isinstance(found, Page) else found).decode()


@given(STATUSES, HEADERS, BODIES)
def test_whatever_an_upload_answers_is_an_id_or_a_refusal(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    found = ImageQuery().imgid(status, headers, body)
    assert isinstance(found, Refusal) or (isinstance(found, str) and found)
    assert ENCODER.encode(found).decode()


@given(STATUSES, BODIES)
def test_whatever_comes_for_tokens_and_time_is_read_or_refused(status: int, body: bytes) -> None:
    assert isinstance(renewed(status, body), Renewed | Refusal)
    assert isinstance(clock_of(body), float | None)
