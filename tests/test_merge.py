"""`scrapy pailitao merge`: many workers' files made one, whole, and nothing claimed that is not."""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.dedup import DEDUP_KEYS
from pailitao_spider.results.atomic_files import AtomicFiles
from pailitao_spider.results.first_seen import FirstSeenIndex
from pailitao_spider.results.line_keys import moment_of, offer_sighting
from pailitao_spider.results.merge_inputs import MergeInputs, gather, merged_paths
from pailitao_spider.results.merging import Merged, merge
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.resume import WrittenOffer
from pailitao_spider.sandbox.server import Site
from pailitao_spider.storage import scratch
from pailitao_spider.verbs import merge as verb
from tests.crawling import Crawler
from tests.test_faults import photo

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def moment(seconds: int) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def offer(num_iid: str, seed_id: str | None = "a", at: int = 0, **more: Any) -> bytes:
    place = {"seed_id": seed_id, "page": 1, "rank": 1, "fetched_at": moment(at)}
    return line(num_iid=num_iid, **{**place, **more})


def final(seed_id: str, offers_new: int, status: str = "done", at: int = 0) -> bytes:
    return line(
        seed_id=seed_id,
        image=f"{seed_id}.jpg",
        status=status,
        offers_new=offers_new,
        finished_at=moment(at),
    )


def line(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


class Results:
    """A folder of workers' files, and the merge of all that is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "results"
        self.out = folder / "merged" / "offers.jsonl"
        self.folder.mkdir(parents=True)

    def put(self, name: str, *lines: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(lines))
        return path

    def merge(self, scope: str = "crawl") -> Merged:
        return merge(gather([self.folder]), merged_paths(self.out), scope)

    def lines(self, ending: str = ".jsonl") -> list[bytes]:
        path = self.out.with_name(f"offers{ending}")
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []

    @property
    def written(self) -> set[str]:
        return {path.name for path in self.out.parent.iterdir()}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path)


Run = Callable[..., int]


@pytest.fixture
def run(results: Results, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The verb in this process, where the results are; returns the exit code."""
    monkeypatch.chdir(results.folder.parent)

    def run_(*arguments: str, **settings: str) -> int:
        parser = argparse.ArgumentParser()
        verb.add_options(parser)
        options = parser.parse_args(arguments)
        options.settings = settings
        return verb.run(options)

    return run_


# one line an offer


def test_of_several_sightings_the_first_in_time_is_kept(results: Results) -> None:
    first, later, latest = offer("1", at=1, n=1), offer("1", at=2, n=2), offer("1", at=3, n=3)
    results.put("a.jsonl", latest, offer("2", at=9))
    results.put("b.jsonl", first, later)
    results.merge()
    assert results.lines() == [offer("2", at=9), first]


def test_of_sightings_at_the_same_time_the_first_read_is_kept(results: Results) -> None:
    results.put("b.jsonl", offer("1", n="b"))
    results.put("a.jsonl", offer("1", n="a1"), offer("1", n="a2"))
    results.merge()
    assert results.lines() == [offer("1", n="a1")]


A, B, NEXT_PAGE, NEXT_RANK = (
    offer("1", "a"),
    offer("1", "b", at=1),
    offer("1", "a", at=2, page=2),
    offer("1", "a", at=3, rank=2),
)


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ("crawl", [A]),
        ("seed", [A, B]),
        ("off", [A, B, NEXT_PAGE, NEXT_RANK]),
    ],
)
def test_what_is_the_same_offer_is_told_by_the_scope(
    results: Results, scope: str, kept: list[bytes]
) -> None:
    results.put("a.jsonl", A, B, NEXT_PAGE, NEXT_RANK)
    results.put("b.jsonl", A, B, NEXT_PAGE, NEXT_RANK)
    merged = results.merge(scope)
    assert results.lines() == kept
    assert merged.offers.duplicates == 8 - len(kept)


