"""A crawl from end to end: pictures in, clean offers out."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.offers.model import Offer
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.protocols.router import METHODS
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import REPOSITORY, Crawler

PHOTOS = REPOSITORY / "examples" / "photos"
CATALOGUE = Catalogue()


def photo(design: str, view: int = 1) -> str:
    return CATALOGUE.photo_url(design, view)


def truth(*designs: str, search_type: int = 1) -> set[str]:
    return {iid for name in designs for iid in CATALOGUE.truth(name, search_type)}


@pytest.fixture
def site(serve_sandbox: Callable[..., Site], crawler: Crawler) -> Site:
    site = serve_sandbox()
    crawler.use(site, rate=200)
    return site


@pytest.mark.usefixtures("site")
def test_a_list_of_urls_becomes_offers_and_a_ledger(crawler: Crawler) -> None:
    crawler.seeds(photo("mug-01"), photo("lamp-02"), "https://sandbox.invalid/photos/empty.jpg")

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert sorted(crawled.ids) == sorted(truth("mug-01", "lamp-02"))
    assert crawled.statuses == {"done": 2, "empty": 1}
    assert sum(line["offers_new"] for line in crawled.ledger.values()) == len(crawled.offers)
    assert list(crawled.offers[0]) == list(Offer.__dataclass_fields__)


@pytest.mark.usefixtures("site")
def test_every_offer_says_where_it_comes_from(crawler: Crawler) -> None:
    crawler.seeds("image,seed_id,sell_price", f"{photo('mug-01')},M1,39.90", name="seeds.csv")

    crawled = crawler.crawl(seeds="seeds.csv")

    offer = crawled.offers[0]
    assert offer["seed_id"] == "M1"
    assert offer["seed_image"] == photo("mug-01")
    assert offer["seed_extra"] == {"sell_price": "39.90"}
    assert (offer["page"], offer["rank"], offer["gateway"]) == (1, 1, "router")
    assert offer["request_id"]
    assert offer["fetched_at"]


def test_pages_after_the_first_are_followed_to_the_end(site: Site, crawler: Crawler) -> None:
    biggest = max(CATALOGUE.designs, key=lambda design: len(CATALOGUE.truth(design.name)))
    expected = CATALOGUE.truth(biggest.name, 1, "price_asc")
    crawler.seeds(photo(biggest.name))

    crawled = crawler.crawl("-a", "page_size=20", "-a", "sort=price_asc")

    by_rank = sorted(crawled.offers, key=lambda offer: offer["rank"])
    assert [offer["num_iid"] for offer in by_rank] == expected
    assert [offer["rank"] for offer in by_rank] == list(range(1, len(expected) + 1))
    pages = -(-len(expected) // 20)
    line = next(iter(crawled.ledger.values()))
    assert (line["pages_expected"], line["pages_fetched"], line["calls"]) == (pages,) * 3
    assert site.gateway.log.by_method["search"] == pages


def test_limits_and_search_type_are_passed_on(site: Site, crawler: Crawler) -> None:
    crawler.seeds(photo("mug-01"))

    similar = crawler.crawl("-a", "search_type=2", "-a", "page_size=20", "-a", "max_pages=2")
    assert len(similar.offers) == 40
    assert set(similar.ids) <= truth("mug-01", search_type=2)

    few = crawler.crawl("-a", "search_type=2", "-a", "page_size=20", "-a", "max_offers=30")
    assert [offer["rank"] for offer in sorted(few.offers, key=lambda o: o["rank"])] == list(
        range(1, 31)
    )
    assert site.gateway.log.by_method["search"] == 4


@pytest.mark.parametrize(
    ("gateway", "uploads"), [("router", 0), ("router?upload=yes", 3)], ids=["in-imgid", "uploaded"]
)
def test_local_photos_are_given_once_and_found(
    site: Site, crawler: Crawler, gateway: str, uploads: int
) -> None:
    crawler.env["PAILITAO_GATEWAY"] = gateway
    photos = sorted(PHOTOS.glob("*.jpg"))[:3]
    for path in photos:
        shutil.copy(path, crawler.folder)
    shutil.copy(photos[0], crawler.folder / "the same again.jpg")

    crawled = crawler.crawl(seeds=crawler.folder)

    assert crawled.exit_code == 0, crawled.log
    assert crawled.statuses == {"done": 4}
    assert site.gateway.log.by_method["upload"] == uploads
    twin = crawled.ledger["the same again.jpg"]
    first = crawled.ledger[photos[0].name]
    assert (twin["calls"], twin["offers_new"]) == (0, 0)
    assert (twin["status"], twin["rows_seen"]) == (first["status"], first["rows_seen"])
    for path in photos:
        design = path.stem
        found = {offer["num_iid"] for offer in crawled.offers if offer["seed_id"] == path.name}
        assert found <= truth(design), "what the sandbox shows for the design itself"


def test_where_the_upload_is_refused_pictures_go_into_the_search(
    site: Site, crawler: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "1688.upload_img")
    crawler.env["PAILITAO_GATEWAY"] = "router?upload=yes"
    photos = sorted(PHOTOS.glob("*.jpg"))[:3]
    crawler.seeds(*photos)

    crawled = crawler.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert set(crawled.ids) == {each for path in photos for each in truth(path.stem)}
    assert crawled.log.count("the gateway takes no uploads (denied: 22 Invalid method") == 1


@pytest.mark.usefixtures("site")
def test_base64_in_any_form_is_a_picture_like_its_file(crawler: Crawler) -> None:
    path = sorted(PHOTOS.glob("*.jpg"))[0]
    text = base64.b64encode(path.read_bytes()).decode()
    crawler.seeds(text, f"data:image/jpeg;base64,{text}", str(path))

    crawled = crawler.crawl()

    assert crawled.statuses == {"done": 3}, crawled.log
    assert len(crawled.offers) == next(iter(crawled.ledger.values()))["offers_new"]
    assert text[:100] not in crawled.log
    assert "base64:" in next(iter(crawled.ledger.values()))["image"]


@pytest.mark.usefixtures("site")
def test_seeds_from_standard_input(crawler: Crawler) -> None:
    path = crawler.seeds(photo("mug-01"), photo("mug-02"))
    with path.open() as stdin:
        crawled = crawler.crawl(seeds="-", stdin=stdin)

    assert crawled.statuses == {"done": 2}, crawled.log
    assert set(crawled.ids) == truth("mug-01", "mug-02")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("crawl", "union"), ("seed", "all"), ("off", "all")],
    ids=["once in the crawl", "once a seed", "every sighting"],
)
@pytest.mark.usefixtures("site")
def test_offers_are_deduplicated_in_the_scope_asked_for(
    crawler: Crawler, scope: str, expected: str
) -> None:
    crawler.seeds(photo("mug-01"), photo("mug-02"), photo("mug-01"))

    crawled = crawler.crawl("-s", f"PAILITAO_DEDUP={scope}", "-s", "PAILITAO_MATCHES=1")

    one, two = CATALOGUE.truth("mug-01"), CATALOGUE.truth("mug-02")
    every = sorted([*one, *two, *one])
    assert sorted(crawled.ids) == (sorted({*one, *two}) if expected == "union" else every)
    assert sorted(line["num_iid"] for line in crawled.lines("offers.matches.jsonl")) == every
    assert crawled.stats["pailitao/calls"] == 2, "the same picture is searched once"


@pytest.mark.usefixtures("site")
def test_filters_keep_what_is_unknown_unless_told_otherwise(crawler: Crawler) -> None:
    crawler.seeds(photo("mug-01"))
    rows = CATALOGUE.search("mug-01")
    fitting = {row["num_iid"] for row in rows if row["one_stop_service"] in (True, "true", 1)}

    crawled = crawler.crawl("-a", "dropship_only=1", "-a", "unknown=drop")

    assert set(crawled.ids) == fitting
    assert crawled.stats["pailitao/offers/filtered"] == len(rows) - len(fitting)
    assert crawled.statuses == {"done": 1}


@pytest.mark.parametrize("name", ["offers.csv", "offers.json"])
@pytest.mark.usefixtures("site")
def test_other_feed_formats_hold_the_same_offers(crawler: Crawler, name: str) -> None:
    crawler.seeds(photo("mug-01"))

    crawled = crawler.crawl("-O", name, out="")

    text = (crawler.folder / name).read_text(encoding="utf-8")
    assert all(iid in text for iid in truth("mug-01")), crawled.log
    assert "10.40" in text, "the digits of money are kept"
    assert crawled.statuses == {"done": 1}


@pytest.mark.parametrize(
    "lies",
    [
        {"page_size_cap": 20},
        {"pagecount_lie": 10**9},
        {"total_lie": 1},
        {"page_size_cap": 20, "repeat_after": 2},
        {"envelope": "jsonp"},
        {"envelope": "bom"},
        {"envelope": "json-in-json"},
        {"envelope": "items-list", "page_size_cap": 20},
    ],
    ids=str,
)
def test_a_gateway_that_lies_about_pages_is_seen_through(
    serve_sandbox: Callable[..., Site], crawler: Crawler, lies: dict[str, object]
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, **lies))  # type: ignore[arg-type]
    crawler.use(site, rate=500)
    biggest = max(CATALOGUE.designs, key=lambda design: len(CATALOGUE.truth(design.name))).name
    crawler.seeds(photo(biggest))

    crawled = crawler.crawl("-a", "page_size=50")

    every = CATALOGUE.truth(biggest, 1, "sale_desc")
    reachable = every[:40] if "repeat_after" in lies else every
    assert sorted(crawled.ids) == sorted(reachable), crawled.log
    assert site.gateway.log.by_method["search"] < 30
    assert crawled.statuses == {"done": 1}


def test_a_first_page_that_lacks_the_rows_it_reports_is_no_empty_result(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE, total_lie=892)), rate=200, transient_tries=2)
    crawler.seeds("https://sandbox.invalid/photos/empty.jpg")

    crawled = crawler.crawl()

    line = crawled.ledger["empty.jpg"]
    assert (line["status"], line["calls"]) == ("failed", 2)
    assert line["reason"] == "transient: no rows of 892 reported"


def test_odd_rows_are_kept_rejected_or_explained_never_dropped(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    catalogue = Catalogue(messy=True)
    crawler.use(serve_sandbox(Gateway(catalogue)), rate=200)
    designs = [design.name for design in catalogue.designs[:12]]
    crawler.seeds(*(catalogue.photo_url(name, 1) for name in designs))
    rows = [row for name in designs for row in catalogue.search(name)]
    with_id = {str(row["num_iid"]) for row in rows if row.get("num_iid")}

    crawled = crawler.crawl()

    assert set(crawled.ids) == with_id
    rejected = crawled.lines("offers.rejected.jsonl")
    assert len(rejected) == sum(1 for row in rows if not row.get("num_iid"))
    assert all(line["reason"] == "no_id" and line["raw"] for line in rejected)
    assert len(rejected) == crawled.stats["pailitao/offers/rejected"]
    assert all("<" not in (offer["title"] or "") for offer in crawled.offers)


def test_the_embedded_sandbox_needs_no_key(crawler: Crawler) -> None:
    crawler.env["PAILITAO_SANDBOX"] = "latency=0.01"
    crawler.seeds(photo("mug-01"))

    crawled = crawler.crawl()

    assert set(crawled.ids) == truth("mug-01"), crawled.log
    assert {offer["gateway"] for offer in crawled.offers} == {"sandbox"}


def test_the_lists_of_photos_that_ship_find_their_design() -> None:
    for path in sorted(Path(PHOTOS).glob("*.jpg")):
        found = {row["num_iid"] for row in CATALOGUE.search(path.read_bytes())}
        assert found & truth(path.stem), path.name


@pytest.mark.usefixtures("site")
def test_a_crawl_whose_output_nobody_reads_goes_on_to_its_end(crawler: Crawler) -> None:
    """As behind `| head`, or a pager that was left."""
    crawler.seeds(photo("mug-01"), photo("lamp-02"))

    process = crawler.start("-L", "DEBUG")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=240) == 0
    assert set(crawler.result().ids) == truth("mug-01", "lamp-02")
    assert crawler.result().statuses == {"done": 2}
