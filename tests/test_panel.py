"""How a run stands, on a terminal and in a line of the log."""

from __future__ import annotations

import io
import logging
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from scrapy import Request

from pailitao_spider.crawl.paging import Paging
from pailitao_spider.crawl.requests import META
from pailitao_spider.crawl.searches import Part, Search, Searches, now_text
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import RefusalClass
from pailitao_spider.keys.budget import DayUsage
from pailitao_spider.monitoring.panel import panel
from pailitao_spider.monitoring.sliding_rates import SlidingRates
from pailitao_spider.monitoring.slowest_seed import SlowestSeed
from pailitao_spider.monitoring.snapshot import (
    Counts,
    KeyProgress,
    LastWarning,
    OpenSeed,
    Progress,
    SharedRun,
)
from pailitao_spider.monitoring.snapshot_taker import counted_seeds
from pailitao_spider.monitoring.terminal_footer import StatusFooter
from pailitao_spider.monitoring.text import duration, line, refusals, stopping
from pailitao_spider.seeds.model import Seed, UrlImage
from tests.crawling import Crawler
from tests.screens import InTerminal, Screen
from tests.test_crawl import photo

COUNTS = Counts(
    seeds={"done": 398, "empty": 10, "partial": 3, "failed": 1},
    known=0,
    pages=812,
    rows=21_324,
    offers={"new": 18_204, "duplicate": 3_120, "filtered": 0, "rejected": 0},
    calls=830,
    billed=812,
    refused={"throttled": 3, "spent": 0, "transient": 1},
    uploaded=0,
    renewed=1,
    leases={},
    log_lines={"warning": 4, "error": 0},
)
KEY = KeyProgress(
    "router",
    830,
    5.0,
    is_given=True,
    per_second=4.9,
    today=DayUsage(1204, 1200, 0),
    daily_calls=5000,
    token_seconds=3120.0,
)
PROGRESS = Progress(
    seconds=192.0,
    counts=COUNTS,
    open=12,
    keys=(KEY,),
    total=1203,
    pages_per_second=4.8,
    offers_per_second=96.1,
    left_seconds=460.0,
    slowest=OpenSeed("mug-01.jpg", 12.3, fetched=2, expected=7),
)
RUN = SharedRun("spring", 700, 91, 412, 40, 18, 2, 3)
HOSTILE = "\x1b[2J紧身连衣裙\n\u202e" + "x" * 300