def test_offers_without_a_seed_are_offers(results: Results) -> None:
    lines = [b'{"num_iid":"1"}\n', b'{"num_iid":"2","seed_id":null}\n']
    results.put("a.jsonl", *lines, *lines)
    merged = results.merge("seed")
    assert results.lines() == lines
    assert merged.is_complete


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"num_iid":"1","price":29.90,"rate":1E+2}\n', id="digits-of-money"),
        pytest.param('{ "num_iid" : "1", "title" : "女鞋" }\r\n'.encode(), id="other-spacing"),
        pytest.param(b'{"title":"\\u5973","num_iid":"1"}\n', id="escapes"),
        pytest.param(b'{"num_iid":"1","fetched_at":"yesterday"}\n', id="no-time"),
        pytest.param(b'{"num_iid":1}\n', id="a-number-as-id"),
        pytest.param(b'{"num_iid":"1","seed_id":17,"page":"x","rank":[1]}\n', id="odd-place"),
        pytest.param(b'{"num_iid":"1","page":%s}\n' % (b"9" * 400), id="a-giant-page"),
    ],
)
def test_a_line_is_copied_byte_for_byte(results: Results, raw: bytes) -> None:
    results.put("a.jsonl", raw, raw)
    results.merge()
    assert results.lines() == [raw]


def test_ids_that_look_alike_are_different(results: Results) -> None:
    lines = [offer(num_iid) for num_iid in ("1", "01", "1.0", "１", " 1")]
    results.put("a.jsonl", *lines)
    results.merge()
    assert results.lines() == lines


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01.500+00:00", 1.5),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T08:00:01+08:00", 1),
        ("1970-01-01T00:00:01", 1),
        ("0001-01-01T00:00:00+14:00", -62135596800 - 14 * 3600),
        ("soon", -9),
        ("", -9),
        (None, -9),
    ],
)
def test_times_are_compared_as_moments(text: str | None, seconds: float) -> None:
    assert moment_of(text, -9) == seconds


# torn lines


@pytest.mark.parametrize(
    "torn",
    [
        b'{"num_iid":"2","tit',
        b"\x00\x00\x00",
        b'{"num_iid":"2","title":"\xff"}',
        b'{"num_iid":"\\ud800"}',
        b'{"num_iid":""}',
        b'{"num_iid":null}',
        b'{"seed_id":"a"}',
        b'{"num_iid":"2","ti{"num_iid":"3"}',
        b'["2"]',
        b"2",
        b'{"num_iid":"2","page":%s}' % (b"9" * 5000),
        b'{"num_iid":"2","extra":' + b"[" * 100_000,
    ],
    ids=lambda torn: ascii(torn[:24]),
)
@pytest.mark.parametrize("place", ["middle", "end"])
def test_a_line_that_is_no_offer_is_left_out_and_counted(
    results: Results, torn: bytes, place: str
) -> None:
    rest = b"\n" + offer("4") if place == "middle" else b""
    path = results.put("a.jsonl", offer("1"), torn, rest)
    before = path.read_bytes()
    merged = results.merge()
    kept = [offer("1"), offer("4")] if rest else [offer("1")]
    assert results.lines() == kept
    assert (merged.offers.lines, merged.offers.torn) == (len(kept) + 1, 1)
    assert path.read_bytes() == before


def test_a_whole_last_line_that_lacks_its_line_end_gets_it(results: Results) -> None:
    results.put("a.jsonl", offer("1").rstrip())
    results.put("b.jsonl", offer("2"))
    assert results.merge().offers.torn == 0
    assert results.lines() == [offer("1"), offer("2")]


def test_blank_lines_count_for_nothing(results: Results) -> None:
    results.put("a.jsonl", b"\n", offer("1"), b" \r\n", offer("2"))
    merged = results.merge()
    assert results.lines() == [offer("1"), offer("2")]
    assert (merged.offers.lines, merged.offers.torn) == (2, 0)


# the ledger


def test_of_several_final_lines_the_one_that_finished_last_is_kept(results: Results) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("2", "c"))
    results.put("w.seeds.jsonl", final("a", 1, at=5), final("b", 0, "empty"), final("c", 1, at=1))
    results.put("v.seeds.jsonl", final("a", 0, "failed", at=4), final("c", 1, "partial", at=1))
    merged = results.merge()
    assert results.lines(".seeds.jsonl") == [
        final("a", 1, at=5),
        final("b", 0, "empty"),
        final("c", 1, at=1),
    ]
    assert merged.verdict.seeds == {"done": 2, "empty": 1, "partial": 0, "failed": 0}


def test_a_merged_line_claims_what_the_merged_feed_has_of_its_seed(results: Results) -> None:
    results.put("v.jsonl", offer("1", "a", at=2), offer("2", "a"))
    results.put("w.jsonl", offer("1", "b", at=1))
    results.put("w.seeds.jsonl", final("a", 2), final("b", 0), final("c", 0, "empty"))
    merged = results.merge()
    assert merged.is_complete
    lines = [json.loads(raw) for raw in results.lines(".seeds.jsonl")]
    assert [(line["seed_id"], line["offers_new"]) for line in lines] == [
        ("a", 1),
        ("b", 1),
        ("c", 0),
    ]
    files = gather([results.out, results.out.with_name("offers.seeds.jsonl")])
    again = merge(files, merged_paths(results.out.with_name("again.jsonl")), "crawl")
    assert again.is_complete, "what was merged can be merged again"


