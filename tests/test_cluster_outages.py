"""Redis away, its line cut, its log torn, disks full: work waits or comes back, none is lost."""

from __future__ import annotations

import random
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.redis_proxy import LOADING, OOM, READONLY, RedisProxy
from tests.test_faults import photo, rows_of

CATALOGUE = Catalogue()
Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]


def assert_whole(run: Cluster, numbers: range) -> None:
    """Each expected offer once, each seed done with one line, nothing claimed in vain."""
    merged = run.merge()
    assert merged.exit_code == 0, merged.log + run.logs[-3000:]
    lines = Counter(offer["seed_id"] for offer in merged.offers)
    claimed = {seed_id: line["offers_new"] for seed_id, line in merged.ledger.items()}
    assert {seed_id: number for seed_id, number in claimed.items() if number} == lines
    assert sorted(merged.ids) == sorted({iid for number in numbers for iid in rows_of(number)})
    images = {line["image"] for line in merged.ledger.values()}
    assert images == {photo(number) for number in numbers}
    assert set(merged.statuses) == {"done"}
    assert "Traceback" not in run.logs


def under_way(run: Cluster, numbers: range, calls: int) -> None:
    """Pushes the seeds, starts three workers and waits until all are there and so many calls were
    made: one that meets no Redis as it starts leaves, rightly.
    """
    run.push(*map(photo, numbers))
    for _ in range(3):
        run.start("-a", "until_empty=1", "-a", "page_size=20")
    log = run.site.gateway.log
    run.until(lambda: log.calls >= calls and len(run.status()["workers"]) == 3)


def ended(run: Cluster) -> None:
    assert [run.wait(worker) for worker in run.workers] == [0, 0, 0], run.logs[-3000:]


AWAY = [
    pytest.param(1, id="1s"),
    pytest.param(8, id="8s", marks=pytest.mark.soak),
    pytest.param(30, id="30s", marks=pytest.mark.soak),
]


@pytest.mark.parametrize("seconds", AWAY)
def test_redis_killed_and_back_no_worker_exits_and_work_resumes(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer, seconds: float
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02))
    run = cluster(site, rate=60, lease_seconds=20)
    under_way(run, range(60), 40)

    redis_server.kill()
    time.sleep(seconds)
    assert all(worker.poll() is None for worker in run.workers), "a worker left"
    before = site.gateway.log.calls
    redis_server.start()
    back_at = time.monotonic()
    run.until(lambda: site.gateway.log.calls > before)
    print(f"work resumed {time.monotonic() - back_at:.1f} s after Redis was back")

    ended(run)
    assert run.logs.count("Redis does not answer") <= 3 * 2
    assert_whole(run, range(60))


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [4, 10])
def test_redis_frozen_and_thawed(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer, seconds: float
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=60, lease_seconds=2)
    under_way(run, range(40), 30)

    redis_server.freeze()
    time.sleep(seconds)
    redis_server.thaw()

    ended(run)
    assert_whole(run, range(40))


def newest_log(server: LocalServer) -> Path:
    return max(server.folder.glob("appendonlydir/*.incr.aof"))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 52))
def test_a_log_that_lost_its_tail_brings_work_back(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer, seed: int
) -> None:
    draw = random.Random(seed)
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    run.push(*map(photo, range(40)))
    pushed = newest_log(redis_server).stat().st_size
    for _ in range(3):
        run.start("-a", "until_empty=1", "-a", "page_size=20")
    run.until(lambda: run.site.gateway.log.calls >= draw.randint(20, 120))

    redis_server.kill()
    log = newest_log(redis_server)
    with log.open("r+b") as file:
        file.truncate(draw.randint(pushed, log.stat().st_size))
    redis_server.start()

    ended(run)
    lines, offers = sum(run.feed_ids.values()), len(run.feed_ids)
    print(f"{100 * (lines - offers) / offers:.0f} % duplicate lines before the merge")
    assert_whole(run, range(40))


def some(share: float, *kinds: str | bytes) -> Callable[[int], str | bytes | None]:
    """Each fault in turn, at random answers; the first ones, of the start, go well."""
    draw = random.Random(7)

    def fault(number: int) -> str | bytes | None:
        return draw.choice(kinds) if number > 60 and draw.random() < share else None

    return fault


