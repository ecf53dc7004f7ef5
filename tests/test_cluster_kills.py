"""Workers killed, frozen, restarted: each offer once, each seed one line, nothing lost."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import redis

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.worker.intake import ReadLines
from pailitao_spider.cluster.worker.messages import Answer, Hold, PageOut
from pailitao_spider.cluster.worker.polling import Polling
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster, Worker
from tests.crash_points import STEPS
from tests.exchanges import Exchanges
from tests.test_faults import photo, rows_of

CATALOGUE = Catalogue()
Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]

PAGES_OF_20 = ("-a", "page_size=20")
UNTIL_EMPTY = ("-a", "until_empty=1", *PAGES_OF_20)
AT_FULL_SPEED = {"PAILITAO_RATE": "400"}  # who comes last says for all
CRASH_POINTS = ("-s", 'EXTENSIONS={"tests.crash_points.CrashPoint":-1}')
POISON = ("-s", 'DOWNLOADER_MIDDLEWARES={"tests.crash_points.Poison":100}')


# what must come of it


def pages_of(numbers: Iterable[int]) -> int:
    return sum(max(1, -(-len(rows_of(number)) // 20)) for number in numbers)


def assert_whole(run: Cluster, numbers: range) -> None:
    """Each expected offer once; each seed done, with one true line; lines and offers agree."""
    merged = run.merge()
    assert merged.exit_code == 0, merged.log + run.logs[-3000:]
    assert sorted(merged.ids) == sorted({iid for number in numbers for iid in rows_of(number)})
    lines = {line["image"]: line for line in merged.ledger.values()}
    assert len(lines) == len(merged.ledger) == len(numbers)
    for number in numbers:
        line = lines[photo(number)]
        assert (line["status"], line["reason"]) == ("done", None)
        assert line["pages_expected"] == line["pages_fetched"] == pages_of([number])
        assert line["rows_seen"] == len(rows_of(number))
    assert sum(line["offers_new"] for line in merged.ledger.values()) == len(merged.ids)
    assert "Traceback" not in run.logs, run.logs[-4000:]


def tell_cost(run: Cluster, numbers: range, kills: int) -> None:
    extra = run.site.gateway.log.calls - pages_of(numbers)
    lines, offers = sum(run.feed_ids.values()), len(run.feed_ids)
    print(
        f"{kills} kills: {extra / kills:.1f} extra calls a kill, "
        f"{100 * (lines - offers) / offers:.1f} % duplicate lines before the merge"
    )


# the run in Redis


def key(name: str) -> str:
    return f"{{pailitao:default}}:{name}"


def redis_of(run: Cluster) -> redis.Redis:
    return redis.Redis.from_url(run.server.url)


def pushed(run: Cluster, numbers: Iterable[int]) -> float:
    """Pushes as any program may, quicker than the command starts; returns the moment."""
    with redis_of(run) as client:
        client.rpush(key("waiting"), *map(photo, numbers))
    return time.monotonic()


def is_at_work(run: Cluster, *workers: Worker) -> bool:
    """The workers have talked to their run."""
    with redis_of(run) as client:
        names = " ".join(name.decode() for name in client.hkeys(key("workers")))
    return all(f"-{worker.pid}-" in names for worker in workers)


def started(run: Cluster, number: int, *arguments: str) -> list[Worker]:
    """Workers that are at work."""
    workers = [run.start(*arguments) for _ in range(number)]
    run.until(lambda: is_at_work(run, *workers))
    return workers


def seconds_to_end(run: Cluster, *workers: Worker) -> float:
    """After SIGTERM."""
    assert all(worker.poll() is None for worker in workers), "the run was over too early"
    began = time.monotonic()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        run.wait(worker)
    return time.monotonic() - began


# kills


def killed_at_random(run: Cluster, kills: int, seed: int) -> None:
    """Three workers; one after the other is killed, and another takes its place at once."""
    draw = random.Random(seed)
    at_work = [run.start(*UNTIL_EMPTY) for _ in range(3)]
    for left in reversed(range(kills)):
        victim = at_work.pop(draw.randrange(3))
        run.until(lambda: is_at_work(run, victim))  # noqa: B023  called at once
        time.sleep(draw.uniform(0, 1.0))
        assert victim.poll() is None, "the run was over before the last kill"
        run.kill(victim)
        at_work.append(run.start(*UNTIL_EMPTY, **({} if left else AT_FULL_SPEED)))
    codes = [run.wait(worker, 200) for worker in at_work]
    assert codes == [0, 0, 0], run.logs[-4000:]


@pytest.mark.parametrize(
    ("kills", "seeds"), [(2, 60), pytest.param(20, 600, marks=pytest.mark.soak)]
)
def test_kills_at_random_lose_and_double_nothing(
    serve_sandbox: Serve, cluster: MakeCluster, kills: int, seeds: int
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.05)), rate=30)
    numbers = range(seeds)
    run.push(*map(photo, numbers))

    killed_at_random(run, kills, 7)

    tell_cost(run, numbers, kills)
    assert_whole(run, numbers)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_fifty_kills_ten_times_lose_and_double_nothing(
    serve_sandbox: Serve, cluster: MakeCluster, seed: int
) -> None:
    # So many kills a minute hit one page five times: it is not the page's fault.
    run = cluster(
        serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.05)), rate=30, max_deliveries=100
    )
    numbers = range(1000)
    run.push(*map(photo, numbers))

    killed_at_random(run, 50, seed)

    tell_cost(run, numbers, 50)
    assert_whole(run, numbers)


# The others are as far from each other as these: make soak has them all.
ALWAYS = ("after the pop", "after fsync, before the script", "after the script, before its reply")


@pytest.mark.parametrize(
    "step",
    [pytest.param(each, marks=[] if each in ALWAYS else pytest.mark.soak) for each in STEPS],
)
def test_a_crash_at_any_step_loses_and_doubles_nothing(
    serve_sandbox: Serve, cluster: MakeCluster, step: str
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02))
    run = cluster(site, rate=200, lease_seconds=1)
    numbers = range(24)
    pushed(run, numbers)
    run.env["CRASH_AT"] = step

    codes = run.crawl(*PAGES_OF_20, *CRASH_POINTS, workers=2)

    assert sorted(codes) == [-signal.SIGKILL, 0], run.logs
    tell_cost(run, numbers, 1)
    assert_whole(run, numbers)


# frozen


def has_taken_over(run: Cluster) -> bool:
    """A page was handed out a second time."""
    with redis_of(run) as client:
        return any(int(number) > 1 for number in client.hvals(key("deliveries")))


@pytest.mark.parametrize(
    "thaws",
    ["while others work on its pages", pytest.param("when all is over", marks=pytest.mark.soak)],
)
def test_a_worker_frozen_past_its_lease_does_no_harm_when_it_thaws(
    serve_sandbox: Serve, cluster: MakeCluster, thaws: str
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.1))
    run = cluster(site, rate=12, lease_seconds=1)
    numbers = range(60)
    pushed(run, numbers)
    (frozen,) = started(run, 1, *UNTIL_EMPTY)
    run.until(lambda: site.gateway.log.calls > 10)
    frozen.send_signal(signal.SIGSTOP)
    others = [run.start(*UNTIL_EMPTY, **AT_FULL_SPEED) for _ in range(2)]

    if thaws == "when all is over":
        assert [run.wait(worker) for worker in others] == [0, 0], run.logs
    else:
        run.until(lambda: has_taken_over(run))
    frozen.send_signal(signal.SIGCONT)

    assert [run.wait(worker) for worker in (frozen, *others)] == [0, 0, 0], run.logs
    tell_cost(run, numbers, 1)
    assert_whole(run, numbers)


# poison


def deaths_until_empty(run: Cluster, *arguments: str) -> int:
    """Two workers at a time, replaced as they die; returns how many did."""
    deaths, at_work = 0, [run.start(*arguments) for _ in range(2)]
    while at_work:
        run.until(lambda: any(worker.poll() is not None for worker in at_work), 40)  # noqa: B023
        died = [worker for worker in at_work if (worker.poll() or 0) < 0]
        at_work = [worker for worker in at_work if worker.poll() is None]
        at_work += [run.start(*arguments) for _ in died]
        deaths += len(died)
    return deaths


def dead_letters(run: Cluster) -> list[dict[str, Any]]:
    told = run.command("pailitao", "dead", "--json")
    assert told.exit_code == 0, told.log
    return [json.loads(line) for line in told.log.splitlines()]


@pytest.mark.soak
def test_a_page_that_kills_every_worker_is_buried_alone_and_comes_back_when_mended(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=200, lease_seconds=1, max_deliveries=3)
    numbers, bad = range(201), photo(60)
    run.push(*map(photo, numbers))
    run.env["POISON"] = bad

    deaths = deaths_until_empty(run, *UNTIL_EMPTY, *POISON)

    tell_cost(run, numbers, deaths)
    (letter,) = dead_letters(run)
    assert (deaths, letter["deliveries"]) == (3, 3)
    assert letter["why"] == "3 workers vanished with it"
    ledger = {line["image"]: line for line in run.merge().ledger.values()}
    assert len(ledger) == len(numbers)
    buried = ledger.pop(bad)
    assert (buried["status"], buried["reason"]) == ("failed", f"buried: {letter['why']}")
    assert {line["status"] for line in ledger.values()} == {"done"}

    replayed = run.command("pailitao", "dead", "--replay")
    assert "1 of 1 back in the queue" in replayed.log
    assert run.wait(run.start(*UNTIL_EMPTY)) == 0
    assert dead_letters(run) == []
    assert_whole(run, numbers)


def test_a_suspect_page_stays_alone_while_its_lease_is_renewed() -> None:
    def answer(*pages: PageOut, alone: bool = False) -> Answer:
        return Answer([*pages], [], [], [], alone, 0, 0, 9, 1, 0, 0, 1, 0.0, True)

    pacing = Polling(lease_seconds=30)

    pacing.answered(0, answer(PageOut("seed", 1, 2, "{}"), alone=True), 100)
    pacing.answered(10, answer(), 100)

    assert pacing.room(1) == 0
    assert not pacing.is_due(15, unfinished=1, finished=0, has_words=False, has_lines=False)
    assert pacing.room(0) > 0


# orderly ends


@pytest.mark.parametrize(
    ("rounds", "seeds"), [(1, 40), pytest.param(10, 200, marks=pytest.mark.soak)]
)
def test_rolling_restarts_cost_no_call(
    serve_sandbox: Serve, cluster: MakeCluster, rounds: int, seeds: int
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.1))
    run = cluster(site, rate=15, lease_seconds=30)
    numbers = range(seeds)
    run.push(*map(photo, numbers))
    at_work = started(run, 2, *UNTIL_EMPTY)
    longest = 0.0

    for left in reversed(range(rounds)):
        run.env |= {} if left else AT_FULL_SPEED
        at_work += started(run, 2, *UNTIL_EMPTY)
        longest = max(longest, seconds_to_end(run, at_work.pop(0), at_work.pop(0)))

    assert [run.wait(worker) for worker in at_work] == [0, 0], run.logs
    print(f"the slowest end took {longest:.1f} s")
    assert longest < 25
    assert_whole(run, numbers)
    assert site.gateway.log.calls == pages_of(numbers)
    assert run.stats["pailitao/leases/reclaimed"] == 0


def all_hang(run: Cluster, numbers: range) -> Worker:
    """A worker of which calls hang, and nothing else is under way."""
    pushed(run, numbers)
    worker = run.start(*UNTIL_EMPTY)
    run.until(lambda: run.site.gateway.log.refused["transient"] == 8)
    return worker


def test_sigterm_does_not_wait_for_calls_that_hang(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("hang@5-12")]))
    run = cluster(site, rate=200, lease_seconds=60)
    numbers = range(8)
    worker = all_hang(run, numbers)

    seconds = seconds_to_end(run, worker)

    print(f"ended in {seconds:.1f} s")
    assert seconds < 50
    status = run.status()
    assert (status["pages_leased"], status["workers"]) == (0, [])
    assert run.wait(run.start(*UNTIL_EMPTY)) == 0, "no lease to wait for"
    assert_whole(run, numbers)


@pytest.mark.soak
def test_sigterm_waits_neither_for_calls_that_hang_nor_for_redis(
    serve_sandbox: Serve, cluster: MakeCluster, redis_server: LocalServer
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("hang@5-12")]))
    run = cluster(site, rate=200, lease_seconds=60)
    worker = all_hang(run, range(8))
    redis_server.freeze()

    seconds = seconds_to_end(run, worker)

    print(f"ended in {seconds:.1f} s")
    assert seconds < 10
    assert "Traceback" not in run.logs
    redis_server.thaw()
    status = run.status()
    assert status["open"] + status["done"] == 8
    assert status["pages_leased"] + status["pages_ready"] >= 8, "its leases run out by themselves"


def test_sigterm_while_a_worker_opens_leaves_no_page_in_its_hands(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=50)
    pushed(run, range(5))

    worker = run.start(*UNTIL_EMPTY, *CRASH_POINTS, CRASH_AT="sigterm while opening")

    assert run.wait(worker) != 0
    status = run.status()
    assert (status["waiting"], status["pages_leased"], status["workers"]) == (5, 0, [])


def shared_keys(run: Cluster) -> dict[str, Any]:
    """All that the run holds, but for the time of the last call and what workers say."""
    own = (key("last:"), key("workers"), key("quarantine"), key("intake"))
    with redis_of(run) as client:
        names = [name.decode() for name in client.keys(key("*"))]
        found = {name: value_of(client, name) for name in names if not name.startswith(own)}
    for name in (b"beat", b"grace"):
        found[key("counts")].pop(name, None)
    return found


def value_of(client: redis.Redis, name: str) -> Any:
    read: dict[bytes, Callable[[str], Any]] = {
        b"hash": client.hgetall,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"string": client.get,
        b"zset": lambda name: {*client.zrange(name, 0, -1)},
    }
    return read[client.type(name)](name)


def test_a_worker_that_ends_with_the_run_leaves_it_as_it_is(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    pushed(run, range(10))
    assert run.crawl(*PAGES_OF_20, workers=1) == [0]
    before = shared_keys(run)

    assert run.crawl(*PAGES_OF_20, workers=1) == [0]

    assert shared_keys(run) == before


def test_a_worker_ended_by_sigterm_gives_back_its_own_pages_and_touches_nothing_else(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    run = cluster(site, rate=0.05, lease_seconds=60)
    pushed(run, range(60))
    (frozen,) = started(run, 1, *UNTIL_EMPTY)
    run.until(lambda: site.gateway.log.calls == 1)
    frozen.send_signal(signal.SIGSTOP)
    theirs = shared_keys(run)[key("lease")]
    (worker,) = started(run, 1, *UNTIL_EMPTY)
    before = shared_keys(run)
    own = before[key("lease")] - theirs

    seconds_to_end(run, worker)

    after = shared_keys(run)
    assert len(own) == 16
    assert after.pop(key("lease")) == theirs
    assert after.pop(key("ready")) == before.pop(key("ready")) | own
    assert after.pop(key("deliveries")).keys() == theirs
    changed = {key("lease"), key("deliveries"), key("counts")}
    assert {name for name in before if after.get(name) != before[name]} == changed


def test_a_worker_that_ends_leaves_the_quarantine_to_others(redis_server: LocalServer) -> None:
    exchanges = Exchanges(redis_server)
    lines = [f"https://sandbox.invalid/{name}.jpg".encode() for name in "ab"]
    exchanges.client.rpush(exchanges.keys.waiting, *lines)
    exchanges.send(exchanges.message("pushes", admits=ReadLines.of(lines).admits), lines)
    (page,) = exchanges.send(exchanges.message("ends", want=1), [])[0].pages
    hold = Hold(f"{page.seed}/{page.page}", page.delivery)
    exchanges.send(exchanges.message("vanishes", want=1, lease_seconds=0.0), [])
    exchanges.send(exchanges.message("ends", 2, want=1, holds=[hold]), [])
    assert exchanges.snapshot()["quarantine"] == b"ends"

    goodbye = exchanges.message("ends", 3, holds=[hold])
    goodbye.says = ""
    exchanges.send(goodbye, [])

    assert "quarantine" not in exchanges.snapshot()
    exchanges.close()


# who waits


def seen_at(run: Cluster, worker: Worker) -> float:
    """When the worker talked to its run last, on Redis' clock."""
    with redis_of(run) as client:
        said = {name.decode(): text for name, text in client.hgetall(key("workers")).items()}
    return next(float(said[name].split()[0]) for name in said if f"-{worker.pid}-" in name)