@pytest.mark.parametrize(
    "torn", [b'{"seed_id":"a","ima', b"\xff\n", b'{"seed_id":"a","status":"lost"}\n', b"[]"]
)
def test_a_damaged_line_of_a_ledger_claims_nothing_and_is_told(
    results: Results, torn: bytes
) -> None:
    results.put("w.jsonl", offer("1", "b"))
    results.put("w.seeds.jsonl", final("b", 1), torn)
    merged = results.merge()
    assert results.lines(".seeds.jsonl") == [final("b", 1)]
    assert (merged.torn_beside, merged.verdict.claimed) == (1, 1)


@pytest.mark.parametrize(("status", "is_complete"), [("partial", False), ("failed", False),
                                                     ("done", True), ("empty", True)])  # fmt: skip
def test_a_merge_is_complete_when_every_seed_was_searched_to_its_end(
    results: Results, status: str, is_complete: bool
) -> None:
    results.put("w.jsonl", offer("1", "a"))
    results.put("w.seeds.jsonl", final("a", 1), final("b", 0, status))
    assert results.merge().is_complete is is_complete


# rejected rows and matches


def test_a_rejected_row_is_kept_once_a_page(results: Results) -> None:
    row = line(raw={"n": 1}, reason="no_id", seed_id="a", page=1)
    others = [
        line(raw={"n": 2}, reason="no_id", seed_id="a", page=1),
        line(raw={"n": 1}, reason="no_id", seed_id="a", page=2),
        line(raw={"n": 1}, reason="no_id", seed_id=None, page=None),
    ]
    results.put("w.jsonl", offer("1", None))
    results.put("w.rejected.jsonl", row, others[0], others[2], row[:20])
    results.put("x.rejected.jsonl", row, others[1], others[2])
    merged = results.merge()
    assert results.lines(".rejected.jsonl") == [row, others[0], others[2], others[1]]
    assert (merged.rejected, merged.torn_beside) == (4, 1)


@pytest.mark.parametrize("scope", list(DEDUP_KEYS))
def test_a_match_is_kept_once_a_place_whatever_the_scope(results: Results, scope: str) -> None:
    def match(seed_id: str, page: int, rank: int, similarity: float = 0.9) -> bytes:
        place = {"seed_id": seed_id, "num_iid": "1", "page": page, "rank": rank}
        return line(**place, similarity=similarity)

    own = [match("a", 1, 1), match("b", 1, 1), match("a", 2, 1), match("a", 1, 2)]
    results.put("w.jsonl", offer("1", None))
    results.put("w.matches.jsonl", *own)
    results.put("x.matches.jsonl", match("a", 1, 1, similarity=0.8), own[3][:-9])
    merged = results.merge(scope)
    assert results.lines(".matches.jsonl") == own
    assert (merged.matches, merged.torn_beside) == (4, 1)


def test_side_files_are_written_only_when_there_is_something(results: Results) -> None:
    results.put("w.jsonl", offer("1", None))
    results.put("w.rejected.jsonl")
    results.merge()
    assert results.written == {"offers.jsonl"}


def test_side_files_of_an_earlier_merge_go_when_there_is_nothing(results: Results) -> None:
    results.put("w.jsonl", offer("1", None))
    results.out.parent.mkdir()
    for path in merged_paths(results.out).all():
        path.write_bytes(b"{}\n")
    results.merge()
    assert results.written == {"offers.jsonl", "offers.state.sqlite"}


def test_feeds_without_an_offer_make_an_empty_feed(results: Results) -> None:
    results.put("w.jsonl")
    results.put("w.seeds.jsonl", final("a", 0, "empty"))
    assert results.merge().is_complete
    assert results.out.read_bytes() == b""


# claims


def test_a_claim_is_met_by_offers_that_were_seen_first_under_another_seed(
    results: Results,
) -> None:
    results.put("w.jsonl", offer("1", "a", at=1), offer("2", "a"))
    results.put("x.jsonl", offer("1", "b", at=2))
    results.put("w.seeds.jsonl", final("a", 1), final("b", 1))
    merged = results.merge()
    assert results.lines() == [offer("1", "a", at=1), offer("2", "a")]
    assert merged.is_complete


