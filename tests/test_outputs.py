"""A feed is there, or nothing is sent and nothing is claimed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings
from scrapy.utils.project import get_project_settings

from pailitao_spider.config.feeds import FeedTarget, local_feeds
from pailitao_spider.crawl.preflight import check
from pailitao_spider.errors import PailitaoError, ResultsError
from pailitao_spider.results.lines import LineFile
from pailitao_spider.results.watched_files import HeldFile
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import Crawled, Crawler
from tests.test_bad_input import refused_at_once
from tests.test_crawl import PHOTOS
from tests.test_faults import photo
from tests.test_going_on import CATALOGUE, assert_whole, held_open

Serve = Callable[..., Site]
FEED_EXPORTER = "scrapy.extensions.feedexport.FeedExporter"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pailitao_spider.settings")
    found = get_project_settings()
    found.set("PAILITAO_SANDBOX", "1")
    return found


def refusal(settings: Settings, **given: Any) -> str:
    """The one line that a crawl with these settings is refused with, before anything is sent."""
    for name, value in given.items():
        settings.set(name, value, priority="cmdline")
    with pytest.raises(PailitaoError) as caught:
        check(settings, {"seeds": str(PHOTOS / "mug-01.jpg")})
    text = str(caught.value)
    assert "\n" not in text
    return text


def feeds(*uris: str, **options: Any) -> dict[str, dict[str, Any]]:
    """Each under the format that its name ends with."""
    return {uri: {"format": Path(uri).suffix[1:], **options} for uri in uris}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"FEEDS": feeds("ok.jsonl", "s3://b/x.jsonl")}, "missing boto3", id="s3"),
        pytest.param({"FEEDS": feeds("hdfs://h/x.jsonl")}, "no feed storage hdfs://", id="hdfs"),
        pytest.param({"FEEDS": feeds("https://h/x.jsonl")}, "no feed storage https", id="https"),
        pytest.param(
            {"FEEDS": feeds("ok.jsonl"), "FEED_EXPORT_BATCH_ITEM_COUNT": 9},
            "ok.jsonl: FEED_EXPORT_BATCH_ITEM_COUNT=9",
            id="batches",
        ),
        pytest.param(
            {"FEEDS": feeds("ok.jsonl", batch_item_count=9)}, "%(batch_id)d", id="one-feeds-batches"
        ),
        pytest.param(
            {"FEEDS": feeds("ok.jsonl"), "EXTENSIONS": {FEED_EXPORTER: None}},
            "EXTENSIONS switches the feed exporter off",
            id="exporter-off",
        ),
        pytest.param({"FEEDS": feeds("x.marshal")}, ".marshal cannot hold an offer", id="marshal"),
        pytest.param({"FEEDS": feeds("x.pickle")}, ".pickle cannot hold an offer", id="pickle"),
        pytest.param({"FEEDS": {"x": {"format": "yaml"}}}, "no feed format 'yaml'", id="format"),
        pytest.param({"FEEDS": {"x": {}}}, "x: its feed has no format", id="no-format"),
        pytest.param(
            {"FEEDS": {"x.jl": {"format": "odd"}}, "FEED_EXPORTERS": {"odd": "no.such.Exporter"}},
            "FEED_EXPORTERS: 'no.such.Exporter' cannot be loaded",
            id="exporter-that-is-not-there",
        ),
        pytest.param(
            {"FEEDS": feeds("x.jl"), "FEED_STORAGES": {"odd": "no.such.Storage"}},
            "FEED_STORAGES: 'no.such.Storage' cannot be loaded",
            id="storage-that-is-not-there",
        ),
        pytest.param(
            {"FEEDS": feeds("x.csv"), "FEED_EXPORT_ENCODING": "latin-1"},
            "x.csv: latin-1 cannot hold every title",
            id="latin-1",
        ),
        pytest.param(
            {"FEEDS": feeds("x.csv", encoding="gbk")}, "gbk cannot hold every title", id="gbk"
        ),
        pytest.param(
            {"FEEDS": feeds("x.csv"), "FEED_EXPORT_ENCODING": "utf9"},
            "FEED_EXPORT_ENCODING=utf9: there is no such encoding",
            id="unknown-encoding",
        ),
        pytest.param(
            {"FEEDS": feeds("x.csv", item_export_kwargs={"quoting": "some"})},
            ".csv cannot hold an offer (TypeError",
            id="exporter-arguments",
        ),
        pytest.param({"FEEDS": feeds("a.jsonl", "./a.jsonl")}, "one file", id="dot-slash"),
        pytest.param(
            {"FEEDS": feeds("a.jsonl", "../{folder}/a.jsonl")}, "one file", id="parent-folder"
        ),
        pytest.param({"FEEDS": feeds("a.jsonl", "link.jsonl")}, "one file", id="symlink"),
        pytest.param({"FEEDS": feeds("a.jsonl", "hard.jsonl")}, "one file", id="hard-link"),
        pytest.param({"FEEDS": feeds("a.jsonl", "a.seeds.jsonl")}, "one file", id="feed-is-ledger"),
        pytest.param({"FEEDS": feeds("folder.jsonl")}, "folder.jsonl is a folder", id="folder"),
        pytest.param(
            {"FEEDS": feeds("side.jsonl")}, "side.rejected.jsonl is a folder", id="side-folder"
        ),
        pytest.param({}, "no output: what is paid for would be kept nowhere", id="no-feed"),
    ],
)
def test_an_output_that_cannot_be_used_is_one_line_before_any_call(
    settings: Settings, tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    os.link(tmp_path / "a.jsonl", tmp_path / "hard.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "side.rejected.jsonl").mkdir()
    text = json.dumps(given).replace("{folder}", tmp_path.name)

    assert words in refusal(settings, **json.loads(text))


def test_a_password_of_a_feed_is_not_shown(settings: Settings) -> None:
    text = refusal(settings, FEEDS=feeds("sftp://me:hunter2@h/x.jsonl"))
    assert "hunter2" not in text
    assert "sftp://h/x.jsonl" in text


@pytest.mark.parametrize(
    "given",
    [
        {"FEEDS": feeds("a.csv", encoding="gb18030")},
        {"FEEDS": feeds("a.csv", encoding="gbk", item_export_kwargs={"errors": "replace"})},
        {"FEEDS": feeds("a-%(batch_id)d.jsonl", batch_item_count=9)},
        {"FEEDS": feeds("a.jsonl", "a.csv", "a.xlsx", "a.parquet", "a.xml", "a.json",
                        overwrite=True)},
        {"FEEDS": {"stdout:": {"format": "jsonlines"}}},
        {"FEED_URI": "old.jsonl"},
        {"ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1}},
        {"FEEDS": feeds("a.jsonl"), "EXTENSIONS": {
            FEED_EXPORTER: None, "pailitao_spider.exporters.feed_exporter.DurableFeedExporter": 0}},
    ],
    ids=["gb18030", "gbk-as-told", "batches", "formats", "stdout", "feed-uri", "own-pipeline",
         "named-exporter"],
)  # fmt: skip
def test_outputs_that_can_be_used_are_let_through(
    settings: Settings, given: dict[str, Any]
) -> None:
    for name, value in given.items():
        settings.set(name, value, priority="cmdline")
    check(settings, {"seeds": str(PHOTOS / "mug-01.jpg")})


def test_a_refused_output_costs_no_call_and_leaves_the_good_feed(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    crawler.use(site, rate=100)
    crawler.seeds(photo(1))
    before = crawler.crawl().ids
    calls = site.gateway.log.calls
    (crawler.folder / "offers.seeds.jsonl").rename(crawler.folder / "kept")

    refused_at_once(crawler.crawl("-o", "s3://bucket/x.jsonl", out="-o"))

    assert crawler.result().ids == before
    assert site.gateway.log.calls == calls


def test_an_exporter_that_vouches_for_nothing_is_refused_by_the_session_too(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """Scrapy's own, placed by hand: nothing tells what it has written."""
    site = serve_sandbox(Gateway(CATALOGUE))
    crawler.use(site, rate=100)
    crawler.seeds(photo(1))

    crawled = crawler.crawl("-s", f'EXTENSIONS={{"{FEED_EXPORTER}": 0}}')

    assert crawled.exit_code == 2
    assert "EXTENSIONS: the feed exporter of this project is off" in crawled.log
    assert crawled.ledger == {}
    assert site.gateway.log.calls == 0


