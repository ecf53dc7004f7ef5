"""`scrapy pailitao push` as users run it, and the crawl of what was pushed."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.cluster.seed_codec import read_line
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawled, Crawler
from tests.test_cluster_push import LAMP, MUG, jpeg, written
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of
from tests.test_large import resident_mib

CATALOGUE = Catalogue()
Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]


def mixed(folder: Path) -> Path:
    """A list of everything: of own pictures, addresses, Base64, twins, other columns, bad lines."""
    jpeg(folder / "pics" / "mug  1.jpg", MUG)
    jpeg(folder / "pics" / "again.jpg", MUG)
    jpeg(folder / "pics" / "lamp.jpg", LAMP)
    (folder / "pics" / "cut.jpg").write_bytes(LAMP.read_bytes()[:3000])
    (folder / "pics" / "none.jpg").write_bytes(b"")
    base = base64.b64encode((PHOTOS / "chair-05.jpg").read_bytes()).decode()
    rows = [f"{photo(1)},A,1", f"{photo(1)},B,2", "pics/mug  1.jpg,,3", "pics/again.jpg,,4",
            "pics/lamp.jpg,L,5", f"{base},,6", "nowhere.jpg,N,7", "ftp://x/y.jpg,,8",
            "pics/none.jpg,E,9", "pics/cut.jpg,C,10", ",I,11",
            "https://sandbox.invalid/photos/empty.jpg,Y,12"]  # fmt: skip
    return written(folder / "mixed.csv", "\n".join(["image,seed_id,no", *rows]))


TIMES = ("started_at", "finished_at")


def ledger_of(crawled: Crawled) -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in line.items() if key not in TIMES}
        for name, line in crawled.ledger.items()
    }


def test_a_mixed_list_gives_on_a_cluster_what_it_gives_on_one_machine(
    serve_sandbox: Serve, cluster: MakeCluster, tmp_path: Path
) -> None:
    (alone := tmp_path / "alone").mkdir()
    crawler = Crawler(alone)
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=200)
    one = crawler.crawl(seeds=mixed(alone).name)
    assert one.exit_code == 1, one.log
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=200)

    told = run.command("pailitao", "push", mixed(tmp_path).name, "--json")

    assert json.loads(told.log.splitlines()[-1]) == {"new": 12, "known": 0, "renamed": 0, "bad": 5}
    assert told.exit_code == 1
    assert run.crawl(workers=1) == [1], run.logs
    merged = run.merge()
    assert sorted(merged.ids) == sorted(one.ids)
    assert {offer["seed_id"]: (offer["seed_image"], offer["seed_extra"]) for offer in merged.offers
            } == {offer["seed_id"]: (offer["seed_image"], offer["seed_extra"])
                  for offer in one.offers}  # fmt: skip
    assert ledger_of(merged) == ledger_of(one)


def keys_of(run: Cluster) -> set[str]:
    """Names of all keys of the run, without the prefix."""
    prefix = RunKeys("default").prefix
    with Redis.from_url(run.server.url) as client:
        return {key.decode().removeprefix(prefix) for key in client.scan_iter(f"{prefix}*")}


def test_workers_open_no_path_and_stored_bytes_serve_a_lost_upload(
    serve_sandbox: Serve, cluster: MakeCluster, tmp_path: Path
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("lost-upload@2:search")]))
    run = cluster(site, rate=200, gateway="router?upload=yes")
    pictures = {path: path.stem for path in (MUG, LAMP, PHOTOS / "chair-05.jpg")}
    for path in pictures:
        jpeg(tmp_path / "pics" / path.name, path)
    assert run.command("pailitao", "push", "pics").exit_code == 0
    shutil.rmtree(tmp_path / "pics")

    assert run.crawl(workers=2) == [0, 0], run.logs

    assert set(run.feed_ids) == {iid for name in pictures.values() for iid in CATALOGUE.truth(name)}
    assert site.gateway.log.by_method["upload"] == 4
    status = run.status()
    assert (status["done"], status["over"], status["picture_bytes"]) == (3, True, 0)
    assert not any(name.startswith("pic:") or name == "wanted" for name in keys_of(run))


def test_a_picture_in_imgid_is_sent_by_whichever_worker_asks_for_a_page(
    serve_sandbox: Serve, cluster: MakeCluster, tmp_path: Path
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    run = cluster(site, rate=200)
    jpeg(tmp_path / "pics" / MUG.name, MUG)
    jpeg(tmp_path / "pics" / LAMP.name, LAMP)
    assert run.command("pailitao", "push", "pics").exit_code == 0
    shutil.rmtree(tmp_path / "pics")

    assert run.crawl("-a", "page_size=5", workers=2) == [0, 0], run.logs

    wanted = {iid for path in (MUG, LAMP) for iid in CATALOGUE.truth(path.stem)}
    assert set(run.feed_ids) == wanted
    assert site.gateway.log.by_method["upload"] == 0
    assert run.status()["picture_bytes"] == 0


@pytest.mark.soak
def test_a_mended_list_is_pushed_again_and_lines_put_in_by_hand_count(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("400@1")]))
    run = cluster(site, rate=200)
    run.push("image,seed_id", "nowhere.jpg,M", f"{photo(1)},U", name="seeds.csv")
    assert run.crawl(workers=1) == [1], run.logs
    assert run.merge().statuses == {"failed": 2}
    waiting = RunKeys("default").waiting
    with Redis.from_url(run.server.url) as client:
        client.rpush(waiting, photo(3), json.dumps({"image": photo(4), "extra": {"a": 1}}))

    run.push("image,seed_id", f"{photo(2)},M", f"{photo(1)},U", name="seeds.csv",
             options=("--again",))  # fmt: skip
    assert run.crawl(workers=1) == [0], run.logs

    merged = run.merge()
    assert merged.statuses == {"done": 4}
    assert set(merged.ids) == {iid for number in (1, 2, 3, 4) for iid in rows_of(number)}
    assert merged.ledger["M"]["image"] == photo(2)
    assert all(
        offer["seed_extra"] == ({"a": 1} if offer["seed_image"] == photo(4) else {})
        for offer in merged.offers
    )
    assert run.status()["repeated"] == 0


def start_push(run: Cluster, source: str, **popen: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "pailitao", "push", source, "--json"],
        cwd=run.folder, env=run.environment(), text=True, stdout=subprocess.PIPE,
        **{"stdin": subprocess.DEVNULL, **popen},
    )  # fmt: skip


def many(run: Cluster, number: int) -> str:
    with (run.folder / "many.txt").open("w") as file:
        file.writelines(f"{photo(each)}\n" for each in range(number))
    return "many.txt"


def test_a_push_that_is_killed_and_repeated_doubles_and_loses_nothing(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)))
    source, keys = many(run, 20_000), RunKeys("default")
    with Redis.from_url(run.server.url) as client:
        process = start_push(run, source)
        run.until(lambda: client.llen(keys.waiting) > 3000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = client.llen(keys.waiting)
        assert before < 20_000, "it was killed midway"

        told, _ = start_push(run, source).communicate(timeout=240)

        assert json.loads(told) == {"new": 20_000 - before, "known": before, "renamed": 0, "bad": 0}
        lines = client.lrange(keys.waiting, 0, -1)
        assert [read_line(line).seed.image.label for line in lines] == [*map(photo, range(20_000))]
        assert client.hlen(keys.seeds) == 20_000


def test_standard_input_is_a_source(serve_sandbox: Serve, cluster: MakeCluster) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)))
    process = start_push(run, "-", stdin=subprocess.PIPE)
    told, _ = process.communicate(f"{photo(1)}\n{photo(2)}\n", timeout=240)
    assert json.loads(told)["new"] == 2


def test_clear_takes_a_run_away_but_not_from_under_its_workers(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=200)
    run.push(photo(1))
    with Redis.from_url(run.server.url) as client:
        client.set(RunKeys("default2").waiting, "another run's")
        worker = run.start()
        run.until(lambda: client.hlen(RunKeys("default").workers) == 1)
        refused = run.command("pailitao", "clear", "--yes")
        assert (refused.exit_code, len(refused.log.splitlines())) == (2, 1)
        assert "1 workers are at work" in refused.log
        worker.send_signal(signal.SIGTERM)
        run.wait(worker)

        assert run.command("pailitao", "clear").exit_code == 2, "nobody agreed"
        assert keys_of(run)
        cleared = run.command("pailitao", "clear", "--yes")

        assert cleared.exit_code == 0, cleared.log
        assert keys_of(run) == set()
        assert client.exists(RunKeys("default2").waiting)
        assert run.status() == {**run.status(), "waiting": 0, "done": 0, "over": False}


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_million_seeds_are_pushed_fast_and_in_flat_memory(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)))
    source, keys, seen = many(run, 1_000_000), RunKeys("default"), {}
    with Redis.from_url(run.server.url) as client:
        started = time.monotonic()
        process = start_push(run, source)
        while process.poll() is None:
            time.sleep(0.2)
            with contextlib.suppress(IndexError, OSError):  # it has just ended
                seen[client.llen(keys.waiting)] = resident_mib(process.pid)
        seconds = time.monotonic() - started
        assert json.loads(process.communicate()[0])["new"] == 1_000_000
        assert client.llen(keys.waiting) == 1_000_000
    early = max(mib for number, mib in seen.items() if number < 200_000)
    print(f"{1e6 / seconds:.0f} seeds/s, {early:.0f} -> {max(seen.values()):.0f} MiB")
    assert max(seen.values()) - early < 10
