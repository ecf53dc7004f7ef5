"""What version 0.1 left is gone on with: nothing that it holds is paid for again.

The files and the run in Redis are real ones; `version_0_1/make.py` says how they were made.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawler
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of
from tests.test_going_on import CATALOGUE
from tests.version_0_1.make import FAILED, LIST, PLACE

Serve = Callable[..., Site]
LEFT = Path(__file__).parent / "version_0_1"
MUG = CATALOGUE.truth("mug-01")


@pytest.fixture
def site(serve_sandbox: Serve, crawler: Crawler) -> Site:
    """A folder as 0.1 left it: four seeds done, two failed."""
    site = serve_sandbox(Gateway(CATALOGUE))
    crawler.use(site, rate=100)
    for path in (LEFT / "local").iterdir():
        shutil.copy(path, crawler.folder)
    (crawler.folder / "photos").mkdir()
    shutil.copy(PHOTOS / "mug-01.jpg", crawler.folder / "photos")
    return site


def whole(numbers: range) -> Counter[str]:
    return Counter({iid for number in numbers for iid in rows_of(number)} | {*MUG})


@pytest.mark.parametrize("path", ["photos/mug-01.jpg", "./photos/../photos/mug-01.jpg", "{}"])
def test_results_of_0_1_are_gone_on_with(site: Site, crawler: Crawler, path: str) -> None:
    spelt = path.format(crawler.folder / "photos" / "mug-01.jpg")
    rows = [row.replace("photos/mug-01.jpg", spelt) for row in LIST]
    crawler.seeds(*rows, *FAILED, f"{photo(4)},g,S6", name="list.csv")

    crawled = crawler.crawl(seeds="list.csv", out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert set(crawled.ledger) == {"a", "b", "twin", "mug-01.jpg", "e", "f", "g"}
    assert crawled.stats["pailitao/seeds/known"] == 4
    assert site.gateway.log.by_method == {"search": 3}  # e, f, g
    assert Counter(crawled.ids) == whole(range(5))
    assert sum(line["offers_new"] for line in crawled.ledger.values()) == len(crawled.ids)


def test_a_feed_of_0_1_that_lacks_lines_is_filled_again(site: Site, crawler: Crawler) -> None:
    feed = crawler.folder / "offers.jsonl"
    lines = feed.read_bytes().splitlines(keepends=True)
    feed.write_bytes(b"".join(raw for raw in lines if json.loads(raw)["seed_id"] != "b"))
    crawler.seeds(*LIST, name="list.csv")

    crawled = crawler.crawl(seeds="list.csv", out="-o")

    assert site.gateway.log.by_method == {"search": 1}
    assert Counter(crawled.ids) == whole(range(2))


def test_an_upload_that_0_1_made_is_used_again(site: Site, crawler: Crawler) -> None:
    """Under the name that this gateway, on another port, gives to the key and the picture."""
    crawler.env["PAILITAO_GATEWAY"] = "router?upload=yes"
    crawler.crawl("-O", "other.jsonl", seeds="photos", out="")
    with closing(sqlite3.connect(crawler.folder / "other.state.sqlite")) as state:
        ((owner, sha, imgid),) = state.execute("SELECT owner, sha256, imgid FROM uploads")
    with closing(sqlite3.connect(crawler.folder / "offers.state.sqlite")) as state, state:
        state.execute("UPDATE uploads SET owner = ?, imgid = ?", (owner, imgid))
    ledger = crawler.folder / "offers.seeds.jsonl"
    kept = [raw for raw in ledger.read_text().splitlines() if "mug-01.jpg" not in raw]
    ledger.write_text("".join(f"{raw}\n" for raw in kept))

    crawled = crawler.crawl(seeds="photos", out="-o")

    assert site.gateway.log.by_method == {"upload": 1, "search": 2}
    line = crawled.ledger["mug-01.jpg"]
    assert (line["status"], line["image_sha256"]) == ("done", sha)


# a run in Redis


def unplain(value: Any, here: bytes) -> Any:
    if isinstance(value, str):
        return base64.b64decode(value).replace(PLACE.encode(), here)
    return [unplain(each, here) for each in value] if isinstance(value, list) else value


def restore(client: redis.Redis, here: bytes) -> dict[str, Any]:
    """Puts the run of 0.1 back; returns its keys."""
    put: dict[str, Callable[[str, Any], Any]] = {
        "string": client.set,
        "hash": lambda key, value: client.hset(key, mapping=dict(value)),
        "set": lambda key, value: client.sadd(key, *value),
        "list": lambda key, value: client.rpush(key, *value),
        "zset": lambda key, value: client.zadd(key, dict(value)),
    }
    found = {}
    for each in json.loads((LEFT / "cluster" / "redis.json").read_text()):
        value = found[each["key"]] = unplain(each["value"], here)
        put[each["kind"]](f"{{pailitao:default}}:{each['key']}", value)
    return found


def fetched_before(keys: dict[str, Any]) -> int:
    """Pages that 0.1 had acknowledged: of finished pictures by their records, else by the seed."""
    by_picture = {}
    for _, raw in keys["seeds"]:
        record = msgspec.msgpack.decode(raw)
        if record["s"] in ("done", "empty"):
            by_picture[record["p"]] = record["f"]
    seeds = [dict(value) for key, value in keys.items() if key.startswith("seed:")]
    under_way = [int(seed[b"fetched"]) for seed in seeds if int(seed.get(b"open", 0)) > 0]
    return sum(by_picture.values()) + sum(under_way)


def test_a_run_in_redis_that_0_1_began_is_finished_without_paying_twice(
    serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    made = cluster(site, rate=100)
    client = redis.from_url(made.server.url)
    keys = restore(client, site.url.rpartition("/router")[0].encode())
    client.close()
    shutil.copytree(LEFT / "cluster", made.folder / "results" / "default",
                    ignore=shutil.ignore_patterns("*.json"))  # fmt: skip
    (made.folder / "photos").mkdir()
    shutil.copy(PHOTOS / "mug-01.jpg", made.folder / "photos")

    codes = made.crawl("-a", "page_size=20", workers=2)
    merged = made.merge()

    assert codes == [0, 0], made.logs
    assert merged.exit_code == 0, merged.log
    assert Counter(merged.ids) == whole(range(12))
    assert len(merged.ledger) == 16
    pictures = [*map(rows_of, range(12)), MUG]
    needed = sum(max(1, -(-len(rows) // 20)) for rows in pictures)
    assert site.gateway.log.by_method["search"] == needed - fetched_before(keys)
    again = made.push(
        *LIST, *(f"{photo(number)},n{number},S{number}" for number in range(12)), name="list.csv"
    )
    assert "16 known" in again.log