def test_a_feed_uri_of_an_old_project_is_a_feed(settings: Settings) -> None:
    settings.set("FEED_URI", "old.jsonl")
    settings.set("FEED_FORMAT", "jsonlines")
    assert local_feeds(settings) == [FeedTarget(Path("old.jsonl"), "jsonlines", overwrite=False)]


# names that lead elsewhere


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _remove_feed(folder: Path) -> None:
    (folder / "offers.jsonl").unlink()


def _rename_feed(folder: Path) -> None:
    (folder / "offers.jsonl").rename(folder / "mine.jsonl")


def _replace_feed(folder: Path) -> None:
    (folder / "new").write_bytes((folder / "offers.jsonl").read_bytes())
    (folder / "new").replace(folder / "offers.jsonl")


def _cut_feed(folder: Path) -> None:
    os.truncate(folder / "offers.jsonl", 0)


def _remove_ledger(folder: Path) -> None:
    (folder / "offers.seeds.jsonl").unlink()


def _cut_ledger(folder: Path) -> None:
    os.truncate(folder / "offers.seeds.jsonl", 0)


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (_remove_folder, "removed"),
        (_remove_feed, "removed"),
        (_rename_feed, "renamed"),
        (_replace_feed, "replaced"),
        (_cut_feed, "was cut to"),
        (_remove_ledger, "removed"),
        (_cut_ledger, "was cut to"),
    ],
)
def test_what_is_harmed_under_a_run_stops_it_and_going_on_makes_it_whole(
    serve_sandbox: Serve, crawler: Crawler, harm: Callable[[Path], None], word: str
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=40)
    numbers = range(40)
    crawler.seeds(*map(photo, numbers))
    folder = crawler.folder / "out"
    feed = str(folder / "offers.jsonl")
    process = crawler.start("-O", feed, out="")
    ledger, end = folder / "offers.seeds.jsonl", time.monotonic() + 20
    while not (ledger.exists() and ledger.stat().st_size > 500) and time.monotonic() < end:
        time.sleep(0.02)

    harm(folder)

    log, _ = process.communicate(timeout=240)
    assert process.returncode == 1, log
    assert word in log
    assert "Traceback" not in log
    stats = json.loads((crawler.folder / "stats.json").read_text())
    assert stats["finish_reason"] == "pailitao_disk"
    assert stats["pailitao/calls"] < 40
    rest = crawler.crawl("-o", feed, out="")
    assert rest.exit_code == 0, rest.log
    assert_whole(Crawled(0, "", folder), numbers)


