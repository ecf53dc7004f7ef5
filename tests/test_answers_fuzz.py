"""Answers that nobody documented, to every dialect: a page or a refusal comes out, never an error.

First the bad inputs that have a name, each with the class it must end in; then documented answers
mutated by the thousand, with a fixed seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import pytest

from pailitao_spider.crawl.paging import PAGE_LIMIT, Hints, Paging
from pailitao_spider.gateways.foreign_envelopes import speaker
from pailitao_spider.gateways.oauth import renewed
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.protocol import Dialect, TakesUploads
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.lines import ENCODER

THROTTLED, SPENT, TOKEN = RefusalClass.THROTTLED, RefusalClass.SPENT, RefusalClass.TOKEN
DENIED, BAD_SEED, TRANSIENT = RefusalClass.DENIED, RefusalClass.BAD_SEED, RefusalClass.TRANSIENT
BOM = b"\xef\xbb\xbf"
OFFICIAL = ("imagequery", "linkplus")


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def made(name: str) -> Dialect:
    return dialect(name)


# answers as documented

ROUTER_ROW: dict[str, Any] = {
    "num_iid": "610947572360",
    "detail_url": "https://detail.1688.com/offer/610947572360.html",
    "title": "夏季新款女士凉鞋",
    "similarity": 0.95,
    "price": "29.90",
    "promotion_price": "25.50",
    "min_order": 2,
    "sales": 12580,
    "price_range": "25.50-29.90",
    "pic_url": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "is_onsale": True,
    "create_time": "2024-04-20 08:00:00",
    "feedback_rate": "99.5%",
}
IMAGEQUERY_ROW: dict[str, Any] = {
    "imageUrl": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "subject": "凉鞋",
    "subjectTrans": "sandals",
    "offerId": 610947572360,
    "priceInfo": {"price": "29.90", "consignPrice": "31.00", "promotionPrice": None},
    "repurchaseRate": "13%",
    "monthSold": 803,
    "sales7d": "12",
    "isOnePsale": True,
    "minOrderQuantity": 2,
    "sellerIdentities": ["super_factory"],
    "offerIdentities": [],
    "tradeScore": "5.0",
    "createDate": "2024-04-20 08:00:00",
    "modifyDate": "2024-05-20 08:00:00",
    "companyName": "温州鞋业",
    "promotionURL": "https://detail.1688.com/offer/610947572360.html",
    "productSimpleShippingInfo": {"shippingTimeGuarantee": "shipIn48Hours"},
}
LINKPLUS_ROW: dict[str, Any] = {
    "offerId": 610947572360,
    "subject": "凉鞋",
    "oldPrice": 2990,
    "imageUrl": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "categoryId": 1037003,
    "quantityBegin": 2,
    "unit": "双",
    "detailUrl": "https://detail.1688.com/offer/610947572360.html",
}
TMAPI_ROW: dict[str, Any] = {
    "item_id": 610947572360,
    "product_url": "https://detail.1688.com/offer/610947572360.html",
    "title": "sandals",
    "origin_title": "凉鞋",
    "img": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "price": "29.90",
    "price_info": {"price": "29.90", "price_min": "25.50", "price_max": "29.90"},
    "currency": "CNY",
    "quantity_begin": "2",
    "sale_info": {"sale_quantity_90days": "2880"},
    "goods_score": "5.0",
    "shop_info": {"company_name": "温州鞋业"},
    "is_free_shipping": False,
}
REGIONS = {"yoloCropRegion": "265,597,326,764;443,783,154,595", "currentRegion": "265,597,326,764"}


def router(rows: Any, total: Any) -> Any:
    items = {"page": "1", "real_total_results": total, "pagecount": total, "item": rows}
    return {"code": 200, "msg": "success", "request_id": "r-1", "items": items}


def imagequery(rows: Any, total: Any) -> Any:
    inner = {"data": rows, "totalRecords": total, "totalPage": total, "picRegionInfo": REGIONS}
    return {"result": {"success": "true", "code": "200", "message": None, "result": inner}}


def linkplus(rows: Any, total: Any) -> Any:
    return {"result": {"success": True, "result": rows, "total": total}}


def onebound(rows: Any, total: Any) -> Any:
    items = {"page": "1", "real_total_results": total, "pagecount": total, "item": rows}
    return {"items": items} | ONEBOUND_ENVELOPE


def tmapi(rows: Any, total: Any) -> Any:
    data = {"page": 1, "page_size": 20, "total_count": total, "items": rows}
    return {"code": 200, "msg": "success", "data": data}


ONEBOUND_ENVELOPE: dict[str, Any] = {
    "error": "",
    "reason": "",
    "error_code": "0000",
    "api_info": "today:15 max:10100 all[15=15+0+0];expires:2030-12-31",
    "execution_time": "1.075",
    "call_args": {},
    "request_id": "gw-1",
}
ANSWER: dict[str, Callable[[Any, Any], Any]] = {
    "router": router,
    "imagequery": imagequery,
    "linkplus": linkplus,
    "onebound": onebound,
    "tmapi": tmapi,
}
ROW: dict[str, dict[str, Any]] = {
    "router": ROUTER_ROW,
    "imagequery": IMAGEQUERY_ROW,
    "linkplus": LINKPLUS_ROW,
    "onebound": ROUTER_ROW | {"turnHead": "15%"},
    "tmapi": TMAPI_ROW,
}
UPLOADED: dict[str, Any] = {
    "router": {"code": 200, "msg": "success", "items": {"item": {"name": "O1CN01"}}},
    "imagequery": {"result": {"success": "true", "code": "200", "result": "1104565838"}},
    "onebound": {"items": {"item": {"name": "https://cbu01.alicdn.com/a.jpg"}}} | ONEBOUND_ENVELOPE,
}


def top(code: int, **members: Any) -> Any:
    return {"error_response": {"code": code, "msg": "no", "request_id": "r-2"} | members}


def gw(code: str, text: str = "no") -> Any:
    return {"error_code": code, "error_message": text, "exception": ""}


def reseller(code: str) -> Any:
    return ONEBOUND_ENVELOPE | {"error_code": code, "reason": "why", "error": "no"}


REFUSED: dict[str, list[Any]] = {
    "router": [{"code": 401, "msg": "invalid access_token"}, top(7, sub_code="isp.x"), top(25)],
    "imagequery": [gw("401", "Request need user authorized"), gw("gw.QosAppFrequencyLimit")],
    "linkplus": [
        gw("gw.APIACLDecline"),
        {"result": [], "success": False, "code": "SYSTEM_ERROR", "message": "handle image error"},
    ],
    "onebound": [reseller("2000"), reseller("4005"), reseller("4013")],
    "tmapi": [{"code": 401, "msg": "who?", "data": None}, {"code": 429, "msg": "slow"}],
}


def two_rows(name: str) -> Any:
    return ANSWER[name]([ROW[name], ROW[name]], 80)


SEEDS: dict[str, list[bytes]] = {
    name: [
        *(dumped(each) for each in (two_rows(name), two_rows(name), *REFUSED[name])),
        *(dumped(UPLOADED[name]) for _ in range(2) if name in UPLOADED),
    ]
    for name in DIALECTS
}


def offers_in(found: Page | Refusal) -> list[Offer]:
    return [row for row in found.rows if isinstance(row, Offer)] if isinstance(found, Page) else []


# bad inputs with a name


@pytest.mark.parametrize("name", DIALECTS)
def test_the_documented_answer_is_read(name: str) -> None:
    found = made(name).page(200, {}, dumped(two_rows(name)))
    assert [offer.num_iid for offer in offers_in(found)] == ["610947572360"] * 2
    assert isinstance(found, Page)
    assert found.unreadable == []
    assert {str(offer.price) for offer in offers_in(found)} == {"29.90"}


def no(what: str, name: str, status: int, body: Any, kind: RefusalClass, cause: Any = None) -> Any:
    body = body if isinstance(body, bytes) else dumped(body)
    return pytest.param(name, status, body, kind, cause, id=f"{what}-{name}")


@pytest.mark.parametrize(
    ("name", "status", "body", "kind", "cause"),
    [
        no("wrong-secret", "router", 200, top(25), DENIED, Cause.SECRET),
        *(no("wrong-secret", n, 400, gw("gw.SignatureInvalid"), DENIED) for n in OFFICIAL),
        no("wrong-secret", "onebound", 200, reseller("4005"), DENIED, Cause.KEY),
        no("dead-token", "router", 200, {"code": 401, "msg": "invalid"}, TOKEN, Cause.TOKEN),
        *(no("dead-token", n, 401, gw("401", "Request need user"), TOKEN) for n in OFFICIAL),
        no("dead-token", "tmapi", 200, {"code": 401, "msg": "invalid"}, DENIED, Cause.TOKEN),
        no("no-permission", "router", 200, top(11), DENIED, Cause.PERMISSION),
        *(
            no("no-permission", n, 400, gw("gw.APIACLDecline"), DENIED, Cause.PERMISSION)
            for n in OFFICIAL
        ),
        no("no-permission", "onebound", 200, reseller("4004"), DENIED, Cause.PERMISSION),
        no("no-permission", "tmapi", 200, {"code": 403}, DENIED, Cause.PERMISSION),
        *(
            no("wrong-namespace", n, 400, gw("gw.APIUnsupported"), DENIED, Cause.SETTINGS)
            for n in OFFICIAL
        ),
        *(
            no("wrong-path", n, 404, b"<html>Not Found</html>", DENIED, Cause.SETTINGS)
            for n in DIALECTS
        ),
        *(no("too-fast", n, 400, gw("gw.QosAppFrequencyLimit"), THROTTLED) for n in OFFICIAL),
        *(no("http-429", n, 429, b"<html>slow down</html>", THROTTLED) for n in DIALECTS),
        *(
            no("bad-parameter", n, 400, gw("gw.ParamMissing", "Required argument picUrl"), BAD_SEED)
            for n in OFFICIAL
        ),
        no("bad-parameter", "router", 200, {"code": 400, "msg": "imgid is null"}, BAD_SEED),
        no("bad-parameter", "onebound", 200, reseller("4003") | {"reason": "imgid"}, BAD_SEED),
        no("bad-parameter", "tmapi", 200, {"code": 422, "msg": "img_url"}, BAD_SEED),
        no("calls-used-up", "onebound", 200, reseller("4013"), SPENT, Cause.QUOTA),
    ],
)
def test_a_named_refusal_ends_in_its_class(
    name: str, status: int, body: bytes, kind: RefusalClass, cause: Cause | None
) -> None:
    found = made(name).page(status, {}, body)
    assert isinstance(found, Refusal), found
    assert found.kind is kind
    assert cause is None or found.cause is cause
    assert bool(found.remedy) or kind is not DENIED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant", "error_description": "refresh token is dead"}),
        (200, {"error": "invalid_grant"}),
        (401, gw("401", "Request need user authorized")),
        (400, gw("gw.ParamMissing", "refresh_token")),
    ],
)
def test_a_dead_refresh_token_is_denied_with_the_remedy(status: int, body: Any) -> None:
    found = renewed(status, dumped(body))
    assert isinstance(found, Refusal)
    assert found.kind is DENIED
    assert "PAILITAO_REFRESH_TOKEN" in found.remedy


PAIRS = [(ours, theirs) for ours in DIALECTS for theirs in DIALECTS if ours != theirs]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_an_answer_of_another_dialect_is_never_a_page_with_rows(
    ours: str, theirs: str, status: int
) -> None:
    for answer in (two_rows(theirs), *REFUSED[theirs], UPLOADED.get(theirs, {})):
        found = made(ours).page(status, {}, dumped(answer))
        assert not isinstance(found, Page) or not found.rows, answer
        spoken = speaker(answer)
        if spoken is None or ours in spoken:
            continue
        assert isinstance(found, Refusal), answer
        assert (found.kind, found.cause) == (DENIED, Cause.SETTINGS), answer
        assert "PAILITAO_GATEWAY" in found.remedy


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_another_dialect_s_offers_are_not_taken_for_an_empty_result(ours: str, theirs: str) -> None:
    assert isinstance(made(ours).page(200, {}, dumped(two_rows(theirs))), Refusal)


@pytest.mark.parametrize("name", UPLOADED)
def test_an_upload_to_another_dialect_is_denied(name: str) -> None:
    gateway = cast("TakesUploads", made(name))
    for theirs in UPLOADED.keys() - {name}:
        found = gateway.imgid(200, {}, dumped(UPLOADED[theirs]))
        assert isinstance(found, Refusal)
        assert (found.kind, found.cause) == (DENIED, Cause.SETTINGS)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda body: b"callback(" + body + b");", id="jsonp"),
        pytest.param(lambda body: BOM + body, id="bom"),
        pytest.param(lambda body: BOM + b"a.b(" + body + b")", id="bom-and-jsonp"),
        pytest.param(lambda body: dumped(body.decode()), id="json-text-in-json"),
        pytest.param(lambda body: b"\r\n\t" + body + b"\n\n", id="white-space"),
        pytest.param(lambda body: body[:-1] + b',"x":"' + b"y" * 5_000_000 + b'"}', id="5-mb"),
        pytest.param(lambda body: body[:-1] + b',"x":NaN,"y":-Infinity}', id="nan"),
        pytest.param(lambda body: body[:-1] + b',"x":' + b"9" * 400 + b"}", id="huge-number"),
        pytest.param(lambda body: body[:-1] + b',"x":"\\ud800"}', id="lone-surrogate"),
    ],
)
def test_a_wrapped_answer_is_the_same_page(name: str, wrap: Callable[[bytes], bytes]) -> None:
    body = dumped(two_rows(name))
    assert made(name).page(200, {}, wrap(body)) == made(name).page(200, {}, body)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \r\n", id="blank"),
        pytest.param(b"<!DOCTYPE html><html><body>login</body></html>", id="html"),
        pytest.param(b'<?xml version="1.0"?><error_response/>', id="xml"),
        pytest.param(b"\xff\xfe\x00\x01", id="no-utf-8"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"true", id="true"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{}", id="object"),
        pytest.param(b'{"a":' * 70 + b"1" + b"}" * 70, id="deep"),
        pytest.param(b"[" * 100_000, id="deeper"),
        pytest.param(b"x" * 5_000_000, id="5-mb-of-nothing"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_tried_again(name: str, body: bytes) -> None:
    found = made(name).page(200, {}, body)
    assert isinstance(found, Refusal)
    assert found.kind is TRANSIENT
    assert len(found.reason) < 500


@pytest.mark.parametrize("name", DIALECTS)
def test_a_cut_answer_is_tried_again(name: str) -> None:
    body = dumped(two_rows(name))
    for end in range(1, len(body), 7):
        found = made(name).page(200, {}, body[:end])
        assert isinstance(found, Refusal)
        assert found.kind is TRANSIENT


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("claim", [10**9, str(10**9)], ids=ascii)
def test_a_claim_of_endless_pages_is_capped(name: str, claim: Any) -> None:
    page = made(name).page(200, {}, dumped(ANSWER[name]([ROW[name]], claim)))
    assert isinstance(page, Page)
    assert len(page.rows) == 1
    hints = Hints(page.total, page.page_count)
    asked = Paging(asked_size=20).came(1, ["610947572360"], 1, hints)
    assert len(asked) < PAGE_LIMIT


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "linkplus"])
def test_rows_that_are_one_object_are_one_row(name: str) -> None:
    found = made(name).page(200, {}, dumped(ANSWER[name](ROW[name], 1)))
    assert [offer.num_iid for offer in offers_in(found)] == ["610947572360"]


def test_one_object_where_linkplus_nests_results_is_never_an_empty_result() -> None:
    found = made("linkplus").page(200, {}, dumped(linkplus(LINKPLUS_ROW, 1)))
    assert offers_in(found) or (isinstance(found, Refusal) and found.kind is TRANSIENT)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("rows", [[], None, ""], ids=ascii)
def test_no_rows_of_none_are_an_empty_page(name: str, rows: Any) -> None:
    found = made(name).page(200, {}, dumped(ANSWER[name](rows, 0)))
    assert isinstance(found, Page)
    assert (found.rows, found.total or 0) == ([], 0)


# mutations

STATUSES = (200, 200, 200, 200, 204, 301, 400, 401, 402, 403, 404, 418, 422, 429, 500, 503, 599)
HEADERS: tuple[dict[str, str], ...] = (
    {}, {}, {}, {"retry-after": "3"}, {"retry-after": "soon"}, {"retry-after": "9" * 400},
    {"retry-after": "-1"}, {"retry-after": "²"}, {"date": "\x00"}, {"content-type": "text/xml"},
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 200, "200", 401, "0000", "2000", "4005", "gw.X", 2**70, 10**9,
    10**400, 0.1, -1e308, float("nan"), float("inf"), "", "0", " ", "null", "true", "¥29.90",
    "25-35", "35-25-1", "1.1万+", "²", "١٢", "\ud800", "\ud83d\ude00", "\x00", "x" * 3000,
    "http://[", "https://detailp4p.1688.com/x", "<font>a</font>", "&#x110000;", "&" * 60, "{}",
    "[1]", '{"item":[{}]}', '"\\"a\\""', [], {}, [[]], [None], {"": ""}, {"a": {"b": [{}]}},
    [1, "2", {}], {"name": []}, "20170126094556000+0800", "9" * 30, 1e25,
)  # fmt: skip
SNIPPETS = (
    b"null", b'"x"', b"1e999", b"-0", b"[]", b"{}", b'"\\ud800"', b"NaN", b"-Infinity", b"\xff",
    b"\xed\xa0\x80", b"\x00", b",", b":", b'"', b"}", b"]", b"\\", b"\\u", b"/**/", b"1" * 5000,
)  # fmt: skip
Mutation = Callable[[random.Random, bytes], bytes]


def flipped(rng: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.randint(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def spliced(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + rng.choice(SNIPPETS) + body[at + rng.randint(0, 25) :]


def cut(rng: random.Random, body: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return rng.choice((body[:end], body[start:], body[:start] + body[end:], body + body[:end]))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of every object and list, as container and key."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    else:
        keys = list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [at for key in keys for at in places(value[key])]


def swapped(rng: random.Random, body: bytes) -> bytes:
    """Values of other types, members gone, members that are JSON text, members moved."""
    answer = json.loads(body)
    for _ in range(rng.randint(1, 3)):
        if not (all_places := places(answer)):
            break
        container, key = rng.choice(all_places)
        if (lot := rng.random()) < 0.6:
            container[key] = deepcopy(rng.choice(ODD))
        elif lot < 0.7:
            del container[key]
        elif lot < 0.8:
            container[key] = json.dumps(container[key])
        elif lot < 0.9:
            container[key] = [container[key]]
        else:
            other, place = rng.choice(all_places)
            container[key] = deepcopy(other[place])
    return json.dumps(answer).encode()


def doubled(rng: random.Random, body: bytes) -> bytes:
    """A key a second time in one object."""
    names = [
        part for part in body.split(b'"') if part.isascii() and part.replace(b"_", b"").isalpha()
    ]
    twice = json.dumps(rng.choice(ODD)).encode() if rng.random() < 0.8 else b"[[["
    return body[:-1] + b',"' + rng.choice(names) + b'":' + twice + b"}"


def nested(rng: random.Random, body: bytes) -> bytes:
    depth = rng.choice((3, 30, 62, 63, 64, 65, 66, 300, 1500))
    return b'{"x":' * depth + body + b"}" * depth if rng.random() < 0.5 else (
        body[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"
    )  # fmt: skip


def wrapped(rng: random.Random, body: bytes) -> bytes:
    body = rng.choice((flipped, swapped, spliced))(rng, body)
    text = body.decode("utf-8", "replace")
    return rng.choice(
        (
            b"cb(" + body + b")",
            b"jQuery1_2.x[0](" + body + b");",
            BOM + body,
            BOM + b"cb(" + body,
            dumped(text),
            dumped(dumped(text).decode()),
            b'<?xml version="1.0"?><a>' + body + b"</a>",
            b"<html>" + body,
            text.encode("utf-16"),
            text.encode("gb18030", "replace"),
            b"[" + body + b"]",
            b'{"result":' + body + b"}",
            b'{"code":200,"items":' + body + b',"data":' + body + b"}",
        )
    )


def nothing(rng: random.Random, body: bytes) -> bytes:
    return rng.choice((b"", b" ", b"null", b"0", b"{", rng.randbytes(rng.randint(1, 80))))


MUTATIONS: tuple[Mutation, ...] = (
    flipped, spliced, spliced, cut, swapped, swapped, swapped, swapped, doubled, nested, wrapped,
    nothing,
)  # fmt: skip
PER_DIALECT = 8_000


def mutated(name: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Answers of the dialect and, now and then, of the others, each changed at least once."""
    rng = random.Random(f"1688 {name}")
    strange = [body for other in DIALECTS if other != name for body in SEEDS[other]]
    answers = []
    for _ in range(PER_DIALECT):
        body = rng.choice(SEEDS[name] if rng.random() < 0.9 else strange)
        answers.append(
            (rng.choice(STATUSES), rng.choice(HEADERS), rng.choice(MUTATIONS)(rng, body))
        )
    return answers


