"""A crawl through every refusal of the table: nothing is lost, nothing is claimed in vain."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

import pytest

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import REPOSITORY, Crawler

CATALOGUE = Catalogue()
Serve = Callable[..., Site]


def photo(number: int) -> str:
    """A picture of its own for each number; ninety-six designs take turns."""
    name = CATALOGUE.designs[number % 96].name
    return f"https://sandbox.invalid/{number}/photos/{name}-1.jpg"


def rows_of(number: int) -> list[str]:
    return CATALOGUE.truth(CATALOGUE.designs[number % 96].name, 1, "sale_desc")


def with_faults(serve_sandbox: Serve, *faults: str, **options: object) -> Site:
    return serve_sandbox(Gateway(CATALOGUE, faults=[*map(parse_fault, faults)], **options))


@pytest.mark.parametrize("seeds", [60, pytest.param(200, marks=pytest.mark.soak)])
def test_seeds_through_twenty_percent_faults(
    serve_sandbox: Serve, crawler: Crawler, seeds: int
) -> None:
    site = with_faults(
        serve_sandbox,
        *("500@3%", "503@3%", "html@3%", "cut@3%", "reset@3%", "429@2%", "429-http@1%"),
        *("401@2%", "slow=0.2@2%"),
        account=Account(token_life_seconds=2),
        quota=Quota(100, 20),
    )
    crawler.use(site, rate=100, transient_tries=20)
    crawler.seeds(*(photo(number) for number in range(seeds)))

    crawled = crawler.crawl("-a", "page_size=50", timeout_seconds=300)

    assert crawled.exit_code == 0, crawled.log[-3000:]
    expected = {iid for number in range(seeds) for iid in rows_of(number)}
    assert Counter(crawled.ids) == Counter(expected)
    pages = {number: max(1, -(-len(rows_of(number)) // 50)) for number in range(seeds)}
    for number in range(seeds):
        line = crawled.ledger[_seed_id(crawled.ledger, number)]
        assert (line["status"], line["reason"]) == ("done", None)
        assert line["pages_expected"] == line["pages_fetched"] == pages[number]
        assert line["rows_seen"] == line["total_reported"] == len(rows_of(number))
        assert line["calls"] >= pages[number]
    log = site.gateway.log
    rows = sum(len(rows_of(number)) for number in range(seeds))
    ours = crawled.ours()
    refused = {key: ours.pop(key) for key in list(ours) if key.startswith("pailitao/refused/")}
    assert ours == {
        "pailitao/seeds/done": seeds,
        "pailitao/pages": sum(pages.values()),
        "pailitao/rows": rows,
        "pailitao/offers/new": len(expected),
        "pailitao/offers/duplicate": rows - len(expected),
        "pailitao/calls": log.calls,
        "pailitao/calls/billed": sum(pages.values()),
        "pailitao/token/refreshed": log.by_method["token"],
    }
    assert log.by_method["token"] >= 1, "tokens that live two seconds are renewed"
    assert sum(refused.values()) == log.calls - sum(pages.values())
    assert refused == {f"pailitao/refused/{kind}": n for kind, n in log.refused.items()}


def _seed_id(ledger: dict[str, dict[str, object]], number: int) -> str:
    return next(name for name, line in ledger.items() if line["image"] == photo(number))


@pytest.mark.parametrize(
    "fault",
    [
        "429@1-3",
        "ban=1@2",
        "reset@1",
        *(
            pytest.param(each, marks=pytest.mark.soak)  # and each among others, above
            for each in ("429-http@1-3", "500@1-3", "503@2", "html@1", "cut@1")
        ),
    ],
)
def test_a_refusal_that_passes_costs_a_retry_and_no_offer(
    serve_sandbox: Serve, crawler: Crawler, fault: str
) -> None:
    site = with_faults(serve_sandbox, fault)
    crawler.use(site, rate=50)
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert set(crawled.ids) == {*rows_of(1), *rows_of(2)}
    assert sum(line["calls"] for line in crawled.ledger.values()) == site.gateway.log.calls


def test_a_call_that_hangs_is_tried_again(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(with_faults(serve_sandbox, "hang@2"), rate=50)
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl("-s", "DOWNLOAD_TIMEOUT=1")

    assert crawled.exit_code == 0, crawled.log
    assert set(crawled.ids) == {*rows_of(1), *rows_of(2)}


def test_a_page_that_is_given_up_makes_its_seed_partial_with_the_reason(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    biggest = max(range(96), key=lambda number: len(rows_of(number)))
    crawler.use(with_faults(serve_sandbox, "500@2-"), rate=50, transient_tries=2)
    crawler.seeds(photo(biggest))

    crawled = crawler.crawl("-a", "page_size=50")

    line = next(iter(crawled.ledger.values()))
    assert crawled.exit_code == 1
    assert (line["status"], line["pages_fetched"]) == ("partial", 1)
    assert line["reason"] == "page 2: transient: 500 server error"
    assert sorted(crawled.ids) == sorted(rows_of(biggest)[:50])


def test_a_seed_without_any_page_is_failed_and_the_others_go_on(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(with_faults(serve_sandbox, "400@1"), rate=50)
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.statuses == {"failed": 1, "done": 1}
    assert set(crawled.ids) == set(rows_of(2))


def test_many_401s_at_once_make_one_refresh(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = with_faults(serve_sandbox, "401@10", latency_seconds=0.1)
    crawler.use(site, rate=300)
    crawler.seeds(*(photo(number) for number in range(40)))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.refused["token"] > 1
    assert site.gateway.log.by_method["token"] == 1
    assert crawled.stats["pailitao/token/refreshed"] == 1


def test_a_rotated_refresh_token_serves_the_next_run(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = with_faults(serve_sandbox, "401@1", "401@3")
    crawler.use(site, rate=50)
    crawler.seeds(photo(1))
    assert crawler.crawl().exit_code == 0

    again = crawler.crawl()

    assert again.exit_code == 0, again.log
    assert site.gateway.log.by_method["token"] == 2
    kept = list((crawler.folder / "home").rglob("tokens-*.json"))
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("denied@2-", "pailitao_denied", "ask for the API 1688.item_search_img"),
        ("spent@2-", "pailitao_spent", "go on with -o after"),
        ("ban=22238@2-", "pailitao_banned", "go on with -o after"),
    ],
    ids=["permission", "day's quota", "long ban"],
)
def test_a_key_that_cannot_go_on_stops_the_run_and_keeps_the_work(
    serve_sandbox: Serve, crawler: Crawler, fault: str, reason: str, words: str
) -> None:
    site = with_faults(serve_sandbox, fault)
    crawler.use(site, rate=20)
    crawler.seeds(*(photo(number) for number in range(20)))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.stats["finish_reason"] == reason
    assert words in crawled.log
    assert "Traceback" not in crawled.log
    assert crawled.statuses == {"done": 1}
    assert set(crawled.ids) == set(rows_of(0))
    assert site.gateway.log.calls < 6

    crawler.use(with_faults(serve_sandbox), rate=200)
    rest = crawler.crawl(out="-o")
    assert rest.exit_code == 0, rest.log
    expected = {iid for number in range(20) for iid in rows_of(number)}
    assert Counter(rest.ids) == Counter(expected)
    assert rest.statuses == {"done": 20}


def test_a_wrong_secret_costs_one_call(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = with_faults(serve_sandbox, latency_seconds=0.2)
    crawler.use(site, rate=100, app_secret="not-the-secret")
    crawler.seeds(*(photo(number) for number in range(50)))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert site.gateway.log.calls == 1
    assert "check PAILITAO_APP_SECRET" in crawled.log
    assert "not-the-secret" not in crawled.log
    assert crawled.ledger == {}


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_off_is_named(serve_sandbox: Serve, crawler: Crawler, hours: int) -> None:
    site = with_faults(serve_sandbox, clock=lambda: time.time() - 3600 * hours)
    crawler.use(site, rate=100)
    crawler.seeds(photo(1))

    crawled = crawler.crawl()

    which = "ahead of" if hours > 0 else "behind"
    assert crawled.exit_code == 1
    assert "set this machine's clock" in crawled.log
    assert f"s {which} the gateway's" in crawled.log


@pytest.mark.parametrize("refresh", ["dead", ""], ids=["dead", "none"])
def test_a_token_that_cannot_be_renewed_stops_the_run(
    serve_sandbox: Serve, crawler: Crawler, refresh: str
) -> None:
    site = with_faults(serve_sandbox, "401@2")
    crawler.use(site, rate=20, refresh_token=refresh)
    crawler.seeds(*(photo(number) for number in range(10)))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.stats["finish_reason"] == "pailitao_token"
    assert "PAILITAO_REFRESH_TOKEN" in crawled.log
    assert crawled.statuses == {"done": 1}
    assert "Traceback" not in crawled.log


def test_an_upload_that_the_gateway_forgot_is_made_again(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    from tests.test_crawl import PHOTOS

    crawler.env["PAILITAO_GATEWAY"] = "router?upload=yes"
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=50)
    path = PHOTOS / "mug-01.jpg"
    assert crawler.crawl(seeds=path).exit_code == 0
    url = crawler.env["PAILITAO_URL"]
    site = with_faults(serve_sandbox, "lost-upload@2")
    crawler.use(site, rate=50)
    crawler.env["PAILITAO_URL"] = site.url
    assert site.url != url

    crawled = crawler.crawl(seeds=path)

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.by_method["upload"] == 2
    assert set(crawled.ids) == set(CATALOGUE.truth("mug-01"))


def test_a_day_s_budget_stops_cleanly_over_all_runs(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = with_faults(serve_sandbox)
    crawler.use(site, rate=100, daily_calls=5)
    crawler.seeds(*(photo(number) for number in range(12)))

    first = crawler.crawl("-a", "max_pages=1")

    assert first.exit_code == 1
    assert first.stats["finish_reason"] == "pailitao_budget"
    assert site.gateway.log.calls == 5
    assert first.statuses == {"done": 5}
    assert "go on with -o after" in first.log

    assert crawler.crawl("-a", "max_pages=1", out="-o").exit_code == 1
    assert site.gateway.log.calls == 5, "the day is the same day for the next run"

    crawler.env["PAILITAO_DAILY_CALLS"] = "12"
    last = crawler.crawl("-a", "max_pages=1", out="-o")
    assert last.exit_code == 0, last.log
    assert site.gateway.log.calls == 12
    assert last.statuses == {"done": 12}


def test_a_budget_that_is_not_used_up_is_told_in_the_table(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(with_faults(serve_sandbox), rate=100, daily_calls=1000)
    crawler.seeds(photo(1))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert "1 of 1000 today" in crawled.log
    assert "Traceback" not in crawled.log


def test_kept_tokens_that_died_give_way_to_the_configured_ones(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(with_faults(serve_sandbox, "401@1"), rate=50)
    crawler.seeds(photo(1))
    assert crawler.crawl().exit_code == 0
    crawler.use(with_faults(serve_sandbox), rate=50)  # begun anew: knows only the first tokens

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert set(crawled.ids) == set(rows_of(1))


def test_a_burst_that_is_too_large_does_not_stall_the_run(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = with_faults(serve_sandbox, quota=Quota(20, 5))
    crawler.use(site, rate=40, burst=50)
    crawler.seeds(*(photo(number) for number in range(60)))

    crawled = crawler.crawl(timeout_seconds=240)

    assert crawled.exit_code == 0, crawled.log


def test_a_token_is_renewed_ahead_of_its_end(
    serve_sandbox: Serve, crawler: Crawler, *, at_rest: bool
) -> None:
    """Of the configured one nobody knows the end: it is the only one that is refused."""
    site = serve_sandbox(token_life_seconds=2)
    crawler.use(site, rate=15)
    crawler.seeds(*(photo(number) for number in range(96)))

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    refreshed = crawled.stats["pailitao/token/refreshed"]
    assert refreshed >= 3
    # A call that a loaded machine holds up for a fifth of a second meets a dead one.
    assert not at_rest or crawled.stats.get("pailitao/refused/token", 0) <= refreshed - 2


@pytest.mark.parametrize(
    "code",
    [
        "def page(self, status, headers, body): return body['items']",
        "def search_form(self, *given): return given['form']",
        "def search_form(self, *given): return Form(7)",
    ],
)
def test_a_fault_in_a_gateways_own_code_is_told_by_its_name_and_ends(
    serve_sandbox: Serve, crawler: Crawler, code: str
) -> None:
    """The gate waits for the first answer, and must not wait for one that never comes, or that
    could not be read.
    """
    (crawler.folder / "mine.py").write_text(
        "from pailitao_spider.gateways.calls import Form\n"
        "from pailitao_spider.gateways.router.dialect import Router\n"
        "class Mine(Router):\n"
        f"    {code}\n"
    )
    crawler.use(with_faults(serve_sandbox), rate=50, gateway="mine:Mine")
    crawler.env["PYTHONPATH"] = f"{REPOSITORY}{os.pathsep}{crawler.folder}"
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl(timeout_seconds=240)

    assert crawled.exit_code == 1, crawled.log
    assert "mine.Mine" in crawled.log
    assert "TypeError" in crawled.log
    assert crawler.site is not None
    assert crawler.site.gateway.log.calls <= 1, "nothing is paid for again and again"
    assert set(crawled.statuses) <= {"failed"}


DROPS = """
from pailitao_spider.crawl.requests import call_of