def drawn(progress: Progress, width: int = 80, height: int = 24) -> str:
    return "\n".join(text.plain for text in panel(progress, width, height))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (192, "3 min 12 s"),
        (600.4, "10 min"),
        (3660, "1 h 1 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


# figures of the last seconds


def test_what_happened_in_the_last_ten_seconds_is_told() -> None:
    recent = SlidingRates()
    for second in range(40):
        recent.note(float(second), {"pages": 100 * min(second, 29)})
    assert recent.per_second("pages") == 0.0
    for second in range(40, 43):
        recent.note(float(second), {"pages": 2900 + 50 * (second - 39)})
    assert recent.per_second("pages") == 15.0
    assert recent.per_second("pages", 60) == pytest.approx(3050 / 42)


def test_nothing_is_said_before_there_is_enough_to_tell() -> None:
    recent = SlidingRates()
    assert recent.per_second("pages") is None
    recent.note(0.0, {"pages": 0})
    recent.note(1.0, {"pages": 9})
    assert recent.per_second("pages") is None
    assert recent.seconds_for("pages", 9) is None
    recent.note(3.0, {"pages": 9})
    assert recent.per_second("pages") == 3.0
    recent.note(4.0, {"pages": 9, "seeds": 1})
    assert recent.per_second("seeds") is None, "a number that was not there"
    recent.note(6.0, {"pages": 9, "seeds": 5})
    assert recent.per_second("seeds") == 2.0


def test_the_end_is_foreseen_only_while_something_moves_and_the_total_is_known() -> None:
    recent = SlidingRates()
    for second in range(5):
        recent.note(float(second), {"ended": 2 * second, "stuck": 7})
    assert recent.seconds_for("ended", 100) == 50.0
    assert recent.seconds_for("ended", None) is None
    assert recent.seconds_for("stuck", 100) is None


def test_a_look_that_comes_early_counts_with_the_next() -> None:
    recent = SlidingRates()
    for tenth in range(100):
        recent.note(tenth / 10, {"pages": tenth})
    assert len(recent._looks) <= 11
    assert recent.per_second("pages") == pytest.approx(10.0)


# the lines


def test_the_panel_shows_how_the_run_stands() -> None:
    assert drawn(PROGRESS).splitlines() == [
        "pailitao  3 min 12 s, about 7 min 40 s left",
        "seeds     ━━━━━━━━━━────────────────────  412 of 1203  34 %",
        "          12 open; 398 done, 10 empty, 3 partial, 1 failed",
        "offers    18204 new, 3120 duplicate                                       96.1/s",
        "pages     812 with 21324 rows, 830 calls                                   4.8/s",
        "quota     4.9 of 5/s  1204 of 5000 today  token 52 min",
        "refused   3 too fast (throttled), 1 failed for the moment (transient)",
        "slowest   12 s so far, 2 of 7 pages: mug-01.jpg",
        "last word none",
    ]


def test_what_is_not_known_is_not_shown() -> None:
    key = KeyProgress("router", 0, 2.0)
    early = replace(
        PROGRESS,
        keys=(key,),
        total=None,
        pages_per_second=None,
        offers_per_second=None,
        left_seconds=None,
        slowest=None,
    )
    text = drawn(early)
    assert "412 ended, more may come" in text
    assert "quota     ? of 2/s so far  0 today" in text
    assert not any(word in text for word in ("left", "%", "token", "None", "0.0/s"))


def test_a_worker_shows_the_whole_run_and_its_own_part() -> None:
    text = drawn(replace(PROGRESS, is_worker=True, run=RUN, total=RUN.seeds))
    assert "about 7 min 40 s left, 3 workers, run spring" in text
    assert "412 of 1203" in text
    assert "12 pages in hand; by this worker 398 done" in text
    assert "812, 830 calls; queue 40 ready, 18 leased, 2 buried" in text


@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (200, 60)])
@pytest.mark.parametrize("keys", [1, 3, 10])
def test_the_panel_fits_into_the_terminal(width: int, height: int, keys: int) -> None:
    names = [HOSTILE, *(f"钥匙-{number}" for number in range(1, keys))]
    full = replace(
        PROGRESS,
        keys=tuple(replace(KEY, name=name) for name in names[:keys]),
        slowest=OpenSeed(HOSTILE, 12.3, fetched=2, expected=7),
        last_word=LastWarning("ERROR", HOSTILE, time.time()),
        is_worker=True,
        run=replace(RUN, name=HOSTILE[-64:]),
    )
    lines = panel(full, width, height)
    assert len(lines) <= height
    assert max(text.cell_len for text in lines) <= min(width, 100)
    assert not any(mark in text.plain for text in lines for mark in "\x1b\n\u202e")
    assert "12 s so far, 2 of 7 pages: [2J紧身连衣裙" in drawn(full, width, height)


def test_more_keys_than_there_is_room_for_are_summed_up() -> None:
    ten = tuple(replace(KEY, name=f"key-{number}") for number in range(10))
    out = (*ten[:-1], replace(ten[-1], out="spent"))
    lines = drawn(replace(PROGRESS, keys=out), 60, 16).splitlines()
    assert len(lines) <= 16
    assert "4 more keys, 3320 calls, 1 out" in "\n".join(lines)


def test_a_key_that_is_out_says_why() -> None:
    keys = (KEY, replace(KEY, name="other", out="PAILITAO_DAILY_CALLS=5000 are used up"))
    assert "other     out: PAILITAO_DAILY_CALLS=5000 are used up" in drawn(
        replace(PROGRESS, keys=keys)
    )


def test_every_class_of_refusal_has_plain_words() -> None:
    assert "?" not in refusals(dict.fromkeys(RefusalClass, 1))


def test_a_terminal_without_unicode_gets_a_plain_bar() -> None:
    assert panel(PROGRESS, 80, 24, ascii_only=True)[1].plain.isascii()


def test_a_run_that_is_stopping_says_what_it_waits_for_and_how_long() -> None:
    waits = "stopping: waiting for 2 calls (up to 30 s); Ctrl-C again leaves at once"
    assert stopping(2, 30.0) == waits
    assert stopping(0, 0.0) == "stopping: writing what came last; Ctrl-C again leaves at once"


