"""No secret in what a gateway says, and nothing else gone with it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from pailitao_spider.gateways.calls import Credential, Form
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.washing import HIDDEN, Washing, signatures_of, without_named

TOKEN, SECRET, REFRESH = "canary-token/5d1+x==", "canary&secret=91f3", "canary-refresh-77e0"
APP_KEY = "27182818"
SIGN = "0F3A9C1E77AA4C1B9F00D3E2A1B0C9D8"
WASHING = Washing.of(Credential(APP_KEY, SECRET, TOKEN), REFRESH)
SHORT = Washing.of(Credential("27", "secret", "token"), None)
DIGITS = Washing.of(Credential("27182818", "600000000145", "123456789"), None)


def washed(text: str) -> str:
    return WASHING.text(text, (SIGN, SIGN.lower()))


@pytest.mark.parametrize("secret", [TOKEN, SECRET, REFRESH, SIGN, SIGN.lower(), TOKEN.upper()])
@pytest.mark.parametrize(
    "echo",
    [
        "bad token {}",
        "bad{}token",
        "access_token={}&sign=x",
        'rejected {{"access_token": "{}"}}',
        "base string: s{}methodx",
        "https://gw.example/?x={}&y=1",
        "参数错误：{}。",
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower(),
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
        lambda text: text.replace("&", "&amp;"),
    ],
    ids=["plain", "url", "url-lower", "url-twice", "json", "html"],
)
def test_a_long_secret_is_cut_out_wherever_it_stands(secret: str, echo: str, written: Any) -> None:
    assert written(secret).lower() not in washed(echo.format(written(secret))).lower()
    assert HIDDEN in washed(echo.format(written(secret)))


@pytest.mark.parametrize(
    "echo",
    [
        "access_token=token",
        "secret=secret&x=1",
        '{"app_secret":"secret"}',
        r"{\"app_secret\":\"secret\"}",
        "{'access_token': 'token'}",
        "[access_token] => token",
        "access_token%3Dtoken%26x",
        "<access_token>token</access_token>",
        "app_key=27&v=2.0",
        "app_key: 27",
    ],
)
def test_a_short_one_is_cut_out_as_name_and_value(echo: str) -> None:
    left = SHORT.body(echo.encode()).decode()
    name, mark, rest = left.partition(HIDDEN)
    assert mark, left
    assert not name.endswith(("token", "secret", "27"))
    assert not rest.startswith(("token", "secret", "27"))


@pytest.mark.parametrize(
    "text",
    [
        "invalid token",
        "the secret is wrong, see token",
        "tokens: 27 of 270",
        "imgid is null",
        '{"num_iid": 27, "price": "27", "key": 27, "sales": 27182818}',
        '{"num_iid":"27182818","seller_id":"600000000145","cid":"123456789"}',
        '{"title":"Victoria\'s secret token ring 27","key":"red"}',
        '{"offer":"x123456789","app_key":27182818}',
        "design=blue&keyword=secret&hotkey=27",
    ],
)
def test_words_ids_and_numbers_stay(text: str) -> None:
    for washing in (SHORT, DIGITS, WASHING):
        assert washing.body(text.encode()).decode() == text


def test_a_large_body_is_washed_too_and_stays_json() -> None:
    rows = [{"num_iid": str(10**11 + n), "title": "杯" * 40, "note": n} for n in range(300)]
    rows[7] |= {"echo": f"sign={SIGN.lower()}&access_token={TOKEN}", "app_key": APP_KEY}
    body = json.dumps(rows, ensure_ascii=False).encode()
    assert len(body) > 16_384
    left = json.loads(WASHING.body(body, (SIGN, SIGN.lower())))
    assert left[7]["echo"] == f"sign={HIDDEN}&access_token={HIDDEN}"
    assert left[7]["app_key"] == HIDDEN
    del rows[7], left[7]
    assert left == rows
    clean = json.dumps(rows).encode()
    assert WASHING.body(clean) is clean


@pytest.mark.parametrize("is_long", [False, True])
def test_letters_that_json_escapes_without_need_are_no_hiding_place(is_long: bool) -> None:
    token = "TokTok-AbcD+/12345=="
    written = "".join(f"\\u{ord(each):04x}" if each in "-+=" else each for each in token)
    padding = "x" * 20_000 if is_long else ""
    body = f'{{"sent":"{written}","said":"a\\u0022b\\\\u003d","more":"{padding}"}}'.encode()
    washed = json.loads(Washing([token]).body(body))
    assert washed["sent"] == HIDDEN
    assert washed["said"] == 'a"b\\u003d', "what must be escaped stays so"


def test_bytes_that_are_no_utf_8_stay_as_they_are() -> None:
    body = '{"msg":"签名错误"}'.encode("gbk") + b"\xff\xfe"
    assert WASHING.body(body) == body
    assert REFRESH.encode() not in WASHING.body(body + REFRESH.encode())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("access_token=of-another&app_key=1", "access_token=***&app_key=***"),
        ('{"appSecret":"x1","sign":"y"}', '{"appSecret":"***","sign":"***"}'),
        ("_aop_signature%3DABCDEF%26", "_aop_signature%3D***"),
        ("X-Api-Key: 0123456789abcdef", "X-Api-Key: ***"),
        ("sign: error", "sign: error"),
        ("access_token=null", "access_token=null"),
        ("sign error: expected " + SIGN, "sign error: expected ***"),
        ("签名错误 " + SIGN.lower() * 2, "签名错误 ***"),
        ("request " + SIGN, "request " + SIGN),
        ("no way to https://me:pass@gw.example/x", "no way to https://***@gw.example/x"),
        ("imgid is null", "imgid is null"),
    ],
)
def test_what_names_itself_a_secret_is_cut_out_whosever_it_is(text: str, left: str) -> None:
    assert without_named(text) == left


@pytest.mark.parametrize("name", ["router", "imagequery", "linkplus"])
def test_the_signature_of_a_form_is_known(name: str) -> None:
    from pailitao_spider.gateways.calls import PictureRef, SearchCall

    spoken, url = dialect(name), "https://cbu01.alicdn.com/a.jpg"
    call = SearchCall(picture=PictureRef(url=url), page_size=20)
    form = spoken.search_form(
        "https://gw.example/{appKey}", call, url, Credential("1", "s", "t"), 1.0
    )
    found = signatures_of(form)
    assert found
    assert found[0].encode() in form.body
    assert len({each.lower() for each in found}) == 1


def test_a_signature_among_the_headers_is_known() -> None:
    form = Form("https://gw.example/", b"{}", headers={"X-Sign": "Ab12", "X-Nonce": "7"})
    assert signatures_of(form) == ("Ab12", "AB12", "ab12")


def test_a_form_without_a_signature_has_none() -> None:
    assert signatures_of(Form("https://gw.example/?design=1&key=2", b"", "GET")) == ()