def test_a_seed_that_holds_less_than_it_claims_is_named(results: Results) -> None:
    results.put("w.jsonl", offer("1"), offer("2"), offer("2", at=1, page=2))
    results.put("w.seeds.jsonl", final("a", 5), final("gone", 4))
    verdict = results.merge().verdict
    assert [(each.seed_id, each.held, each.claimed) for each in verdict.largest] == [
        ("gone", 0, 4),
        ("a", 2, 5),
    ]
    assert (verdict.missing, verdict.short_seeds) == (7, 2)


@pytest.mark.parametrize(("scope", "missing"), [("crawl", 2), ("seed", 2), ("off", 0)])
def test_a_crawl_that_wrote_all_sightings_claims_sightings(
    results: Results, scope: str, missing: int
) -> None:
    results.put("w.jsonl", *(offer("1", page=page) for page in (1, 2, 3)))
    results.put("w.seeds.jsonl", final("a", 3))
    assert results.merge(scope).verdict.missing == missing


def test_claims_beyond_all_offers_are_told_when_no_seed_is_short(results: Results) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("1", "b"))
    results.put("w.seeds.jsonl", final("a", 1), final("b", 1))
    merged = results.merge()
    assert (merged.verdict.missing, merged.unaccounted, merged.is_complete) == (0, 1, False)
    assert results.merge("seed").is_complete


def test_offers_of_short_seeds_are_not_counted_twice(results: Results) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("1", "b"))
    results.put("w.seeds.jsonl", final("a", 1), final("b", 3))
    merged = results.merge()
    assert (merged.verdict.missing, merged.unaccounted) == (2, 1)


def test_seeds_with_offers_and_no_final_line_are_open(results: Results) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("2", "b"), offer("3", "c"), offer("4", None))
    results.put("w.seeds.jsonl", final("b", 1))
    merged = results.merge()
    assert (merged.verdict.open_seeds, merged.is_complete) == (2, False)


# files that workers are still writing


def read_then(path: Path, change: Callable[[Path], Any]) -> list[bytes]:
    with closing(
        FirstSeenIndex([path, path.with_name("z.jsonl")], offer_sighting("crawl"))
    ) as found:
        found.read()
        change(path)
        return list(found.first())


def append(path: Path, more: bytes) -> None:
    with path.open("ab") as file:
        file.write(more)


def test_what_is_written_during_a_merge_is_for_the_next_one(results: Results) -> None:
    path = results.put("a.jsonl", offer("1"), b'{"num_i')
    results.put("z.jsonl", offer("2"))
    lines = read_then(path, lambda path: append(path, b'id":"3"}\n' + offer("4")))
    assert lines == [offer("1"), offer("2")]


def test_a_torn_tail_that_is_cut_during_a_merge_moves_no_other_line(results: Results) -> None:
    path = results.put("a.jsonl", offer("1"), b'{"num_i')
    results.put("z.jsonl", offer("2"))
    assert read_then(path, lambda path: path.write_bytes(offer("1"))) == [offer("1"), offer("2")]


def test_a_file_that_shrinks_during_a_merge_is_told(results: Results) -> None:
    path = results.put("a.jsonl", offer("1"), offer("3"))
    results.put("z.jsonl", offer("2"))
    with pytest.raises(ResultsError, match="changed meanwhile; merge again"):
        read_then(path, lambda path: path.write_bytes(b""))


# which files


def test_files_are_told_apart_by_their_names(tmp_path: Path) -> None:
    own = ResultPaths.beside(tmp_path / "deep" / "offers-host-1-2.jsonl")
    own.feed.parent.mkdir()
    for path in own.all():
        path.touch()
    expected = MergeInputs((own.feed,), (own.seeds,), (own.rejected,), (own.matches,))
    assert gather(own.all()) == expected
    assert gather([tmp_path]) == expected
    assert gather([tmp_path, own.feed, own.seeds]) == expected


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("c.jsonl", "a.jsonl", "b.jsonl")]
    for path in paths:
        path.touch()
    assert gather(paths).feeds == tuple(sorted(paths))


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "disk" / "a.jsonl").touch()
    (tmp_path / "disk" / "back").symlink_to(tmp_path / "results")
    (tmp_path / "results" / "host").symlink_to(tmp_path / "disk")
    (tmp_path / "results" / "b.jsonl").touch()
    found = gather([tmp_path / "results"]).feeds
    assert [path.relative_to(tmp_path / "results") for path in found] == [
        Path("b.jsonl"),
        Path("host/a.jsonl"),
    ]


