"""The report as a decision, in a real Chromium: best offers, table, address, shortlist, paper."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from pailitao_spider.analysis.ids import read_picks
from pailitao_spider.analysis.terms import Terms
from tests.crawling import REPOSITORY
from tests.test_questions import feed, ledger, line
from tests.test_report_browser import Reader, browser, made, narrow, reader, window

__all__ = ["browser", "narrow", "reader", "window"]

D = Decimal
TERMS = Terms(quantity=10, rate=D("0.14"), currency="USD")
SELL = {"sell_price": "9.90"}
MORE: dict[str, Any] = {"min_order": 1, "post_fee": 0, "unit": "个", "seed_extra": SELL}
OFFERS = (
    line("101", title="杯 一", title_translated="Mug one", price=D("20"), similarity=D("0.9"),
         seller_id="s1", seller_nick="金鹏", area="浙江 台州", is_factory=True, shop_years=8,
         repurchase_rate=D("0.62"), seller_badges=["严选"], category_name="杯子",
         extra={"region": "10,90,20,80"}, seed_image="mug.jpg", **MORE),
    line("102", title="杯 二", price=D("10"), similarity=D("0.8"), seller_id="s2",
         seller_nick="金鹏贸易", area="广东 深圳", is_factory=False, category_name="杯子", **MORE),
    line("103", title="杯 三", price=D("30"), similarity=D("0.95"), seller_id="s1",
         seller_nick="金鹏", area="浙江 台州", **MORE),
    line("104", title="杯 三又", price=D("30"), similarity=D("0.95"), seller_id="s1",
         seller_nick="金鹏", area="浙江 台州", **MORE),
    line("105", title="杯 四", price=D("1"), similarity=D("0.7"), **{**MORE, "unit": "套"}),
    line("106", price=D("15"), similarity=D("0.6"), seller_id="s3", seller_nick="别人", **MORE),
    line("201", title="灯", price=D("49.6"), price_min=D("60"), price_max=D("40"), seed_id="b",
         sales=5000, sales_window="total", seller_id="s2", seller_nick="金鹏贸易"),
    line("202", title="灯 月", price=D("50"), seed_id="b", sales=4500, sales_window="30d"),
    line("203", title="灯 周", price=D("51"), seed_id="b", sales=4000, sales_window="7d",
         currency="USD"),
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decision")
    Image.new("RGB", (200, 100), "teal").save(folder / "mug.jpg")
    path = feed(folder, *OFFERS)
    ledger(path, a="done", b="done")
    return made(path, terms=TERMS)


def table_ids(reader: Reader) -> list[str]:
    links = reader.page.locator("#table tbody th a").evaluate_all("all => all.map(a => a.href)")
    return [link.rpartition("/")[2].removesuffix(".html") for link in links]


# best of each photo


def test_the_best_three_of_each_photo_stand_by_landed_cost_with_their_margin(
    reader: Reader, report: Path
) -> None:
    reader.open(report)
    reader.pick(-1)
    reader.page.click("[data-layout=best]")
    rows = reader.page.locator(".best-row")
    assert rows.count() == 2
    first = rows.nth(0).locator(".best").all_inner_texts()
    assert rows.nth(0).locator(".place").all_inner_texts() == [
        "1. USD 1.40",
        "2. USD 2.10",
        "3. USD 2.80",
    ]
    assert "USD 8.50 · 85.9%" in first[0]
    reader.page.fill("#min-similarity", "85")
    first = rows.nth(0).locator(".best").all_inner_texts()
    assert rows.nth(0).locator(".place").all_inner_texts() == [
        "1. USD 2.80",
        "2. USD 4.20",
        "3. USD 4.20",
    ]


def test_what_is_sold_by_another_unit_comes_last_and_says_so(reader: Reader, report: Path) -> None:
    reader.open(report)
    reader.page.fill("#max-price", "2")
    reader.page.click("[data-layout=best]")
    assert "another unit" in reader.page.inner_text(".best")


# table


def test_the_table_sorts_by_a_click_on_its_heads_and_shows_chosen_columns(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    reader.open(report)
    page.click("[data-layout=table]")
    assert table_ids(reader) == ["103", "101", "102", "105", "106"]  # 104 is alike to 103
    page.click("#table thead button:text('Price')")
    assert table_ids(reader) == ["105", "102", "106", "101", "103"]
    assert page.get_attribute("#table th[aria-sort]", "aria-sort") == "ascending"
    page.click("#table thead button:text('Price')")
    assert table_ids(reader)[0] == "103"
    page.click("#choose-columns summary")
    page.check("#columns label:has-text('Buy again') input")
    page.uncheck("#columns label:has-text('Postage') input")
    heads = page.locator("#table thead th").all_inner_texts()
    assert "Buy again" in heads
    assert "Postage" not in heads
    page.reload()
    assert "Buy again" in page.locator("#table thead th").all_inner_texts()


# order and prices


def test_sales_of_days_come_before_those_of_all_times(reader: Reader, report: Path) -> None:
    reader.open(report)
    reader.pick(1)
    reader.page.select_option("#sort", "sales")
    assert reader.ids == ["203", "202", "201"]
    reader.page.click("#direction")
    assert reader.ids == ["202", "203", "201"]


def test_prices_have_two_digits_ranges_their_order_and_currencies_their_name(
    reader: Reader, report: Path
) -> None:
    reader.open(report)
    reader.pick(1)
    lamp = reader.page.locator(".card", has=reader.page.locator("a[href$='/201.html']"))
    assert lamp.locator(".price").inner_text() == "¥49.60"
    dollar = reader.page.locator(".card", has=reader.page.locator("a[href$='/203.html']"))
    assert dollar.locator(".price").inner_text() == "USD 51.00"
    reader.page.fill("#max-price", "45")
    reader.page.uncheck("#keep-unknown")
    assert reader.ids == ["201"]


def test_the_histogram_ends_at_prices_that_are_asked(reader: Reader, report: Path) -> None:
    reader.open(report)
    assert reader.page.locator(".prices text").all_text_contents() == ["¥1.00", "¥30.00"]


# who and where


def test_a_click_on_a_supplier_shows_that_supplier_alone(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    page.click(".card >> text=金鹏 >> nth=0")
    assert sorted(reader.ids) == ["101", "103", "104"]
    assert page.inner_text("#seller-chip") == "Supplier: 金鹏 ✕"
    page.click("#seller-chip")
    assert len(reader.ids) == 9
    page.click("[data-view=overview]")
    page.click("[data-seller=金鹏]")
    assert sorted(reader.ids) == ["101", "103", "104"]
    page.fill("#text", "别人")
    page.click("#seller-chip")
    assert reader.ids == ["106"]


def test_facets_count_what_is_filtered_and_areas_are_read_in_letters(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    reader.open(report)
    reader.pick(0)
    areas = page.locator("#area option").all_text_contents()
    assert "Zhejiang Taizhou 浙江 台州 (3)" in areas
    page.fill("#max-price", "12")
    assert "Zhejiang Taizhou 浙江 台州 (0)" in page.locator("#area option").all_text_contents()
    assert page.locator("#category option").nth(1).text_content() == "杯子 (1)"
    page.click("#language")
    assert "浙江 台州 (0)" in page.locator("#area option").all_text_contents()


def test_badges_and_translated_titles_are_shown(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    mug = page.locator(".card", has=page.locator("a[href$='/101.html']"))
    assert mug.locator("h3").inner_text() == "Mug one"
    assert mug.locator(".badges span").all_text_contents() == [
        "Factory", "8 years", "62% buy again", "严选"]  # fmt: skip
    page.click("#language")
    assert mug.locator("h3").inner_text() == "杯 一"
    page.check("#factory")
    page.uncheck("#keep-unknown")
    assert reader.ids == ["101"]


def test_alike_offers_of_a_seller_are_one_card_that_opens(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    assert reader.ids == ["103", "101", "102", "105", "106"]
    assert reader.count == "6 of 6 offers"
    page.click(".alike")
    assert reader.ids == ["103", "104", "101", "102", "105", "106"]
    page.click(".alike")
    page.uncheck("#group-alike")
    assert len(reader.ids) == 6


def test_the_part_of_a_photo_that_was_searched_is_drawn_on_it(reader: Reader, report: Path) -> None:
    reader.open(report)
    box = reader.page.locator("#seed .region")
    assert [box.get_attribute(name) for name in ("x", "y", "width", "height")] == [
        "10", "20", "80", "60"]  # fmt: skip


# the address


def test_what_is_looked_at_stands_in_the_address_and_comes_back(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    reader.open(report)
    reader.pick(1)
    page.click("[data-layout=table]")
    page.select_option("#sort", "price")
    page.click("#direction")
    page.fill("#max-price", "60")
    page.check("#table tbody input >> nth=0")
    address = page.url
    seen = table_ids(reader)
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(address)
    assert table_ids(reader) == seen == ["202", "201", "203"]
    assert page.input_value("#max-price") == "60"
    assert page.inner_text("#ticked") == "1 ticked"
    assert page.get_attribute("#seeds [aria-current]", "data-seed") == "1"


# the shortlist


def test_ticks_with_quantity_and_note_outlive_a_report_that_lacks_their_offers(
    reader: Reader, tmp_path: Path
) -> None:
    page = reader.page
    path = feed(tmp_path, *OFFERS)
    reader.open(made(path))
    page.check(".card:nth-child(1) input")
    page.check(".card:nth-child(2) input")
    page.click("#show-ticked")
    page.fill(".card:nth-child(1) .order input[type=number]", "50")
    page.fill(".card:nth-child(1) .order input[type=text]", "blue, 蓝")
    page.press(".card:nth-child(1) .order input[type=text]", "Tab")
    feed(tmp_path, *OFFERS[:1])
    made(path)
    page.goto("about:blank")
    reader.open(path.with_suffix(".html"))
    assert page.inner_text("#ticked") == "2 ticked, 1 of them not in this report"
    page.check(".card:nth-child(1) input") if not page.is_checked(".card:nth-child(1) input") else 0
    rows = {row["num_iid"]: row for row in reader.shortlist()}
    assert (rows["103"]["quantity"], rows["103"]["note"]) == ("50", "blue, 蓝")
    feed(tmp_path, *OFFERS)
    made(path)
    page.goto("about:blank")
    reader.open(path.with_suffix(".html"))
    assert page.inner_text("#ticked") == "2 ticked"


def test_a_shortlist_goes_through_the_verbs_and_comes_back_ticked(
    reader: Reader, report: Path, tmp_path: Path
) -> None:
    page = reader.page
    reader.open(report)
    page.check(".card:nth-child(1) input")
    page.click("#show-ticked")
    page.fill(".order input[type=number]", "20")
    page.press(".order input[type=number]", "Tab")
    with page.expect_download() as download:
        page.click("#download")
    picks = tmp_path / "shortlist.csv"
    picks.write_bytes(Path(download.value.path()).read_bytes())
    scrapy = [sys.executable, "-m", "scrapy", "pailitao"]
    found = subprocess.run(
        [*scrapy, "find", str(report.with_suffix(".jsonl")), "--ids", str(picks)],
        cwd=REPOSITORY, capture_output=True, check=True,
    )  # fmt: skip
    assert found.stdout == OFFERS[2]
    assert read_picks(picks)["103"].quantity == "20"
    path = feed(tmp_path, *OFFERS)
    reader.open(made(path, ids=read_picks(picks)))
    assert page.inner_text("#ticked") == "1 ticked"
    page.click("#show-ticked")
    assert reader.ids == ["103"]
    assert page.input_value(".order input[type=number]") == "20"


def test_ticked_offers_stand_side_by_side(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    for number in (1, 2):
        page.check(f".card:nth-child({number}) input")
    page.click("#compare")
    heads = page.locator("#beside-table thead th").all_inner_texts()
    assert [head.split("\n")[-1] for head in heads] == ["杯 三", "Mug one"]
    price = page.locator("#beside-table tr", has_text="Price").first
    assert price.locator("td").all_inner_texts() == ["¥30.00", "¥20.00"]
    page.keyboard.press("Escape")
    assert page.is_hidden("#beside")


# keys and readers of screens


def test_tab_comes_to_the_pager_in_few_stops(reader: Reader, tmp_path: Path) -> None:
    path = feed(tmp_path, *(line(str(n), title=f"t{n}", seller_id=f"s{n}") for n in range(130)))
    reader.open(made(path))
    page = reader.page
    page.locator("#results").focus()
    stops = 0
    while page.evaluate("document.activeElement.closest('#pager-end') === null") and stops < 10:
        page.keyboard.press("Tab")
        stops += 1
    assert stops <= 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing_against_any_view(
    reader: Reader, report: Path, width: int, scheme: str
) -> None:
    page = reader.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    reader.open(report)
    found = {}
    for view in ("cards", "table", "best", "ticked", "beside", "overview"):
        match view:
            case "overview":
                page.keyboard.press("Escape")
                page.click("[data-view=overview]")
            case "ticked":
                page.click("[data-layout=cards]")
                page.check(".card:nth-child(1) input")
                page.click("#show-ticked")
            case "beside":
                page.click("#compare")
            case _:
                page.click(f"[data-layout={view}]")
        violations = Axe().run(page).response["violations"]
        found[view] = [(each["id"], each["nodes"][0]["html"][:120]) for each in violations]
    page.emulate_media(color_scheme=None)
    assert found == {view: [] for view in found}


# paper


def test_paper_has_the_photo_its_facts_and_what_was_asked_in_light(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    page.emulate_media(color_scheme="dark")
    reader.open(report)
    page.fill("#max-price", "25")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    paper = page.inner_text("#paper")
    for text in ("4 of 6 offers", "Highest price in yuan: 25", "Mug one", "USD 2.80", "Taizhou"):
        assert text in paper
    assert page.locator("#paper img").count() >= 1
    assert page.is_hidden(".side")
    ink = page.evaluate("getComputedStyle(document.documentElement).color")
    assert ink == "rgb(0, 0, 0)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", color_scheme=None)
    assert page.is_visible(".side")


def test_all_photos_can_be_printed(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    page.evaluate("window.print = () => dispatchEvent(new Event('beforeprint'))")
    page.click("#print-all")
    page.emulate_media(media="print")
    assert page.locator("#paper section").count() == 2
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")


# runs


def test_a_run_without_offers_has_a_report_of_its_reasons(reader: Reader, tmp_path: Path) -> None:
    path = feed(tmp_path)
    path.with_name("offers.seeds.jsonl").write_text(
        '{"seed_id":"mug","status":"failed","reason":"bad_seed: too small"}\n'
    )
    reader.open(made(path))
    assert "the gateway cannot use this picture" in reader.page.inner_text("#overview .problems")
    reader.page.click("[data-view=offers]")
    assert reader.page.inner_text(".nothing").startswith("This run found no offer")


def test_what_rose_fell_came_and_went_since_an_older_run(reader: Reader, tmp_path: Path) -> None:
    old = feed(tmp_path, line("1", price=D(10), title="a"), line("2", price=D(10), title="b"),
               line("3", price=D(10), title="gone"), name="old.jsonl")  # fmt: skip
    new = feed(tmp_path, line("1", price=D(12), title="a"), line("2", price=D(8), title="b"),
               line("4", price=D(1), title="new"), name="new.jsonl")  # fmt: skip
    page = reader.page
    reader.open(made(new, before=[old]))
    flags = page.locator(".change").all_text_contents()
    assert {"Rose +20%", "Fell -20%", "New"} <= set(flags)
    assert page.get_attribute(".line", "aria-label") == "Prices of the runs: 10.00 → 12.00"
    page.select_option("#change", "fell")
    page.uncheck("#keep-unknown")
    assert reader.ids == ["2"]
    page.click("[data-view=overview]")
    assert "Gone: 1" in page.inner_text("#before")
    assert "gone" in page.inner_text("#before li")
