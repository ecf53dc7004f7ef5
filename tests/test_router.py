"""The router dialect without I/O: forms that leave, pages and refusals that come."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.errors import AnswerError, ConfigError
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall, Sort
from pailitao_spider.gateways.json_bodies import decode, first, whole_number
from pailitao_spider.gateways.oauth import Renewed, refresh_form, renewed
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import (
    Refusal,
    RefusalClass,
    ban_seconds,
    retry_after_seconds,
)
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.gateways.router.dialect import Router
from pailitao_spider.gateways.signing import sign
from pailitao_spider.keys.tokens import Token
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.results.lines import ENCODER

URL = "https://gateway.test/router/rest"
CREDENTIAL = Credential("12345678", "helloworld", "a-token")
CALL = SearchCall(picture=PictureRef(url="https://example.com/product.jpg"), page_size=50)
IMGID = "https://example.com/product.jpg"
NOW = 1744567890.75
BOM = b"\xef\xbb\xbf"

THROTTLED, SPENT, TOKEN = RefusalClass.THROTTLED, RefusalClass.SPENT, RefusalClass.TOKEN
DENIED, BAD_SEED, TRANSIENT = RefusalClass.DENIED, RefusalClass.BAD_SEED, RefusalClass.TRANSIENT


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def params(form: Form) -> dict[str, str]:
    pairs = parse_qsl(form.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def searched(router: Router, credential: Credential = CREDENTIAL, imgid: str = IMGID) -> Any:
    return params(router.search_form(URL, CALL, imgid, credential, NOW))


# forms


def test_a_search_form_holds_exactly_the_documented_parameters() -> None:
    form = searched(Router())
    del form["sign"]
    assert form == {
        "method": "1688.item_search_img",
        "app_key": "12345678",
        "access_token": "a-token",
        "imgid": IMGID,
        "search_type": "1",
        "page": "1",
        "page_size": "50",
        "sort": "sale_desc",
        "timestamp": "1744567890",
        "format": "json",
        "v": "2.0",
    }


@pytest.mark.parametrize("search_type", [1, 2])
@pytest.mark.parametrize("sort", get_args(Sort))
def test_a_call_s_wishes_are_in_its_form(search_type: Any, sort: Any) -> None:
    call = SearchCall(
        picture=CALL.picture, search_type=search_type, sort=sort, page=7, page_size=20
    )
    form = params(Router().search_form(URL, call, "abc", CREDENTIAL, NOW))
    wishes = {name: form[name] for name in ("imgid", "search_type", "sort", "page", "page_size")}
    assert wishes == {
        "imgid": "abc",
        "search_type": str(search_type),
        "sort": sort,
        "page": "7",
        "page_size": "20",
    }


def test_an_upload_form_holds_the_picture_and_no_search() -> None:
    form = params(Router().upload_form(URL, "aGk+/w==", CREDENTIAL, NOW))
    assert sorted(form) == [
        "access_token", "app_key", "format", "imgcode", "method", "sign", "timestamp", "v",
    ]  # fmt: skip
    assert (form["method"], form["imgcode"]) == ("1688.upload_img", "aGk+/w==")


def test_a_form_goes_to_the_url_that_was_given() -> None:
    assert Router().search_form(URL, CALL, IMGID, CREDENTIAL, NOW).url == URL


def test_the_documented_call_has_its_known_signature() -> None:
    form = searched(Router(), Credential("12345678", "helloworld"))
    assert form["sign"] == "556DBBAAC5F2FAC8F39D12A9C717A84E"


def test_no_access_token_is_sent_where_there_is_none() -> None:
    assert "access_token" not in searched(Router(), Credential("k", "s"))


@given(
    options=st.fixed_dictionaries(
        {
            "sign_method": st.sampled_from(["md5", "hmac", "hmac-sha256"]),
            "timestamp": st.sampled_from(["s", "ms", "text"]),
            "empty": st.sampled_from(["keep", "drop"]),
        }
    ),
    imgid=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    token=st.none() | st.text("a&=+ 中", max_size=5),
)
def test_the_signature_is_over_what_the_gateway_reads(
    options: dict[str, str], imgid: str, token: str | None
) -> None:
    form = searched(Router(**options), Credential("k", "a secret", token), imgid)
    assert form["sign"] == sign(form, "a secret", options["sign_method"])


@pytest.mark.parametrize(
    ("option", "sent"),
    [("md5", None), ("hmac", "hmac"), ("hmac-sha256", "hmac-sha256")],
)
def test_the_sign_method_is_sent_unless_it_is_the_documented_one(
    option: str, sent: str | None
) -> None:
    assert searched(Router(sign_method=option)).get("sign_method") == sent


@pytest.mark.parametrize(
    ("option", "sent"),
    [("s", "1744567890"), ("ms", "1744567890750"), ("text", "2025-04-14 02:11:30")],
)
def test_the_timestamp_has_the_form_that_was_chosen(option: str, sent: str) -> None:
    assert searched(Router(timestamp=option))["timestamp"] == sent


@pytest.mark.parametrize(("option", "sent"), [("keep", ""), ("drop", None)])
def test_empty_values_are_kept_or_dropped(option: str, sent: str | None) -> None:
    form = searched(Router(empty=option), Credential("k", "s", ""), imgid="")
    assert (form.get("imgid"), form.get("access_token")) == (sent, sent)


# dialects


def test_a_dialect_is_found_by_its_name() -> None:
    assert dialect("router") == Router()


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_goes_by_the_name_that_finds_it(name: str) -> None:
    assert dialect(name).name == name


def test_options_follow_the_name_as_in_a_url() -> None:
    text = " router?sign_method=hmac-sha256&timestamp=ms&empty=drop "
    assert dialect(text) == Router("hmac-sha256", "ms", "drop")


@pytest.mark.parametrize(
    "path",
    [
        "pailitao_spider.gateways.router.dialect:Router",
        "pailitao_spider.gateways.router.dialect.Router",
    ],
)
def test_a_dialect_of_one_s_own_is_found_by_its_import_path(path: str) -> None:
    assert dialect(f"{path}?timestamp=ms") == Router(timestamp="ms")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "known are router"),
        ("ruoter", "known are router"),
        ("no.such.module:Thing", "known are router"),
        ("pailitao_spider.gateways.router.dialect:Ruoter", "known are router"),
        ("..x", "known are router"),
        (".x", "known are router"),
        ("router?colour=red", "colour"),
        ("router?timestamp", "known: s, ms, text"),
        ("router?timestamp=h", "known: s, ms, text"),
        ("router?sign_method=sha1", "known: md5, hmac, hmac-sha256"),
        ("router?empty=maybe", "known: keep, drop"),
    ],
    ids=lambda text: text or "nothing",
)
def test_a_wrong_dialect_is_told_with_the_ones_there_are(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="PAILITAO_GATEWAY") as caught:
        dialect(text)
    assert said in str(caught.value)


# pages


def row(number: int = 1) -> dict[str, Any]:
    return {"num_iid": str(610000000000 + number), "title": f"凉鞋 {number}", "price": "29.90"}


def ids(page: Any) -> list[str]:
    assert isinstance(page, Page), page
    return [each.num_iid for each in page.rows if isinstance(each, Offer)]


def answer(items: Any, **outer: Any) -> bytes:
    return dumped({"code": 200, "msg": "success", "request_id": "r-1", "items": items} | outer)


DOCUMENTED = {
    "page": "1",
    "real_total_results": 892,
    "total_results": 892,
    "pagecount": 18,
    "page_size": "50",
    "item": [row(1), row(2)],
}


def paged(body: bytes, status: int = 200, **headers: str) -> Page | Refusal:
    return Router().page(status, headers, body)


def test_the_documented_answer_is_a_page() -> None:
    page = paged(answer(DOCUMENTED))
    assert isinstance(page, Page)
    assert ids(page) == ["610000000001", "610000000002"]
    assert (page.total, page.page_count, page.request_id) == (892, 18, "r-1")
    assert (page.unreadable, page.billed) == ([], True)
    assert isinstance(page.rows[0], Offer)
    assert str(page.rows[0].price) == "29.90"


ONE, TWO = ["610000000001"], ["610000000001", "610000000002"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param({"item": [row(1), row(2)]}, TWO, id="list"),
        pytest.param({"item": []}, [], id="empty-list"),
        pytest.param({"item": None}, [], id="null"),
        pytest.param({"item": ""}, [], id="empty-text"),
        pytest.param({}, [], id="absent"),
        pytest.param({"item": row(1)}, ONE, id="one-object"),
        pytest.param([row(1), row(2)], TWO, id="items-is-the-list"),
        pytest.param(None, [], id="items-null"),
        pytest.param("", [], id="items-empty-text"),
        pytest.param([], [], id="items-empty-list"),
        pytest.param({"item": json.dumps([row(1), row(2)])}, TWO, id="item-as-json-text"),
        pytest.param({"item": [json.dumps(row(1)), row(2)]}, TWO, id="a-row-as-json-text"),
        pytest.param(json.dumps({"item": [row(1)]}), ONE, id="items-as-json-text"),
    ],
)
def test_rows_are_found_wherever_they_stand(items: Any, expected: list[str]) -> None:
    assert ids(paged(answer(items))) == expected


DOC = answer(DOCUMENTED)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"callback(" + DOC + b")", id="jsonp"),
        pytest.param(b"jQuery18_1.cb[0]( " + DOC + b" );\n", id="jsonp-with-a-long-name"),
        pytest.param(BOM + DOC, id="bom"),
        pytest.param(BOM + b"cb(" + DOC + b")", id="bom-and-jsonp"),
        pytest.param(dumped(DOC.decode()), id="json-text-in-json"),
        pytest.param(b"\r\n " + DOC + b"\n", id="white-space"),
        pytest.param(answer(DOCUMENTED, code="200"), id="code-as-text"),
        pytest.param(answer(DOCUMENTED, extra_field=[1]), id="unknown-member"),
        pytest.param(answer(DOCUMENTED | {"real_total_results": "892"}), id="total-as-text"),
        pytest.param(answer(DOCUMENTED | {"pagecount": "18", "page": 1}), id="pagecount-as-text"),
        pytest.param(answer(DOCUMENTED | {"real_total_results": None}), id="no-real-total"),
        pytest.param(answer(DOCUMENTED | {"real_total_results": ""}), id="real-total-empty"),
    ],
)
def test_a_wrapped_answer_is_the_same_page(body: bytes) -> None:
    assert paged(body) == paged(DOC)


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_a_body_that_says_success_counts_whatever_the_http_status(status: int) -> None:
    assert ids(paged(DOC, status)) == TWO


def test_a_total_that_is_no_number_is_none() -> None:
    page = paged(answer({"item": [row()], "real_total_results": "many", "pagecount": -1}))
    assert isinstance(page, Page)
    assert (page.total, page.page_count) == (None, None)


def test_a_request_id_given_as_a_number_is_text() -> None:
    page = paged(answer(DOCUMENTED, request_id=77))
    assert isinstance(page, Page)
    assert page.request_id == "77"


@pytest.mark.parametrize(
    "items",
    [
        pytest.param({"item": ["abc", row(1)]}, id="text-in-the-list"),
        pytest.param({"item": [None, row(1)]}, id="null-in-the-list"),
        pytest.param({"item": [7, row(1)]}, id="number-in-the-list"),
        pytest.param([["x"], row(1)], id="list-in-items"),
        pytest.param(["abc", row(1)], id="text-in-items"),
    ],
)
def test_a_row_that_is_no_object_is_rejected_and_the_others_stay(items: Any) -> None:
    page = paged(answer(items))
    assert ids(page) == ONE
    assert isinstance(page, Page)
    assert isinstance(page.rows[0], RejectedRow)
    assert page.rows[0].reason == "no_object"


def test_a_field_that_cannot_be_read_is_named() -> None:
    page = paged(answer({"item": [row(1) | {"score": "good"}, row(2) | {"score": "bad"}]}))
    assert isinstance(page, Page)
    assert page.unreadable == ["score", "score"]


# refusals


def top(code: Any, **members: Any) -> dict[str, Any]:
    return {"error_response": {"code": code, **members}}


BAN = "This ban will last for {} more seconds"
LIMITED = "accesscontrol.limited-by-api-access-count"
SPENT_CODE = "accesscontrol.limited-by-app-access-count"
CUT = DOC[: len(DOC) // 2]


def no(id: str, expected: RefusalClass, body: Any, status: int = 200) -> Any:
    return pytest.param(expected, body if isinstance(body, bytes) else dumped(body), status, id=id)


@pytest.mark.parametrize(
    ("expected", "body", "status"),
    [
        no("429-in-body", THROTTLED, {"code": 429, "msg": "too many requests"}),
        no("429-as-text", THROTTLED, {"code": "429", "msg": "too many requests"}),
        no("429-http", THROTTLED, b"", 429),
        no("429-http-html", THROTTLED, b"<html>slow down</html>", 429),
        no("429-http-unknown-code", THROTTLED, {"code": 77777}, 429),
        no("top-7", THROTTLED, top(7, msg="App Call Limited")),
        no("top-7-as-text", THROTTLED, top("7", msg="App Call Limited")),
        no("api-access-count", THROTTLED, top(7, sub_code=LIMITED)),
        no("app-access-count", SPENT, top(7, sub_code=SPENT_CODE)),
        no("app-access-count-in-capitals", SPENT, top(7, sub_code=SPENT_CODE.upper())),
        no("401-in-body", TOKEN, {"code": 401, "msg": "invalid access_token"}),
        no("401-both", TOKEN, {"code": 401, "msg": "invalid access_token"}, 401),
        no("401-http", TOKEN, b"", 401),
        no("401-http-error-without-code", TOKEN, {"error_response": {"msg": "who?"}}, 401),
        no("27", TOKEN, top(27, msg="Invalid session")),
        no("session-sub-code", TOKEN, top(53, sub_code="isv.invalid-session")),
        no("25", DENIED, top(25, msg="Invalid signature")),
        no("29", DENIED, top(29, msg="Invalid app Key")),
        no("31", DENIED, top(31, msg="Invalid timestamp")),
        no("11", DENIED, top(11, msg="Insufficient isv permissions")),
        no("permission-sub-code", DENIED, top(15, sub_code="isv.permission-denied")),
        no("403", DENIED, {"code": 403, "msg": "forbidden"}, 403),
        no("400", BAD_SEED, {"code": 400, "msg": "imgid is null"}),
        no("400-both", BAD_SEED, {"code": 400, "msg": "imgid is null"}, 400),
        no("40", BAD_SEED, top(40, msg="Missing required arguments:imgid")),
        no("41", TRANSIENT, top(41, msg="Invalid arguments:page")),
        no("parameter-sub-code", BAD_SEED, top(15, sub_code="isv.invalid-parameter:imgid")),
        no("500", TRANSIENT, {"code": 500, "msg": "server error"}),
        no("500-both", TRANSIENT, {"code": 500, "msg": "server error"}, 500),
        no("500-in-body-before-http", TRANSIENT, {"code": 500, "msg": "server error"}, 404),
        no("503", TRANSIENT, b"", 503),
        no("502-html", TRANSIENT, b"<html>Bad Gateway</html>", 502),
        no("html", TRANSIENT, b"<!DOCTYPE html><html></html>"),
        no("cut", TRANSIENT, CUT),
        no("empty", TRANSIENT, b""),
        no("null", TRANSIENT, b"null"),
        no("list", TRANSIENT, b"[]"),
        no("no-code", TRANSIENT, {"msg": "?"}),
        no("isp", TRANSIENT, top(15, sub_code="isp.http-connection-timeout")),
        no("unknown-code", TRANSIENT, {"code": 77777, "msg": "?"}),
        no("unknown-top-code", TRANSIENT, top(77777)),
        no("code-of-no-kind", TRANSIENT, {"code": {"a": 1}}),
        no("code-true", TRANSIENT, {"code": True}),
        no("odd-items", TRANSIENT, {"code": 200, "items": 5}),
        no("html-404", DENIED, b"<html>Not Found</html>", 404),
        no("html-302", DENIED, b"<html>Moved</html>", 302),
    ],
)
def test_a_refusal_falls_into_its_class(expected: RefusalClass, body: bytes, status: int) -> None:
    found = paged(body, status)
    assert isinstance(found, Refusal)
    assert found.kind is expected, found
    assert Router().imgid(status, {}, body) == found or b"items" in body


@pytest.mark.parametrize("code", [*range(21, 27), *range(28, 32)])
def test_a_caller_s_fault_is_denied_with_a_remedy(code: int) -> None:
    found = paged(dumped(top(code)))
    assert isinstance(found, Refusal)
    assert found.kind is DENIED
    assert found.remedy


@pytest.mark.parametrize(
    ("code", "word"),
    [(25, "PAILITAO_APP_SECRET"), (29, "PAILITAO_APP_KEY"), (31, "clock"), (11, "console")],
)
def test_the_remedy_names_what_to_do(code: int, word: str) -> None:
    found = paged(dumped(top(code)))
    assert isinstance(found, Refusal)
    assert word in found.remedy


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        pytest.param(top(7, sub_msg=BAN.format(1)), {}, 1.0, id="ban"),
        pytest.param(top(7, sub_msg=BAN.format(22238)), {}, 22238.0, id="long-ban"),
        pytest.param({"code": 429, "msg": BAN.format(5)}, {}, 5.0, id="ban-in-msg"),
        pytest.param({"code": 429}, {"retry-after": "3"}, 3.0, id="header"),
        pytest.param(
            top(7, sub_msg=BAN.format(9)), {"retry-after": "3"}, 9.0, id="ban-before-header"
        ),
        pytest.param({"code": 429}, {}, None, id="unknown"),
        pytest.param({"code": 429}, {"retry-after": "soon"}, None, id="header-of-no-kind"),
    ],
)
def test_a_throttled_call_knows_how_long_to_wait(
    body: Any, headers: dict[str, str], expected: float | None
) -> None:
    found = paged(dumped(body), **headers)
    assert isinstance(found, Refusal)
    assert (found.kind, found.wait_seconds) == (THROTTLED, expected)


def test_http_429_with_retry_after_waits_so_long() -> None:
    found = Router().page(429, {"retry-after": "17"}, b"<html>")
    assert isinstance(found, Refusal)
    assert (found.kind, found.code, found.wait_seconds) == (THROTTLED, "HTTP 429", 17.0)


def test_a_refusal_keeps_the_gateway_s_words_and_request_id() -> None:
    said = top(7, msg="App Call Limited", sub_code=LIMITED, sub_msg=BAN.format(1), request_id="r-9")
    found = paged(dumped(said))
    assert isinstance(found, Refusal)
    assert found.code == "7"
    assert found.text == f"App Call Limited {LIMITED} {BAN.format(1)}"
    assert found.request_id == "r-9"
    assert found.reason == f"throttled: 7 {found.text}"


def test_an_error_without_a_code_is_named_by_the_http_status() -> None:
    found = paged(dumped({"error_response": {"msg": "who?"}}), 401)
    assert isinstance(found, Refusal)
    assert found.reason == "token: HTTP 401 who?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This ban will last for 1 more seconds", 1.0),
        ("THIS BAN WILL LAST FOR 22238 MORE SECONDS.", 22238.0),
        ("This ban will last for ever", None),
        ("This ban will last for 12345678901234567890 more seconds", None),
        ("", None),
    ],
    ids=["one", "capitals", "ever", "absurd", "nothing"],
)
def test_a_ban_s_seconds_are_read_from_its_text(text: str, expected: float | None) -> None:
    assert ban_seconds(text) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("9" * 400, 1e9),
        ("-1", None),
        ("1.5", 1.5),
        ("3.", 3.0),
        ("1e9", None),
        ("Wed, 21 Oct 2026 07:28:09 GMT", 9.0),
        ("Wed, 21 Oct 2026 07:20:00 GMT", 0.0),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30.0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        (None, None),
    ],
    ids=ascii,
)
def test_retry_after_is_read_in_all_its_forms(header: Any, expected: float | None) -> None:
    assert retry_after_seconds(header, "Wed, 21 Oct 2026 07:28:00 GMT") == expected


@pytest.mark.parametrize("date", [None, "", "soon"])
def test_a_date_to_wait_for_needs_one_to_compare_with(date: str | None) -> None:
    assert retry_after_seconds("Wed, 21 Oct 2026 07:28:00 GMT", date) is None
    assert retry_after_seconds("7", date) == 7.0


# uploads


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param({"item": {"name": "O1CN01"}}, "O1CN01", id="documented"),
        pytest.param({"item": [{"name": "O1CN01"}]}, "O1CN01", id="in-a-list"),
        pytest.param({"item": {"name": 1234}}, "1234", id="number"),
    ],
)
def test_an_upload_s_answer_gives_the_id(items: Any, expected: str) -> None:
    assert Router().imgid(200, {}, answer(items)) == expected


@pytest.mark.parametrize(
    "items",
    [
        *({"item": {"name": name}} for name in ("0", 0, "", None, [], True)),
        {"item": {}},
        {"item": None},
        {"item": []},
        {},
        None,
        "",
    ],
    ids=ascii,
)
def test_an_upload_without_an_id_is_tried_again(items: Any) -> None:
    found = Router().imgid(200, {}, answer(items))
    assert isinstance(found, Refusal)
    assert found.kind is TRANSIENT


# tokens


def test_a_refresh_form_is_the_one_of_oauth_unsigned() -> None:
    form = refresh_form("https://gateway.test/token", CREDENTIAL, "old+refresh")
    assert form.url == "https://gateway.test/token"
    assert params(form) == {
        "grant_type": "refresh_token",
        "client_id": "12345678",
        "client_secret": "helloworld",
        "refresh_token": "old+refresh",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"access_token": "A"}, Renewed("A")),
        (
            {"access_token": "A", "refresh_token": "R", "expires_in": 36000},
            Renewed("A", "R", 36000),
        ),
        (
            {"access_token": "A", "refresh_token": "R", "expires_in": "36000"},
            Renewed("A", "R", 36000),
        ),
        ({"access_token": "A", "refresh_token": "", "expires_in": "soon"}, Renewed("A")),
        (
            {"access_token": "A", "refresh_token_timeout": "20121222222222+0800"},
            Renewed("A", refresh_expires_at=1356186142.0),
        ),
    ],
    ids=["access-only", "numbers", "texts", "empty-refresh-token", "with-timeout"],
)
def test_new_tokens_are_read(body: Any, expected: Renewed) -> None:
    assert renewed(200, dumped(body)) == expected


@pytest.mark.parametrize(
    ("expected", "body", "status"),
    [
        no("invalid-grant", DENIED, {"error": "invalid_grant"}, 400),
        no("invalid-grant-under-200", DENIED, {"error": "invalid_grant"}),
        no("invalid-client-under-200", DENIED, {"error": "invalid_client"}),
        no("401", DENIED, {"error_code": "401"}, 401),
        no("403", DENIED, b"<html>", 403),
        no("server-error", TRANSIENT, {"error": "server_error"}, 500),
        no("token-under-500", TRANSIENT, {"access_token": "A"}, 500),
        no("busy", TRANSIENT, b"", 503),
        no("cut", TRANSIENT, b'{"access_token":"A', 200),
        no("no-token", TRANSIENT, {}, 200),
        no("empty-token", TRANSIENT, {"access_token": ""}, 200),
        no("a-list", TRANSIENT, [], 200),
    ],
)
def test_a_refused_renewal_is_final_only_when_the_token_is_dead(
    expected: RefusalClass, body: bytes, status: int
) -> None:
    found = renewed(status, body)
    assert isinstance(found, Refusal)
    assert found.kind is expected, found


def test_a_dead_refresh_token_comes_with_the_remedy() -> None:
    found = renewed(400, dumped({"error": "invalid_grant", "error_description": "it is dead"}))
    assert isinstance(found, Refusal)
    assert found.text == "it is dead"
    assert "PAILITAO_REFRESH_TOKEN" in found.remedy


# secrets


@pytest.mark.parametrize(
    "holder",
    [
        Credential("key", "s3cret", "s3cret"),
        Form(URL, b"sign=s3cret"),
        Renewed("s3cret", "s3cret", 1),
        Token("s3cret", "s3cret", 2),
        PictureRef(base64="s3cret"),
        refresh_form(URL, Credential("key", "s3cret"), "s3cret"),
        Router().search_form(URL, CALL, IMGID, Credential("key", "s3cret", "s3cret"), NOW),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_secrets_do_not_show(holder: Any) -> None:
    assert "s3cret" not in f"{holder!r} {holder}"


@pytest.mark.parametrize(
    "body",
    [b'{"access_token":"s3cret"', b'cb{"refresh_token":"s3cret"}', b'["s3cret"]', b'"s3cret"'],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_refused_renewal_never_repeats_what_may_be_a_token(body: bytes, status: int) -> None:
    assert "s3cret" not in repr(renewed(status, body))


# small readers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (18, 18), ("18", 18), (" 18 ", 18), (0, 0), ("0", 0),
        (True, None), (-1, None), ("-1", None), ("1.5", None), (Decimal("1.5"), None),
        ("", None), (None, None), ([], None), ("9" * 16, None), (10**15, None),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_whole_number_is_read_as_text_or_number(value: Any, expected: int | None) -> None:
    assert whole_number(value) == expected


def test_first_passes_over_what_says_nothing() -> None:
    assert first({"a": None, "b": "", "c": 0, "d": 1}, "x", "a", "b", "c", "d") == 0
    assert first({"a": None}, "a") is None
    assert first([1], "a") is None


def test_the_digits_of_an_answer_are_kept() -> None:
    assert str(decode(b'{"price":29.90}')["price"]) == "29.90"
    assert str(decode(b'cb({"price":29.90})')["price"]) == "29.90"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", CUT, b"\xff\xfe", b"[" * 100_000, b'"abc"'],
    ids=["empty", "html", "cut", "no-utf-8", "deep", "text"],
)
def test_what_is_no_answer_raises_its_own_error(body: bytes) -> None:
    with pytest.raises(AnswerError) as caught:
        decode(body)
    assert len(str(caught.value)) < 500


# properties

STATUSES = st.sampled_from([200, 301, 400, 401, 403, 404, 429, 500, 503]) | st.integers(100, 599)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=12))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([200, "200", 429, "7", "", "0", "abc", "\ud800", "29.9", 10**400, 2**70])
)
NAMES = st.sampled_from(
    [
        *("code", "items", "item", "error_response", "sub_code", "msg", "request_id", "name"),
        *("pagecount", "real_total_results", "num_iid", "price", "access_token", "expires_in"),
        *("detail_url", "price_range", "x"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
ANSWERS = st.fixed_dictionaries(
    {"code": st.sampled_from([200, "200"]), "items": VALUES},
    optional={"request_id": VALUES, "error_response": VALUES},
) | st.builds(lambda items: {"code": 200, "items": {"item": items}}, st.lists(VALUES, max_size=3))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(st.sampled_from([DOC, b"cb(" + DOC + b")", dumped(top(7, msg="no"))])))
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


def can_be_written(value: Any) -> bool:
    return bool(ENCODER.encode(value).decode())


@given(STATUSES, HEADERS, BODIES)
def test_whatever_comes_is_a_page_that_can_be_written_or_a_refusal(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    found = Router().page(status, headers, body)
    assert isinstance(found, Page | Refusal)
    assert can_be_written(found.rows if isinstance(found, Page) else found)


@given(STATUSES, HEADERS, BODIES)
def test_whatever_an_upload_answers_is_an_id_or_a_refusal(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    found = Router().imgid(status, headers, body)
    assert isinstance(found, Refusal) or (isinstance(found, str) and found)
    assert can_be_written(found)


@given(STATUSES, BODIES)
def test_whatever_a_renewal_answers_is_tokens_or_a_refusal(status: int, body: bytes) -> None:
    found = renewed(status, body)
    assert isinstance(found, Renewed | Refusal)
    assert isinstance(found, Refusal) or found.access_token


@given(STATUSES, HEADERS, BODIES)
def test_a_wait_is_a_number_of_seconds_that_can_be_waited(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    found = Router().page(status, headers, body)
    wait = found.wait_seconds if isinstance(found, Refusal) else None
    assert wait is None or 0 <= wait <= 1e9


@pytest.mark.parametrize(
    ("real", "total", "returned"),
    [
        pytest.param(8920, 892, 892, id="fewer-can-be-returned"),
        pytest.param("892", "892", 892, id="the-same-as-text"),
        pytest.param(0, 892, 892, id="zero-beside-a-number"),
        pytest.param(0, 0, 0, id="zero"),
        pytest.param(None, 43, 43, id="one-alone"),
    ],
)
def test_a_total_is_what_can_be_returned(real: Any, total: Any, returned: int) -> None:
    told = {"item": [row()], "real_total_results": real, "total_results": total}

    assert paged(answer(told)).total == returned
    assert paged(answer(told | {"item": row()})).total == returned
