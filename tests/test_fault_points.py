"""A fault anywhere in the package: the run ends, says so, and the next one finds all that is left.

Each function that a crawl calls fails once, at its first call or in the middle of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawled, Crawler
from tests.fault_points import functions
from tests.test_crawl import PHOTOS
from tests.test_faults import photo

TRACED = ("-s", 'EXTENSIONS={"tests.fault_points.FaultPoint":-1}')
SEEDS = [*(str(path) for path in sorted(PHOTOS.glob("*.jpg"))[:4]), *map(photo, range(3))]
OPTIONS = ("-a", "page_size=20")
ENTRY = "raises before its first line, where nobody could catch it"
MINUTE = "with the first call's seat in hand: the gate lets another through after a minute"
BEYOND = {
    "seed_reader.py|SeedReader._run": ENTRY,
    "seed_reader.py|_give": ENTRY,
    "keys/pool.py|Pool._taken": ENTRY,
    "feeds.py|DurableFeedExporter.item_scraped": "is not called, for what this can see",
    "cluster/shared/dedup.py|SharedSeen._ask": ENTRY,
    "middlewares/signing.py|SigningMiddleware._sign": MINUTE,
    "middlewares/signing.py|_Leave.__init__": MINUTE,
}
"""Where no code of the package could notice the fault."""

Serve = Callable[..., Site]


def places(calls: dict[str, int], when: str) -> Iterator[str]:
    for name, number in calls.items():
        if name in BEYOND or (when == "first" and number == 1):
            continue
        yield f"{name}|{1 if when == 'first' else max(number // 2, 1)}"


def tell(problems: list[str], number: int) -> None:
    assert number > 200
    assert not problems, f"{len(problems)} of {number}:\n" + "\n".join(problems)


@pytest.mark.soak
@pytest.mark.parametrize("when", ["middle", "first"])
def test_a_crawl_with_a_fault_ends_and_the_next_one_finds_the_rest(
    serve_sandbox: Serve, tmp_path: Path, when: str
) -> None:
    site = serve_sandbox(Gateway(Catalogue()))

    def crawler(name: str) -> Crawler:
        (tmp_path / name).mkdir()
        made = Crawler(tmp_path / name)
        made.use(site, rate=300)
        made.seeds(*SEEDS)
        return made

    whole = crawler("whole").crawl(*OPTIONS, *TRACED)
    assert whole.exit_code == 0, whole.log
    wanted = Counter(whole.ids)

    def problem(numbered: tuple[int, str]) -> str | None:
        number, place = numbered
        runs = crawler(str(number))
        try:
            faulty = runs.crawl(*OPTIONS, *TRACED, "-s", f"FAULT_AT={place}", timeout_seconds=240)
            if faulty.exit_code == 0 and (len(faulty.ledger), Counter(faulty.ids)) != (7, wanted):
                return f"{place}: exit code 0, {faulty.statuses}, {len(faulty.ids)} offers"
            later = runs.crawl(*OPTIONS, out="-o")
        except AssertionError as error:
            return f"{place}: {str(error).splitlines()[0]}"
        if later.exit_code or len(later.ledger) != 7 or Counter(later.ids) != wanted:
            return f"{place}: going on: exit code {later.exit_code}, {later.statuses}"
        return None

    named = list(enumerate(places(functions(whole.folder), when)))
    with ThreadPoolExecutor(3) as pool:
        tell([told for told in pool.map(problem, named) if told], len(named))


@pytest.mark.soak
@pytest.mark.parametrize("when", ["middle", "first"])
def test_a_worker_with_a_fault_ends_and_the_next_one_finds_the_rest(
    serve_sandbox: Serve, tmp_path: Path, redis_server: LocalServer, when: str
) -> None:
    """A page that fails for the fault may end its seed with the reason: what counts is that no
    worker hangs, no seed is left without an end, and the others lose nothing.
    """
    site = serve_sandbox(Gateway(Catalogue()))

    def crawled(name: str, *faulty: str) -> tuple[list[int], Crawled]:
        (tmp_path / name).mkdir()
        run = Cluster(tmp_path / name, redis_server, site, rate=300, run=name)
        try:
            run.push(*SEEDS)
            codes = run.crawl(*OPTIONS, *faulty, workers=1, timeout_seconds=240)
            codes += run.crawl(*OPTIONS, workers=1, timeout_seconds=240)
            return codes, run.command("pailitao", "merge", "results", "-O", "offers.jsonl")
        finally:
            run.close()

    codes, whole = crawled("whole", *TRACED)
    assert (codes, whole.exit_code) == ([0, 0], 0), whole.log
    wanted = Counter(whole.ids)

    def problem(numbered: tuple[int, str]) -> str | None:
        number, place = numbered
        try:
            codes, merged = crawled(f"r{number}", *TRACED, "-s", f"FAULT_AT={place}")
        except AssertionError as error:
            return f"{place}: {str(error).splitlines()[0]}"
        ended, ids = merged.statuses, Counter(merged.ids)
        if codes[1] or len(merged.ledger) != 7 or ended["done"] < 6:
            return f"{place}: exit codes {codes}, {ended}"
        if ended["done"] == 7 and ids != wanted:
            return f"{place}: {len(ids)} offers of {len(wanted)}"
        if ended["done"] < 7 and codes[0] == 0:
            return f"{place}: exit code 0 with {ended}"
        return None

    named = [
        each
        for each in enumerate(places(functions(tmp_path / "whole"), when))
        if each[1].startswith(("cluster/", "crawl/session", "middlewares/", "keys/"))
    ]
    with ThreadPoolExecutor(3) as pool:
        tell([told for told in pool.map(problem, named) if told], len(named))
