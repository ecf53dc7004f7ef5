"""Crawls against a gateway that refuses in words of its own: whose fault it is, and what follows.

Exact sets: who has a line in the ledger, what was asked, what is kept.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from email.utils import formatdate
from math import ceil

import pytest

from pailitao_spider.cluster.redis.local_server import LocalServer
from tests.clusters import Cluster, Unserved
from tests.crawling import Crawled, Crawler
from tests.scripted_gateway import Answer, Script, ScriptedGateway, found, refused, scripted

SECRET = "canary-secret-91f3"
TOKEN = "canary-token-5d1"
HTML = {"Content-Type": "text/html"}


def photo(number: int) -> str:
    return f"https://cbu01.alicdn.com/img/ibank/{number}.jpg"


def number_of(asked: dict[str, str]) -> int:
    return int(asked["imgid"].rpartition("/")[2].partition(".")[0])


def settings(served: ScriptedGateway, **more: object) -> dict[str, str]:
    given = {
        "url": served.url,
        "token_url": f"{served.url}/token",
        "app_key": "27182818",
        "app_secret": SECRET,
        "access_token": TOKEN,
        "rate": 200,
    }
    return {f"PAILITAO_{name.upper()}": str(value) for name, value in (given | more).items()}


def crawled(
    crawler: Crawler, script: Script, seeds: int, *arguments: str, **more: object
) -> tuple[Crawled, ScriptedGateway]:
    with scripted(script) as gateway:
        crawler.env |= settings(gateway, **more)
        crawler.seeds(*map(photo, range(seeds)))
        return crawler.crawl(*arguments), gateway


def always(answer: Answer) -> Script:
    return lambda asked, number: answer


def echo(asked: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in asked.items())


# what is no picture's fault stops the run, and no seed gets a line for it


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (refused("sign error"), "pailitao_denied", "PAILITAO_APP_SECRET"),
        (refused("时间戳已过期"), "pailitao_denied", "clock"),
        (refused("invalid app_key", 401), "pailitao_denied", "PAILITAO_APP_KEY"),
        (refused("没有权限", "E17"), "pailitao_denied", "console"),
        (refused("session expired"), "pailitao_token", "PAILITAO_ACCESS_TOKEN"),
    ],
    ids=ascii,
)
def test_one_call_is_enough_where_the_words_name_what_is_wrong(
    crawler: Crawler, answer: Answer, reason: str, said: str
) -> None:
    ended, gateway = crawled(crawler, always(answer), 12)
    assert (ended.exit_code, ended.stats["finish_reason"]) == (1, reason), ended.log
    assert len(gateway.calls) == 1
    assert ended.ledger == {}
    assert said in ended.log
    assert "picture not usable" not in ended.log


@pytest.mark.parametrize(
    "answer",
    [
        refused("isv.invalid-parameter:v"),
        refused("", "UNKNOWN"),
        Answer({"error_response": {"code": 15, "msg": "Remote service error"}}),
    ],
    ids=ascii,
)
def test_unknown_words_for_picture_after_picture_stop_the_run_with_those_words(
    crawler: Crawler, answer: Answer
) -> None:
    ended, gateway = crawled(crawler, always(answer), 40)
    assert (ended.exit_code, ended.stats["finish_reason"]) == (1, "pailitao_refused"), ended.log
    assert len(set(gateway.pictures)) == 5
    assert len(gateway.calls) <= 10
    assert ended.ledger == {}
    body = answer.body.get("error_response", answer.body)
    assert f"with the same words: {body['code']} {body['msg']}".rstrip() in ended.log


def test_words_that_differ_by_an_echo_and_a_number_are_the_same(crawler: Crawler) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused(f"参数错误 [trace 8f{number}] {echo(asked)}")

    ended, gateway = crawled(crawler, script, 30)
    assert ended.stats["finish_reason"] == "pailitao_refused", ended.log
    assert len(gateway.calls) <= 10
    assert ended.ledger == {}


@pytest.mark.parametrize("concurrency", [1, 2, 64])
def test_another_picture_goes_before_the_same_is_tried_again(
    crawler: Crawler, concurrency: int
) -> None:
    ended, gateway = crawled(
        crawler, always(refused("参数错误")), 12, "-s", f"CONCURRENT_REQUESTS={concurrency}", rate=8
    )
    assert ended.stats["finish_reason"] == "pailitao_refused", ended.log
    assert gateway.pictures[:5] == [photo(number) for number in range(5)]


def test_after_the_stop_the_way_on_finds_all(crawler: Crawler) -> None:
    crawled(crawler, always(refused("参数错误")), 8)
    with scripted(lambda asked, _: found(number_of(asked) + 1)) as gateway:
        crawler.env |= settings(gateway)
        ended = crawler.crawl(out="-o")
    assert ended.exit_code == 0, ended.log
    assert sorted(ended.ids) == [str(number + 1) for number in range(8)]
    assert ended.statuses == {"done": 8}


# what is a picture's is that picture's


@pytest.mark.parametrize(
    "words",
    [
        "图片无法识别",
        "image url can not be fetched, check sign",
    ],
)
def test_a_picture_that_is_refused_for_itself_fails_alone(crawler: Crawler, words: str) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused(words) if number_of(asked) % 2 else found(number_of(asked) + 1)

    ended, gateway = crawled(crawler, script, 8)
    assert (ended.exit_code, ended.statuses) == (1, {"done": 4, "failed": 4}), ended.log
    assert sorted(gateway.pictures) == sorted(map(photo, range(8)))
    assert {line["reason"] for line in ended.ledger.values()} == {None, f"bad_seed: 400 {words}"}


def test_fifty_pictures_refused_for_themselves_in_a_row_stop_the_run(crawler: Crawler) -> None:
    ended, gateway = crawled(crawler, always(refused("imgid can not be fetched")), 80)
    assert ended.stats["finish_reason"] == "pailitao_refused", ended.log
    assert 50 <= len(gateway.calls) <= 50 + 64
    assert ended.statuses["failed"] < 80


def test_a_few_unknown_refusals_among_good_answers_cost_a_try_and_no_picture(
    crawler: Crawler,
) -> None:
    tried: set[str] = set()

    def script(asked: dict[str, str], number: int) -> Answer:
        is_first_try = asked["imgid"] not in tried
        tried.add(asked["imgid"])
        if is_first_try and number_of(asked) % 3 == 1:
            return refused("参数错误")
        return found(number_of(asked) + 1)

    ended, gateway = crawled(crawler, script, 30)
    assert (ended.exit_code, ended.statuses) == (0, {"done": 30}), ended.log
    assert len(gateway.calls) == 40
    assert ended.stats["pailitao/refused/transient"] == 10


def test_an_unknown_refusal_of_one_picture_fails_it_in_the_end(crawler: Crawler) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused("参数错误") if number_of(asked) == 3 else found(number_of(asked) + 1)

    ended, _ = crawled(crawler, script, 6, transient_tries=3)
    assert ended.statuses == {"done": 5, "failed": 1}, ended.log
    assert ended.ledger["3.jpg"]["reason"] == "transient: 400 参数错误"


def test_an_empty_page_is_a_good_answer(crawler: Crawler) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused("参数错误") if number_of(asked) % 5 else found()

    ended, _ = crawled(crawler, script, 20, transient_tries=2)
    assert ended.stats["finish_reason"] == "finished", ended.log
    assert ended.statuses == {"empty": 4, "failed": 16}


# a stray answer of a proxy


@pytest.mark.parametrize("status", [302, 404, 405, 410])
def test_one_stray_answer_among_good_ones_is_tried_again(crawler: Crawler, status: int) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        if number == 3:
            return Answer("<html>no</html>", status, {**HTML, "Location": "https://x.invalid/"})
        return found(number_of(asked) + 1)

    ended, gateway = crawled(crawler, script, 6)
    assert (ended.exit_code, ended.statuses) == (0, {"done": 6}), ended.log
    assert len(gateway.calls) == 7


def test_a_stray_answer_that_stays_stops_the_run_as_before(crawler: Crawler) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return found(number_of(asked) + 1) if number < 3 else Answer("<html>", 404, HTML)

    ended, _ = crawled(crawler, script, 6, transient_tries=3)
    assert ended.stats["finish_reason"] == "pailitao_denied", ended.log
    assert "PAILITAO_URL" in ended.log
    assert ended.statuses == {"done": 2}


def test_a_wrong_address_is_told_at_once(crawler: Crawler) -> None:
    ended, gateway = crawled(crawler, always(Answer("<html>", 404, HTML)), 6)
    assert ended.stats["finish_reason"] == "pailitao_denied", ended.log
    assert len(gateway.calls) == 1


# several keys, several workers


def test_a_key_that_is_refused_is_out_and_the_others_search_its_pictures(crawler: Crawler) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused("参数错误") if asked["app_key"] == "bad" else found(number_of(asked) + 1)

    with scripted(script) as gateway:
        crawler.env |= settings(gateway)
        for name in ("URL", "APP_KEY", "APP_SECRET", "ACCESS_TOKEN", "TOKEN_URL", "RATE"):
            del crawler.env[f"PAILITAO_{name}"]
        keys = "".join(
            f'[[key]]\nname="{name}"\napp_key="{name}"\napp_secret="{SECRET}"\n'
            f'access_token="{TOKEN}"\nurl="{gateway.url}"\nrate=20\n'
            for name in ("bad", "good")
        )
        path = crawler.folder / "keys.toml"
        path.write_text(keys)
        path.chmod(0o600)
        crawler.env["PAILITAO_CREDENTIALS"] = str(path)
        crawler.seeds(*map(photo, range(40)))
        ended = crawler.crawl()
    assert (ended.exit_code, ended.statuses) == (0, {"done": 40}), ended.log
    assert "key bad is out" in ended.log
    assert sum(call["app_key"] == "bad" for call in gateway.calls) <= 10


@pytest.mark.parametrize(
    ("words", "said"), [("参数错误", "with the same words: 400 参数错误"), ("sign error", "SECRET")]
)
def test_only_the_worker_at_fault_stops_and_gives_its_pages_back(
    cluster: Callable[..., Cluster], redis_server: LocalServer, crawler: Crawler,
    words: str, said: str,
) -> None:  # fmt: skip
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused(words) if asked["app_key"] == "other" else found(number_of(asked) + 1)

    with scripted(script) as gateway:
        run = Cluster(crawler.folder, redis_server, Unserved)
        run.env |= settings(gateway, rate=60)
        try:
            run.push(*map(photo, range(60)))
            bad = run.start("-a", "until_empty=1", PAILITAO_APP_KEY="other")
            assert run.wait(bad) == 1, run.log(bad)
            assert run.lines("results/*/*.seeds.jsonl") == []
            codes = run.crawl(workers=2)
        finally:
            run.close()
    assert codes == [0, 0], run.logs
    assert said in run.log(bad)
    assert sum(call["app_key"] == "other" for call in gateway.calls) <= 10
    assert run.feed_ids == {str(number + 1): 1 for number in range(60)}
    assert {line["status"] for line in run.lines("results/*/*.seeds.jsonl")} == {"done"}


# an answer that is too large, one that says how long to wait


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_answer_above_the_limit_is_not_tried_again(crawler: Crawler, is_packed: bool) -> None:
    large = b"{" + b" " * 9_000_000
    packed = Answer(gzip.compress(large), headers={"Content-Encoding": "gzip"})

    def script(asked: dict[str, str], number: int) -> Answer:
        if number_of(asked) == 1:
            return packed if is_packed else Answer(large)
        return found(number_of(asked) + 1)

    ended, gateway = crawled(crawler, script, 3)
    assert ended.statuses == {"done": 2, "failed": 1}, ended.log
    assert len(gateway.calls) == 3
    assert ended.ledger["1.jpg"]["reason"].startswith("too_large: an answer above 8 MiB")


@pytest.mark.parametrize("status", [429, 503, 500])
@pytest.mark.parametrize("form", ["date", "date-without-date", "fraction"])
def test_the_gate_stays_closed_as_long_as_the_gateway_says(
    crawler: Crawler, status: int, form: str
) -> None:
    """Not a call goes out meanwhile, so none is made in vain but those under way."""
    closed_until: list[float] = []

    def script(asked: dict[str, str], number: int) -> Answer:
        now = time.time()
        if number == 1:
            closed_until.append(ceil(now) + 2)
        if now >= closed_until[0]:
            return found(number_of(asked) + 1)
        wait = {"fraction": f"{closed_until[0] - now + 0.05:.2f}"}
        header = wait.get(form) or formatdate(closed_until[0] + 1, usegmt=True)
        date = {} if form != "date" else {"Date": formatdate(int(now), usegmt=True)}
        return Answer("<html>", status, {**HTML, **date, "Retry-After": header})

    ended, gateway = crawled(crawler, script, 10)
    assert (ended.exit_code, ended.statuses) == (0, {"done": 10}), ended.log
    assert len(gateway.calls) == 11


def test_a_gateway_that_is_down_for_long_says_until_when(crawler: Crawler) -> None:
    answer = Answer("<html>", 503, {**HTML, "Retry-After": "7200"})
    ended, gateway = crawled(crawler, always(answer), 4)
    assert ended.stats["finish_reason"] == "pailitao_banned", ended.log
    assert len(gateway.calls) == 1
    assert ended.ledger == {}


@pytest.mark.soak
@pytest.mark.parametrize("rate", [5, 100])
def test_after_good_answers_it_takes_a_minute_few_calls_and_no_picture(
    crawler: Crawler, rate: int
) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return found(number_of(asked) + 1) if number_of(asked) < 3 else refused("参数错误")

    with scripted(script) as gateway:
        crawler.env |= settings(gateway, rate=rate)
        crawler.seeds(*map(photo, range(100)))
        ended = crawler.crawl(timeout_seconds=120)
    assert ended.stats["finish_reason"] == "pailitao_refused", ended.log
    assert ended.statuses == {"done": 3}
    assert len(gateway.calls) <= 150
