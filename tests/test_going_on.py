"""Whatever ends a run, the next one with -o goes on: every offer once, every seed one line."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import Crawled, Crawler
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of

CATALOGUE = Catalogue()
Serve = Callable[..., Site]


def expected(numbers: range) -> Counter[str]:
    return Counter({iid for number in numbers for iid in rows_of(number)})


def assert_whole(crawled: Crawled, numbers: range) -> None:
    """Each expected offer once, each seed one true line, the two in agreement."""
    assert Counter(crawled.ids) == expected(numbers)
    assert set(crawled.statuses) <= {"done", "empty"}
    assert len(crawled.ledger) == len(numbers)
    for line in crawled.ledger.values():
        number = next(n for n in numbers if photo(n) == line["image"])
        assert line["rows_seen"] == len(rows_of(number))
    assert sum(line["offers_new"] for line in crawled.ledger.values()) == len(crawled.offers)


def await_answer(crawler: Crawler, number: int = 1) -> None:
    """Until the crawl that was just started has had so many answers."""
    assert crawler.site is not None
    log, end = crawler.site.gateway.log, time.monotonic() + 120
    before = log.good
    while log.good < before + number and time.monotonic() < end:
        time.sleep(0.005)


def await_line(crawler: Crawler) -> None:
    """Until a seed has its final line."""
    end = time.monotonic() + 120
    while not crawler.result().lines("offers.seeds.jsonl"):
        assert time.monotonic() < end
        time.sleep(0.02)


def held_open(crawler: Crawler, numbers: range) -> subprocess.Popen[str]:
    """A crawl that writes, and does not end before `communicate` closes its source."""
    process = crawler.start(seeds="-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("".join(f"{photo(number)}\n" for number in numbers))
    process.stdin.flush()
    await_line(crawler)
    return process


def kill_at_random_moments(
    crawler: Crawler, kills: int, seed: int, *arguments: str, out: str = "-O"
) -> Crawled:
    moments = random.Random(seed)
    for _ in range(kills):
        process = crawler.start(*arguments, out=out)
        await_answer(crawler, moments.randint(1, 15))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=240)
        out = "-o"
    return crawler.crawl(*arguments, out="-o")


def test_five_kills_lose_and_double_nothing(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02)), rate=25)
    numbers = range(45)
    crawler.seeds(*map(photo, numbers))

    crawled = kill_at_random_moments(crawler, 5, 7, "-a", "page_size=20")

    assert crawled.exit_code == 0, crawled.log
    assert crawled.stats.get("pailitao/seeds/known", 0) > 0, "the kills came too early to tell"
    assert_whole(crawled, numbers)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_kills_lose_and_double_nothing(
    serve_sandbox: Serve, crawler: Crawler, seed: int
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02)), rate=25)
    numbers = range(150)
    crawler.seeds(*map(photo, numbers))

    crawled = kill_at_random_moments(crawler, 10, seed, "-a", "page_size=20")

    assert crawled.exit_code == 0, crawled.log
    assert_whole(crawled, numbers)


def test_kills_with_matches_keep_every_sighting_once(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=40, matches=1)
    numbers = range(60)
    crawler.seeds(*map(photo, numbers))

    crawled = kill_at_random_moments(crawler, 3, 3)

    assert crawled.exit_code == 0, crawled.log
    assert_whole(crawled, numbers)
    sightings = Counter(line["num_iid"] for line in crawled.lines("offers.matches.jsonl"))
    assert sightings == Counter(iid for number in numbers for iid in rows_of(number))


def test_one_ctrl_c_ends_cleanly_and_the_rest_is_kept(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=20)
    numbers = range(60)
    crawler.seeds(*map(photo, numbers))
    process = crawler.start()
    await_line(crawler)

    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=240)

    assert process.returncode == 1
    assert "Stopped early" in log
    assert "Traceback" not in log
    stopped = crawler.result()
    assert 0 < len(stopped.ledger) < 60
    crawler.env["PAILITAO_RATE"] = "100"
    rest = crawler.crawl(out="-o")
    assert rest.exit_code == 0, rest.log
    assert_whole(rest, numbers)


def test_ctrl_c_does_not_wait_for_a_silent_standard_input(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=30)
    process = crawler.start(seeds="-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"{photo(1)}\n")
    process.stdin.flush()
    ledger = crawler.folder / "offers.seeds.jsonl"
    deadline = time.monotonic() + 120
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=240) == 1
    process.stdin.close()
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
    process.stdout.close()
    assert_whole(crawler.result(), range(1, 2))


def test_a_finished_run_has_nothing_left_to_do(serve_sandbox: Serve, crawler: Crawler) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    crawler.use(site, rate=100)
    crawler.seeds(*map(photo, range(5)))
    crawler.crawl()
    calls = site.gateway.log.calls

    again = crawler.crawl(out="-o")

    assert again.exit_code == 0
    assert site.gateway.log.calls == calls
    assert again.stats["pailitao/seeds/known"] == 5
    assert_whole(again, range(5))


def test_failed_and_partial_seeds_are_searched_again(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    faulty = Gateway(CATALOGUE, faults=[parse_fault("400@1"), parse_fault("500@4-")])
    crawler.use(serve_sandbox(faulty), rate=100, transient_tries=2)
    numbers = range(20)
    crawler.seeds(*map(photo, numbers))
    first = crawler.crawl("-a", "page_size=20")
    assert first.exit_code == 1
    assert first.statuses["failed"] > 1
    assert first.statuses["partial"] > 0

    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    second = crawler.crawl("-a", "page_size=20", out="-o")

    assert second.exit_code == 0, second.log
    assert_whole(second, numbers)


def test_a_torn_last_line_is_cut_and_its_offer_written_again(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    numbers = range(4)
    crawler.seeds(*map(photo, numbers))
    crawler.crawl()
    feed = crawler.folder / "offers.jsonl"
    ledger = crawler.folder / "offers.seeds.jsonl"
    lost = crawler.result().offers[-1]["seed_id"]
    feed.write_bytes(feed.read_bytes()[:-40])
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(line for line in lines if lost not in line) + '{"seed_id":"to')

    crawled = crawler.crawl(out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert_whole(crawled, numbers)


@pytest.mark.parametrize("how", ["deleted", "emptied", "cut in half"])
def test_a_feed_that_is_gone_is_filled_again(
    serve_sandbox: Serve, crawler: Crawler, how: str
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    numbers = range(3)
    crawler.seeds(*map(photo, numbers))
    crawler.crawl()
    feed = crawler.folder / "offers.jsonl"
    lines = feed.read_bytes().splitlines(keepends=True)
    feed.unlink()
    if how != "deleted":
        feed.write_bytes(b"".join(lines[: len(lines) // 2]) if how == "cut in half" else b"")

    crawled = crawler.crawl(out="-o")

    assert "searched again" in crawled.log
    assert_whole(crawled, numbers)


def test_a_last_line_without_its_end_is_kept(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(photo(0))
    crawler.crawl()
    feed = crawler.folder / "offers.jsonl"
    feed.write_bytes(feed.read_bytes().rstrip(b"\n"))
    crawler.seeds(photo(0), photo(1))

    crawled = crawler.crawl(out="-o")

    assert_whole(crawled, range(2))


def test_a_csv_feed_goes_on_under_one_header(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(*map(photo, range(2)))
    crawler.crawl("-O", "offers.csv", out="")
    crawler.seeds(*map(photo, range(4)))

    crawled = crawler.crawl("-o", "offers.csv", out="")

    lines = (crawler.folder / "offers.csv").read_text(encoding="utf-8").splitlines()
    assert crawled.exit_code == 0, crawled.log
    assert [line for line in lines if line.startswith("num_iid")] == lines[:1]
    assert Counter(line.split(",")[0] for line in lines[1:]) == expected(range(4))


@pytest.mark.soak
def test_two_feeds_are_each_whole_after_kills(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=40)
    numbers = range(60)
    crawler.seeds(*map(photo, numbers))

    crawled = kill_at_random_moments(crawler, 3, 5, "-o", "offers.csv", out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert_whole(crawled, numbers)
    lines = (crawler.folder / "offers.csv").read_text(encoding="utf-8").splitlines()
    assert Counter(line.split(",")[0] for line in lines[1:]) == expected(numbers)


def test_a_feed_that_lacks_an_offer_gets_it_and_the_other_does_not(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(photo(1), photo(2))
    crawler.crawl("-o", "offers.csv", out="-o")
    table = crawler.folder / "offers.csv"
    table.write_text("".join(table.read_text("utf-8").splitlines(keepends=True)[:-5]), "utf-8")
    (crawler.folder / "offers.seeds.jsonl").unlink()

    crawled = crawler.crawl("-o", "offers.csv", out="-o")

    assert_whole(crawled, range(1, 3))
    lines = table.read_text(encoding="utf-8").splitlines()
    assert Counter(line.split(",")[0] for line in lines[1:]) == expected(range(1, 3))


def test_a_second_run_on_the_same_results_is_refused(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(*map(photo, range(30)))
    first = held_open(crawler, range(30))

    second = crawler.crawl(out="-o")

    assert second.exit_code in (1, 2)
    assert "another run is writing these results" in second.log
    assert "Traceback" not in second.log
    first.communicate(timeout=240)
    assert first.returncode == 0
    assert_whole(crawler.result(), range(30))


def test_starting_over_forgets_the_run_before(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(*map(photo, range(4)))
    crawler.crawl()
    crawler.seeds(photo(1))

    crawled = crawler.crawl()

    assert_whole(crawled, range(1, 2))


def test_photos_of_the_same_name_are_told_apart_when_going_on(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    for folder, name in (("a", "mug-01"), ("b", "mug-06")):
        (crawler.folder / folder).mkdir()
        shutil.copy(PHOTOS / f"{name}.jpg", crawler.folder / folder / "photo.jpg")
    crawler.crawl(seeds="a")

    crawled = crawler.crawl(seeds="b", out="-o")

    assert crawled.statuses == {"done": 2}, crawled.log
    assert {line["image"] for line in crawled.ledger.values()} == {"a/photo.jpg", "b/photo.jpg"}
    assert set(crawled.ids) == {*CATALOGUE.truth("mug-01"), *CATALOGUE.truth("mug-06")}


def test_a_write_error_stops_the_run_and_claims_no_seed(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """/dev/full is a disk that is full: each write to it gives ENOSPC."""
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(*map(photo, range(30)))
    (crawler.folder / "offers.jsonl").symlink_to("/dev/full")

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.stats["finish_reason"] == "pailitao_disk"
    assert "No space left on device" in crawled.log
    assert "Nothing is lost: free space on the disk first; " in crawled.log
    assert "Traceback" not in crawled.log, crawled.log
    assert crawled.ledger == {}


def test_a_disk_that_fills_up_on_the_way_claims_only_what_it_holds(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    import resource

    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=50)
    numbers = range(30)
    crawler.seeds(*map(photo, numbers))
    most = 200_000

    process = crawler.start(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    )
    log, _ = process.communicate(timeout=240)

    stopped = crawler.result()
    assert process.returncode == 1, log
    assert "cannot be written" in log
    assert "Traceback" not in log, log
    whole = (crawler.folder / "offers.jsonl").read_bytes().split(b"\n")[:-1]
    claimed = sum(line["offers_new"] for line in stopped.ledger.values())
    assert 0 < claimed <= len(whole)

    rest = crawler.crawl(out="-o")
    assert rest.exit_code == 0, rest.log
    assert_whole(rest, numbers)