@pytest.mark.parametrize(
    ("share", "kinds"),
    [
        (0.1, ("lost",)),
        pytest.param(0.1, ("torn",), marks=pytest.mark.soak),
        pytest.param(1.0, ("slow",), marks=pytest.mark.soak),
        pytest.param(0.1, (READONLY, LOADING, OOM), marks=pytest.mark.soak),
    ],
    ids=["lost", "torn", "slow", "errors"],
)
def test_a_bad_line_to_redis_costs_time_and_nothing_else(
    serve_sandbox: Serve,
    cluster: MakeCluster,
    redis_server: LocalServer,
    share: float,
    kinds: tuple[str | bytes, ...],
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02))
    run = cluster(site, rate=100, lease_seconds=10)
    run.push(*map(photo, range(25)))

    with RedisProxy(redis_server.port, some(share, *kinds)) as proxy:
        run.env["REDIS_URL"] = proxy.url
        codes = run.crawl("-a", "page_size=20", workers=2)

    run.env["REDIS_URL"] = redis_server.url
    assert codes == [0, 0], run.logs[-3000:]
    assert proxy.faults > 3
    assert_whole(run, range(25))
    pages = sum(max(1, -(-len(rows_of(number)) // 20)) for number in range(25))
    assert site.gateway.log.calls == pages, "a lost answer is no lost page"


def test_a_worker_whose_first_answers_are_lost_begins_all_the_same(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    run.push(*map(photo, range(3)))
    early = {1, 3, 8, 11, 17, 18, 24, 31, 39}

    with RedisProxy(redis_server.port, lambda n: "lost" if n in early else None) as proxy:
        run.env["REDIS_URL"] = proxy.url
        codes = run.crawl(workers=1)

    run.env["REDIS_URL"] = redis_server.url
    assert codes == [0], run.logs[-3000:]
    assert proxy.faults > 5, "of opening, and of the first exchanges"
    assert_whole(run, range(3))


def test_a_gateway_full_of_faults_behind_three_workers(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    faults = (
        "500@3%",
        "503@3%",
        "html@3%",
        "cut@3%",
        "reset@3%",
        "429@2%",
        "401@2%",
        "slow=0.2@2%",
    )
    gateway = Gateway(
        CATALOGUE,
        Account(token_life_seconds=2),
        Quota(100, 20),
        faults=[*map(parse_fault, faults)],
    )
    run = cluster(serve_sandbox(gateway), rate=100, transient_tries=20)
    run.push(*map(photo, range(40)))

    assert run.crawl("-a", "page_size=50") == [0, 0, 0], run.logs[-3000:]

    assert_whole(run, range(40))


def test_a_page_count_that_lies_costs_what_was_in_hand_not_thousands_of_calls(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, pagecount_lie=10**9, total_lie=0))
    run = cluster(site, rate=200)
    run.push(*map(photo, range(3)))

    assert run.crawl("-a", "page_size=50", workers=2) == [0, 0], run.logs[-3000:]

    assert_whole(run, range(3))
    assert site.gateway.log.calls < 600, "3 seeds of 1000 pages, of which 9 hold something"


def small_files() -> None:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_acknowledges_nothing_and_another_worker_finishes(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    run.push(*map(photo, range(60)))

    full = run.start("-a", "until_empty=1", preexec=small_files)
    assert run.wait(full) in (1, 120), "120: its own log met the limit as well"
    assert "cannot be written" in run.log(full)
    status = run.status()
    assert status["waiting"] + status["open"] > 0

    assert run.crawl(workers=1) == [0]
    assert_whole(run, range(60))


def test_a_folder_that_cannot_be_written_is_one_line_and_takes_no_page(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    run = cluster(site, rate=100)
    run.push(photo(1))
    (run.folder / "results").write_text("no folder")

    worker = run.start("-a", "until_empty=1")

    assert run.wait(worker) == 2
    assert len(run.log(worker).strip().splitlines()) == 1, run.log(worker)
    assert (site.gateway.log.calls, run.status()["waiting"]) == (0, 1)


@pytest.mark.soak
def test_a_torn_line_of_a_killed_worker_is_cut_when_its_file_is_gone_on_with(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.05)), rate=30)
    run.push(*map(photo, range(20)))
    fixed = ("-o", "results/mine.jsonl", "-a", "until_empty=1", "-a", "page_size=20")
    worker = run.start(*fixed)
    feed = run.folder / "results/mine.jsonl"
    run.until(lambda: feed.exists() and feed.stat().st_size > 0)
    run.kill(worker)
    for name in ("mine.jsonl", "mine.seeds.jsonl"):
        with (run.folder / "results" / name).open("ab") as file:
            file.write(b'{"num_iid":"12')

    again = run.start(*fixed)

    assert run.wait(again) == 0, run.log(again)
    assert b'{"num_iid":"12' not in feed.read_bytes().replace(b'"num_iid":"12', b"", 0)[-20:]
    assert_whole(run, range(20))
    assert "0 torn" in run.merge().log


def test_minus_o_capital_never_writes_over_a_worker_s_offers(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    run.push(photo(1))
    assert run.wait(run.start("-o", "mine.jsonl", "-a", "until_empty=1")) == 0
    before = (run.folder / "mine.jsonl").read_bytes()

    worker = run.start("-O", "mine.jsonl", "-a", "until_empty=1")

    assert run.wait(worker) == 2
    assert "would write over them" in run.log(worker)
    assert (run.folder / "mine.jsonl").read_bytes() == before


@pytest.mark.soak
def test_workers_whose_run_was_emptied_say_so_and_a_second_push_heals_it(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=60)
    run.push(*map(photo, range(30)))
    workers = [run.start("-a", "until_empty=1", "-a", "page_size=20") for _ in range(2)]
    run.until(lambda: run.site.gateway.log.calls >= 40)

    with socket.create_connection(("127.0.0.1", redis_server.port)) as line:
        line.sendall(b"FLUSHALL\r\n")
        assert line.recv(64) == b"+OK\r\n"

    assert [run.wait(worker) for worker in workers] == [1, 1]
    assert all("Redis has forgotten run default" in run.log(worker) for worker in workers)
    run.push(*map(photo, range(30)))
    assert run.crawl("-a", "page_size=20", workers=1) == [0]
    assert_whole(run, range(30))