def test_there_are_twenty_thousand_answers_at_least() -> None:
    assert PER_DIALECT * len(DIALECTS) >= 20_000


@pytest.mark.parametrize("name", DIALECTS)
def test_whatever_comes_is_a_page_that_can_be_written_or_a_refusal(name: str) -> None:
    gateway = made(name)
    pages = 0
    for status, headers, body in mutated(name):
        try:
            found = gateway.page(status, headers, body)
            assert isinstance(found, Page | Refusal), found
            written = ENCODER.encode(found.rows if isinstance(found, Page) else found).decode()
        except Exception as error:
            pytest.fail(f"{error!r} with {status} {headers} {body[:3000]!r}")
        assert written
        pages += bool(offers_in(found))
        if isinstance(found, Refusal):
            assert len(found.reason) < 1000
            assert found.wait_seconds is None or found.wait_seconds >= 0
    assert pages > PER_DIALECT / 20, "mutated beyond use"


@pytest.mark.parametrize("name", UPLOADED)
def test_whatever_an_upload_answers_is_an_id_or_a_refusal(name: str) -> None:
    gateway = cast("TakesUploads", made(name))
    ids = 0
    for status, headers, body in mutated(name):
        try:
            found = gateway.imgid(status, headers, body)
            assert isinstance(found, Refusal) or (isinstance(found, str) and found), found
            assert ENCODER.encode(found).decode()
        except Exception as error:
            pytest.fail(f"{error!r} with {status} {headers} {body[:3000]!r}")
        ids += isinstance(found, str)
    assert ids > PER_DIALECT / 50, "mutated beyond use"


def test_whatever_a_renewal_answers_is_tokens_or_a_refusal() -> None:
    rng = random.Random(1688)
    seeds = [
        dumped({"access_token": "A", "refresh_token": "R", "expires_in": "36000"}),
        dumped({"error": "invalid_grant", "error_description": "dead"}),
        dumped(gw("401", "Request need user authorized")),
    ]
    for _ in range(2000):
        body = rng.choice(MUTATIONS)(rng, rng.choice(seeds))
        found = renewed(rng.choice(STATUSES), body)
        assert isinstance(found, Refusal) or found.access_token
