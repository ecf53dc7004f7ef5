"""What is given to the verbs: packed, in UTF-16, with a mark, of a run that has not ended."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pailitao_spider.analysis.feed_reader import Feeds, check_feeds, sides
from pailitao_spider.errors import ResultsError
from pailitao_spider.results.state import CrawlState
from tests.test_question_verbs import Ask, ask
from tests.test_questions import feed, ledger, line, matches

__all__ = ["ask"]

D = Decimal
OFFER = b'{"num_iid":"1","price":2}\n'
UNREADABLE = [
    ("gz.jsonl", gzip.compress(OFFER, mtime=0), "gz.jsonl is gzip, not .jsonl: unpack it"),
    ("wide.jsonl", OFFER.decode().encode("utf-16"), "wide.jsonl is UTF-16, not UTF-8"),
    ("bare.jsonl", OFFER.decode().encode("utf-16-le"), "bare.jsonl is UTF-16, not UTF-8"),
    ("big.jsonl", OFFER.decode().encode("utf-16-be"), "big.jsonl is UTF-16, not UTF-8"),
    ("torn.jsonl", b"torn\n" * 20, "there is no offer in what was given"),
]


@pytest.mark.parametrize(("name", "content", "said"), UNREADABLE, ids=lambda each: str(each)[:9])
@pytest.mark.parametrize("verb", ["find", "similarity", "report"])
def test_what_is_no_feed_leaves_what_was_there(
    ask: Ask, tmp_path: Path, verb: str, name: str, content: bytes, said: str
) -> None:
    feed(tmp_path, content, name=name)
    kept = tmp_path / ("keep.html" if verb == "report" else "keep.jsonl")
    kept.write_text("old")
    told = ask(verb, name, "-O", kept.name)
    assert (told.code, kept.read_text()) == (2, "old")
    assert said in told.err.splitlines()[-1]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("name", "content", "said"), UNREADABLE[:-1])
def test_packed_and_wide_text_is_named_with_the_remedy(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(ResultsError, match=said):
        check_feeds([feed(tmp_path, content, name=name)])


def test_a_byte_order_mark_takes_no_offer_away(tmp_path: Path) -> None:
    path = feed(tmp_path, b"\xef\xbb\xbf", line("1"), line("2"))
    feeds = Feeds([path])
    lines = list(feeds)
    assert [each.raw for each in lines] == [line("1"), line("2")]
    assert list(feeds.lines_at(each.place for each in lines)) == lines
    assert feeds.tally.torn == 0


@pytest.mark.parametrize(
    "fields",
    [{"similarity": 7}, {"similarity": D("-0.1")}, {"visual_similarity": D("1.5")},
     {"min_order": -1}, {"sales": -5}, {"price": D(-1)}, {"price": "abc"}, {"sales": 2**63}],
    ids=str,
)  # fmt: skip
def test_what_is_out_of_its_bounds_is_unknown_and_told(
    ask: Ask, tmp_path: Path, fields: dict[str, object]
) -> None:
    feed(tmp_path, line("1", **fields), line("2"))
    (name,) = fields
    first, _ = Feeds([tmp_path / "offers.jsonl"])
    assert getattr(first.offer, name) is None
    told = ask("compare", "offers.jsonl")
    assert told.code == 0
    assert "1 offer has values that cannot be read and count as unknown" in told.err


def test_an_id_that_another_program_made_a_number_is_one(tmp_path: Path) -> None:
    ((offer, _, _),) = Feeds([feed(tmp_path, line("1", seller_id=77, seed_id=8))])
    assert (offer.seller_id, offer.seed_id) == ("77", "8")


def test_a_feed_that_was_looked_at_keeps_its_ledger_and_matches(tmp_path: Path) -> None:
    path = feed(tmp_path, line())
    looked = feed(tmp_path, line(), name="offers.looked.jsonl")
    ledger(path, a="done")
    known = matches(path, ("1", "a"))
    assert sides([looked], "matches") == [known]
    assert sides([path, looked], "seeds") == [tmp_path / "offers.seeds.jsonl"]
    own = tmp_path / "offers.looked.seeds.jsonl"
    own.write_text("")
    assert sides([looked], "seeds") == [own]


def ended(path: Path, **seeds: tuple[int, int]) -> None:
    """A ledger: rows that were seen, and offers that were new, by seed."""
    path.with_name(f"{path.stem}.seeds.jsonl").write_text(
        "".join(
            json.dumps({"seed_id": seed, "status": "done", "rows_seen": rows, "offers_new": new})
            + "\n"
            for seed, (rows, new) in seeds.items()
        )
    )


@pytest.mark.parametrize("verb", ["suppliers", "compare", "report"])
def test_a_run_that_was_killed_is_told(ask: Ask, tmp_path: Path, verb: str) -> None:
    path = feed(tmp_path, line("1", seller_id="s"), line("2", seller_id="s", seed_id="b"))
    ended(path, a=(1, 1))
    told = ask(verb, "offers.jsonl")
    assert "this run has not ended: 1 photo has no result yet; go on with -o offers.jsonl" in (
        told.err
    )
    worker = path.rename(tmp_path / "offers-vm-28664-20261126T005905.425.jsonl")
    ended(worker, a=(1, 1))
    assert "not ended" not in ask(verb, worker.name).err
    worker.rename(path)
    ended(path, a=(1, 1), b=(1, 1))
    assert "not ended" not in ask(verb, "offers.jsonl").err


@pytest.mark.parametrize("verb", ["suppliers", "compare", "report", "find"])
def test_a_run_that_still_writes_is_told(ask: Ask, tmp_path: Path, verb: str) -> None:
    path = feed(tmp_path, line("1", seller_id="s"))
    ended(path, a=(1, 1))
    state = CrawlState(tmp_path / "offers.state.sqlite")
    assert "this run is still going on" in ask(verb, "offers.jsonl").err
    state.close()
    assert "going on" not in ask(verb, "offers.jsonl").err


@pytest.mark.parametrize("verb", ["suppliers", "compare", "report", "find"])
def test_a_run_that_was_killed_between_two_photos_is_told(
    ask: Ask, tmp_path: Path, verb: str
) -> None:
    path = feed(tmp_path, line("1", seller_id="s"))
    ended(path, a=(1, 1))
    start = "from pailitao_spider.results.state import CrawlState; from pathlib import Path; "
    held = f"state = CrawlState(Path({str(tmp_path / 'offers.state.sqlite')!r})); "
    for end, is_told in (("import os; os._exit(1)", True), ("state.close()", False)):
        subprocess.run([sys.executable, "-c", start + held + end], check=False, timeout=30)
        assert ("this run was killed" in ask(verb, "offers.jsonl").err) is is_told
    if verb == "report":
        page = (tmp_path / "offers.html").read_text("utf-8").partition('id="data"')[0]
        assert "This run was killed" not in page


def test_offers_that_stand_under_another_photo_are_no_gap(ask: Ask, tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s"))
    ended(path, a=(1, 1), twin=(1, 0), none=(0, 0))
    told = ask("suppliers", "offers.jsonl")
    assert told.code == 1
    assert "not covered: none\n" in told.out
    assert ": twin; crawl with PAILITAO_MATCHES=1" in told.out
    *_, found = ask("suppliers", "offers.jsonl", "--json").lines
    assert (found["uncovered"], found["elsewhere"]) == (["none"], ["twin"])
    matches(path, ("1", "a"), ("1", "twin"))
    assert "PAILITAO_MATCHES" not in ask("suppliers", "offers.jsonl").out


def test_an_offer_of_two_feeds_is_one_offer_of_its_supplier(ask: Ask, tmp_path: Path) -> None:
    same = line("1", seller_id="s", one_stop_service=True, price=D(3))
    nameless = line("3")
    feed(tmp_path, same, line("2", seller_id="s", price=D(9)), nameless, name="a.jsonl")
    feed(tmp_path, same, same.replace(b'"a"', b'"b"'), nameless, name="b.jsonl")
    supplier, *_, found = ask("suppliers", "a.jsonl", "b.jsonl", "--json").lines
    assert (supplier["offers"], supplier["dropship"], supplier["seeds"]) == (2, 1, 2)
    assert supplier["price_level"] == 1
    assert found["nameless_count"] == 1


def test_that_nothing_is_found_is_said_beside_a_pipe(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1", title="t"))
    told = ask("find", "offers.jsonl", "--text", "shoe", "--unknown", "drop")
    assert (told.code, told.out, told.err) == (0, "", "none of 1 offer fits\n")


def test_an_unknown_verb_is_quoted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "pailitao", "reprot"],
        cwd=tmp_path, env={"SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "'reprot' is no verb; did you mean report? Give one of: " in done.stderr
