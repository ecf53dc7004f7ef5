"""Runs over several keys and gateways, as users have them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY, Crawled, Crawler
from tests.test_crawl import CATALOGUE, PHOTOS, truth

Serve = Callable[..., Site]

HOSTED = [each.name for each in CATALOGUE.designs]


def served(serve_sandbox: Serve, options: str) -> Site:
    return serve_sandbox(build(SandboxOptions.from_text(options)))


def table(site: Site, gateway: str, name: str, **more: Any) -> str:
    """One `[[key]]` of a credentials file, for a key that the sandbox knows by `key=NAME:…`."""
    values = {
        "name": name,
        "gateway": gateway,
        "url": site.url_of(gateway),
        "token_url": (site.token_url_of(gateway) or "").replace("{app_key}", name),
        "app_key": name,
        "app_secret": f"{name}-secret",
        "access_token": f"{name}-token",
        "refresh_token": f"{name}-refresh",
        **more,
    }
    if gateway.startswith("tmapi"):
        values |= {"app_key": "", "app_secret": ""}
    lines = [f"{key} = {value!r}" for key, value in values.items() if value != ""]
    return "\n".join(["[[key]]", *lines, ""]).replace("'", '"')


def use(crawler: Crawler, *tables: str) -> None:
    (crawler.folder / "keys.toml").write_text("\n".join(tables), encoding="utf-8")
    crawler.env["PAILITAO_CREDENTIALS"] = "keys.toml"


class Finder(BaseHTTPRequestHandler):
    """The invented gateway of examples/dialect.py: sixty offers, thirty a page."""

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        first = (int(asked["page"]) - 1) * 30 + 1
        offers = [
            {"id": number, "name": "mug", "fen": 1230, "sold": 7}
            for number in range(first, min(first + 30, 61))
        ]
        body = json.dumps({"offers": offers, "found": 60}).encode()
        if asked.get("token") != "example-token":
            body = b'{"error": "bad_token", "about": "who are you?"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def hosted(number: int) -> str:
    return CATALOGUE.hosted_url(HOSTED[number])


def good(site: Site, key: str) -> int:
    return site.gateway.log.by_key[key].good


def check_whole(crawled: Crawled, numbers: range) -> None:
    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth(*(HOSTED[number] for number in numbers)))
    assert set(crawled.statuses) == {"done"}
    assert sum(line["offers_new"] for line in crawled.ledger.values()) == len(crawled.offers)
    assert sum(line["calls"] for line in crawled.ledger.values()) == crawled.stats["pailitao/calls"]


def test_keys_of_three_gateways_share_a_run_and_one_is_spent_half_way(
    serve_sandbox: Serve, crawler: Crawler, *, at_rest: bool
) -> None:
    site = served(serve_sandbox, "key=fast:40:10:,key=slow:15:10:,key=small:30:10:12")
    use(
        crawler,
        table(site, "router", "fast", rate=40),
        table(site, "imagequery", "slow", rate=15),
        table(site, "onebound", "small", rate=30),
    )
    crawler.seeds(*(hosted(number) for number in range(60)))

    crawled = crawler.crawl()

    check_whole(crawled, range(60))
    log = site.gateway.log
    assert good(site, "small") == 12
    if at_rest:
        assert log.refused["throttled"] <= 1, "none, but for a machine that wakes late"
        assert log.by_key["small"].spent <= 2, "only what was under way when it ended"
    assert "key small is out: the gateway " in crawled.log
    assert min(good(site, "fast"), good(site, "slow")) > 10
    assert {offer["gateway"] for offer in crawled.offers} == {"router", "imagequery", "onebound"}
    assert log.calls == crawled.stats["pailitao/calls"]


def test_a_search_whose_gateway_is_spent_begins_anew_at_another(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """Pages of two gateways are never mixed in one search."""
    site = served(serve_sandbox, "key=small:100:5:,key=large:100:5:")
    use(
        crawler,
        table(site, "imagequery", "small", rate=100, daily_calls=7),
        table(site, "router", "large", rate=12),
    )
    big = sorted(range(96), key=lambda n: -len(CATALOGUE.truth(HOSTED[n], 1)))[:4]
    crawler.seeds(*(hosted(number) for number in big))

    crawled = crawler.crawl("-a", "page_size=10", "-L", "INFO")

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth(*(HOSTED[number] for number in big)))
    assert "begun anew at another gateway" in crawled.log
    assert set(crawled.statuses) == {"done"}
    assert good(site, "small") == 7
    for line in crawled.ledger.values():
        assert line["pages_fetched"] == line["pages_expected"]


def test_a_denied_key_is_taken_out_and_named(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = served(serve_sandbox, "key=good:100:5:,key=bad:100:5:")
    use(
        crawler,
        table(site, "router", "bad", rate=50, app_secret="wrong"),
        table(site, "router", "good", rate=50),
    )
    crawler.seeds(*(hosted(number) for number in range(12)))

    crawled = crawler.crawl()

    check_whole(crawled, range(12))
    assert crawled.stats["pailitao/refused/denied"] == 1, "it costs one call"
    assert "key bad is out: the gateway refused: denied: 25" in crawled.log
    assert "check app_secret in keys.toml" in crawled.log


def test_a_key_whose_tokens_are_dead_is_taken_out(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = served(serve_sandbox, "key=good:100:5:,key=dead:100:5:")
    use(
        crawler,
        table(site, "imagequery", "dead", rate=50, access_token="x", refresh_token="y"),
        table(site, "imagequery", "good", rate=50),
    )
    crawler.seeds(*(hosted(number) for number in range(12)))

    crawled = crawler.crawl()

    check_whole(crawled, range(12))
    assert "key dead is out: the gateway gives no new token" in crawled.log
    assert site.gateway.log.by_method["token"] == 1


def test_when_no_key_is_left_the_run_says_when_it_can_go_on(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = served(serve_sandbox, "key=a:100:5:6,key=b:100:5:")
    use(
        crawler,
        table(site, "router", "a", rate=100),
        table(site, "onebound", "b", rate=100, daily_calls=5),
    )
    crawler.seeds(*(hosted(number) for number in range(40)))

    stopped = crawler.crawl()

    assert stopped.exit_code == 1
    assert stopped.stats["finish_reason"] in ("pailitao_spent", "pailitao_budget")
    end = stopped.log[stopped.log.index("Stopped early") :]
    assert "key a: the gateway refused: spent: 7" in end
    assert "key b: PAILITAO_DAILY_CALLS=5 are used up" in end
    assert "go on with -o after" in end
    assert (good(site, "a"), good(site, "b")) == (6, 5)

    use(crawler, table(served(serve_sandbox, "key=c:100:5:"), "router", "c", rate=200))
    gone_on = crawler.crawl(out="-o")
    assert gone_on.exit_code == 0, gone_on.log
    assert sorted(gone_on.ids) == sorted(truth(*HOSTED[:40]))
    assert gone_on.statuses == {"done": 40}


def test_local_pictures_go_to_the_gateways_that_take_them(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = served(serve_sandbox, "key=links:100:5:,key=a:20:5:,key=b:20:5:")
    use(
        crawler,
        table(site, "linkplus", "links", rate=100),
        table(site, "onebound", "a", rate=20),
        table(site, "imagequery", "b", rate=20),
    )

    crawled = crawler.crawl(seeds=PHOTOS)

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth(*(path.stem for path in PHOTOS.glob("*.jpg"))))
    assert site.gateway.log.by_method["upload"] == 12, "each once, by one key"
    assert "links" not in site.gateway.log.by_key
    assert min(good(site, "a"), good(site, "b")) > 5


@pytest.mark.parametrize(
    ("gateway", "seed", "reason"),
    [
        (
            "linkplus",
            str(PHOTOS / "mug-01.jpg"),
            "not_taken: linkplus takes pictures by URL only; router, imagequery, onebound, tmapi "
            "take uploads",
        ),
        (
            "tmapi",
            "https://shop.example/shoe.jpg",
            "bad_seed: 422 Parameter error: image url can not be converted",
        ),
    ],
)
def test_a_picture_that_no_gateway_takes_is_refused_with_those_that_do(
    serve_sandbox: Serve, crawler: Crawler, gateway: str, seed: str, reason: str
) -> None:
    site = served(serve_sandbox, "key=k:100:5:")
    use(crawler, table(site, gateway, "k", rate=100))
    crawler.seeds(seed, hosted(1))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert sorted(crawled.ids) == sorted(truth(HOSTED[1]))
    [failed] = [line for line in crawled.ledger.values() if line["status"] == "failed"]
    assert failed["reason"] == reason
    assert site.gateway.log.calls == crawled.stats["pailitao/calls"]


@pytest.mark.parametrize("auth", ["query", "header", "rapidapi"])
def test_local_photos_are_converted_at_tmapi_once_each(
    serve_sandbox: Serve, crawler: Crawler, auth: str
) -> None:
    site = served(serve_sandbox, "key=k:100:5:")
    use(crawler, table(site, f"tmapi?auth={auth}", "k", rate=100))
    crawler.seeds(*(PHOTOS / f"{name}.jpg" for name in ("mug-01", "lamp-04")))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth("mug-01", "lamp-04"))
    assert site.gateway.log.by_method["upload"] == 2
    assert crawled.offers[0]["repurchase_rate"] is not None


def test_a_url_that_a_gateway_does_not_fetch_is_fetched_and_uploaded(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = served(serve_sandbox, "key=k:100:5:")
    use(crawler, table(site, "imagequery", "k", rate=100))
    there = [f"{site.origin}/photos/{name}-1.jpg" for name in ("mug-01", "lamp-02")]
    crawler.seeds(*there, f"{site.origin}/photos/nothing-here.jpg")

    crawled = crawler.crawl("-a", "page_size=20")

    assert sorted(crawled.ids) == sorted(truth("mug-01", "lamp-02"))
    assert crawled.statuses == {"done": 2, "failed": 1}
    [failed] = [line for line in crawled.ledger.values() if line["status"] == "failed"]
    assert failed["reason"] == f"not_fetched: {site.origin}/photos/nothing-here.jpg: HTTP 404"
    assert site.gateway.log.by_method["upload"] == 2


def test_each_product_of_a_photo_is_searched_and_its_rows_say_which(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    name = next(each for each in HOSTED if len(CATALOGUE.regions(each)) > 1)
    shown = dict(CATALOGUE.regions(name))
    site = served(serve_sandbox, "key=k:100:5:")
    use(crawler, table(site, "imagequery", "k", rate=100))
    crawler.seeds(CATALOGUE.hosted_url(name))

    crawled = crawler.crawl("-a", "regions=all")

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth(*shown.values()))
    others = {region: truth(design) - truth(name) for region, design in shown.items()}
    found: dict[str, set[str]] = {region: set() for region in shown}
    for offer in crawled.offers:
        if "region" in offer["extra"]:
            found[offer["extra"]["region"]].add(offer["num_iid"])
    for region, design in shown.items():
        assert found[region] <= truth(design)
        assert found[region] >= others[region]
    [line] = crawled.ledger.values()
    assert line["pages_fetched"] == line["pages_expected"] >= 3
    assert line["rows_seen"] == crawled.stats["pailitao/rows"]


def test_a_dialect_of_one_s_own_needs_one_file(crawler: Crawler) -> None:
    """The example of docs/gateways.md, named by its import path."""
    crawler.env |= {
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'examples'}",
        "PAILITAO_GATEWAY": "dialect:PictureFinder",
        "PAILITAO_ACCESS_TOKEN": "example-token",
        "PAILITAO_RATE": "100",
    }
    crawler.seeds("https://cdn.example/mug.jpg")
    with ThreadingHTTPServer(("127.0.0.1", 0), Finder) as server:
        crawler.env["PAILITAO_URL"] = f"http://127.0.0.1:{server.server_port}/search"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        crawled = crawler.crawl()
        server.shutdown()

    assert crawled.exit_code == 0, crawled.log
    assert sorted(map(int, crawled.ids)) == list(range(1, 61))
    assert {(o["gateway"], o["price"], o["sales_window"]) for o in crawled.offers} == {
        ("picturefinder", Decimal("12.30"), "30d")
    }


def test_what_a_day_may_cost_ends_the_run(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = served(serve_sandbox, "key=a:100:5:,key=b:100:5:")
    use(
        crawler,
        table(site, "router", "a", rate=100, price=0.1),
        table(site, "onebound", "b", rate=100, price=0.05),
    )
    crawler.seeds(*(hosted(number) for number in range(60)))

    stopped = crawler.crawl("-s", "PAILITAO_MAX_SPEND=1.5")

    assert stopped.stats["finish_reason"] == "pailitao_budget"
    assert "PAILITAO_MAX_SPEND=1.5 yuan a day are spent" in stopped.log
    billed = {name: of_key.billed for name, of_key in site.gateway.log.by_key.items()}
    cost = billed["a"] * 10 + billed["b"] * 5
    assert 140 < cost <= 150, "to the last call, and not beyond"
    usage = crawler.crawl("-s", "PAILITAO_MAX_SPEND=1.5", out="-o")
    assert site.gateway.log.by_key["a"].billed == billed["a"], "the next run knows"
    assert usage.stats.get("pailitao/calls", 0) <= 1


# what was typed

BAD_FILES = {
    "missing.toml": (None, "missing.toml: No such file"),
    "empty": ("", "wants nothing but tables [[key]]"),
    "no TOML": ("[[key]\n", "no TOML at line 1"),
    "another table": ('[[keys]]\nname="x"\n', "wants nothing but tables [[key]]"),
    "a key misspelt": ('[[key]]\napp_kay="x"\n', "key 1: app_kay is none of name, gateway"),
    "no secret": (
        '[[key]]\nname="x"\napp_key="k"\n',
        "key x has no app_secret, which router needs",
    ),
    "no token": ('[[key]]\ngateway="tmapi"\n', "key tmapi has no access_token, which tmapi needs"),
    "a bad rate": (
        '[[key]]\napp_key="k"\napp_secret="s"\nrate=0\n',
        "key 1: rate: '0' is not a number of calls a second above 0",
    ),
    "a bad gateway": ('[[key]]\ngateway="nowhere"\n', "'nowhere' is no gateway: known are router"),
    "twice a name": (
        '[[key]]\nname="x"\napp_key="k"\napp_secret="s"\n'
        '[[key]]\nname="x"\napp_key="l"\napp_secret="s"\n',
        "two keys are named 'x'; give each its own name",
    ),
    "the same twice": (
        '[[key]]\nname="x"\napp_key="k"\napp_secret="s"\n'
        '[[key]]\nname="y"\napp_key="k"\napp_secret="s"\n',
        "key y is the same as key x; once will do",
    ),
    "a name of two lines": ('[[key]]\nname="a\\nb"\n', "is not a name of up to 40 printable"),
    "an unknown option": (
        '[[key]]\ngateway="onebound?cachee=yes"\n',
        "onebound has no such options; its options are: cache",
    ),
    "a list": ('[[key]]\nname=["x"]\n', "name must be text or a number"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_of_keys_is_one_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scrapy.settings import Settings

    from pailitao_spider.config.setting_table import Config
    from pailitao_spider.errors import ConfigError

    monkeypatch.chdir(tmp_path)
    text, told = BAD_FILES[case]
    name = "missing.toml" if text is None else "keys.toml"
    if text is not None:
        Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Config.read(Settings({"PAILITAO_CREDENTIALS": name}), {})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_in_a_broken_file_is_not_shown(tmp_path: Path) -> None:
    from scrapy.settings import Settings

    from pailitao_spider.config.setting_table import Config
    from pailitao_spider.errors import ConfigError

    path = tmp_path / "keys.toml"
    path.write_text('[[key]]\napp_secret = "s3cret-canary\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Config.read(Settings({"PAILITAO_CREDENTIALS": str(path)}), {})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("gateway", "argument", "told"),
    [
        ("linkplus", "search_type=2", "linkplus searches only the same item; router knows both"),
        (
            "linkplus",
            "sort=price_asc",
            "linkplus cannot be asked to sort; router, imagequery, onebound, tmapi can",
        ),
        ("router", "regions=all", "router knows no regions of a photo; imagequery does"),
    ],
)
def test_what_a_gateway_cannot_be_asked_is_told_before_anything_is_sent(
    crawler: Crawler, gateway: str, argument: str, told: str
) -> None:
    crawler.env |= {"PAILITAO_SANDBOX": "1", "PAILITAO_GATEWAY": gateway}
    crawler.seeds(hosted(1))

    crawled = crawler.crawl("-a", argument)

    assert crawled.exit_code == 2
    assert told in crawled.log
    assert crawled.log.count("\n") == 1


def test_a_filter_that_a_gateway_tells_nothing_of_is_said_to_keep_all(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = served(serve_sandbox, "key=k:100:5:")
    use(crawler, table(site, "imagequery", "k", rate=100))
    crawler.seeds(hosted(1))

    crawled = crawler.crawl("-a", "min_similarity=0.9")

    assert crawled.exit_code == 0
    assert "-a min_similarity: imagequery does not tell it, all offers are kept" in crawled.log
    assert "pailitao similarity" in crawled.log


def test_a_folder_is_told_at_once_where_no_gateway_takes_uploads(crawler: Crawler) -> None:
    crawler.env |= {"PAILITAO_SANDBOX": "1", "PAILITAO_GATEWAY": "linkplus"}

    crawled = crawler.crawl(seeds=PHOTOS)

    assert crawled.exit_code == 2
    told = "linkplus takes pictures by URL only; router, imagequery, onebound, tmapi take uploads"
    assert told in crawled.log
    assert crawled.log.count("\n") == 1


def test_pictures_that_have_to_be_uploaded_are_shared_with_those_that_need_not(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """A key that takes the address as it is does not leave the others without work."""
    site = served(serve_sandbox, "key=a:6:5:,key=b:30:5:")
    use(crawler, table(site, "router", "a", rate=6), table(site, "onebound", "b", rate=30))
    names = HOSTED[:24]
    crawler.seeds(*(f"{site.origin}/photos/{name}-1.jpg" for name in names))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth(*names))
    assert good(site, "b") > good(site, "a")


def test_keys_from_a_pipe_of_the_shell_serve_the_whole_run(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = served(serve_sandbox, "key=a:50,key=b:50")
    use(crawler, table(site, "router", "a"), table(site, "router", "b"))
    crawler.seeds(hosted(1))
    command = (
        f"PAILITAO_CREDENTIALS=<(cat keys.toml) exec {sys.executable} -m scrapy crawl pailitao "
        "-a seeds=seeds.txt -O offers.jsonl"
    )

    ended = subprocess.run(
        ["bash", "-c", command], cwd=crawler.folder, capture_output=True, text=True,
        env=crawler._environment(), timeout=60,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert "by 2 keys" in ended.stderr
    assert crawler.result().offers