def test_the_line_of_the_log_says_the_same() -> None:
    assert line(PROGRESS) == (
        "412 of 1203 seeds ended, 12 open; 812 pages, 18204 offers; 830 calls, at most 5/s; "
        "about 7 min 40 s left"
    )


@pytest.mark.parametrize(
    ("lines", "count"),
    [(["https://x.invalid/1.jpg", "", "no such file.jpg"], 2), (["x" * 2**21] * 5, None)],
    ids=["bad lines count, empty ones do not", "too long to be read twice"],
)
def test_a_list_is_counted_where_that_costs_little(
    tmp_path: Path, lines: list[str], count: int | None
) -> None:
    path = tmp_path / "seeds.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert counted_seeds(str(path)) == count


def test_a_source_that_cannot_be_read_has_no_known_number(tmp_path: Path) -> None:
    assert counted_seeds(str(tmp_path / "none.txt")) is None


# the slowest seed


def request(key: str, page: int) -> Request:
    return Request("https://pailitao.invalid/", meta={META: {"seed_id": key, "page": page}})


class ByKey:
    """Searches as a frontier finds them."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    def find(self, key: str | None, page: int | None) -> Part | None:
        return self._searches.find(key)


def test_the_seed_that_is_open_longest_is_the_slowest() -> None:
    searches = Searches(lambda search, line: None)
    seen = SlowestSeed(cast("Any", ByKey(searches)))
    for number in range(2):
        seed = Seed(f"s{number}", UrlImage(f"https://x.invalid/{number}.jpg"))
        picture = PictureRef(url=f"https://x.invalid/{number}.jpg")
        searches.open(Search(seed, picture, Paging(20), now_text()))
        seen.note([request(seed.seed_id, 1)], 10.0 * number)
    first = searches.find("s0")
    assert first is not None
    first.take_in(1, Page([], total=0))

    assert seen.slowest(25.0) == OpenSeed("s0", 25.0, fetched=1, expected=1)
    searches.settle("s0", 1)
    assert seen.slowest(25.0) == OpenSeed("s1", 15.0, fetched=0, expected=1)
    searches.settle("s1", 1)
    assert seen.slowest(25.0) is None
    seen.note([Request("https://else.invalid/")], 30.0)
    assert not seen._seen, "what has ended is forgotten"


# the foot of the terminal


@pytest.fixture
def handler() -> Iterator[logging.StreamHandler[io.StringIO]]:
    made = logging.StreamHandler(sys.stderr)
    logging.root.addHandler(made)
    yield made
    logging.root.removeHandler(made)


def on(output: io.StringIO, lines: Callable[[int, int, bool], list[Text]]) -> StatusFooter:
    return StatusFooter(lines, Console(file=output, force_terminal=True, width=40, height=10))


def test_log_lines_stand_above_the_panel(handler: logging.StreamHandler[io.StringIO]) -> None:
    output, stream = io.StringIO(), handler.stream
    foot = on(output, lambda width, height, ascii_only: [Text("one"), Text(f"two {width}")])
    foot.open()
    foot.draw()
    logging.getLogger("tests").warning("seed %s\n[bold]second[/bold] line", "长" * 30)
    foot.draw()

    screen = Screen(40).write(output.getvalue().replace("\n", "\r\n"))
    assert screen.text.splitlines() == [
        "seed " + "长" * 17,
        "长" * 13,
        "[bold]second[/bold] line",
        "one",
        "two 40",
    ]
    assert not screen.shows_cursor
    foot.close()
    foot.close()
    screen = Screen(40).write(output.getvalue().replace("\n", "\r\n"))
    assert screen.text.strip().endswith("[bold]second[/bold] line")
    assert screen.shows_cursor
    assert handler.stream is stream


def test_a_terminal_that_is_gone_harms_nobody() -> None:
    output = io.StringIO()
    foot = on(output, lambda *size: [Text("one")])
    foot.open()
    foot.draw()
    output.close()
    foot.close()


# the real crawl in a real terminal


def in_terminal(crawler: Crawler, *arguments: str, size: tuple[int, int] = (80, 24)) -> InTerminal:
    command = [sys.executable, "-W", "error", "-m", "scrapy", "crawl", "pailitao", "-a"]
    command += ["seeds=seeds.csv", "-a", "page_size=5", "-O", "offers.jsonl", *arguments]
    environ = {**crawler._environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    del environ["COLUMNS"]
    return InTerminal(command, crawler.folder, environ, size)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[InTerminal, str]:
    """A crawl that is stopped half-way by Ctrl-C, and what the screen showed just before."""
    crawler = Crawler(tmp_path_factory.mktemp("panel"))
    crawler.env |= {"PAILITAO_SANDBOX": "rate=4,fault=500@5", "PAILITAO_RATE": "4"}
    crawler.env["PAILITAO_TRANSIENT_TRIES"] = "1"
    names = ("mug-01", "lamp-02", "chair-05", "mug-06")
    seeds = (f"{photo(name)},紧身连衣裙-{name}" for name in names)
    crawler.seeds("image,seed_id", *seeds, name="seeds.csv")
    crawl = in_terminal(crawler, size=(60, 20))
    crawl.until(lambda output: bool(re.search(r"\d of 4/s[^\0]*given up[^\0]*last", output)))
    before = Screen(60).write(crawl.output).text
    crawl.resize(100, 30)
    crawl.send(signal.SIGINT)
    crawl.finish()
    return crawl, before


def test_a_crawl_in_a_terminal_shows_how_it_stands(stopped: tuple[InTerminal, str]) -> None:
    _, before = stopped
    lines = before.rstrip().splitlines()
    start = max(place for place, text in enumerate(lines) if text.startswith("pailitao  "))
    shown = lines[start:]
    assert [text.split(" ")[0] for text in shown] == [
        "pailitao", "seeds", "", "offers", "pages", "quota", "refused", "slowest", "last"
    ]  # fmt: skip
    assert "of 4  " in shown[1]
    assert " so far, " in shown[7]
    assert ": 紧身连衣裙-" in shown[7]
    assert "1 failed for the moment (transient)" in shown[6]
    assert "given up" in shown[8]
    assert all(cell_len(text) <= 60 for text in shown)
    assert sum(text.startswith("pailitao  ") for text in lines) == 1, "drawn in one place"


def test_a_warning_stands_above_the_panel_unbroken(stopped: tuple[InTerminal, str]) -> None:
    crawl, before = stopped
    assert "given up: failed for the moment (transient): 500 server error" in crawl.output
    log = before[: before.rindex("pailitao  ")]
    assert "WARNING: 紧身连衣裙-" in log.replace("\n", "")
    assert "slowest" not in log


def test_ctrl_c_leaves_the_table_and_the_terminal_as_it_was(
    stopped: tuple[InTerminal, str],
) -> None:
    crawl, _ = stopped
    screen = Screen(100).write(crawl.output)
    assert screen.shows_cursor
    assert crawl.exit_code == 1
    assert "│ seeds " in screen.text
    assert "Stopped early: by Ctrl-C or a signal" in screen.text
    assert "│ refused │ 1 failed for the moment (transient)" in screen.text
    assert "slowest" not in screen.text
    assert "Traceback" not in screen.text


def test_the_panel_can_be_switched_off(crawler: Crawler) -> None:
    crawler.env |= {"PAILITAO_SANDBOX": "1", "PAILITAO_PANEL": "0", "PAILITAO_RATE": "200"}
    crawler.seeds("image", photo("mug-01"), name="seeds.csv")
    crawl = in_terminal(crawler)
    output = crawl.finish()
    assert crawl.exit_code == 0, output
    assert "\x1b[2K" not in output
    assert "\x1b[?25l" not in output
    assert "│ seeds " in Screen(80).write(output).text


@pytest.mark.soak
@pytest.mark.parametrize("kills", [1, 2])
def test_a_kill_leaves_the_terminal_as_it_was(crawler: Crawler, kills: int) -> None:
    crawler.env |= {"PAILITAO_SANDBOX": "rate=2", "PAILITAO_RATE": "2"}
    crawler.seeds("image", *(photo(f"mug-0{number}") for number in range(1, 7)), name="seeds.csv")
    crawl = in_terminal(crawler)
    crawl.until(lambda output: "slowest" in output)
    for _ in range(kills):
        crawl.send(signal.SIGTERM)
        time.sleep(0.1)
    screen = Screen(80).write(crawl.finish())
    assert screen.shows_cursor
    assert "slowest" not in screen.text
    assert Path(crawler.folder, "offers.jsonl").exists()
