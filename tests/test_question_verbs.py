"""`scrapy pailitao find, compare, suppliers, diff`: what is typed, what is told, the exit code."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import REPOSITORY
from tests.test_questions import feed, ledger, line, matches

D = Decimal
VERBS = ("find", "compare", "suppliers", "diff")


class Told:
    """What a verb answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(each, parse_float=Decimal) for each in self.out.splitlines()]


Ask = Callable[..., Told]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """A verb in this process, where the feeds are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def ask_(verb: str, *arguments: str) -> Told:
        module = import_module(f"pailitao_spider.verbs.{verb}")
        parser = argparse.ArgumentParser()
        module.add_options(parser)
        code = module.run(parser.parse_args(arguments))
        return Told(code, *capsys.readouterr())

    return ask_


SHOE = line("1", title="Shoe [bold]", price=D("29.90"), min_order=2, sales=5, post_fee=D("5.00"),
            similarity=D("0.95"), one_stop_service=True, seller_id="s1", seller_nick="Ann",
            area="浙江", seed_extra={"sell_price": "12.50"})  # fmt: skip
BOOT = line("2", title="Boot", price=D("31.00"), min_order=1, seller_id="s2", seed_id="b")
LAMP = line("3", title="Lamp")


@pytest.fixture
def offers(tmp_path: Path) -> Path:
    return feed(tmp_path, SHOE, BOOT, LAMP)


# mistakes


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no feed"),
        (["gone.jsonl", "x.jsonl"], "gone.jsonl does not exist"),
        ([".", "x.jsonl"], "is a folder"),
        (["offers.csv", "x.jsonl"], "no .jsonl file"),
        (["offers.jsonl", "./offers.jsonl"], "given twice"),
        (["torn.jsonl", "blank.jsonl"], "no offer in"),
        (["offers.seeds.jsonl", "offers.jsonl"], "beside a feed"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    ask: Ask, offers: Path, verb: str, given: list[str], said: str
) -> None:
    for name, content in (("offers.csv", b"a"), ("empty.jsonl", b""), ("torn.jsonl", b'{"n\n'),
                          ("blank.jsonl", b"\n"), ("offers.seeds.jsonl", b"{}\n")):  # fmt: skip
        feed(offers.parent, content, name=name)
    told = ask(verb, *given)
    assert told.code == 2
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    assert not told.out or "no offer" in said


@pytest.mark.parametrize(
    ("verb", "options", "said"),
    [
        ("find", ["--min-similarity", "2"], "--min-similarity 2: must be a number from 0 to 1"),
        ("find", ["--max-price", "cheap"], "--max-price cheap: must be an amount in yuan"),
        ("find", ["--max-price", "-3"], "--max-price -3: must be"),
        ("find", ["--max-price", "1e99"], "--max-price 1e99: must be"),
        ("find", ["--min-price", "9", "--max-price", "3"], "above --max-price 3"),
        ("find", ["--max-moq", "0"], "--max-moq 0: must be a whole number"),
        ("find", ["--unknown", "maybe"], "--unknown maybe: must be keep or drop"),
        ("find", ["--sort", "moq"], "--sort moq: must be price or sales or similarity"),
        ("find", ["--limit", "x"], "--limit x: must be"),
        ("find", ["-O", "offers.jsonl"], "is what is read"),
        ("find", ["-O", "found.csv"], "give the name of a .jsonl file"),
        ("find", ["-O", "crawled.jsonl"], "is a crawl's feed"),
        ("find", ["-O", "no/such/found.jsonl"], "cannot be written"),
        ("compare", ["--quantity", "0"], "--quantity 0: must be"),
        ("compare", ["--rate", "0"], "--rate 0: must be a number above 0"),
        ("compare", ["--duty", "NaN"], "--duty NaN: must be percent"),
        ("compare", ["--freight", "1,20"], "--freight 1,20: must be an amount a unit"),
        ("suppliers", ["--share", "90%"], "--share 90%: must be a number from 0 to 1"),
        ("diff", ["--misses", "0"], "--misses 0: must be"),
        ("diff", ["--only", "price,colour"], "--only price,colour: must be some of price"),
        ("diff", ["empty.jsonl"], "is empty"),
        ("diff", [], "one feed has nothing to differ from"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_cannot_be_used_is_named_with_what_it_may_be(
    ask: Ask, offers: Path, verb: str, options: list[str], said: str
) -> None:
    ledger(offers.with_name("crawled.jsonl"), a="done")
    feed(offers.parent, name="empty.jsonl")
    told = ask(verb, "offers.jsonl", *options)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_torn_lines_are_told_and_are_exit_code_1(ask: Ask, offers: Path, verb: str) -> None:
    with offers.open("ab") as file:
        file.write(b'{"num_iid":"9","tit')
    other = [str(feed(offers.parent, LAMP, name="new.jsonl"))] if verb == "diff" else []
    told = ask(verb, "offers.jsonl", *other)
    assert told.code == 1
    assert told.err == "1 line could not be read and is left out, the first at offers.jsonl:4\n"
    assert told.out


@pytest.mark.parametrize("verb", ["find", "compare", "suppliers"])
def test_a_feed_without_any_line_is_no_mistake(ask: Ask, tmp_path: Path, verb: str) -> None:
    feed(tmp_path, name="empty.jsonl")
    told = ask(verb, "empty.jsonl")
    assert told.code == 0
    assert "there is no offer in what was given" in told.err


# find


def test_find_gives_lines_of_the_feed_as_they_stand(ask: Ask, offers: Path) -> None:
    told = ask("find", "offers.jsonl", "--min-similarity", "0.9", "--max-price", "30",
               "--dropship", "--unknown", "drop")  # fmt: skip
    assert (told.code, told.out.encode(), told.err) == (0, SHOE, "")
    assert ask("find", "offers.jsonl", "--max-price", "30").out.encode() == SHOE + LAMP


def test_find_writes_a_file_whole_and_only_then_in_place_of_another(ask: Ask, offers: Path) -> None:
    out = offers.with_name("found.jsonl")
    out.write_text("old\n")
    told = ask("find", "offers.jsonl", "--sort", "price", "-O", "found.jsonl", "--limit", "2")
    assert (told.code, told.out, told.err) == (0, "", "2 offers in found.jsonl\n")
    assert out.read_bytes() == SHOE + BOOT
    assert ask("find", "offers.jsonl", "--text", "nothing", "--unknown", "drop", "-O",
               "found.jsonl").code == 0  # fmt: skip
    assert out.read_bytes() == b""
    assert {path.name for path in offers.parent.iterdir()} == {"offers.jsonl", "found.jsonl"}


def test_find_shows_a_table_on_a_terminal(
    ask: Ask, offers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    told = ask("find", "offers.jsonl")
    assert "Shoe [bold]" in told.out
    assert "29.90" in told.out
    assert "3 offers\n" in told.out
    feed(offers.parent, *(line(str(n)) for n in range(1, 80)), name="many.jsonl")
    assert "79 offers, the first 50 shown" in ask("find", "many.jsonl").out
    *lines, summary = ask("find", "offers.jsonl", "--json").out.encode().splitlines(keepends=True)
    assert b"".join(lines) == SHOE + BOOT + LAMP
    assert json.loads(summary) == {"kind": "summary", "offers": 3, "found": 3, "missing_ids": []}
    feed(offers.parent, *lines, summary, name="given.jsonl")
    assert ask("find", "given.jsonl").err == ""
    feed(offers.parent, line("1", title="\x1b]0;x\x07\n"), name="odd.jsonl")
    assert "\x1b]" not in ask("find", "odd.jsonl").out


def test_find_knows_by_the_matches_what_else_a_seed_found(ask: Ask, offers: Path) -> None:
    matches(offers, ("1", "b"))
    assert [each["num_iid"] for each in ask("find", "offers.jsonl", "--seed", "b").lines] == [
        "1", "2"]  # fmt: skip


# compare


def test_compare_tells_each_offer_with_its_costs_as_json(ask: Ask, offers: Path) -> None:
    told = ask("compare", "offers.jsonl", "--quantity", "10", "--rate", "0.14", "--freight",
               "1.20", "--duty", "12", "--json")  # fmt: skip
    shoe, lamp, boot, summary = told.lines
    assert told.code == 0
    assert (summary["kind"], summary["seeds"], summary["offers"], summary["landed_unknown"]) == (
        "summary", 2, 3, 2)  # fmt: skip
    assert (shoe["unit"], shoe["currency"]) == (None, "CNY")
    assert (shoe["seed_id"], shoe["rank"], shoe["num_iid"]) == ("a", 1, "1")
    landed = round(((D("29.90") + D("0.50")) * D("0.14") + D("1.20")) * D("1.12"), 4)
    assert (shoe["landed_best"], shoe["landed_worst"]) == (landed, landed)
    assert shoe["margin_best"] == D("12.50") - landed
    assert (lamp["landed_worst"], lamp["unknown"]) == (None, ["price", "min_order", "postage"])
    assert (boot["seed_id"], boot["unit_worst"], boot["unknown"]) == ("b", D("31.00"), ["postage"])
    assert b'"unit_worst":31.00' in told.out.encode()


def test_compare_shows_a_table_a_seed_and_names_what_is_not_known(ask: Ask, offers: Path) -> None:
    told = ask("compare", "offers.jsonl", "--quantity", "1")
    assert told.code == 0
    for text in ("a: quantity 1, sold at 12.50", "below the MOQ", "postage unknown",
                 "b: quantity 1", "2 of 2 offers; of 2 the landed cost is unknown"):  # fmt: skip
        assert text in told.out
    told = ask("compare", "offers.jsonl", "--quantity", "2", "--postage", "8", "--top", "1")
    assert "-19.90" in told.out
    assert "35.00" in told.out


def test_compare_names_a_selling_price_that_is_none(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line(seed_extra={"sell_price": "a lot"}))
    assert "sell_price 'a lot' of this seed is no number" in ask("compare", "offers.jsonl").out


# suppliers


def test_suppliers_tells_who_covers_and_exits_with_1_where_seeds_are_left(
    ask: Ask, offers: Path
) -> None:
    told = ask("suppliers", "offers.jsonl", "--json")
    *suppliers, found, summary = told.lines
    assert summary == {**found, "kind": "summary"}
    assert [(each["seller_id"], each["in_set"], each["adds"]) for each in suppliers] == [
        ("s1", 1, 1), ("s2", 2, 1)]  # fmt: skip
    assert (found["kind"], found["method"], found["covered"], found["nameless"]) == (
        "set", "exact", 2, ["3"])  # fmt: skip
    assert told.code == 0
    ledger(offers, a="done", b="done", c="empty", d="failed")
    told = ask("suppliers", "offers.jsonl")
    assert told.code == 1
    for text in (
        "2 suppliers cover 2 of 4 seeds; no smaller set does",
        "4 seeds were wanted",
        "not covered: c, d\n",
        "1 offer names no seller and counts for none: 3\n",
    ):
        assert text in told.out
    told = ask("suppliers", "offers.jsonl", "--share", "0.25", "--top", "1", "--json")
    assert (told.code, len(told.lines)) == (0, 3)


# diff


def test_diff_tells_changes_and_counts_them(ask: Ask, tmp_path: Path) -> None:
    old = feed(tmp_path, line("1", price=D("29.90"), sales=4), line("2"), name="old.jsonl")
    new = feed(tmp_path, line("1", price=D("28.90"), sales=9), line("3"), name="new.jsonl")
    ledger(old, a="done")
    told = ask("diff", "old.jsonl", "new.jsonl", "--json")
    changed, added, summary = told.lines
    price = changed["changes"]["price"]
    assert (price["old"], price["new"], price["percent"]) == (D("29.90"), D("28.90"), D("-3.34"))
    assert changed["changes"]["sales"] == {"old": 4, "new": 9, "percent": 125}
    assert b'"new":28.90' in told.out.encode()
    assert (added["kind"], added["num_iid"]) == ("new", "3")
    assert (summary["new"], summary["changed"], summary["vanished"], summary["missed"]) == (
        1, 1, 0, 1)  # fmt: skip
    assert summary["without_ledger"] == [new.name]
    told = ask("diff", "old.jsonl", "new.jsonl", "--misses", "1", "--only", "price")
    assert told.code == 0
    for text in ("price 29.90 → 28.90", "vanished",
                 "1 new, 1 changed (price 1), 1 gone", "no ledger beside new.jsonl"):  # fmt: skip
        assert text in told.out
    assert "sales" not in told.out


MONDAY = [
    line("1", price=10, post_fee=5), line("2", price_min=4, price_max=8), line("3", price=7),
    line("4", price=5, promotion_price=4), line("5", price=9, unit="个"), line("6", price=20),
    line("7", price=1, seller_id="b2b-1", seller_nick="A", gateway="router"),
]  # fmt: skip
TUESDAY = [
    line("1", price=10, post_fee=15), line("2", price_min=4, price_max=6), line("3"),
    line("4", price=5, promotion_price=3), line("5", price=90, unit="箱"), line("6", price=19),
    line("7", price=1, seller_id="1", seller_nick="A", gateway="onebound"),
]  # fmt: skip


@pytest.fixture
def week(tmp_path: Path) -> None:
    feed(tmp_path, *MONDAY, name="mon.jsonl")
    feed(tmp_path, *TUESDAY, name="tue.jsonl")


@pytest.mark.usefixtures("week")
def test_diff_tells_postage_lost_values_units_and_numbers_of_ranges(ask: Ask) -> None:
    *lines, summary = ask("diff", "mon.jsonl", "tue.jsonl", "--json").lines
    told = {each["num_iid"]: each for each in lines}
    assert told["1"]["changes"] == {"post_fee": {"old": 5, "new": 15, "percent": 200}}
    assert told["2"]["changes"]["price"] == {
        "old": None, "old_min": 4, "old_max": 8, "new": None, "new_min": 4, "new_max": 6,
        "percent": D("-16.67"),
    }  # fmt: skip
    assert (told["3"]["changes"], told["3"]["lost"]) == ({}, {"price": 7})
    assert told["5"]["changes"] == {"unit": {"old": "个", "new": "箱"}}
    assert "7" not in told
    assert (summary["changed"], summary["lost"]) == (6, {"price": 1})


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize(
    ("words", "code", "changed"),
    [
        ([], 0, "123456"), (["--fail-on-change"], 3, "123456"),
        (["--drop", "5%"], 0, "246"), (["--drop", "5", "--fail-on-change"], 3, "246"),
        (["--drop", "20%"], 0, "4"), (["--drop", "30%", "--fail-on-change"], 0, ""),
        (["--rise", "1%", "--fail-on-change"], 0, ""), (["--drop", "x"], 2, ""),
    ],
)  # fmt: skip
def test_diff_tells_prices_that_moved_so_much_and_exits_with_3_if_asked(
    ask: Ask, words: list[str], code: int, changed: str
) -> None:
    told = ask("diff", "mon.jsonl", "tue.jsonl", "--json", *words)
    assert told.code == code
    assert "".join(each["num_iid"] for each in told.lines if each["kind"] == "changed") == changed


@pytest.mark.usefixtures("week")
def test_diff_shows_the_largest_price_change_first_and_no_empty_table(ask: Ask) -> None:
    out = ask("diff", "mon.jsonl", "tue.jsonl").out
    assert out.index("-25.0%") < out.index("-16.7%") < out.index("-5.0%") < out.index("price 7 → ?")
    assert "not told any more by the same gateway: price 1" in out
    assert "┏" not in ask("diff", "mon.jsonl", "tue.jsonl", "--rise", "50%").out


def test_of_several_lines_of_an_offer_the_newest_of_each_run_is_compared(
    ask: Ask, tmp_path: Path
) -> None:
    old, new = (f"2026-11-0{day}T00:00:00Z" for day in (1, 2))
    feed(tmp_path, line("1", price=5, fetched_at=old), name="a.jsonl")
    feed(tmp_path, line("1", price=6, fetched_at=new), line("1", price=5, fetched_at=old),
         name="b.jsonl")  # fmt: skip
    assert ask("diff", "a.jsonl", "b.jsonl", "--json").lines[0]["changes"]["price"]["new"] == 6


def test_a_feed_does_not_differ_from_its_copy(ask: Ask, offers: Path) -> None:
    feed(offers.parent, SHOE, BOOT, LAMP, name="copy.jsonl")
    told = ask("diff", "offers.jsonl", "copy.jsonl", "--json")
    (summary,) = told.lines
    assert (told.code, summary["new"], summary["changed"], summary["missed"]) == (0, 0, 0, 0)


# as it is run


def test_the_verbs_are_those_of_the_command_and_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    feed(tmp_path, *(line(str(n), title="x" * 500) for n in range(1, 2000)))
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    scrapy = [sys.executable, "-m", "scrapy", "pailitao", "find", "offers.jsonl"]
    with subprocess.Popen(
        scrapy, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"num_iid":"1"')
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


# large


def large(count: int, run: int = 0) -> Iterator[bytes]:
    """Offers of some size: 50 a seed, of 20 000 sellers."""
    rng = random.Random(7)
    for n in range(count):
        price = D(rng.randint(100, 99999)) / 100 + run * (n % 10 == 0)
        seller = rng.randint(0, 20000)
        yield line(
            str(600_000_000_000 + n * 7919 % (count * 9) + run * (n % 50 == 0)),
            title=f"旅行防水学生双肩包 波浪墨绿 20L 跨境专供 {n}", price=price, price_min=price,
            price_max=price, promotion_price=price, post_fee=D("5.00"), min_order=n % 12 + 1,
            sales=n % 5000, sales_window="30d", similarity=D(n % 100) / 100, score=D("4.7"),
            is_onsale=True, one_stop_service=n % 2 == 0, is_ad=False, seller_id=f"b2b-{seller}",
            seller_nick=f"台州市鑫源进出口有限公司{seller}", area="浙江 台州", shop_type="源头工厂",
            pic_url="https://cbu01.alicdn.com/sandbox/backpack-08-8.jpg" * 3, extra={},
            seed_id=f"seed-{n // 50}.jpg", seed_extra={"sell_price": "59.90"},
            request_id="8785780cc99bd9e8b6bfeee842915e88452f779fcaf086e5e99a53cc36bbd963",
        )  # fmt: skip


LARGE = {
    "find": ["a.jsonl", "--max-price", "300", "--dropship", "-O", "found.jsonl"],
    "find, sorted": ["a.jsonl", "--max-price", "900", "--sort", "price", "-O", "found.jsonl"],
    "find, the best": ["a.jsonl", "--sort", "similarity", "--limit", "1000", "-O", "found.jsonl"],
    "compare": ["a.jsonl", "--quantity", "20", "--json"],
    "suppliers": ["a.jsonl", "--share", "0.9", "--json"],
    "diff": ["a.jsonl", "b.jsonl", "--misses", "1", "--json"],
}
_CHILD = """
import argparse, importlib, pathlib, sys
module = importlib.import_module(f"pailitao_spider.verbs.{sys.argv[1]}")
parser = argparse.ArgumentParser()
module.add_options(parser)
code = module.run(parser.parse_args(sys.argv[2:]))
status = pathlib.Path("/proc/self/status").read_text()
sys.stderr.write(f"PEAK {int(status.partition('VmHWM:')[2].split()[0]) // 1024}")
sys.exit(code)
"""


def peak_megabytes(folder: Path, what: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, what.split(",", maxsplit=1)[0], *LARGE[what]],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return int(done.stderr.rpartition("PEAK ")[2])


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_stays_flat_over_a_million_offers(tmp_path: Path) -> None:
    """At most the stated bytes an offer above what a small feed takes."""
    small, big = tmp_path / "small", tmp_path / "big"
    for folder, count in ((small, 1000), (big, 1_000_000)):
        folder.mkdir()
        for run, name in enumerate("ab"):
            with (folder / f"{name}.jsonl").open("wb") as file:
                file.writelines(large(count, run))
    allowed = {"find": 10, "find, sorted": 80, "find, the best": 20, "compare": 250,
               "suppliers": 250, "diff": 80}  # fmt: skip
    grown = {what: peak_megabytes(big, what) - peak_megabytes(small, what) for what in LARGE}
    assert all(grown[what] <= allowed[what] for what in LARGE), grown


def test_find_says_which_gateway_tells_nothing_of_what_is_asked(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1", gateway="onebound", repurchase_rate=D("0.2")),
         line("2", gateway="router"))  # fmt: skip
    told = ask("find", "offers.jsonl", "--min-repurchase", "0.1", "--factory")
    assert told.code == 0
    assert "--min-repurchase: router tells nothing of it, its offers are kept" in told.err
    assert "--factory: onebound, router tells nothing of it" in told.err
    asked = ask("find", "offers.jsonl", "--min-similarity", "0.9")
    assert "--min-similarity: onebound tells nothing of it, its offers are kept" in asked.err
    assert "pailitao similarity" in asked.err
