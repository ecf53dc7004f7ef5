"""A user's mistakes: one clear line each, no traceback, nothing sent, nothing lost."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pailitao_spider.sandbox.server import Site
from tests.crawling import Crawled, Crawler
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of


def refused_at_once(crawled: Crawled) -> str:
    """The one line that is printed for a mistake, instead of a crawl."""
    lines = crawled.log.strip().splitlines()
    assert crawled.exit_code == 2, crawled.log
    assert len(lines) == 1, crawled.log
    assert not (crawled.folder / "offers.seeds.jsonl").exists()
    return lines[0]


@pytest.fixture
def site(serve_sandbox: Callable[..., Site], crawler: Crawler) -> Site:
    site = serve_sandbox()
    crawler.use(site, rate=200)
    crawler.seeds(photo(1))
    return site


@pytest.mark.parametrize("name", ["PAILITAO_APP_KEY", "PAILITAO_APP_SECRET"])
@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
@pytest.mark.usefixtures("site")
def test_a_missing_key_names_the_setting_and_the_sandbox(
    crawler: Crawler, name: str, value: str | None
) -> None:
    del crawler.env[name]
    if value is not None:
        crawler.env[name] = value

    line = refused_at_once(crawler.crawl())

    assert line.startswith(f"{name} not set")
    assert "PAILITAO_SANDBOX=1" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-s", "PAILITAO_GATEWAY=taobao"], "no gateway: known are router"),
        (["-s", "PAILITAO_GATEWAY=router?sign_method=sha9"], "router has no sign_method='sha9'"),
        (["-s", "PAILITAO_RATE=fast"], "PAILITAO_RATE: 'fast' is not a number"),
        (["-s", "PAILITAO_RATE=0"], "PAILITAO_RATE: '0' is not a number of calls a second above 0"),
        (["-s", "PAILITAO_URL=api.1688.com"], "PAILITAO_URL: 'api.1688.com' is not an http(s) URL"),
        (["-s", "PAILITAO_DEDUP=all"], "crawl or seed or off"),
        (["-s", "PAILITAO_SANDBOX=speed=3"], "sandbox option 'speed' is none of"),
        (["-a", "sort=cheap"], "-a sort=cheap: must be sale_desc or price_asc"),
        (["-a", "page_size=0"], "-a page_size=0: must be a whole number from 1 to 100"),
        (["-a", "page_size=500"], "from 1 to 100"),
        (["-a", "search_type=3"], "1 (same item) or 2 (similar ones)"),
        (["-a", "min_similarity=90"], "from 0 to 1"),
        (["-a", "max_price=cheap"], "an amount in yuan"),
        (["-a", "max_pages=-1"], "a whole number of at least 1"),
        (["-a", "min_price=9", "-a", "max_price=3"], "no offer fits"),
        (["-a", "maxpages=3"], "there is no such argument; known are seeds"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_bad_setting_or_argument_is_one_line_before_any_call(
    site: Site, crawler: Crawler, arguments: list[str], words: str
) -> None:
    line = refused_at_once(crawler.crawl(*arguments))
    assert words in line
    assert site.gateway.log.calls == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nowhere.csv", None, "nowhere.csv"),
        ("empty.txt", b"", "empty.txt"),
        ("blank.txt", b"\n\n\n", "no seed"),
        ("header.csv", b"image,seed_id\n", "no seed"),
        ("columns.csv", b"link,name\na.jpg,b\n", "image"),
        ("seeds.docx", b"x", "seeds.docx"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line(
    site: Site, crawler: Crawler, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (crawler.folder / name).write_bytes(content)

    line = refused_at_once(crawler.crawl(seeds=name))

    assert words in line
    assert site.gateway.log.calls == 0


@pytest.mark.usefixtures("site")
def test_a_folder_without_a_picture_is_one_line(crawler: Crawler) -> None:
    (crawler.folder / "photos").mkdir()
    (crawler.folder / "photos" / "notes.md").write_text("no picture")
    assert "photos" in refused_at_once(crawler.crawl(seeds="photos"))


def _png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


def test_pictures_that_cannot_be_searched_fail_alone_with_their_reason(
    site: Site, crawler: Crawler
) -> None:
    folder = crawler.folder / "photos"
    folder.mkdir()
    good = (PHOTOS / "mug-01.jpg").read_bytes()
    (folder / "good.jpg").write_bytes(good)
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "cut.jpg").write_bytes(good[: len(good) // 2])
    (folder / "huge.png").write_bytes(_png_header(20_000, 10_000))
    (folder / "empty.jpg").write_bytes(b"")

    crawled = crawler.crawl(seeds="photos")

    assert crawled.exit_code == 1
    assert "Traceback" not in crawled.log, crawled.log
    reasons = {name: line["reason"] for name, line in crawled.ledger.items()}
    assert reasons.pop("good.jpg") is None
    assert {name: reason.split(":")[0] for name, reason in reasons.items()} == {
        "text.jpg": "not_a_picture",
        "cut.jpg": "truncated_picture",
        "huge.png": "too_many_pixels",
        "empty.jpg": "empty_file",
    }
    assert all(name in crawled.log for name in reasons)
    assert site.gateway.log.by_method["upload"] == 0


def test_bad_lines_are_told_with_file_and_line_and_stop_nobody(
    site: Site, crawler: Crawler
) -> None:
    crawler.seeds(
        photo(1),
        "ftp://files.example/shoe.jpg",
        "photos/gone.jpg",
        "ldap://elsewhere/shoe.jpg",
        "data:image/png;base64,%%%%",
        photo(2),
    )

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert set(crawled.ids) == {*rows_of(1), *rows_of(2)}
    assert crawled.statuses == {"done": 2, "failed": 4}
    for number, seed_id in ((2, None), (3, "gone.jpg"), (4, None), (5, None)):
        assert f"seeds.txt:{number}: " in crawled.log
        assert crawled.ledger[seed_id or f"seeds.txt:{number}"]["status"] == "failed"
    assert crawled.stats["pailitao/seeds/failed"] == 4
    assert site.gateway.log.calls == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.usefixtures("site")
def test_tables_as_spreadsheets_save_them_are_read(crawler: Crawler, encoding: str) -> None:
    text = f"seed_id,image,备注\n鞋子,{photo(1)},现货\n"
    (crawler.folder / "seeds.csv").write_bytes(text.encode(encoding))

    crawled = crawler.crawl(seeds="seeds.csv")

    assert crawled.exit_code == 0, crawled.log
    assert crawled.offers[0]["seed_id"] == "鞋子"
    assert crawled.offers[0]["seed_extra"] == {"备注": "现货"}


@pytest.mark.usefixtures("site")
def test_a_feed_that_cannot_be_written_is_one_line(crawler: Crawler) -> None:
    crawled = crawler.crawl("-O", "/proc/offers.jsonl", out="")
    assert crawled.exit_code == 2
    assert crawled.log.startswith("/proc/offers.jsonl cannot be written")
    assert len(crawled.log.splitlines()) == 1


@pytest.mark.usefixtures("site")
def test_a_json_feed_cannot_be_gone_on_with(crawler: Crawler) -> None:
    assert crawler.crawl("-O", "offers.json", out="").exit_code == 0
    crawled = crawler.crawl("-o", "offers.json", out="")
    assert crawled.exit_code == 2
    assert "use -o with .jsonl or .csv" in crawled.log


@pytest.mark.usefixtures("site")
def test_a_mistake_leaves_an_earlier_feed_as_it_is(crawler: Crawler) -> None:
    before = crawler.crawl().ids
    del crawler.env["PAILITAO_APP_KEY"]

    assert crawler.crawl().exit_code == 2
    assert crawler.result().ids == before


def test_a_gateway_that_answers_nonsense_fails_the_seeds_not_the_run(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    from pailitao_spider.sandbox.faults import parse_fault

    crawler.use(serve_sandbox(faults=(parse_fault("html@%1"),)), rate=200, transient_tries=2)
    crawler.seeds(photo(1), photo(2))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.statuses == {"failed": 2}
    assert all("transient" in line["reason"] for line in crawled.ledger.values())


def test_nobody_listening_stops_the_run_and_leaves_the_seeds(crawler: Crawler) -> None:
    crawler.env |= {
        "PAILITAO_URL": "http://127.0.0.1:9/router/rest",
        "PAILITAO_APP_KEY": "k",
        "PAILITAO_APP_SECRET": "s",
        "PAILITAO_TRANSIENT_TRIES": "2",
    }
    crawler.seeds(photo(1))

    crawled = crawler.crawl()

    assert crawled.exit_code == 1
    assert crawled.stats["finish_reason"] == "pailitao_unreachable"
    assert crawled.ledger == {}
    assert "no answer of 127.0.0.1:9 has ever come" in crawled.log
    assert "Traceback" not in crawled.log


@pytest.mark.usefixtures("site")
def test_a_seed_list_may_hold_base64_in_json_lines(crawler: Crawler) -> None:
    picture = io.BytesIO()
    Image.open(PHOTOS / "mug-01.jpg").convert("RGBA").save(picture, "WEBP")
    line = {"image": base64.b64encode(picture.getvalue()).decode(), "seed_id": "M", "cost": 3.5}
    Path(crawler.folder / "seeds.jsonl").write_text(json.dumps(line) + "\n")

    crawled = crawler.crawl(seeds="seeds.jsonl")

    assert crawled.exit_code == 0, crawled.log
    assert (
        crawled.offers[0]["seed_extra"] == {"cost": 3.5}
        or str(crawled.offers[0]["seed_extra"]["cost"]) == "3.5"
    )


@pytest.mark.parametrize(
    ("source", "out"),
    [("list.jsonl", "list.jsonl"), ("a.seeds.jsonl", "a.jsonl")],
    ids=["feed", "ledger"],
)
@pytest.mark.parametrize("how", ["-O", "-o"])
@pytest.mark.usefixtures("site")
def test_the_list_of_seeds_is_never_written_over(
    crawler: Crawler, source: str, out: str, how: str
) -> None:
    path = crawler.folder / source
    path.write_text(json.dumps({"image": photo(1)}) + "\n")
    before = path.read_bytes()

    crawled = crawler.crawl(how, out, seeds=source, out="")

    assert crawled.exit_code == 2
    assert "is the list of seeds" in crawled.log
    assert path.read_bytes() == before
