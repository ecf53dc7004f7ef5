"""Scrapy's aiohttp download handler in place of Twisted's: the same offers, the same refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawler
from tests.test_faults import photo, rows_of, with_faults

CATALOGUE = Catalogue()
Serve = Callable[..., Site]
BY_AIOHTTP = ("-s", "PAILITAO_HTTP=aiohttp")


def expected(numbers: range) -> Counter[str]:
    return Counter({iid for number in numbers for iid in rows_of(number)})


def test_a_crawl_through_faults_loses_nothing(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = with_faults(
        serve_sandbox,
        *("500@4%", "503@4%", "html@4%", "cut@4%", "reset@4%", "429@2%", "401@2%", "slow=0.1@2%"),
    )
    crawler.use(site, rate=200, transient_tries=20)
    crawler.seeds(*map(photo, range(60)))

    crawled = crawler.crawl("-a", "page_size=20", "-L", "DEBUG", *BY_AIOHTTP)

    assert crawled.exit_code == 0, crawled.log[-3000:]
    assert "AiohttpDownloadHandler is experimental" in crawled.log
    assert Counter(crawled.ids) == expected(range(60))
    assert crawled.statuses == {"done": 60}
    refused = {key: n for key, n in crawled.ours().items() if "/refused/" in key}
    assert refused == {
        f"pailitao/refused/{kind}": n for kind, n in site.gateway.log.refused.items()
    }
    assert crawled.ours()["pailitao/calls"] == site.gateway.log.calls
    for secret in (site.gateway.account.secret, site.gateway.account.access_token):
        assert secret not in crawled.log


def test_a_call_that_hangs_is_given_up_after_the_time_that_is_set(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(with_faults(serve_sandbox, "hang@2"), rate=50)
    crawler.seeds(*map(photo, range(4)))

    crawled = crawler.crawl("-s", "DOWNLOAD_TIMEOUT=1", *BY_AIOHTTP)

    assert crawled.exit_code == 0, crawled.log[-3000:]
    assert Counter(crawled.ids) == expected(range(4))
    assert crawled.ours()["pailitao/refused/transient"] == 1


def test_workers_of_a_cluster_find_the_same(
    serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.01)), rate=200)
    run.push(*map(photo, range(40)))

    assert run.crawl("-a", "page_size=20", *BY_AIOHTTP, workers=2) == [0, 0], run.logs

    merged = run.merge()
    assert merged.exit_code == 0, merged.log
    assert Counter(merged.ids) == expected(range(40))
    assert "AiohttpDownloadHandler" in run.logs


def test_the_users_own_handler_stays(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(), rate=50)
    crawler.seeds(photo(0))
    stock = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"

    crawled = crawler.crawl(
        *BY_AIOHTTP, "-s", f'DOWNLOAD_HANDLERS={{"http": "{stock}", "https": "{stock}"}}'
    )

    assert crawled.exit_code == 0, crawled.log
    assert "AiohttpDownloadHandler" not in crawled.log


def test_another_word_is_told_in_one_line(crawler: Crawler) -> None:
    crawler.seeds(photo(0))
    crawler.env["PAILITAO_SANDBOX"] = "1"

    crawled = crawler.crawl("-s", "PAILITAO_HTTP=httpx")

    assert crawled.exit_code == 2
    assert crawled.log.count("\n") == 1
    assert "PAILITAO_HTTP" in crawled.log
    assert "twisted or aiohttp" in crawled.log
