"""Answers that are not in UTF-8: read by their header, or by what they look like."""

from __future__ import annotations

import json

import pytest

from pailitao_spider.gateways.charsets import guessed_in_utf8, in_utf8
from pailitao_spider.gateways.json_bodies import decode
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Cause, Refusal
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.offers.model import Offer

TITLE, SELLER = "夏季纯棉T恤男士宽松短袖 誠\\品", "杭州某某服饰工厂店"
ROW = {"num_iid": "741422477524", "title": TITLE, "seller_nick": SELLER, "price": "29.90"}
ANSWER = {"code": 200, "msg": "成功", "items": {"item": [ROW], "real_total_results": 1}}
REFUSAL = {"code": 400, "msg": "签名错误"}


def body(answer: object, encoding: str) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("gbk", "application/json; charset=GBK"),
        ("gb18030", "application/json;charset=gb2312"),
        ("gbk", 'text/html; charset="gb18030"'),
        ("gbk", "application/json"),
        ("gbk", "application/json; charset=utf-8"),
        ("gbk", "application/json; charset=ISO-8859-1"),
        ("gbk", "application/json; charset=no-such-thing"),
        ("big5", "application/json; charset=big5"),
        ("utf-8", "application/json; charset=GBK"),
        ("utf-8", ""),
        ("utf-16", "application/json"),
    ],
)
def test_an_answer_is_read_in_whatever_it_is_encoded(encoding: str, content_type: str) -> None:
    answer = ANSWER
    if encoding == "big5":
        row = ROW | {"title": "夏季棉質上衣", "seller_nick": "工廠"}
        answer = ANSWER | {"items": {"item": [row]}}
    given = body(answer, encoding)
    assert decode(in_utf8(given, {"content-type": content_type})) == answer


@pytest.mark.parametrize("content_type", ["application/json; charset=GBK", "application/json"])
@pytest.mark.parametrize("name", ["router", "onebound", "tmapi", "imagequery", "linkplus"])
def test_every_dialect_reads_an_answer_in_gbk(name: str, content_type: str) -> None:
    headers = {"content-type": content_type}
    answers = {
        "router": ANSWER,
        "onebound": {"error_code": "0000", "reason": "成功", "items": {"item": [ROW]}},
        "tmapi": {"code": 200, "data": {"items": [{"item_id": 1, "title": TITLE}]}},
        "imagequery": {"result": {"success": "true", "result": {
            "data": [{"offerId": 1, "subject": TITLE}]}}},
        "linkplus": {"success": True, "result": {"result": [{"offerId": 1, "subject": TITLE}]}},
    }  # fmt: skip
    found = dialect(name).page(200, headers, body(answers[name], "gb18030"))
    assert isinstance(found, Page), found
    [row] = found.rows
    assert isinstance(row, Offer)
    assert row.title == TITLE


def test_a_refusal_in_gbk_is_understood() -> None:
    found = dialect("router").page(200, {}, body(REFUSAL, "gbk"))
    assert isinstance(found, Refusal)
    assert (found.text, found.cause) == ("签名错误", Cause.SECRET)


@pytest.mark.parametrize(
    "damaged",
    [
        body(ANSWER, "utf-8").replace("夏".encode(), b"\xe5\xa4"),
        body(ANSWER, "utf-8").replace("夏".encode(), b"\xed\xa0\x80"),
        body({"msg": "?"}, "utf-8").replace(b"?", b"\xe5\xa4"),
        b'{"msg": "\xff"}',
        body(ANSWER, "utf-8")[:70],
        b"",
        b"\xff\xfe",
        b"\xff" * 50,
    ],
    ids=ascii,
)
def test_damaged_utf_8_is_not_taken_for_chinese(damaged: bytes) -> None:
    assert guessed_in_utf8(damaged) in (damaged, b"")
    assert in_utf8(damaged, {"content-type": "text/html; charset=utf-8"}) == damaged


def test_json_in_gbk_is_decoded_without_a_header() -> None:
    assert decode(body(ANSWER, "gbk")) == ANSWER
