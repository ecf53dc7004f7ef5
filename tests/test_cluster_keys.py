"""A pool of keys over several workers: shared quotas, shared budgets, several gateways."""

from __future__ import annotations

import json
from collections.abc import Callable

from pailitao_spider.sandbox.server import Site
from tests.clusters import Cluster
from tests.test_crawl import truth
from tests.test_keys import CATALOGUE, HOSTED, good, hosted, served, table

Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]


def clustered(cluster: MakeCluster, site: Site, *tables: str) -> Cluster:
    run = cluster(site)
    (run.folder / "keys.toml").write_text("\n".join(tables), encoding="utf-8")
    for name in ("URL", "TOKEN_URL", "APP_KEY", "APP_SECRET", "ACCESS_TOKEN", "REFRESH_TOKEN"):
        del run.env[f"PAILITAO_{name}"]
    run.set(credentials="keys.toml")
    return run


def test_workers_share_the_keys_of_several_gateways(
    serve_sandbox: Serve, cluster: MakeCluster, *, at_rest: bool
) -> None:
    """One of the keys is spent half-way; none draws a refusal."""
    site = served(serve_sandbox, "key=fast:40:10:,key=slow:10:10:,key=small:20:10:")
    run = clustered(
        cluster,
        site,
        table(site, "router", "fast", rate=40, price=0.02),
        table(site, "imagequery", "slow", rate=10),
        table(site, "router", "small", rate=20, daily_calls=15),
    )
    run.push(*(hosted(number) for number in range(60)))

    assert set(run.crawl(workers=2)) <= {0, 1}, run.logs
    run.push(*(hosted(number) for number in range(60)), options=("--again",))
    assert run.crawl(workers=1) == [0], run.logs

    merged = run.merge()
    assert merged.exit_code == 0, merged.log
    assert sorted(merged.ids) == sorted(truth(*HOSTED[:60]))
    log = site.gateway.log
    assert not at_rest or log.refused["throttled"] <= 1, "none, but for a machine that wakes late"
    assert good(site, "small") == 15, "the day's budget is one for all workers"
    assert min(good(site, "fast"), good(site, "slow")) > 0
    told = run.command("pailitao", "quota", "--json")
    keys = {key["key"]: key for key in json.loads(told.log)["keys"]}
    assert {name: keys[name]["calls"] for name in keys} == {
        name: of_key.calls for name, of_key in log.by_key.items()
    }
    assert keys["fast"]["billed"] == log.by_key["fast"].billed


def test_a_search_whose_gateway_is_spent_is_put_aside_and_pushed_again(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = served(serve_sandbox, "key=small:100:5:,key=large:100:5:")
    run = clustered(
        cluster,
        site,
        table(site, "imagequery", "small", rate=100, daily_calls=4),
        table(site, "router", "large", rate=8),
    )
    big = sorted(range(96), key=lambda n: -len(CATALOGUE.truth(HOSTED[n], 1)))[:4]
    run.push(*(hosted(number) for number in big))

    assert run.crawl("-a", "page_size=20", workers=1) == [1]
    assert "moved: no key of imagequery" in run.logs
    partial = [line for line in run.lines("results/*/*.seeds.jsonl") if line["status"] != "done"]
    assert partial
    assert all("moved: no key of imagequery" in line["reason"] for line in partial)

    run.push(*(hosted(number) for number in big), options=("--again",))
    assert run.crawl("-a", "page_size=20", workers=1) == [0], run.logs
    merged = run.merge()
    assert sorted(merged.ids) == sorted(truth(*(HOSTED[number] for number in big)))
    assert merged.statuses == {"done": 4}


def test_workers_with_other_gateways_are_no_workers_of_the_run(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = served(serve_sandbox, "key=a:100:5:")
    run = clustered(cluster, site, table(site, "router", "a", rate=100))
    run.push(hosted(1))
    assert run.crawl(workers=1) == [0], run.logs
    (run.folder / "keys.toml").write_text(table(site, "tmapi", "a"), encoding="utf-8")
    [code] = run.crawl(workers=1)
    assert code == 2
    assert "was begun otherwise: gateways=" in run.logs
