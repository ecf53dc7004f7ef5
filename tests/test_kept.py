"""What was paid for is kept: pictures by their bytes, every seed's columns, every sighting."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pailitao_spider.results.match_file import MatchFile
from pailitao_spider.results.seed_index import KnownSeed, SeedIndex
from pailitao_spider.results.twins import cause_of, searched_for
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawled, Crawler
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of
from tests.test_going_on import CATALOGUE, assert_whole

Serve = Callable[..., Site]
HEADER = "image,seed_id,sku,sell_price"


@pytest.fixture
def site(serve_sandbox: Serve, crawler: Crawler) -> Site:
    site = serve_sandbox(Gateway(CATALOGUE))
    crawler.use(site, rate=100)
    return site


def matches_of(crawled: Crawled) -> dict[str, set[tuple[str, int, int]]]:
    found: dict[str, set[tuple[str, int, int]]] = {}
    for line in crawled.lines("offers.matches.jsonl"):
        sighting = (line["num_iid"], line["page"], line["rank"])
        assert sighting not in found.setdefault(line["seed_id"], set()), "a sighting stands twice"
        found[line["seed_id"]].add(sighting)
    return found


# a feed against its ledger, seed by seed


def harmed(lines: list[bytes], seeds: set[str], twice: int = 0) -> bytes:
    """Without the lines of some seeds, and some others doubled."""
    kept = [raw for raw in lines if json.loads(raw)["seed_id"] not in seeds]
    return b"".join(kept + kept[:twice])


@pytest.mark.parametrize("twice", [0, 40], ids=["removed", "removed and others doubled"])
def test_only_the_seeds_that_lack_lines_are_searched_again(
    site: Site, crawler: Crawler, twice: int
) -> None:
    numbers = range(12)
    crawler.seeds(*map(photo, numbers))
    before = crawler.crawl()
    full = [seed for seed, line in before.ledger.items() if line["offers_new"]]
    short = set(full[2:4])
    feed = crawler.folder / "offers.jsonl"
    feed.write_bytes(harmed(feed.read_bytes().splitlines(keepends=True), short, twice))
    calls = site.gateway.log.calls

    crawled = crawler.crawl(out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert f"of 2 seeds that its ledger calls done, such as {min(short)}" in crawled.log
    assert site.gateway.log.calls - calls == 2
    assert set(crawled.ids) == {iid for number in numbers for iid in rows_of(number)}
    assert sum(Counter(crawled.ids).values()) == len(set(crawled.ids)) + twice


def test_lines_lost_after_a_kill_come_back_though_unclaimed_ones_outweigh_them(
    site: Site, crawler: Crawler
) -> None:
    numbers = range(12)
    crawler.seeds(*map(photo, numbers))
    ledger = crawler.crawl().ledger
    feed, seeds = crawler.folder / "offers.jsonl", crawler.folder / "offers.seeds.jsonl"
    ended = [seed for seed, line in ledger.items() if line["offers_new"]][:4]
    kept = [raw for raw in seeds.read_bytes().splitlines(keepends=True)
            if json.loads(raw)["seed_id"] in ended]  # fmt: skip
    seeds.write_bytes(b"".join(kept))
    feed.write_bytes(harmed(feed.read_bytes().splitlines(keepends=True), {ended[0]}))

    crawled = crawler.crawl(out="-o")

    assert_whole(crawled, numbers)


def test_lines_without_a_seed_may_be_anybodys() -> None:
    roster = SeedIndex()
    for seed in "abc":
        roster.note_seed(seed, KnownSeed(f"{seed}.jpg", "done", claimed=2))
    assert roster.short_of([("a", "1"), ("a", "2"), ("b", "3"), ("b", "3")]) == {"b": 1, "c": 2}
    assert roster.short_of([("a", "1"), *((None, str(each)) for each in range(5))]) == {}
    assert roster.short_of([(None, "1")]) == {"a": 2, "b": 2, "c": 2}
    roster.close()


@pytest.mark.parametrize("name", ["offers.jsonl", "offers.csv"])
@pytest.mark.usefixtures("site")
def test_a_byte_order_mark_that_an_editor_left_is_read_over(crawler: Crawler, name: str) -> None:
    crawler.seeds(photo(1))
    crawler.crawl("-O", name, out="")
    feed = crawler.folder / name
    feed.write_bytes(b"\xef\xbb\xbf" + feed.read_bytes())
    lines = len(feed.read_bytes().splitlines())

    crawled = crawler.crawl("-o", name, out="")

    assert crawled.exit_code == 0, crawled.log
    assert "1 seeds were done before" in crawled.log
    assert len(feed.read_bytes().splitlines()) == lines


def spoilt_csv(folder: Path) -> None:
    (folder / "offers.csv").write_text("num_iid,seed_id\n9.76838E+14,a\n", encoding="utf-8")


def spoilt_jsonl(folder: Path) -> None:
    (folder / "offers.jsonl").write_text('{"num_iid":"9,76838E+14"}\n', encoding="utf-8")


def nul_ledger(folder: Path) -> None:
    (folder / "offers.jsonl").write_text('{"num_iid":"1","seed_id":"a"}\n', encoding="utf-8")
    line = {"seed_id": "a", "image": photo(1), "status": "done", "offers_new": 1}
    raw = json.dumps(line).encode()
    (folder / "offers.seeds.jsonl").write_bytes(raw + b"\n" + bytes(512) + b"\n" + raw + b"\n")


def deep_line(folder: Path) -> None:
    deep = '{"num_iid":"1","extra":' + "[" * 3000 + "]" * 3000 + "}\n"
    (folder / "offers.jsonl").write_text(deep, encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "name", "words"),
    [
        (spoilt_csv, "offers.csv", "offers.csv:2: num_iid 9.76838E+14 was rounded by a spread"),
        (spoilt_jsonl, "offers.jsonl", "offers.jsonl:1: num_iid 9,76838E+14 was rounded"),
        (nul_ledger, "offers.jsonl", "offers.seeds.jsonl:2: NUL bytes"),
        (deep_line, "offers.jsonl", "offers.jsonl:1: no offer line"),
    ],
)
def test_results_that_cannot_be_gone_on_with_are_one_line_and_no_call(
    site: Site, crawler: Crawler, harm: Callable[[Path], None], name: str, words: str
) -> None:
    harm(crawler.folder)
    before = {path.name: path.read_bytes() for path in crawler.folder.glob("offers*l")}
    crawler.seeds(photo(1))

    crawled = crawler.crawl("-o", name, out="")

    assert crawled.exit_code == 2, crawled.log
    assert words in crawled.log
    assert len(crawled.log.strip().splitlines()) == 1, crawled.log
    assert site.gateway.log.calls == 0
    assert {name: (crawler.folder / name).read_bytes() for name in before} == before


def test_a_csv_in_the_encoding_of_its_settings_is_gone_on_with(
    site: Site, crawler: Crawler
) -> None:
    encoding = ("-s", "FEED_EXPORT_ENCODING=gb18030")
    crawler.seeds(photo(1))
    crawler.crawl("-O", "offers.csv", *encoding, out="")
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl("-o", "offers.csv", *encoding, out="")

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.calls == 2
    text = (crawler.folder / "offers.csv").read_text(encoding="gb18030")
    ids = [line.split(",")[0] for line in text.splitlines()[1:]]
    assert sorted(ids) == sorted({*rows_of(1), *rows_of(2)})


# matches and columns


def two_skus(crawler: Crawler, *more: str) -> None:
    crawler.seeds(HEADER, f"{photo(1)},one,S1,9.9", f"{photo(1)},two,S2,19.9", *more,
                  name="list.csv")  # fmt: skip


def assert_both_are_there(crawled: Crawled) -> None:
    extras = {seed: line["seed_extra"] for seed, line in crawled.ledger.items()}
    assert extras["one"] == {"sku": "S1", "sell_price": "9.9"}
    assert extras["two"] == {"sku": "S2", "sell_price": "19.9"}
    found = matches_of(crawled)
    assert found["one"] == found["two"]
    assert {iid for iid, _, _ in found["one"]} == set(rows_of(1))


def test_two_skus_with_one_photo_keep_their_columns_and_their_matches(
    site: Site, crawler: Crawler
) -> None:
    two_skus(crawler)

    crawled = crawler.crawl(seeds="list.csv")

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.calls == 1
    assert_both_are_there(crawled)
    assert {offer["seed_id"] for offer in crawled.offers} == {"one"}
    assert crawled.offers[0]["seed_extra"] == {"sku": "S1", "sell_price": "9.9"}
    assert crawled.ledger["two"]["reason"] == "same_picture: searched once, for one"


def test_a_further_sku_with_the_photo_of_an_earlier_run_costs_nothing(
    site: Site, crawler: Crawler
) -> None:
    crawler.seeds(HEADER, f"{photo(1)},one,S1,9.9", name="list.csv")
    crawler.crawl(seeds="list.csv")
    two_skus(crawler)

    crawled = crawler.crawl(seeds="list.csv", out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.calls == 1
    assert_both_are_there(crawled)


@pytest.mark.usefixtures("site")
def test_matches_are_written_unless_they_are_switched_off(crawler: Crawler) -> None:
    crawler.seeds(photo(1))
    assert len(matches_of(crawler.crawl())) == 1
    crawler.crawl("-s", "PAILITAO_MATCHES=0")
    assert not (crawler.folder / "offers.matches.jsonl").exists()


def test_a_line_that_is_no_seed_keeps_its_columns(site: Site, crawler: Crawler) -> None:
    crawler.seeds(HEADER, "photos/gone.jpg,G,S9,3", f"{photo(1)},one,S1,9.9", name="list.csv")
    first = crawler.crawl(seeds="list.csv")
    assert first.exit_code == 1
    assert first.ledger["G"]["status"] == "failed"
    assert first.ledger["G"]["seed_extra"] == {"sku": "S9", "sell_price": "3"}
    (crawler.folder / "photos").mkdir()
    shutil.copy(PHOTOS / "mug-01.jpg", crawler.folder / "photos" / "gone.jpg")

    second = crawler.crawl(seeds="list.csv", out="-o")

    assert second.exit_code == 0, second.log
    assert {seed: line["status"] for seed, line in second.ledger.items()} == {
        "G": "done", "one": "done",
    }  # fmt: skip
    assert site.gateway.log.by_method["search"] == 2


def test_workers_and_a_merge_keep_the_columns_and_matches_of_both_skus(
    serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    made = cluster(site, rate=100)
    lines = (HEADER, f"{photo(1)},one,S1,9.9", f"{photo(1)},two,S2,19.9", "no.jpg,bad,S3,1")
    made.push(*lines, name="list.csv")
    made.crawl(workers=1)

    merged = made.merge()

    assert merged.exit_code == 1  # the bad line
    assert site.gateway.log.calls == 1
    assert_both_are_there(merged)
    assert merged.ledger["bad"]["seed_extra"] == {"sku": "S3", "sell_price": "1"}


@pytest.fixture
def match_file(tmp_path: Path) -> Iterator[MatchFile]:
    file = MatchFile(tmp_path / "matches")
    yield file
    file.close()
    file.forget()


def test_sightings_are_copied_with_their_digits(match_file: MatchFile) -> None:
    match_file.path.write_text('{"seed_id":"a","n":0.90}\n{"seed_id":"b","n":1}\n')
    match_file.copy("a", "c")
    match_file.copy("c", "d")
    match_file.copy("nobody", "e")
    match_file.flush()
    assert match_file.path.read_text().splitlines() == [
        '{"seed_id":"a","n":0.90}',
        '{"seed_id":"b","n":1}',
        '{"seed_id":"c","n":0.90}',
        '{"seed_id":"d","n":0.90}',
    ]


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        (None, None),
        ("page 2: transient", None),
        ("same_picture: searched once, for a", "a"),
        ("same_picture: searched once, for a; page 2: transient", "a"),
        ("same_picture: searched once, for a; b", "a; b"),
        ("same_picture: searched once, for gone", None),
    ],
)
def test_a_twins_line_says_whose_rows_it_has(reason: str | None, first: str | None) -> None:
    assert searched_for(reason, {"a", "a; b"}.__contains__) == first


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (None, ""),
        ("bad_seed: 400 imgid: none", "bad_seed"),
        ("repeats", "repeats"),
        ("same_picture: searched once, for a", "same_picture"),
        ("same_picture: searched once, for a; repeats: page 2", "repeats"),
    ],
)
def test_a_reason_begins_with_its_cause(reason: str | None, cause: str) -> None:
    assert cause_of(reason) == cause


# pictures by their bytes


@pytest.fixture
def album(crawler: Crawler) -> Path:
    folder = crawler.folder / "album"
    folder.mkdir()
    shutil.copy(PHOTOS / "mug-01.jpg", folder / "x.jpg")
    return folder


def test_a_photo_replaced_under_its_name_is_searched_and_that_is_said(
    site: Site, crawler: Crawler, album: Path
) -> None:
    crawler.crawl(seeds="album")
    shutil.copy(PHOTOS / "chair-05.jpg", album / "x.jpg")

    second = crawler.crawl(seeds="album", out="-o")
    third = crawler.crawl(seeds="album", out="-o")

    assert "x.jpg: another picture was searched under this name" in second.log
    assert len(second.ledger) == 2
    assert set(second.ids) == {*CATALOGUE.truth("mug-01"), *CATALOGUE.truth("chair-05")}
    assert third.ledger == second.ledger
    assert site.gateway.log.by_method["search"] == 2


@pytest.mark.parametrize("how", ["parent", "absolute", "link", "list", "other-name"])
def test_the_same_photo_by_another_path_is_not_paid_for_again(
    site: Site, crawler: Crawler, album: Path, how: str
) -> None:
    crawler.crawl(seeds="album")
    calls = site.gateway.log.calls
    sources = {"parent": "album/../album", "absolute": str(album), "link": "linked",
               "list": "list.txt", "other-name": "list.txt"}  # fmt: skip
    (crawler.folder / "linked").symlink_to("album")
    shutil.copy(album / "x.jpg", crawler.folder / "copy.jpg")
    crawler.seeds("copy.jpg" if how == "other-name" else "./album/x.jpg", name="list.txt")

    crawled = crawler.crawl(seeds=sources[how], out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.calls == calls
    names = {"x.jpg", "copy.jpg"} if how == "other-name" else {"x.jpg"}
    assert set(crawled.ledger) == names
    assert Counter(crawled.ids) == Counter(CATALOGUE.truth("mug-01"))


def test_one_address_is_one_picture_however_it_is_written(site: Site, crawler: Crawler) -> None:
    url = photo(1)
    host = url.split("/")[2]
    crawler.seeds(
        url, url.replace(host, host.upper()), f"{url}#top", f"{url}\u200b", f"\ufeff{url}"
    )

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert site.gateway.log.calls == 1
    assert crawled.stats["pailitao/seeds/same_picture"] == 4
    assert len(crawled.ledger) == 5


# what cannot come better is not paid for again


def test_a_refused_picture_is_asked_for_again_only_when_it_changed_or_one_says_so(
    serve_sandbox: Serve, crawler: Crawler, album: Path
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, faults=[parse_fault("400:search")]))
    crawler.use(site, rate=100)
    first = crawler.crawl(seeds="album")
    assert first.ledger["x.jpg"]["reason"].startswith("bad_seed"), first.log
    calls = site.gateway.log.calls

    unchanged = crawler.crawl(seeds="album", out="-o")

    assert unchanged.exit_code == 1
    assert "1 seeds were refused or repeated themselves before" in unchanged.log
    assert (site.gateway.log.calls, unchanged.ledger) == (calls, first.ledger)
    assert crawler.crawl("-a", "again=1", seeds="album", out="-o").exit_code == 1
    assert site.gateway.log.calls > calls
    shutil.copy(PHOTOS / "chair-05.jpg", album / "x.jpg")
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    mended = crawler.crawl(seeds="album", out="-o")
    assert mended.exit_code == 0, mended.log
    assert {seed: line["status"] for seed, line in mended.ledger.items()} == {"x.jpg": "done"}


def test_a_search_that_ended_in_repeats_is_as_good_as_it_gets(site: Site, crawler: Crawler) -> None:
    crawler.seeds(photo(1))
    crawler.crawl()
    seeds = crawler.folder / "offers.seeds.jsonl"
    line = json.loads(seeds.read_text()) | {"status": "partial", "reason": "repeats: page 2"}
    seeds.write_text(json.dumps(line) + "\n")
    matches = (crawler.folder / "offers.matches.jsonl").read_bytes()

    left = crawler.crawl(out="-o")

    assert (left.exit_code, site.gateway.log.calls) == (1, 1)
    assert (crawler.folder / "offers.matches.jsonl").read_bytes() == matches
    again = crawler.crawl("-a", "again=1", out="-o")
    assert (again.exit_code, site.gateway.log.calls) == (0, 2)
    assert_whole(again, range(1, 2))


def test_ledgers_are_not_read_by_who_may_not(site: Site, crawler: Crawler) -> None:
    """A ledger that belongs to somebody else is a mistake of one line, too."""
    if os.geteuid() == 0:
        return  # root may write all
    crawler.seeds(photo(1))
    crawler.crawl()
    (crawler.folder / "offers.seeds.jsonl").chmod(0o444)
    crawled = crawler.crawl(out="-o")
    assert crawled.exit_code == 2
    assert "is read-only" in crawled.log
    assert site.gateway.log.calls == 1