def test_a_worker_until_empty_waits_for_the_pages_of_others(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=2))
    run = cluster(site, rate=50, lease_seconds=60)
    pushed(run, [1])
    (busy,) = started(run, 1)
    run.until(lambda: site.gateway.log.calls == 1)
    busy.send_signal(signal.SIGSTOP)

    (waiting,) = started(run, 1, "-a", "until_empty=1")
    first = seen_at(run, waiting)
    run.until(lambda: seen_at(run, waiting) > first + 1)
    assert waiting.poll() is None
    busy.send_signal(signal.SIGCONT)

    assert run.wait(waiting) == 0, run.logs
    assert run.status()["over"]
    seconds_to_end(run, busy)
    assert set(run.merge().ids) == set(rows_of(1))
    assert site.gateway.log.calls == 1


def test_a_waiting_worker_takes_a_seed_that_is_pushed_later(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    run = cluster(site, rate=50)
    (worker,) = started(run, 1)

    longest = 0.0
    for number in range(5):
        at = pushed(run, [number])
        while site.gateway.log.calls <= number and time.monotonic() < at + 20:
            time.sleep(0.005)
        longest = max(longest, time.monotonic() - at)

    print(f"taken after {longest:.2f} s at most")
    assert longest < 3, "0.5 s and the time of two exchanges, on a machine of its own"
    seconds_to_end(run, worker)
    assert run.stats["pailitao/seeds/done"] == 5
