"""scrapy-redis' own habits: its list of start URLs feeds a run, its scheduler stays for others."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from redis import Redis

from pailitao_spider.cluster.seed_codec import read_line
from pailitao_spider.sandbox.server import Site
from tests.clusters import Cluster
from tests.test_faults import photo, rows_of

Serve = Callable[..., Site]


def test_start_urls_are_searched_as_if_they_had_been_pushed(
    serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    made = cluster(serve_sandbox(), rate=100)
    made.push(photo(1))
    start = {"url": photo(3), "meta": {"seed_id": "SKU-3", "sku": 3}, "method": "GET"}
    with Redis.from_url(made.server.url) as client:
        client.lpush("pailitao:start_urls", photo(2), json.dumps(start), "no seed at all")

    scheduler = ("-s", "SCHEDULER=scrapy_redis.scheduler.Scheduler")
    codes = made.crawl("-a", "until_empty=1", *scheduler, workers=2)

    merged = made.merge()
    assert set(codes) <= {0, 1}
    assert {line["seed_id"] for line in merged.ledger.values()} >= {"SKU-3"}, made.logs()
    assert merged.statuses["done"] == 3
    expected = {iid for number in (1, 2, 3) for iid in rows_of(number)}
    assert set(merged.ids) == expected
    third = [offer for offer in merged.offers if offer["seed_id"] == "SKU-3"]
    assert all(offer["seed_extra"] == {"sku": 3} for offer in third)
    with Redis.from_url(made.server.url) as client:
        assert client.llen("pailitao:start_urls") == 0


@pytest.mark.parametrize(
    ("raw", "seed_id", "extra"),
    [
        ({"url": "https://host/a.jpg"}, "a.jpg", {}),
        ({"url": "https://host/a.jpg", "meta": {"seed_id": 7, "x": 1}}, "7", {"x": 1}),
        ({"image": "https://host/a.jpg", "extra": {"url": "mine"}}, "a.jpg", {"url": "mine"}),
    ],
)
def test_both_kinds_of_json_are_read(raw: dict, seed_id: str, extra: dict) -> None:
    seed = read_line(json.dumps(raw).encode()).seed
    assert (seed.seed_id, seed.image.label, seed.extra) == (seed_id, "https://host/a.jpg", extra)
