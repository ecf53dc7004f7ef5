"""Mistakes around a cluster: one clear line each, exit code 2, nothing sent, nothing taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.test_faults import photo

CATALOGUE = Catalogue()
Serve = Callable[..., Site]


@pytest.fixture
def empty(serve_sandbox: Serve, cluster: Callable[..., Cluster]) -> Cluster:
    """A run to which nothing was pushed."""
    return cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)


@pytest.fixture
def run(empty: Cluster) -> Cluster:
    """A run with one seed that nobody may touch."""
    empty.push(photo(1))
    return empty


def refused(run: Cluster, *arguments: str) -> str:
    """The one line with which a command is refused."""
    told = run.command(*arguments)
    assert told.exit_code == 2, told.log
    lines = told.log.strip().splitlines()
    assert len(lines) == 1, told.log
    return lines[0]


CRAWL = ("crawl", "pailitao", "-a", "until_empty=1")

MISTAKES = [
    (("-a", "seeds=seeds.txt"), "scrapy pailitao push"),
    (("-a", "until_empty=perhaps"), "until_empty=perhaps"),
    (("-a", "page_size=0"), "page_size=0"),
    (("-s", "PAILITAO_RUN=a b"), "PAILITAO_RUN"),
    (("-s", "PAILITAO_LEASE_SECONDS=0"), "PAILITAO_LEASE_SECONDS"),
    (("-s", "PAILITAO_MAX_DELIVERIES=1"), "PAILITAO_MAX_DELIVERIES"),
    (("-s", "PAILITAO_CLUSTER=perhaps"), "PAILITAO_CLUSTER"),
    (("-s", "REDIS_URL=redis://127.0.0.1:1"), "127.0.0.1:1"),
    (("-s", "REDIS_URL=nonsense://x"), "REDIS_URL"),
    (("-o", "mine.csv"), "workers write JSON Lines"),
    (("-O", "mine.json"), "workers write JSON Lines"),
]


def test_a_worker_s_mistake_is_one_line_and_takes_no_seed(run: Cluster) -> None:
    for given, words in MISTAKES:
        assert words in refused(run, *CRAWL, *given), given
    assert run.site.gateway.log.calls == 0
    assert run.status()["waiting"] == 1
    assert list(run.folder.glob("results/*/offers-*")) == [], "no empty feed is left behind"


def test_workers_that_would_ask_otherwise_are_refused_with_the_difference(run: Cluster) -> None:
    assert run.crawl("-a", "sort=price_asc", workers=1) == [0]
    line = refused(run, *CRAWL, "-a", "max_pages=2")
    assert "max_pages=None there, 2 here, sort=price_asc there, sale_desc here" in line
    assert run.crawl("-a", "sort=price_asc", workers=1) == [0]


def test_another_s_spider_searches_as_ever_beside_the_cluster(run: Cluster) -> None:
    (run.folder / "hers.py").write_text(
        "import scrapy\nfrom pailitao_spider import ImageSearch\n"
        "class Hers(scrapy.Spider):\n    name = 'hers'\n"
        "    async def start(self):\n"
        f"        yield ImageSearch('{photo(1)}').request(self.parse)\n"
        "    def parse(self, response):\n        yield from response.offers\n"
    )
    told = run.command("runspider", "hers.py", "-O", "hers.jsonl")
    assert (told.exit_code, len(told.lines("hers.jsonl")) > 0) == (0, True), told.log
    assert run.status()["waiting"] == 1, "the run's seeds are left to its workers"


@pytest.mark.parametrize("verb", ["push", "status", "dead", "clear"])
def test_a_command_without_redis_is_one_line(empty: Cluster, verb: str) -> None:
    source = ("seeds.txt",) if verb == "push" else ()
    line = refused(empty, "pailitao", verb, *source, "-s", "REDIS_URL=redis://127.0.0.1:1")
    assert "127.0.0.1:1" in line


@pytest.mark.parametrize(
    ("source", "words"), [("none.csv", "no such file"), ("empty.txt", "empty"), ("x.pdf", "kind")]
)
def test_a_source_that_cannot_be_read_is_one_line(empty: Cluster, source: str, words: str) -> None:
    (empty.folder / "empty.txt").write_text("")
    (empty.folder / "x.pdf").write_text("x")
    assert words in refused(empty, "pailitao", "push", source)


def test_until_empty_without_a_cluster_says_what_it_is_for(empty: Cluster) -> None:
    empty.env["PAILITAO_CLUSTER"] = "0"
    line = refused(empty, *CRAWL, "-a", "seeds=seeds.txt")
    assert "set PAILITAO_CLUSTER=1" in line


def test_a_run_is_not_cleared_without_a_yes(run: Cluster) -> None:
    told = run.command("pailitao", "clear")
    assert told.exit_code == 2
    assert "1 seeds are not searched yet" in told.log
    assert run.status()["waiting"] == 1
    assert run.command("pailitao", "clear", "--yes").exit_code == 0
    assert run.status()["waiting"] == 0


@pytest.mark.parametrize("verb", ["push", "status", "dead", "merge", "clear", "sandbox"])
def test_a_verb_s_help_shows_its_own_options(empty: Cluster, verb: str) -> None:
    told = empty.command("pailitao", verb, "--help")
    assert told.exit_code == 0
    assert told.log.startswith(f"usage: scrapy pailitao {verb}")


def test_a_run_to_which_nothing_was_pushed_is_not_over(run: Cluster) -> None:
    run.set(run="misspelt")
    assert run.status()["over"] is False
    worker = run.start("-a", "until_empty=1")
    assert run.wait(worker) == 0
    assert "run misspelt has no seeds" in run.log(worker)