class DropsSecondPages:
    async def process_spider_output(self, response, result):
        async for each in result:
            if not hasattr(each, "callback") or call_of(each).page != 2:
                yield each
"""


def test_a_page_that_is_dropped_on_its_way_is_missed_and_told(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """By a middleware of the user's, a fault in it, or one in the crawl itself."""
    (crawler.folder / "mine.py").write_text(DROPS)
    crawler.use(with_faults(serve_sandbox), rate=50)
    crawler.env["PYTHONPATH"] = f"{REPOSITORY}{os.pathsep}{crawler.folder}"
    pages = {number: -(-len(rows_of(number)) // 20) for number in range(6)}
    crawler.seeds(*(photo(number) for number in pages), photo(0))
    short = {photo(number) for number, count in pages.items() if count > 1}
    assert 0 < len(short) < 6

    crawled = crawler.crawl(
        "-a", "page_size=20", "-s", 'SPIDER_MIDDLEWARES={"mine.DropsSecondPages": 50}'
    )

    assert crawled.exit_code == 1, crawled.log
    partial = [line for line in crawled.ledger.values() if line["status"] == "partial"]
    assert {line["image"] for line in partial} == short
    assert all("page 2: lost: " in line["reason"] for line in partial)
    assert len(crawled.ledger) == 7
    assert crawled.log.count("pages are missing") == len(short)
    whole = crawler.crawl("-a", "page_size=20", out="-o")
    assert whole.exit_code == 0, whole.log
    assert Counter(whole.ids) == Counter({iid for number in pages for iid in rows_of(number)})


def test_a_seed_that_comes_to_no_end_is_told_and_searched_when_going_on(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    (crawler.folder / "mine.py").write_text(
        "from pailitao_spider.crawl.local_frontier import LocalFrontier\n"
        "from pailitao_spider.spiders.pailitao import PailitaoSpider\n"
        "class Forgetful(PailitaoSpider):\n    pass\n"
        "search = LocalFrontier._search\n"
        "def forgets(self, seed, picture):\n"
        f"    return None if {photo(2)!r} == picture.url else search(self, seed, picture)\n"
        "LocalFrontier._search = forgets\n"
    )
    crawler.use(with_faults(serve_sandbox), rate=50)
    crawler.env["PYTHONPATH"] = f"{REPOSITORY}{os.pathsep}{crawler.folder}"
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl("-s", "SPIDER_MODULES=mine")

    assert crawled.exit_code == 1, crawled.log
    assert "Seeds without an end: 1" in crawled.log
    assert crawled.statuses == {"done": 1}
    whole = crawler.crawl(out="-o")
    assert (whole.exit_code, whole.statuses) == (0, {"done": 2})
    assert "Seeds without" not in whole.log


FAILS_ONCE = """
from scrapy.exceptions import IgnoreRequest

class FailsOnce:
    failed = False

    def process_response(self, request, response):
        if not self.failed:
            self.failed = True
            raise {error}("not today")
        return response
"""


@pytest.mark.parametrize("error", ["ValueError", "IgnoreRequest"])
@pytest.mark.parametrize(
    "first",
    [photo(1), str(REPOSITORY / "examples" / "photos" / "mug-01.jpg")],
    ids=["search", "upload"],
)
def test_a_middleware_that_drops_the_first_answer_costs_its_picture_and_no_other(
    serve_sandbox: Serve, crawler: Crawler, error: str, first: str
) -> None:
    """The gate waits for the first answer, which came and was read by nobody."""
    (crawler.folder / "mine.py").write_text(FAILS_ONCE.format(error=error))
    crawler.use(with_faults(serve_sandbox), rate=50)
    crawler.env["PYTHONPATH"] = f"{REPOSITORY}{os.pathsep}{crawler.folder}"
    crawler.seeds(first, photo(2), photo(3))

    crawled = crawler.crawl(
        "-s", 'DOWNLOADER_MIDDLEWARES={"mine.FailsOnce": 570}', timeout_seconds=240
    )

    assert crawled.exit_code == 1, crawled.log
    assert crawled.statuses == {"done": 2, "failed": 1}
    [reason] = [line["reason"] for line in crawled.ledger.values() if line["reason"]]
    assert error in reason
