"""What stands on disk: lines, ledger, state, feeds; and what a run that goes on makes of it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exporters import CsvItemExporter, JsonItemExporter, JsonLinesItemExporter

from pailitao_spider.config.arguments import Arguments
from pailitao_spider.crawl.paging import Paging
from pailitao_spider.crawl.searches import Search, twin_line
from pailitao_spider.errors import ResultsError
from pailitao_spider.exporters.item_exporters import CsvExporter, JsonExporter, JsonLinesExporter
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.pages import Page
from pailitao_spider.offers.dedup import DEDUP_KEYS, LocalSeen, Written
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.pipelines import fits
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.lines import LineFile, cut_torn_tail, lines_of, rewrite
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.records import LedgerLine, Match
from pailitao_spider.results.resume import WrittenOffer, written_offers
from pailitao_spider.results.seed_index import KnownSeed, PageStore, SeedIndex
from pailitao_spider.results.state import CrawlState
from pailitao_spider.seeds.model import Seed, UrlImage

D = Decimal

# lines


@pytest.mark.parametrize(
    ("content", "left"),
    [
        pytest.param(b"", b"", id="empty"),
        pytest.param(b"{}\n{}\n", b"{}\n{}\n", id="whole"),
        pytest.param(b'{}\n{"a', b"{}\n", id="torn"),
        pytest.param(b'{"a', b"", id="nothing-but-torn"),
        pytest.param(b"{}\n" + b"x" * 200_000, b"{}\n", id="longer-than-a-block"),
        pytest.param(b"x" * 65_535 + b"\n" + b"y", b"x" * 65_535 + b"\n", id="block-boundary"),
    ],
)
def test_an_unfinished_last_line_is_cut(tmp_path: Path, content: bytes, left: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    assert cut_torn_tail(path) == len(content) - len(left)
    assert path.read_bytes() == left


def test_a_whole_object_that_lacks_its_line_end_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{}\n{"a":1}')
    assert cut_torn_tail(path) == 0
    assert path.read_bytes() == b'{}\n{"a":1}\n'


def test_a_file_that_is_not_there_has_no_lines_and_no_tail(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert (cut_torn_tail(path), list(lines_of(path))) == (0, [])
    rewrite(path, lambda raw: True)
    assert not path.exists()


def test_a_line_file_is_created_with_its_first_line(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "lines")
    assert file.flush() is None
    assert not file.path.exists()
    file.append({"price": D("29.90"), "名": None})
    assert isinstance(file.flush(), int)
    assert file.path.read_text("utf-8") == '{"price":29.90,"名":null}\n'
    file.close()


def test_a_line_file_goes_on_behind_what_is_there(tmp_path: Path) -> None:
    for number in range(2):
        file = LineFile(tmp_path / "lines")
        file.append(number)
        file.close()
    assert (tmp_path / "lines").read_bytes() == b"0\n1\n"


def test_a_rewritten_file_holds_the_lines_that_were_kept(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"1\n2\n3\n")
    rewrite(path, lambda raw: raw != b"2\n")
    assert path.read_bytes() == b"1\n3\n"
    assert [each.name for each in tmp_path.iterdir()] == ["lines"]


@pytest.mark.parametrize(
    ("feed", "seeds"),
    [
        ("offers.jsonl", "offers.seeds.jsonl"),
        ("offers", "offers.seeds.jsonl"),
        ("my.offers.csv", "my.offers.seeds.jsonl"),
    ],
)
def test_results_lie_beside_the_feed_under_its_name(feed: str, seeds: str) -> None:
    paths = ResultPaths.beside(Path("out") / feed)
    assert paths.seeds == Path("out") / seeds
    everything = {paths.feed, paths.seeds, paths.rejected, paths.matches, paths.state}
    assert len(everything) == 5
    assert {path.parent for path in everything} == {Path("out")}


# ledger

OpenBooks = Callable[..., Books]


@pytest.fixture
def paths(tmp_path: Path) -> ResultPaths:
    return ResultPaths.beside(tmp_path / "offers.jsonl")


@pytest.fixture
def open_books(paths: ResultPaths) -> Iterator[OpenBooks]:
    """Books of one run after the other; a run that was killed is not closed in between."""
    opened: list[Books] = []

    def open_(flush: Callable[[], list[int]] = list, *, going_on: bool = True) -> Books:
        books = Books(paths, flush)
        opened.append(books)
        if going_on:
            books.go_on()
        return books

    yield open_
    for books in opened:
        books.roster.close()
        for file in books._files.values():
            file.close()


def line(seed_id: str, status: Any = "done", **more: Any) -> LedgerLine:
    return LedgerLine(seed_id, f"https://a.test/{seed_id}.jpg", status, **more)


def commit(books: Books, *lines: LedgerLine) -> list[LedgerLine]:
    for each in lines:
        books.close_seed(each)
    return asyncio.run(books.commit())


def ledger(paths: ResultPaths) -> list[tuple[str, str]]:
    read = [json.loads(raw) for raw in lines_of(paths.seeds)]
    return [(each["seed_id"], each["status"]) for each in read]


def seed(seed_id: str, url: str | None = None) -> Seed:
    return Seed(seed_id, UrlImage(url or f"https://a.test/{seed_id}.jpg"))


def test_a_final_line_is_written_as_it_is(open_books: OpenBooks, paths: ResultPaths) -> None:
    final = LedgerLine(
        "a", "a.jpg", "partial", "page 2: transient: 500", 3, 2, 100, 95, 140, 0.6785, 90, 150, 5,
        "t0", "t1",
    )  # fmt: skip
    assert commit(open_books(), final) == [final]
    assert json.loads(paths.seeds.read_text("utf-8")) == {
        "seed_id": "a",
        "image": "a.jpg",
        "status": "partial",
        "reason": "page 2: transient: 500",
        "pages_expected": 3,
        "pages_fetched": 2,
        "rows_seen": 100,
        "offers_seen": 95,
        "offers_expected": 140,
        "coverage": 0.6785,
        "offers_new": 90,
        "total_reported": 150,
        "calls": 5,
        "started_at": "t0",
        "finished_at": "t1",
        "seed_extra": {},
        "image_sha256": None,
    }


def test_nothing_final_writes_nothing(open_books: OpenBooks, paths: ResultPaths) -> None:
    assert commit(open_books()) == []
    assert not paths.seeds.exists()


@pytest.mark.parametrize(
    ("status", "is_complete"),
    [("done", True), ("empty", True), ("partial", False), ("failed", False)],
)
def test_only_complete_seeds_need_no_search_in_the_next_run(
    open_books: OpenBooks, status: str, is_complete: bool
) -> None:
    commit(open_books(), line("a", status))
    assert open_books().is_complete("a") is is_complete
    assert not open_books().is_complete("b")


@pytest.mark.parametrize("ending", ["closed", "killed"])
def test_a_seed_that_is_searched_again_has_one_line_in_the_end(
    open_books: OpenBooks, paths: ResultPaths, ending: str
) -> None:
    first = open_books()
    commit(first, line("a"), line("b", "partial"), line("c", "failed"))
    if ending == "closed":
        first.close()
    second = open_books()
    commit(second, line("b"), line("d"))
    second.close()
    assert ledger(paths) == [("a", "done"), ("c", "failed"), ("b", "done"), ("d", "done")]


def test_a_second_line_that_a_kill_left_goes_with_the_next_run(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    commit(open_books(), line("a", "failed"))
    commit(open_books(), line("a"))
    assert len(ledger(paths)) == 2
    last = open_books()
    assert last.is_complete("a")
    last.close()
    assert ledger(paths) == [("a", "done")]


def test_two_equal_lines_become_one(open_books: OpenBooks, paths: ResultPaths) -> None:
    commit(open_books(), line("a", "failed"))
    second = open_books()
    commit(second, line("a", "failed"), line("b"))
    second.close()
    assert ledger(paths) == [("a", "failed"), ("b", "done")]


@pytest.mark.parametrize("torn", [b'{"seed_id":"b","ima', b"\x00\x00\x00", b"\xff\xfe"], ids=ascii)
def test_a_torn_tail_of_the_ledger_is_cut(
    open_books: OpenBooks, paths: ResultPaths, torn: bytes
) -> None:
    commit(open_books(), line("a"))
    with paths.seeds.open("ab") as file:
        file.write(torn)
    books = open_books()
    assert books.is_complete("a")
    commit(books, line("b"))
    books.close()
    assert ledger(paths) == [("a", "done"), ("b", "done")]


@pytest.mark.parametrize(
    "damaged", [b"\n", b"oops\n", b'{"seed_id":"b"}\n', b"\xff\n", b"[]\n"], ids=ascii
)
def test_a_damaged_line_of_the_ledger_claims_nothing_and_goes(
    open_books: OpenBooks, paths: ResultPaths, damaged: bytes
) -> None:
    commit(open_books(), line("a"))
    with paths.seeds.open("ab") as file:
        file.write(damaged)
    books = open_books()
    assert (books.is_complete("a"), books.is_complete("b")) == (True, False)
    books.close()
    assert ledger(paths) == [("a", "done")]


def test_starting_over_removes_what_was_there(open_books: OpenBooks, paths: ResultPaths) -> None:
    first = open_books()
    first.reject(RejectedRow({}, "no_id", "a", 1))
    first.match(Match("a", "1", 1, 1, None, None))
    commit(first, line("a"))
    first.close()
    books = open_books(going_on=False)
    books.start_over()
    assert not books.is_complete("a")
    assert not any(path.exists() for path in (paths.seeds, paths.rejected, paths.matches))


def test_books_without_a_place_count_and_write_nothing(tmp_path: Path) -> None:
    books = Books(None, list)
    books.start_over()
    books.go_on()
    books.reject(RejectedRow({}, "no_id"))
    books.match(Match("a", "1", 1, 1, None, None))
    assert commit(books, line("a")) == [line("a")]
    assert books.is_complete("a")
    books.close()
    assert list(tmp_path.iterdir()) == []


# the order of a commit


def test_the_feed_is_handed_over_before_the_ledger_claims_it(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    seen: list[bool] = []

    def flush() -> list[int]:
        seen.append(paths.seeds.exists())
        return []

    commit(open_books(flush), line("a"))
    assert (seen, ledger(paths)) == ([False], [("a", "done")])


def test_the_side_files_are_written_before_the_ledger_claims_them(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    sizes: list[int] = []

    def flush() -> list[int]:
        sizes.append(paths.rejected.stat().st_size)
        return []

    books = open_books(flush)
    books.reject(RejectedRow({}, "no_id", "a", 1))
    commit(books, line("a"))
    assert sizes > [0]


def broken_feed() -> list[int]:
    raise OSError(28, "No space left on device")


def test_a_feed_that_cannot_be_written_leaves_the_ledger_silent(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    books = open_books(broken_feed)
    with pytest.raises(ResultsError, match="No space left"):
        commit(books, line("a"))
    books.close()
    assert ledger(paths) == []
    assert not open_books().is_complete("a")


def test_after_a_failed_commit_nothing_is_claimed_any_more(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    working = [False, True]

    def flush() -> list[int]:
        return [] if working.pop(0) else broken_feed()

    books = open_books(flush)
    with pytest.raises(ResultsError):
        commit(books, line("a"))
    assert commit(books, line("b")) == []
    assert ledger(paths) == []


def test_after_a_failed_commit_nothing_waits_to_be_written(open_books: OpenBooks) -> None:
    books = open_books(broken_feed)
    with pytest.raises(ResultsError):
        commit(books, line("a"))
    books.close_seed(line("b"))
    assert not books.has_pending


def test_a_descriptor_that_cannot_be_synced_leaves_the_ledger_silent(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    with pytest.raises(ResultsError):
        commit(open_books(lambda: [10**6]), line("a"))
    assert ledger(paths) == []


def test_lines_that_come_during_a_commit_are_for_the_next_one(open_books: OpenBooks) -> None:
    books: Books

    def flush() -> list[int]:
        if not books.is_complete("a"):
            books.close_seed(line("b"))
        return []

    books = open_books(flush)
    assert commit(books, line("a")) == [line("a")]
    assert books.has_pending
    assert commit(books) == [line("b")]


def test_commits_at_once_write_each_line_once(open_books: OpenBooks, paths: ResultPaths) -> None:
    books = open_books()

    async def run() -> None:
        for name in "abc":
            books.close_seed(line(name))
        await asyncio.gather(*(books.commit() for _ in range(3)))

    asyncio.run(run())
    assert ledger(paths) == [("a", "done"), ("b", "done"), ("c", "done")]


def test_a_full_disk_at_the_end_still_closes_the_books(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    paths.rejected.symlink_to(full)
    books = open_books(going_on=False)
    books.reject(RejectedRow({}, "no_id", "a", 1))
    with pytest.raises(ResultsError, match="No space left"):
        commit(books, line("a"))
    books.close()
    assert ledger(paths) == []


# side files


def test_side_files_are_cut_to_complete_seeds_when_a_run_goes_on(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    first = open_books()
    for name in ("done", "partial", "unfinished"):
        first.reject(RejectedRow({"n": name}, "no_id", name, 1))
        first.match(Match(name, "1", 1, 1, D("0.90"), D("29.90")))
    commit(first, line("done"), line("partial", "partial"))
    first.close()
    with paths.matches.open("ab") as file:
        file.write(b'oops\n{"seed_id":null}\n\xff\n{"seed_id":"done","num_i')
    open_books()
    assert paths.rejected.read_text("utf-8") == (
        '{"raw":{"n":"done"},"reason":"no_id","seed_id":"done","page":1}\n'
    )
    assert paths.matches.read_text("utf-8") == (
        '{"seed_id":"done","num_iid":"1","page":1,"rank":1,"similarity":0.90,"price":29.90}\n'
    )


# names and twins


def test_a_seed_keeps_its_name_for_the_picture_it_had(open_books: OpenBooks) -> None:
    commit(open_books(), line("a", "partial"))
    assert open_books().named_apart(seed("a")) == seed("a")


def test_a_new_seed_keeps_its_name(open_books: OpenBooks) -> None:
    assert open_books().named_apart(seed("a")) == seed("a")


@pytest.mark.parametrize("status", ["done", "empty", "partial"])
def test_another_picture_under_a_known_name_is_named_apart(
    open_books: OpenBooks, status: str
) -> None:
    commit(open_books(), line("a", status))
    other = seed("a", "https://b.test/a.jpg")
    named = open_books().named_apart(other)
    assert named.seed_id.startswith("a-")
    assert named.image == other.image
    assert open_books().named_apart(other) == named


def test_two_other_pictures_under_a_known_name_have_two_names(open_books: OpenBooks) -> None:
    commit(open_books(), line("a"))
    books = open_books()
    named = {books.named_apart(seed("a", f"https://{host}.test/a.jpg")).seed_id for host in "bc"}
    assert len(named) == 2


def test_a_failed_seed_with_its_picture_mended_takes_its_line_over(
    open_books: OpenBooks, paths: ResultPaths
) -> None:
    commit(open_books(), LedgerLine("a", "htps://a.test/a.jpg", "failed"))
    books = open_books()
    mended = books.named_apart(seed("a"))
    commit(books, line(mended.seed_id))
    books.close()
    assert ledger(paths) == [("a", "done")]


def test_a_finished_picture_is_known_to_other_seeds_with_it(open_books: OpenBooks) -> None:
    books = open_books()
    final = line("a", reason="r", total_reported=7)
    books.note_picture("sha256:x", final)
    assert books.picture("sha256:x") == final
    assert books.picture("sha256:y") is None


def test_a_twin_shares_the_outcome_and_none_of_the_costs() -> None:
    final = line("a", pages_fetched=3, rows_seen=120, offers_new=110, calls=4)
    twin = twin_line(final, seed("b"))
    assert twin == replace(
        final,
        seed_id="b",
        image="https://a.test/b.jpg",
        reason="same_picture: searched once, for a",
        offers_new=0,
        calls=0,
    )


def test_a_twin_of_a_partial_search_says_why_it_is_partial() -> None:
    twin = twin_line(line("a", "partial", reason="page 2: transient: 500"), seed("b"))
    assert twin.status == "partial"
    assert twin.reason == "same_picture: searched once, for a; page 2: transient: 500"


def answered(*pages: int) -> Search:
    """A search of 140 offers, of which so many rows came by page; -1 is a page given up."""
    search = Search(seed("a"), PictureRef(url="u"), Paging(50), "t")
    part = search.parts[0]
    for number, rows in enumerate(pages, start=1):
        if rows < 0:
            part.will_not_come(number, f"why {number}")
            continue
        offers = [Offer(num_iid=f"{number}{row:03}") for row in range(rows)]
        part.take_in(number, Page(list(offers), total=140 if sum(pages) > 0 else 0))
    return search


@pytest.mark.parametrize(
    ("pages", "status", "reason", "coverage"),
    [
        ((50, 50, 40), "done", None, 1.0),
        ((50, 50, 25), "done", None, 0.8928),
        ((0,), "empty", None, None),
        ((50, -1, 40), "partial", "page 2: why 2", 0.6428),
        ((-1,), "failed", "why 1", None),
    ],
    ids=["done", "done-but-short", "empty", "partial", "failed"],
)
def test_a_search_ends_as_what_came_of_it(
    pages: tuple[int, ...], status: str, reason: str | None, coverage: float | None
) -> None:
    final = answered(*pages).line()
    assert (final.status, final.reason, final.coverage) == (status, reason, coverage)
    assert final.offers_seen == sum(rows for rows in pages if rows > 0)


# roster


def test_the_last_state_of_a_seed_counts() -> None:
    roster = SeedIndex()
    assert roster.note_seed("a", KnownSeed("a.jpg", "failed")) is False
    assert roster.note_seed("a", KnownSeed("b.jpg", "done")) is True
    assert (roster.seed("a"), roster.seed("b")) == (KnownSeed("b.jpg", "done"), None)
    roster.close()


def test_a_page_is_found_again_as_it_was() -> None:
    pages = PageStore()
    pages.keep("key", 1, 0, "router", b"old")
    pages.keep("key", 1, 0, "onebound", b"\x00body")
    pages.keep("key", 1, 1, "onebound", b"asked once more")
    asked = [("key", 1, 0), ("key", 1, 1), ("key", 2, 0), ("x", 1, 0)]
    assert [pages.find(*each) for each in asked] == [
        ("onebound", b"\x00body"),
        ("onebound", b"asked once more"),
        None,
        None,
    ]
    pages.close()


# state


def state(path: Path | None) -> CrawlState:
    return CrawlState(path)


def test_uploads_are_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "offers.state.sqlite"
    first = state(path)
    first.uploads("key").keep_upload("sha", "id-1")
    first.uploads("key").keep_upload("sha", "id-2")
    first.close()
    second = state(path)
    assert second.uploads("key").imgid("sha") == "id-2"
    second.uploads("key").forget_upload("sha")
    assert second.uploads("key").imgid("sha") is None
    second.close()


def test_another_key_has_uploads_of_its_own(tmp_path: Path) -> None:
    both = state(tmp_path / "offers.state.sqlite")
    both.uploads("key").keep_upload("sha", "id")
    assert both.uploads("other").imgid("sha") is None
    both.close()


def test_the_key_does_not_stand_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "offers.state.sqlite"
    kept = state(path)
    kept.uploads("https://a.test s3cret-key").keep_upload("sha", "id")
    kept.close()
    assert b"s3cret" not in path.read_bytes()


@pytest.mark.parametrize("content", [b"no database" * 100, b"\x00" * 4096], ids=["text", "zeros"])
def test_a_damaged_state_file_is_set_aside_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "offers.state.sqlite"
    path.write_bytes(content)
    anew = state(path)
    assert anew.uploads("key").imgid("sha") is None
    anew.close()
    assert path.with_name("offers.state.sqlite.damaged").read_bytes() == content


def test_a_state_file_with_its_head_lost_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "offers.state.sqlite"
    first = state(path)
    first.uploads("key").keep_upload("sha", "id")
    first.close()
    path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])
    anew = state(path)
    assert anew.uploads("key").imgid("sha") is None
    anew.close()


def test_a_state_file_that_another_run_has_locked_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "offers.state.sqlite"
    state(path).close()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k | {"timeout": 0}))
    other = connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(ResultsError, match="other run"):
            state(path)
    finally:
        other.close()
    assert [each.name for each in tmp_path.iterdir() if "damaged" in each.name] == []


def test_a_state_file_that_is_a_folder_is_an_error_of_results(tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        state(tmp_path)


# exporters and what they wrote

OFFER = Offer(
    "610947572360",
    title='凉鞋, "女"',
    price=D("29.90"),
    price_min=D("25.00"),
    similarity=D("0.950"),
    sales=11000,
    sales_at_least=True,
    is_onsale=False,
    extra={"turnHead": "15%", "weight": D("1.50")},
    seed_id="a",
    page=2,
    rank=51,
)


def exported(make: Any, *items: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    exporter = make(file, encoding="utf-8", **options)
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    return file.getvalue()


def test_json_lines_keep_the_digits_and_every_field() -> None:
    text = exported(JsonLinesExporter, OFFER).decode()
    assert text.endswith("}\n")
    assert '"price":29.90,"promotion_price":null,"price_min":25.00' in text
    read = json.loads(text, parse_float=str)
    assert read["similarity"] == "0.950"
    assert read["extra"] == {"turnHead": "15%", "weight": "1.50"}
    assert read["title"] == '凉鞋, "女"'
    assert set(read) == set(Offer.__dataclass_fields__)


def test_a_json_list_keeps_the_digits() -> None:
    text = exported(JsonExporter, OFFER, OFFER).decode()
    first, second = json.loads(text, parse_float=str)
    assert first == second == json.loads(exported(JsonLinesExporter, OFFER), parse_float=str)
    assert first["price"] == "29.90"


def test_an_empty_json_list_is_json() -> None:
    assert json.loads(exported(JsonExporter)) == []


def test_csv_keeps_the_digits_and_leaves_the_unknown_empty() -> None:
    [row] = csv.DictReader(io.StringIO(exported(CsvExporter, OFFER).decode()))
    told = {"price": "29.90", "price_min": "25.00", "similarity": "0.950", "sales": "11000"}
    assert row | told == row
    assert (row["sales_at_least"], row["is_onsale"], row["is_ad"]) == ("true", "false", "")
    assert (row["promotion_price"], row["seed_extra"]) == ("", "")
    assert row["extra"] == '{"turnHead":"15%","weight":1.50}'
    assert row["title"] == '凉鞋, "女"'


@pytest.mark.parametrize("make", [JsonLinesExporter, JsonExporter, CsvExporter])
def test_only_the_fields_asked_for_are_exported_under_their_names(make: Any) -> None:
    chosen = {"num_iid": "id", "price": "price"}
    text = exported(make, OFFER, fields_to_export=chosen).decode()
    assert "29.90" in text
    assert ("id" in text, "num_iid" in text, "title" in text) == (True, False, False)


FOREIGN = {"name": "x", "is_new": True, "price": D("1.50"), "more": {"a": [1]}, "none": None}


@pytest.mark.parametrize(
    ("ours", "scrapy_s"),
    [
        (JsonLinesExporter, JsonLinesItemExporter),
        (JsonExporter, JsonItemExporter),
        (CsvExporter, CsvItemExporter),
    ],
    ids=["jsonl", "json", "csv"],
)
def test_items_of_others_go_scrapy_s_way(ours: Any, scrapy_s: Any) -> None:
    assert exported(ours, FOREIGN, FOREIGN) == exported(scrapy_s, FOREIGN, FOREIGN)


@pytest.mark.parametrize("make", [JsonLinesExporter, JsonExporter])
def test_offers_and_items_of_others_stand_side_by_side(make: Any) -> None:
    text = exported(make, OFFER, {"name": "x"}, OFFER).decode()
    read = json.loads(text) if make is JsonExporter else [*map(json.loads, text.splitlines())]
    assert [each.get("name", each.get("num_iid")) for each in read] == [
        OFFER.num_iid,
        "x",
        OFFER.num_iid,
    ]


WRITTEN = WrittenOffer("610947572360", "a", 2, 51)


@pytest.mark.parametrize(
    ("make", "feed_format"),
    [(JsonLinesExporter, "jsonlines"), (JsonLinesExporter, "jl"), (CsvExporter, "csv")],
)
def test_a_feed_is_read_back(tmp_path: Path, make: Any, feed_format: str) -> None:
    path = tmp_path / "offers"
    path.write_bytes(exported(make, OFFER, OFFER))
    assert list(written_offers(path, feed_format)) == [WRITTEN, WRITTEN]


@pytest.mark.parametrize(
    ("make", "feed_format"), [(JsonLinesExporter, "jsonlines"), (CsvExporter, "csv")]
)
@pytest.mark.parametrize("cut", [2, 5, 50, 300])
def test_a_torn_last_offer_is_cut_and_not_counted(
    tmp_path: Path, make: Any, feed_format: str, cut: int
) -> None:
    path = tmp_path / "offers"
    whole = exported(make, OFFER)
    both = exported(make, OFFER, replace(OFFER, extra={"long": "x" * 500}))
    path.write_bytes(both[:-cut])
    assert list(written_offers(path, feed_format)) == [WRITTEN]
    assert path.read_bytes() == whole


@pytest.mark.parametrize("feed_format", ["jsonlines", "csv", "json", "xml"])
@pytest.mark.parametrize("content", [None, b""], ids=["absent", "empty"])
def test_a_feed_with_nothing_in_it_can_be_gone_on_with(
    tmp_path: Path, feed_format: str, content: bytes | None
) -> None:
    path = tmp_path / "offers"
    if content is not None:
        path.write_bytes(content)
    assert list(written_offers(path, feed_format)) == []


def test_a_csv_of_a_torn_header_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "offers.csv"
    path.write_bytes(b"num_iid,tit")
    assert list(written_offers(path, "csv")) == []
    assert path.read_bytes() == b""


@pytest.mark.parametrize("feed_format", ["json", "xml", "pickle", ""])
def test_a_format_that_cannot_be_appended_to_is_refused_untouched(
    tmp_path: Path, feed_format: str
) -> None:
    path = tmp_path / "offers"
    path.write_bytes(b"[1")
    with pytest.raises(ResultsError, match="-O"):
        written_offers(path, feed_format)
    assert path.read_bytes() == b"[1"


@pytest.mark.parametrize(
    ("feed_format", "content"),
    [
        ("jsonlines", b'{"num_iid":"1"}\noops\n'),
        ("jsonlines", b'{"num_iid":"1"}\n{"title":"x"}\n'),
        ("jsonlines", b'{"num_iid":"1"}\n{"num_iid":"\xff"}\n'),
        ("csv", b"title\nx\n"),
        ("csv", b"num_iid,title\n1,\xff\n"),
    ],
    ids=["no-json", "no-id", "no-utf-8", "csv-no-id", "csv-no-utf-8"],
)
def test_a_feed_that_cannot_be_read_back_is_told_with_the_remedy(
    tmp_path: Path, feed_format: str, content: bytes
) -> None:
    path = tmp_path / "offers"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="-O") as caught:
        list(written_offers(path, feed_format))
    assert str(path) in str(caught.value)


# deduplication

A1 = WrittenOffer("1", "a", 1, 1)
SIGHTINGS = [
    A1,
    WrittenOffer("1", "a", 1, 2),
    WrittenOffer("1", "a", 2, 1),
    WrittenOffer("1", "b", 1, 1),
    WrittenOffer("2", "a", 1, 1),
]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("crawl", [True, False, False, False, True]),
        ("seed", [True, False, False, True, True]),
        ("off", [True, True, True, True, True]),
    ],
)
def test_an_offer_is_new_in_the_scope_asked_for(scope: str, expected: list[bool]) -> None:
    seen = LocalSeen(DEDUP_KEYS[scope])
    assert [seen.add(each) for each in SIGHTINGS] == expected


def test_an_offer_and_a_written_one_have_the_same_key() -> None:
    assert all(key(OFFER) == key(WRITTEN) for key in DEDUP_KEYS.values())


def taken_up(*offers: WrittenOffer, complete: str = "") -> tuple[Written, LocalSeen, int]:
    seen, written = LocalSeen(DEDUP_KEYS["crawl"]), Written(DEDUP_KEYS["crawl"])
    feeds = {"offers.jsonl": iter(offers)}
    number = written.take_up(feeds, seen, lambda seed_id: seed_id in complete)
    return written, seen, number


def test_what_a_feed_holds_is_not_written_again() -> None:
    _, seen, number = taken_up(A1, WrittenOffer("2", "b"))
    assert number == 2
    assert [seen.add(WrittenOffer(num_iid)) for num_iid in "123"] == [False, False, True]


def test_an_offer_written_for_an_unfinished_seed_counts_once_as_its_own() -> None:
    written, _, _ = taken_up(A1)
    assert [written.is_of(A1), written.is_of(A1)] == [True, False]


def test_an_offer_written_for_another_seed_is_not_this_one_s() -> None:
    written, _, _ = taken_up(A1)
    assert not written.is_of(WrittenOffer("1", "b", 1, 1))


def test_an_offer_of_a_complete_seed_is_nobody_s_news() -> None:
    written, _, _ = taken_up(A1, complete="a")
    assert not written.is_of(A1)


def test_an_offer_without_a_seed_is_nobody_s() -> None:
    written, _, _ = taken_up(WrittenOffer("1"))
    assert not written.is_of(WrittenOffer("1"))


def test_an_offer_that_a_kill_left_in_one_feed_only_is_skipped_there_once() -> None:
    seen, written = LocalSeen(DEDUP_KEYS["crawl"]), Written(DEDUP_KEYS["crawl"])
    feeds = {"a.jsonl": [A1, WrittenOffer("2", "a")], "b.csv": [A1, WrittenOffer("3", "a")]}
    assert written.take_up(feeds, seen, lambda seed_id: False) == 1
    assert [seen.add(WrittenOffer(num_iid)) for num_iid in "123"] == [False, True, True]
    two, three = WrittenOffer("2", "b"), WrittenOffer("3", "b")
    assert [written.is_in("a.jsonl", two), written.is_in("a.jsonl", two)] == [True, False]
    assert [written.is_in("b.csv", two), written.is_in("b.csv", three)] == [False, True]
    assert not written.is_in("a.jsonl", A1)


# filters

KNOWN = Offer("1", price=D("29.90"), similarity=D("0.80"), one_stop_service=True)
RANGE = Offer("1", price_min=D("20"), price_max=D("40"))
UNKNOWN = Offer("1")


@pytest.mark.parametrize(
    ("offer", "wanted", "expected"),
    [
        pytest.param(UNKNOWN, {}, True, id="no-filter"),
        pytest.param(KNOWN, {"min_similarity": "0.80"}, True, id="similar-enough"),
        pytest.param(KNOWN, {"min_similarity": "0.81"}, False, id="not-similar-enough"),
        pytest.param(Offer("1", similarity=D(0)), {"min_similarity": "0.1"}, False, id="zero"),
        pytest.param(KNOWN, {"max_price": "29.90"}, True, id="cheap-enough"),
        pytest.param(KNOWN, {"max_price": "29.89"}, False, id="too-dear"),
        pytest.param(KNOWN, {"min_price": "29.90"}, True, id="dear-enough"),
        pytest.param(KNOWN, {"min_price": "29.91"}, False, id="too-cheap"),
        pytest.param(Offer("1", price=D(0)), {"min_price": "1"}, False, id="free"),
        pytest.param(RANGE, {"max_price": "20"}, True, id="range-begins-cheap-enough"),
        pytest.param(RANGE, {"max_price": "19"}, False, id="range-begins-too-dear"),
        pytest.param(RANGE, {"min_price": "40"}, True, id="range-ends-dear-enough"),
        pytest.param(RANGE, {"min_price": "41"}, False, id="range-ends-too-cheap"),
        pytest.param(KNOWN, {"dropship_only": "1"}, True, id="dropship"),
        pytest.param(
            Offer("1", one_stop_service=False), {"dropship_only": "1"}, False, id="no-dropship"
        ),
        pytest.param(
            KNOWN, {"max_price": "50", "min_similarity": "0.9"}, False, id="one-filter-of-two"
        ),
    ],
)
def test_a_filter_keeps_what_fits(offer: Offer, wanted: dict[str, str], expected: bool) -> None:
    arguments = {"seeds": "x.jpg", **wanted}
    assert fits(offer, Arguments.read(arguments)) is expected
    assert fits(offer, Arguments.read({**arguments, "unknown": "drop"})) is expected


@pytest.mark.parametrize(
    "wanted",
    [{"min_similarity": "0.5"}, {"max_price": "1"}, {"min_price": "1"}, {"dropship_only": "1"}],
    ids=lambda wanted: next(iter(wanted)),
)
def test_what_is_unknown_is_kept_unless_told_otherwise(wanted: dict[str, str]) -> None:
    arguments = {"seeds": "x.jpg", **wanted}
    assert fits(UNKNOWN, Arguments.read(arguments))
    assert not fits(UNKNOWN, Arguments.read({**arguments, "unknown": "drop"}))


def test_what_is_unknown_saves_no_offer_that_another_filter_drops() -> None:
    wanted = Arguments.read({"seeds": "x.jpg", "min_similarity": "0.5", "max_price": "10"})
    assert not fits(Offer("1", price=D("29.90")), wanted)


# going on, whatever the kill


@given(
    runs=st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["done", "failed"]))),
            st.integers(0, 120),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_after_any_kills_a_closed_ledger_has_one_line_a_seed(
    runs: list[tuple[list[tuple[str, str]], int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    paths = ResultPaths.beside(tmp_path_factory.mktemp("killed") / "offers.jsonl")
    for lines, lost_bytes in runs:
        books = Books(paths, list)
        books.go_on()
        commit(books, *(line(*each) for each in lines))
        books.roster.close()
        for file in books._files.values():
            file.close()
        if paths.seeds.exists():
            with paths.seeds.open("r+b") as file:
                file.truncate(max(0, paths.seeds.stat().st_size - lost_bytes))
    cut_torn_tail(paths.seeds)
    expected = dict(ledger(paths))
    last = Books(paths, list)
    last.go_on()
    last.close()
    assert sorted(ledger(paths)) == sorted(expected.items())
