"""A gateway that repeats the request in errors and rows: no secret, token or signature is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.crawling import Crawled, Crawler
from tests.scripted_gateway import Answer, ScriptedGateway, scripted
from tests.test_refusals import SECRET, TOKEN, photo, settings

Asked = dict[str, str]
ENCODED = "canary-token/8a2c+x=="

DIALECTS: dict[str, dict[str, object]] = {
    "router": {},
    "imagequery": {},
    "linkplus": {},
    "onebound": {"app_key": "canary-appkey-77", "token_url": None},
    "tmapi": {"token_url": None},
}
REFUSALS: dict[str, Callable[[str], Any]] = {
    "router": lambda text: {"code": 400, "msg": f"imgid is invalid in {text}"},
    "imagequery": lambda text: {"error_code": "400", "error_message": f"bad image in {text}"},
    "linkplus": lambda text: {"success": False, "message": f"handle image error {text}"},
    "onebound": lambda text: {"error_code": "4003", "reason": f"imgid is invalid in {text}"},
    "tmapi": lambda text: {"code": 422, "msg": f"img_url is invalid in {text}"},
}
ECHOES: dict[str, Callable[[Asked], str]] = {
    "query": lambda asked: "&".join(f"{name}={value}" for name, value in asked.items()),
    "encoded": urlencode,
    "encoded-twice": lambda asked: quote(urlencode(asked)),
    "json": json.dumps,
    "json-in-json": lambda asked: json.dumps(json.dumps(asked)),
    "python": repr,
    "print_r": lambda asked: " ".join(f"[{name}] => {value}" for name, value in asked.items()),
    "base-string": lambda asked: "".join(f"{name}{value}" for name, value in asked.items()),
    "values": lambda asked: ", ".join(asked.values()),
    "lower": lambda asked: "&".join(f"{name}={value.lower()}" for name, value in asked.items()),
}


def sent(gateway: ScriptedGateway) -> set[str]:
    """What went over the wire in secret."""
    names = ("sign", "_aop_signature", "access_token", "secret", "apiToken")
    values = {call[name] for call in gateway.calls for name in names if name in call}
    assert values
    return values | {SECRET}


def leaks(ended: Crawled, secrets: set[str]) -> set[tuple[str, str]]:
    places = {"log": ended.log.encode()} | {
        str(path.relative_to(ended.folder)): path.read_bytes()
        for path in ended.folder.rglob("*")
        if path.is_file() and "site-packages" not in path.parts
    }
    return {
        (name, secret)
        for name, text in places.items()
        for secret in secrets
        for way in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])
        if way.lower().encode() in text.lower()
    }


def crawled(
    crawler: Crawler, answer: Callable[[Asked], Answer], dialect: str = "router", **more: object
) -> tuple[Crawled, ScriptedGateway]:
    given = DIALECTS[dialect] | {"gateway": dialect} | more
    with scripted(lambda asked, _: answer(asked)) as gateway:
        place = gateway.url + "/{appKey}" * (dialect in ("imagequery", "linkplus"))
        env = settings(gateway, **given) | {"PAILITAO_URL": place}
        crawler.env |= {name: text for name, text in env.items() if text != "None"}
        crawler.seeds(photo(1))
        return crawler.crawl("-L", "DEBUG", "-s", "STATS_DUMP=1"), gateway


@pytest.mark.parametrize("echo", ECHOES)
def test_a_refusal_that_repeats_the_request_says_nothing_of_it(crawler: Crawler, echo: str) -> None:
    refuse, repeat = REFUSALS["router"], ECHOES[echo]
    ended, gateway = crawled(
        crawler, lambda asked: Answer(refuse(repeat(asked))), access_token=ENCODED
    )
    assert ended.statuses == {"failed": 1}, ended.log
    assert "imgid is invalid in" in ended.ledger["1.jpg"]["reason"]
    assert leaks(ended, sent(gateway)) == set()


@pytest.mark.parametrize("dialect", ["imagequery", "linkplus", "onebound", "tmapi"])
def test_no_dialect_repeats_what_was_sent(crawler: Crawler, dialect: str) -> None:
    refuse, repeat = REFUSALS[dialect], ECHOES["encoded"]
    ended, gateway = crawled(crawler, lambda asked: Answer(refuse(repeat(asked))), dialect)
    assert leaks(ended, sent(gateway)) == set()
    assert "failed" in ended.statuses or "not known" in ended.log or ended.exit_code == 1


@pytest.mark.parametrize("status", [200, 403, 500])
def test_an_error_page_that_repeats_the_request_says_nothing_of_it(
    crawler: Crawler, status: int
) -> None:
    page = lambda asked: Answer(f"<html>{urlencode(asked)}", status, {"Content-Type": "text/html"})  # noqa: E731
    ended, gateway = crawled(crawler, page, transient_tries=2)
    assert ended.statuses == {"failed": 1}, ended.log
    assert leaks(ended, sent(gateway)) == set()


@pytest.mark.parametrize("echo", ["query", "encoded", "json", "base-string", "lower"])
def test_rows_that_repeat_the_request_are_kept_without_it(crawler: Crawler, echo: str) -> None:
    def answer(asked: Asked) -> Answer:
        said = ECHOES[echo](asked)
        good = {
            "num_iid": "600000000145", "title": f"杯 {said}", "price": "27.18", "sales": 27182818,
            "seller_id": "27182818", "debug": {"asked": asked, "said": [said]}, said: "x",
        }  # fmt: skip
        rows = [good, {"num_iid": "", "title": said}, said]
        items = {"item": rows if asked["page"] == "1" else [], "real_total_results": 1}
        return Answer({"code": 200, "msg": said, "request_id": said, "items": items})

    ended, gateway = crawled(crawler, answer, access_token=ENCODED)
    assert leaks(ended, sent(gateway)) == set()
    [offer] = ended.offers
    assert (offer["num_iid"], offer["seller_id"]) == ("600000000145", "27182818")
    assert (offer["sales"], str(offer["price"])) == (27182818, "27.18")
    assert offer["extra"]["debug"]["asked"]["method"] == "1688.item_search_img"
    assert offer["extra"]["debug"]["asked"]["access_token"] == "***"
    assert len(ended.lines("offers.rejected.jsonl")) == 2


def test_short_tokens_are_cut_out_where_they_are_named_and_words_stay(crawler: Crawler) -> None:
    def answer(asked: Asked) -> Answer:
        row = {"num_iid": "1234567", "title": "secret token ring", "echo": f"{urlencode(asked)}"}
        items = {"item": [row], "real_total_results": 1}
        return Answer({"code": 200, "msg": "ok", "items": items})

    ended, _ = crawled(crawler, answer, access_token="token", app_secret="secret", app_key="27")
    [offer] = ended.offers
    assert offer["title"] == "secret token ring"
    assert "access_token=***&" in f"{offer['extra']['echo']}&"
    assert "app_key=***&" in offer["extra"]["echo"]


def test_a_token_page_that_repeats_the_refresh_token_says_nothing_of_it(crawler: Crawler) -> None:
    def answer(asked: Asked) -> Answer:
        if "grant_type" in asked:
            words = f"refresh_token={asked['refresh_token']} {asked['refresh_token']} is unknown"
            return Answer({"error": "invalid_grant", "error_description": words}, 400)
        return Answer({"code": 401, "msg": f"invalid access_token {asked['access_token']}"})

    ended, gateway = crawled(crawler, answer, refresh_token="canary-refresh-77e0")
    assert ended.stats["finish_reason"] == "pailitao_token", ended.log
    assert leaks(ended, sent(gateway) | {"canary-refresh-77e0", TOKEN}) == set()
