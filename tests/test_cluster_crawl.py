"""The cluster without a fault: the same spider, the same offers, each call made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.test_faults import photo, rows_of

CATALOGUE = Catalogue()
Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]


def expected(numbers: range) -> set[str]:
    return {iid for number in numbers for iid in rows_of(number)}


def pages_of(number: int, size: int) -> int:
    return max(1, -(-len(rows_of(number)) // size))


def test_three_workers_find_what_one_machine_finds_with_no_call_too_many(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02))
    run = cluster(site, rate=200, lease_seconds=30)
    numbers = range(100)
    run.push(*map(photo, numbers))

    assert run.crawl("-a", "page_size=20", workers=3) == [0, 0, 0], run.logs

    pages = sum(pages_of(number, 20) for number in numbers)
    assert site.gateway.log.calls == pages
    assert run.stats["pailitao/leases/taken"] == run.stats["pailitao/leases/acked"] == pages
    assert run.stats["pailitao/seeds/done"] == 100
    merged = run.merge()
    assert merged.exit_code == 0, merged.log
    assert set(merged.ids) == expected(numbers)
    assert len(merged.ids) == len(set(merged.ids))
    assert len(merged.ledger) == 100
    for line in merged.ledger.values():
        number = next(n for n in numbers if photo(n) == line["image"])
        assert (line["status"], line["reason"]) == ("done", None)
        assert line["pages_expected"] == line["pages_fetched"] == pages_of(number, 20)
        assert line["rows_seen"] == line["total_reported"] == len(rows_of(number))
        assert line["calls"] == pages_of(number, 20)
    assert sum(line["offers_new"] for line in merged.ledger.values()) == len(merged.ids)
    status = run.status()
    assert (status["done"], status["over"], status["workers"]) == (100, True, [])


@pytest.mark.parametrize("scope", ["seed", "off"])
def test_the_scope_of_duplicates_means_what_it_means_on_one_machine(
    serve_sandbox: Serve, cluster: MakeCluster, scope: str
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    run = cluster(site, rate=200, dedup=scope)
    run.push(photo(1), photo(97), photo(1), photo(2))

    assert run.crawl(workers=2) == [0, 0], run.logs

    merged = run.merge("--dedup", scope)
    assert merged.exit_code == 0, merged.log
    found = sorted((offer["seed_id"], offer["num_iid"]) for offer in merged.offers)
    wanted = sorted(
        (seed_id, iid)
        for seed_id, line in merged.ledger.items()
        for iid in rows_of(next(n for n in (1, 97, 2) if photo(n) == line["image"]))
    )
    assert found == wanted
    assert len(merged.ledger) == 4
