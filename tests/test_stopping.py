"""Ctrl-C while something hangs: what is told at once, and at the end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawler
from tests.screens import InTerminal, Screen
from tests.test_faults import photo
from tests.test_going_on import assert_whole

NUMBERS = range(12)
STOPPING = re.compile(
    r"stopping: waiting for \d+ calls? \(up to 30 s\); Ctrl-C again leaves at once"
)


class Lines:
    """A crawl without a terminal; used as one in a terminal is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.output = ""
        self._process = process

    def until(self, holds: Callable[[str], bool]) -> None:
        assert self._process.stdout is not None
        while not holds(self.output):
            line = self._process.stdout.readline()
            assert line, self.output
            self.output += line

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def finish(self) -> str:
        assert self._process.stdout is not None
        self.output += self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait(timeout=240)
        return self.output

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode


def started(crawler: Crawler, *, has_terminal: bool) -> InTerminal | Lines:
    if not has_terminal:
        return Lines(crawler.start())
    command = [sys.executable, "-W", "error", "-m", "scrapy", "crawl", "pailitao"]
    command += ["-a", "seeds=seeds.txt", "-O", "offers.jsonl"]
    environ = {**crawler._environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    del environ["COLUMNS"]
    return InTerminal(command, crawler.folder, environ, (100, 30))


def shown(output: str) -> str:
    """What the screen shows, unwrapped; a space at which a line was broken is lost."""
    lines = Screen(100).write(output.replace("\r\n", "\n").replace("\n", "\r\n")).text
    return lines.replace("\n", "")


def is_in(words: str, told: str) -> bool:
    """Wherever the lines were broken."""
    return words.replace(" ", "") in told.replace(" ", "")


@pytest.mark.parametrize("has_terminal", [True, False])
def test_a_second_ctrl_c_leaves_hanging_calls_with_the_last_words(
    serve_sandbox: Callable[..., Site], crawler: Crawler, *, has_terminal: bool
) -> None:
    hanging = Gateway(Catalogue(), faults=[parse_fault("hang@6-")])
    crawler.use(serve_sandbox(hanging), rate=50)
    crawler.seeds(*map(photo, NUMBERS))
    crawl = started(crawler, has_terminal=has_terminal)
    deadline = time.monotonic() + 120
    while hanging.log.refused["transient"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    crawl.send(signal.SIGINT)
    crawl.until(lambda output: "leaves at once" in output)
    if has_terminal:
        assert re.search(r"last word \d\d:\d\d:\d\d stopping: waiting for", shown(crawl.output))
    assert STOPPING.search(shown(crawl.output)), crawl.output
    pressed = time.monotonic()
    crawl.send(signal.SIGINT)
    told = shown(crawl.finish())

    assert time.monotonic() - pressed < 60, "it does not wait for the calls"
    assert crawl.exit_code == 1
    assert "│ seeds " in told
    assert "seeds:    offers.seeds.jsonl" in told
    assert "Stopped early: by a second Ctrl-C or signal" in told
    assert re.search(r"Nothing is lost: \d+ begun seeds and all .* the same command with ?-o", told)
    assert "Traceback" not in told
    assert "slowest" not in told
    crawler.use(serve_sandbox(Gateway(Catalogue())), rate=100)
    rest = crawler.crawl(out="-o")
    assert rest.exit_code == 0, rest.log
    assert_whole(rest, NUMBERS)


@pytest.mark.parametrize(
    ("presses", "has_terminal"), [(0, True), (1, True), (1, False), (2, True), (2, False)]
)
def test_a_database_that_is_waited_for_is_told_and_can_be_left(
    serve_sandbox: Callable[..., Site], crawler: Crawler, presses: int, *, has_terminal: bool
) -> None:
    crawler.use(serve_sandbox(Gateway(Catalogue())), rate=100)
    crawler.env["PAILITAO_SQL_URL"] = "postgresql://a:b@127.0.0.1:1/none"
    crawler.seeds(*map(photo, NUMBERS))
    crawl = started(crawler, has_terminal=has_terminal)
    crawl.until(lambda output: "Ctrl-C leaves" in output)
    waiting = time.monotonic()
    for _ in range(presses):
        crawl.send(signal.SIGINT)
        time.sleep(0.05)
    told = shown(crawl.finish())

    waited = time.monotonic() - waiting
    assert waited < 8 if presses else waited > 15
    assert crawl.exit_code == 1, told
    assert is_in("waiting up to 20 s for the database (", told)
    assert is_in("; the feed is whole: offers.jsonl; Ctrl-C leaves", told)
    assert is_in("scrapy pailitao sql offers.jsonl puts", told)
    assert "Traceback" not in told
    seconds = re.search(r"│ time +│ ([\d.]+) s", told)
    assert seconds is not None
    assert float(seconds[1]) < 12, "the wait is no time of the crawl"
    assert_whole(crawler.result(), NUMBERS)


def test_a_worker_that_leaves_at_once_leaves_its_pages_to_the_others(
    serve_sandbox: Callable[..., Site], cluster: Callable[..., Cluster]
) -> None:
    hanging = Gateway(Catalogue(), faults=[parse_fault("hang@6-30")])
    run = cluster(serve_sandbox(hanging), rate=50)
    run.push(*map(photo, NUMBERS))
    worker = run.start("-a", "until_empty=1")
    run.until(lambda: hanging.log.refused["transient"] >= 3)
    worker.send_signal(signal.SIGINT)
    run.until(lambda: "leaves at once" in run.log(worker))
    worker.send_signal(signal.SIGINT)

    assert run.wait(worker, 15) == 1
    told = run.log(worker)
    assert "│ seeds " in told
    assert "back in the queue when its leases run out" in told
    assert "Traceback" not in told
    hanging.script.faults = ()
    assert run.crawl(workers=1) == [0], run.logs
    assert set(run.merge().statuses) <= {"done", "empty"}
    assert len(run.merge().ledger) == len(NUMBERS)