def test_a_feed_that_is_removed_before_its_first_offer_stops_the_run(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """With -o the file holds what was paid for before; a new one in its place would hide that."""
    crawler.use(serve_sandbox(Gateway(CATALOGUE, latency_seconds=1.0)), rate=100)
    crawler.seeds(photo(1))
    crawler.crawl()
    crawler.seeds(photo(1), photo(2))
    process = crawler.start(out="-o")
    assert crawler.site is not None
    log = crawler.site.gateway.log
    end, before = time.monotonic() + 20, log.calls
    while log.calls == before and time.monotonic() < end:
        time.sleep(0.02)

    (crawler.folder / "offers.jsonl").unlink()

    said, _ = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "offers.jsonl was re" in said  # removed, or replaced by a new one already
    assert crawler.crawl(out="-o").exit_code == 0
    assert_whole(crawler.result(), range(1, 3))


@pytest.mark.parametrize("option", ["-O", "-o"])
def test_a_run_that_is_ended_before_it_begins_leaves_no_empty_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    feeds = {"results/offers.jsonl": {"format": "jsonlines", "overwrite": option == "-O"}}
    settings = Settings({"PAILITAO_SANDBOX": "1", "FEEDS": feeds})

    check(settings, {"seeds": str(PHOTOS / "mug-01.jpg")})

    assert list((tmp_path / "results").iterdir()) == []


def test_a_second_run_through_a_link_is_refused(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=100)
    crawler.seeds(*map(photo, range(30)))
    first = held_open(crawler, range(30))
    (crawler.folder / "link.jsonl").symlink_to("offers.jsonl")

    second = crawler.crawl("-o", "link.jsonl", out="")

    assert second.exit_code == 2
    assert "another run is writing these results" in second.log
    first.communicate(timeout=240)
    assert_whole(crawler.result(), range(30))


def test_a_worker_acknowledges_nothing_once_its_feed_is_gone(
    serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE))
    made = cluster(site, rate=20)
    made.push(*map(photo, range(60)))
    worker = made.start("-a", "until_empty=1")
    made.until(lambda: bool(made.feed_ids))

    shutil.rmtree(made.folder / "results")

    acked = made.status()["done"]
    assert made.wait(worker) == 1
    assert "pailitao_disk" in made.log(worker) or "removed or renamed" in made.log(worker)
    after = made.status()["done"]
    assert after - acked <= 8  # one exchange may have been under way
    assert after < 60


# the parts


def test_lines_for_a_name_that_leads_elsewhere_are_no_success(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "lines")
    file.append(1)
    assert file.flush() is not None
    (tmp_path / "lines").rename(tmp_path / "other")
    file.append(2)
    with pytest.raises(OSError, match="removed or renamed"):
        file.flush()
    file.close()


def test_a_file_cut_between_two_flushes_is_noticed_though_it_has_grown_since(
    tmp_path: Path,
) -> None:
    file = LineFile(tmp_path / "lines")
    file.append("a")
    file.flush()
    os.truncate(tmp_path / "lines", 0)
    file.append("b" * 100)
    with pytest.raises(OSError, match="was cut to 0 of 4 bytes"):
        file.flush()
    with pytest.raises(OSError, match="was cut"):
        file.close()


def test_a_file_that_others_append_to_is_nobodys_loss(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "lines")
    file.append(1)
    file.flush()
    with (tmp_path / "lines").open("ab") as other:
        other.write(b"more\n")
    file.append(2)
    assert file.flush() is not None
    file.close()
    assert (tmp_path / "lines").read_bytes() == b"1\nmore\n2\n"


def test_a_file_is_held_once_by_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "feed").touch()
    (tmp_path / "link").symlink_to("feed")
    held = HeldFile(tmp_path / "feed")
    with pytest.raises(ResultsError, match="another run"):
        HeldFile(tmp_path / "link")
    held.close()
    HeldFile(tmp_path / "link").close()


def test_a_device_is_held_by_nobody() -> None:
    HeldFile(Path("/dev/null")).check()