def test_a_link_to_nothing_in_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl").symlink_to("gone")
    with pytest.raises(ResultsError, match=r"b\.jsonl does not exist"):
        gather([tmp_path])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["results"], "no output; say where to write the merged feed: -O offers.jsonl"),
        (["results", "-O", "x.csv"], "x.csv: merge writes .jsonl; give a name such as -O"),
        (["results", "-O", "-"], "-: merge writes .jsonl; give a name such as -O"),
        (["results", "-O", ""], "merge writes .jsonl"),
        (["results", "-O", "x.seeds.jsonl"], "x.seeds.jsonl is a name for a side file"),
        (["results", "-O", "folder.jsonl"], "folder.jsonl is a folder"),
        (["results", "-O", "seeds.csv/x.jsonl"], "seeds.csv/x.jsonl cannot be written"),
        (["-O", "x.jsonl"], "no feed to merge; give the workers' .jsonl files or the folder"),
        (["empty", "-O", "x.jsonl"], "no feed to merge"),
        (["results/a.seeds.jsonl", "-O", "x.jsonl"], "no feed to merge"),
        (["results/*.jsonl", "-O", "x.jsonl"], "results/*.jsonl does not exist"),
        (["results", "gone", "-O", "x.jsonl"], "gone does not exist; give .jsonl files"),
        (["seeds.csv", "-O", "x.jsonl"], "seeds.csv is no .jsonl file"),
        (["results", "-O", "results/a.jsonl"], "results/a.jsonl is among the files to merge"),
        (["results", "-O", "./empty/../results/a.jsonl"], "results/a.jsonl is among the files"),
        (["results", "-O", "link.jsonl"], "link.jsonl is among the files to merge"),
        (["results", "-O", "x.jsonl", "--dedup", "all"], "--dedup: 'all' is not crawl or seed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    results: Results,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    results.put("a.jsonl", offer("1"))
    results.put("a.seeds.jsonl", final("a", 1))
    for folder in ("empty", "folder.jsonl"):
        Path(folder).mkdir()
    Path("seeds.csv").touch()
    Path("link.jsonl").symlink_to("results/a.jsonl")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert run(*arguments) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert words in told.err
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_a_ledger_beside_the_output_is_not_written_over_either(
    results: Results, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    results.put("w.jsonl", offer("1"))
    ledger = results.put("x.seeds.jsonl", final("a", 1))
    assert run("results", "-O", "results/x.jsonl") == 2
    assert "results/x.seeds.jsonl is among the files to merge" in capsys.readouterr().err
    assert ledger.read_bytes() == final("a", 1)


# the output


def test_an_interrupted_merge_leaves_the_old_result(
    results: Results, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(drafts: AtomicFiles) -> None:
        raise KeyboardInterrupt

    results.put("w.jsonl", offer("1", None))
    results.merge()
    results.put("w.jsonl", offer("2", None))
    monkeypatch.setattr(AtomicFiles, "publish", stop)
    assert run("results", "-O", "merged/offers.jsonl") == 1
    assert capsys.readouterr() == ("", "stopped; nothing was written\n")
    assert (results.written, results.lines()) == ({"offers.jsonl"}, [offer("1", None)])


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file of this process can grow beyond so many bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    ("cache_kib", "words"),
    [
        pytest.param(32_768, "merged/offers.jsonl cannot be written (File too large)", id="feed"),
        pytest.param(16, "the temporary index cannot be written", id="index"),
    ],
)
def test_a_full_disk_is_told_and_leaves_the_old_result(
    results: Results,
    run: Run,
    small_files: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cache_kib: int,
    words: str,
) -> None:
    monkeypatch.setattr(scratch, "_CACHE_KIB", cache_kib)
    results.put("w.jsonl", offer("old", None))
    results.merge()
    lines = [offer(str(number), None) for number in range(6_000)]
    for number in range(0, len(lines), 750):
        results.put(f"w{number}.jsonl", *lines[number : number + 750])
    assert sum(map(len, lines)) > 2 * small_files
    assert run("results", "-O", "merged/offers.jsonl") == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert words in told.err
    assert (results.written, results.lines()) == ({"offers.jsonl"}, [offer("old", None)])


def test_the_ledger_is_the_last_to_take_its_place(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[str] = []
    replace = Path.replace

    def note(path: Path, target: Path) -> Path:
        placed.append(target.name)
        return replace(path, target)

    results.put("w.jsonl", offer("1"))
    results.put("w.seeds.jsonl", final("a", 1))
    results.put("w.rejected.jsonl", line(raw={}, reason="no_id"))
    monkeypatch.setattr(Path, "replace", note)
    results.merge()
    assert placed == ["offers.jsonl", "offers.rejected.jsonl", "offers.seeds.jsonl"]


def test_two_merges_to_one_place_never_mix_their_lines(results: Results) -> None:
    paths = merged_paths(results.out)
    with AtomicFiles(paths) as first, AtomicFiles(paths) as second:
        first.feed.append(offer("1"))
        second.feed.append(offer("2"))
        with pytest.raises(ResultsError, match="another command writes this result"):
            first.publish()
        second.publish()
    assert (results.written, results.lines()) == ({"offers.jsonl"}, [offer("2")])


@pytest.mark.parametrize("name", ["offers.jsonl", "[of] *?.jsonl"])
def test_what_a_killed_merge_left_goes_and_nothing_else(tmp_path: Path, name: str) -> None:
    paths = ResultPaths.beside(tmp_path / name)
    mine = tmp_path / "other.jsonl.0123abcd.new"
    mine.touch()
    killed = AtomicFiles(paths)
    assert len(list(tmp_path.iterdir())) == 5
    with AtomicFiles(paths) as drafts:
        drafts.publish()
    assert set(tmp_path.iterdir()) == {mine, paths.feed}
    killed.discard()


# any split, any duplicates, any torn tails


class Seen(NamedTuple):
    """One sighting, as the plain expectation reads it."""

    num_iid: str
    seed_id: str | None
    page: int
    rank: int
    at: int

    def raw(self, mark: tuple[int, int]) -> bytes:
        return offer(self.num_iid, self.seed_id, self.at, page=self.page, rank=self.rank, n=mark)


SEEN = st.builds(
    Seen,
    st.sampled_from("123456"),
    st.sampled_from(["a", "b", "c", None]),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(0, 4),
)
FEEDS = st.lists(st.tuples(st.lists(SEEN, max_size=12), st.integers(0, 60)), min_size=1, max_size=5)
CLAIMS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 6))


def first_ones(lines: Iterable[tuple[Seen, bytes]], scope: str) -> list[bytes]:
    """Plain Python: of each key the smallest time, the first of these; in order of reading."""
    kept: dict[str, tuple[int, int, bytes]] = {}
    for number, (seen, raw) in enumerate(lines):
        key = DEDUP_KEYS[scope](WrittenOffer(*seen[:4]))
        kept[key] = min(kept.get(key, (99, 0, b"")), (seen.at, number, raw))
    return [raw for _, _, raw in sorted(kept.values(), key=lambda each: each[1])]


def held_by(lines: Iterable[tuple[Seen, bytes]], scope: str) -> dict[str, int]:
    keys = {
        (seen.seed_id, seen.num_iid, *((seen.page, seen.rank) if scope == "off" else ()))
        for seen, _ in lines
    }
    seeds = [seed_id for seed_id, *_ in keys if seed_id is not None]
    return {seed_id: seeds.count(seed_id) for seed_id in seeds}


@given(feeds=FEEDS, claims=CLAIMS, scope=st.sampled_from(list(DEDUP_KEYS)))
def test_a_merge_of_any_feeds_is_what_plain_python_makes_of_them(
    feeds: list[tuple[list[Seen], int]],
    claims: dict[str, int],
    scope: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    results = Results(tmp_path_factory.mktemp("split"))
    whole: list[tuple[Seen, bytes]] = []
    torn = 0
    for number, (seen_there, lost_bytes) in enumerate(feeds):
        lines = [(seen, seen.raw((number, place))) for place, seen in enumerate(seen_there)]
        content = b"".join(raw for _, raw in lines)
        if lines and lost_bytes > 1:  # one byte is the line end: the object is whole
            lines.pop()
            torn += 1
        results.put(f"offers-host-{number}-1.jsonl", content[: len(content) - lost_bytes or None])
        whole += lines
    results.put("w.seeds.jsonl", *(final(seed_id, n) for seed_id, n in claims.items()))

    merged = results.merge(scope)

    assert results.lines() == first_ones(whole, scope)
    assert (merged.offers.lines, merged.offers.torn) == (len(whole) + torn, torn)
    held = held_by(whole, scope)
    gaps = {seed_id: n - held.get(seed_id, 0) for seed_id, n in claims.items()}
    short = {seed_id: gap for seed_id, gap in gaps.items() if gap > 0}
    assert {each.seed_id: each.claimed - each.held for each in merged.verdict.largest} == short
    assert merged.verdict.open_seeds == len(held.keys() - claims.keys())


# the command


# Root reads and writes everything, unless it is told not to.
WITHOUT_PRIVILEGES = (
    () if os.geteuid() else ("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--")
)


class Command:
    """`scrapy pailitao merge` in a subprocess, in the folder of a crawler."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    def start(self, *arguments: str, within: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *within,
                sys.executable,
                "-W",
                "error",
                "-m",
                "scrapy",
                "pailitao",
                "merge",
                *arguments,
            ],
            cwd=self.crawler.folder,
            env=self.crawler._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, within: tuple[str, ...] = ()) -> tuple[int, str, str]:
        process = self.start(*arguments, within=within)
        out, errors = process.communicate(timeout=240)
        return process.returncode, out, errors


@pytest.fixture
def command(crawler: Crawler) -> Command:
    return Command(crawler)


def test_a_complete_merge_says_what_it_made(results: Results, command: Command) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("2", "a"))
    results.put("x.jsonl", offer("2", "b", at=1), b'{"num_iid')
    results.put("w.seeds.jsonl", final("a", 2), final("b", 0))
    results.put("w.rejected.jsonl", line(raw={}, reason="no_id", seed_id="a", page=1))
    assert command("results", "-O", "merged/offers.jsonl") == (
        0,
        "offers:   2 in merged/offers.jsonl\n"
        "from:     2 files with 4 lines, 1 duplicate, 1 torn\n"
        "seeds:    2 done, 0 empty, 0 partial, 0 failed\n"
        "rejected: 1 in merged/offers.rejected.jsonl\n"
        "missing:  none\n",
        "",
    )
    assert results.lines() == [offer("1", "a"), offer("2", "a")]


def test_what_is_missing_is_named_with_the_remedy(results: Results, command: Command) -> None:
    results.put("w.jsonl", offer("1", "鞋-01"), offer("2", "open"))
    short = [final(f"鞋-{number:02}", 40 - number) for number in range(1, 13)]
    results.put("w.seeds.jsonl", *short, b"torn")
    code, told, errors = command("results", "-O", "merged/offers.jsonl")
    assert (code, errors) == (1, "")
    assert told.splitlines()[3:] == [
        "missing:  401",
        *(
            f"seed 鞋-{number:02}: {40 - number - (number == 1)} of {40 - number} offers "
            "are in none of these files"
            for number in range(1, 11)
        ),
        "and 2 more seeds",
        "Most likely a worker's file was not given: merge all offers-*.jsonl of the run, or "
        "their folder. A crawl with PAILITAO_DEDUP=off is checked with --dedup off.",
        "1 line of ledgers and other side files is torn, and left out.",
        "1 seed has offers but no final line: the run has not ended; merge again at its end.",
    ]


def test_claims_beyond_all_offers_are_told_with_the_reasons(
    results: Results, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("1", "b"))
    results.put("w.seeds.jsonl", final("a", 1), final("b", 1))
    assert run("results", "-O", "offers.jsonl") == 1
    assert "The ledgers claim 1 offer more than these files hold" in capsys.readouterr().out


def test_without_a_ledger_nothing_is_said_to_be_whole(
    results: Results, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    results.put("w.jsonl", offer("1"))
    assert run("results", "-O", "offers.jsonl") == 1
    assert "missing:  unknown: no ledger was given; add the" in capsys.readouterr().out
    assert run("results", "-O", "offers.jsonl", "--json") == 1
    assert json.loads(capsys.readouterr().out)["missing"] is None


def test_the_outcome_can_be_had_as_json(results: Results, command: Command) -> None:
    results.put("w.jsonl", offer("1", "a"), offer("1", "a", at=1))
    results.put("w.seeds.jsonl", final("a", 3, "partial"))
    results.put("w.matches.jsonl", offer("1"))
    code, told, _ = command("results", "-O", "merged/offers.jsonl", "--json")
    assert (code, told.count("\n")) == (1, 1)
    assert json.loads(told) == {
        "output": "merged/offers.jsonl",
        "complete": False,
        "files": 1,
        "ledgers": 1,
        "lines": 2,
        "offers": 1,
        "duplicates": 1,
        "torn": 0,
        "torn_beside": 0,
        "rejected": 0,
        "matches": 1,
        "seeds": {"done": 0, "empty": 0, "partial": 1, "failed": 0},
        "open_seeds": 0,
        "claimed": 3,
        "missing": 2,
        "unaccounted": 0,
        "short_seeds": 1,
        "largest": [{"seed_id": "a", "held": 1, "claimed": 3}],
    }


@pytest.mark.parametrize(
    ("arguments", "setting", "environment", "kept"),
    [
        ([], None, None, 1),
        ([], None, " ", 1),
        ([], None, "seed", 2),
        ([], "off", "seed", 3),
        (["--dedup", "off"], None, "seed", 3),
        (["--dedup", "crawl"], "off", "seed", 1),
    ],
)
def test_the_scope_is_the_crawl_s_unless_told_otherwise(
    results: Results,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    setting: str | None,
    environment: str | None,
    kept: int,
) -> None:
    if environment is not None:
        monkeypatch.setenv("PAILITAO_DEDUP", environment)
    results.put("w.jsonl", A, B, NEXT_PAGE)
    given = {} if setting is None else {"PAILITAO_DEDUP": setting}
    run("results", "-O", "merged/offers.jsonl", *arguments, **given)
    assert len(results.lines()) == kept


def test_a_bad_setting_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAILITAO_DEDUP", "all")
    assert run("results", "-O", "offers.jsonl") == 2
    assert capsys.readouterr().err == "PAILITAO_DEDUP: 'all' is not crawl or seed or off\n"


def test_a_killed_merge_leaves_the_old_result_and_the_next_one_makes_the_new(
    results: Results, command: Command
) -> None:
    results.put("w.jsonl", offer("old", None))
    results.merge()
    lines = [offer(str(number), None) for number in range(100_000)]
    random.Random(1).shuffle(lines)
    results.put("w.jsonl", *lines, *lines)

    process = command.start("results", "-O", "merged/offers.jsonl")
    while results.written == {"offers.jsonl"}:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=240)

    assert process.returncode == -signal.SIGKILL
    assert results.lines() == [offer("old", None)]
    assert len(results.written) > 1
    code, _, _ = command("results", "-O", "merged/offers.jsonl")
    assert (code, results.written) == (0, {"offers.jsonl"})
    assert results.lines() == lines


def test_two_crawls_and_a_cut_feed_are_merged_and_checked(
    serve_sandbox: Callable[..., Site], crawler: Crawler, command: Command
) -> None:
    crawler.use(serve_sandbox(), rate=200, dedup="seed")
    (crawler.folder / "results").mkdir()
    for worker, numbers in enumerate([range(2), range(2, 4)]):
        crawler.seeds(*map(photo, numbers))
        crawled = crawler.crawl()
        assert crawled.exit_code == 0, crawled.log
        for ending in (".jsonl", ".seeds.jsonl"):
            path = crawler.folder / f"offers{ending}"
            path.rename(crawler.folder / "results" / f"offers-host-{worker}-1{ending}")
    feeds = sorted((crawler.folder / "results").glob("offers-host-?-1.jsonl"))
    everything = b"".join(feed.read_bytes() for feed in feeds)

    assert command("results", "-O", "offers.jsonl")[0] == 0
    merged = crawler.result()
    assert (crawler.folder / "offers.jsonl").read_bytes() == everything
    assert sum(each["offers_new"] for each in merged.ledger.values()) == len(merged.offers)

    offers = merged.offers
    last = offers[-1]
    feeds[1].write_bytes(feeds[1].read_bytes()[:-20])
    code, told, _ = command("results", "-O", "offers.jsonl")
    claimed = merged.ledger[last["seed_id"]]["offers_new"]
    assert code == 1
    assert f"seed {last['seed_id']}: 1 of {claimed} offers are in none of these files" in told
    assert crawler.result().offers == offers[:-1]


@pytest.mark.parametrize("name", ["merged/offers.jsonl", "results/w.jsonl", "results/deep"])
def test_a_file_without_the_right_to_it_is_told(
    results: Results, command: Command, crawler: Crawler, name: str
) -> None:
    results.put("w.jsonl", offer("1"))
    results.out.parent.mkdir()
    results.out.touch()
    results.put("deep/v.jsonl", offer("2"))
    refused = crawler.folder / name
    refused.chmod(0)

    code, out, err = command("results", "-O", "merged/offers.jsonl", within=WITHOUT_PRIVILEGES)

    refused.chmod(0o700)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert name in err
    assert results.written == {"offers.jsonl"}
