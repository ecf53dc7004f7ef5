"""The report in a real Chromium: filters, order, shortlist, keys, hostile offers, many offers."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from pailitao_spider.report.album import ImageMode
from pailitao_spider.report.contents import contents_of
from pailitao_spider.report.page import page as rendered
from pailitao_spider.tables.csv_cells import csv_text
from tests.test_feed_files import ended
from tests.test_questions import feed, ledger, line, matches

D = Decimal
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
HOSTILE = "</script><script>window.owned=1</script><!-- \"'><img src=x onerror=window.owned=1>"
MANY = 20_000

OFFERS = (
    line("1", title="Red shoe", price=D("29.90"), price_min=D("25.00"), min_order=2, sales=50,
         similarity=D("0.95"), one_stop_service=True, area="浙江 义乌", shop_type="源头工厂",
         seller_id="s1", seller_nick="Ann", post_fee=D("0.00")),
    line("2", title="Blue shoe", price=D("9.50"), min_order=100, sales=700, sales_at_least=True,
         sales_window="30d", similarity=D("0.9"), one_stop_service=False, area="浙江 温州",
         shop_type="诚信通", seller_id="s2", seller_nick="Bob", is_ad=True),
    line("3", title="Grey boot", price_min=D("40.00"), price_max=D("60.00"), min_order=1,
         similarity=D("0.99"), one_stop_service=True, area="广东 深圳", is_onsale=False),
    line("4"),
    line("5", title="Lamp", seed_id="b", similarity=D("0.7"), price=D("88.00"), sales=3),
)  # fmt: skip


def no_pictures(addresses: Sequence[str], room_bytes: int) -> dict[str, bytes | None]:
    return dict.fromkeys(addresses)


def made(path: Path, *, hosts: tuple[str, ...] = (), **more: Any) -> Path:
    """The report of a feed, beside it."""
    way = ImageMode(no_pictures, hosts=hosts)
    html = rendered(contents_of([path], way, MANY, "2026-11-25 05:00", **more))
    out = path.with_suffix(".html")
    out.write_text(html, encoding="utf-8")
    return out


class Reader:
    """A person before one window, and everything that its pages did besides."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[dict[str, str]] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.requests.append(
            {"url": request.url, **request.headers}))  # fmt: skip
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    @property
    def asked(self) -> list[dict[str, str]]:
        """Requests that left for a network."""
        return [each for each in self.requests
                if not each["url"].startswith(("file:", "data:", "blob:"))]  # fmt: skip

    def open(self, path: Path) -> None:
        self.page.goto(path.as_uri())

    @property
    def ids(self) -> list[str]:
        """Of the offers shown, in order; all tests' offers have a link."""
        links = self.page.locator("#results h3 a").evaluate_all("all => all.map(a => a.href)")
        return [link.rpartition("/")[2].removesuffix(".html") for link in links]

    @property
    def count(self) -> str:
        return self.page.inner_text("#count")

    def pick(self, seed: int) -> None:
        self.page.click(f"#seeds [data-seed='{seed}']")

    def shortlist(self) -> list[dict[str, str]]:
        """The CSV as it is downloaded; fails where Excel would not see UTF-8."""
        with self.page.expect_download() as download:
            self.page.click("#download")
        raw = Path(download.value.path()).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "no chromium, chromium-browser or google-chrome on the PATH"
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = feed(folder, *OFFERS)
    ledger(path, a="done", b="partial", c="failed")
    matches(path, ("1", "b"))
    return made(path)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Reader:
    """One for all tests: a new one takes as long as a test."""
    page = browser.new_context(locale="en-GB", accept_downloads=True).new_page()
    page.set_default_timeout(20_000)
    return Reader(page)


@pytest.fixture
def reader(window: Reader) -> Iterator[Reader]:
    """Nothing is kept of another test, asked of a network, or written to the console."""
    window.page.set_viewport_size({"width": 1400, "height": 900})
    window.requests.clear()
    window.said.clear()
    yield window
    if window.page.url != "about:blank":
        window.page.evaluate("localStorage.clear()")
    assert window.asked == []
    assert window.said == []


@pytest.fixture
def narrow(reader: Reader) -> Reader:
    reader.page.set_viewport_size({"width": 390, "height": 844})
    return reader


# finding


def test_the_first_photos_offers_come_first_the_most_similar_before_others(
    reader: Reader, report: Path
) -> None:
    reader.open(report)
    assert reader.ids == ["3", "1", "2", "4"]
    assert reader.count == "4 of 4 offers"
    reader.pick(1)
    assert reader.ids == ["5", "1"]
    assert "in 2 photos" in reader.page.inner_text(".card:nth-child(2)")
    reader.pick(2)
    assert reader.page.inner_text(".nothing") == "This photo has no offers."
    reader.pick(-1)
    assert reader.ids == ["3", "1", "2", "5", "4"]


def test_where_nothing_is_found_nothing_is_offered_or_guessed(
    reader: Reader, tmp_path: Path
) -> None:
    path = feed(tmp_path, line("1", price=D("2.00"), similarity=D("0.97")), line("2", seed_id="c"))
    ended(path, a=(1, 1), b=(4, 0), c=(1, 1))
    reader.open(made(path))
    figure = reader.page.locator("#seed figcaption .quiet")
    assert figure.inner_text() == "1 offer · median ¥2.00 · similarity 97%"
    assert reader.page.is_visible("#tick-page")
    reader.pick(1)
    assert figure.inner_text() == "0 offers"
    assert not reader.page.is_visible("#tick-page")
    assert reader.page.inner_text(".nothing").startswith(
        "4 rows were found for this photo, none of them new: these offers stand under another"
    )
    reader.page.click("#language")
    assert figure.inner_text() == "0 件商品"
    reader.page.click("#language")
    reader.pick(2)
    assert figure.inner_text() == "1 offer"


def test_an_overview_of_many_photos_scrolls_in_its_box_and_says_so_where_narrow(
    reader: Reader, tmp_path: Path
) -> None:
    path = feed(tmp_path, *(line(str(n), seed_id=f"p{n}", seller_id="s") for n in range(412)))
    reader.open(made(path))
    reader.page.click("[data-view=overview]")
    assert reader.page.evaluate("document.documentElement.scrollHeight") < 4000
    assert not reader.page.is_visible(".sideways")
    reader.page.set_viewport_size({"width": 390, "height": 844})
    assert reader.page.locator(".sideways:visible").count() == 2
    assert reader.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("price", ["2", "1", "3", "5", "4"]),
        ("sales", ["2", "1", "5", "3", "4"]),
        ("similarity", ["3", "1", "2", "5", "4"]),
    ],
)
def test_what_is_unknown_is_sorted_last(
    reader: Reader, report: Path, order: str, ids: list[str]
) -> None:
    reader.open(report)
    reader.pick(-1)
    reader.page.select_option("#sort", order)
    assert reader.ids == ids


def test_offers_that_were_only_looked_at_say_so_and_can_be_sorted_by_it(
    reader: Reader, report: Path, tmp_path: Path
) -> None:
    reader.open(report)
    assert reader.page.locator("#sort [value=look]").count() == 0
    path = feed(tmp_path, line("1"), line("2", visual_similarity=D("0.61")),
                line("3", visual_similarity=D("0.87")), line("4", similarity=D("0.5")))  # fmt: skip
    reader.open(made(path))
    assert reader.ids == ["4", "1", "2", "3"]
    reader.page.select_option("#sort", "look")
    assert reader.ids == ["3", "2", "1", "4"]
    assert reader.page.locator(".likeness").all_text_contents() == ["≈ 87%", "≈ 61%", "—", "50%"]


FILTERS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "max price": ({"#max-price": "30"}, ["1", "2", "4"], ["1", "2"]),
    "min price": ({"#min-price": "50"}, ["3", "5", "4"], ["3", "5"]),
    "MOQ": ({"#max-moq": "2"}, ["3", "1", "5", "4"], ["3", "1"]),
    "area": ({"#area": "浙江 义乌"}, ["1", "5", "4"], ["1"]),
    "province": ({"#area": "浙江"}, ["1", "2", "5", "4"], ["1", "2"]),
    "shop type": ({"#shop": "诚信通"}, ["3", "2", "5", "4"], ["2"]),
    "similarity": ({"#min-similarity": "92"}, ["3", "1", "4"], ["3", "1"]),
    "dropship": ({"#dropship": True}, ["3", "1", "5", "4"], ["3", "1"]),
    "text": ({"#text": "shoe RED"}, ["1", "4"], ["1"]),
    "seller": ({"#text": "bob"}, ["2", "4"], ["2"]),
    "together": ({"#max-price": "50", "#dropship": True}, ["3", "1", "4"], ["3", "1"]),
}


def test_each_filter_keeps_what_it_cannot_judge_until_that_is_dropped(
    reader: Reader, report: Path
) -> None:
    reader.open(report)
    page = reader.page
    found = {}
    for name, (given, _, _) in FILTERS.items():
        page.click("#reset-filters")
        reader.pick(-1)
        fill(page, given)
        kept, count = reader.ids, reader.count
        page.uncheck("#keep-unknown")
        found[name] = (given, kept, reader.ids)
        unjudged = len(kept) - len(reader.ids)
        assert f"of {unjudged} a filter" in count
    assert found == FILTERS


def fill(page: Page, given: dict[str, Any]) -> None:
    for field, value in given.items():
        if value is True:
            page.check(field)
        elif page.locator(field).evaluate("each => each.tagName") == "SELECT":
            page.select_option(field, value)
        else:
            page.fill(field, value)


def test_no_offer_is_one_sentence_and_reset_brings_all_back(reader: Reader, report: Path) -> None:
    reader.open(report)
    reader.page.fill("#max-price", "1")
    reader.page.uncheck("#keep-unknown")
    assert reader.page.inner_text(".nothing") == "No offer fits these filters."
    reader.page.click("#reset-filters")
    assert reader.count == "4 of 4 offers"


def test_what_an_offer_does_not_say_is_never_shown_as_nought_or_no(
    reader: Reader, report: Path
) -> None:
    reader.open(report)
    bare = reader.page.locator(".card", has=reader.page.locator("a[href$='/4.html']"))
    assert bare.locator(".price").inner_text() == "Price unknown"
    assert bare.locator("dd").all_text_contents() == ["—unknown"] * 4
    assert "0" not in bare.inner_text()
    assert "no" not in bare.inner_text().replace("unknown", "").split()
    told = reader.page.locator(".card", has=reader.page.locator("a[href$='/1.html']"))
    for text in ("¥29.90", "from ¥25.00", "free", "yes", "Ann", "95%"):
        assert text in told.inner_text()
    ad = reader.page.locator(".card", has=reader.page.locator("a[href$='/2.html']")).inner_text()
    assert "700+" in ad
    assert "Sold, 30 days" in ad
    assert "Ad\n" in ad


# the shortlist


def test_the_shortlist_is_downloaded_as_a_csv_that_excel_reads_and_runs_nothing_of(
    reader: Reader, tmp_path: Path
) -> None:
    titles = ['=HYPERLINK("x")', "+1", "@a", "＝1", "'=1", "'s 鞋", 'a "b", c\nd', "-5", "\t=1"]
    offers = (line(str(n), title=title, price=D("9.90"), similarity=D("0.5"))
              for n, title in enumerate(titles))  # fmt: skip
    path = feed(tmp_path, *offers, line("99", seed_id="b"))
    matches(path, ("0", "b"))
    reader.open(made(path))
    reader.page.check("#tick-page")
    rows = reader.shortlist()
    assert [row["title"] for row in rows] == [csv_text(title) for title in titles]
    assert rows[0]["seed_ids"] == "a | b"
    assert rows[0]["detail_url"] == "https://detail.1688.com/offer/0.html"
    assert (rows[0]["price"], rows[0]["min_order"], rows[0]["one_stop_service"]) == ("9.90", "", "")


def test_ticks_last_over_filters_photos_and_a_reload_until_they_are_cleared(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    reader.open(report)
    page.check(".card:nth-child(1) input")
    reader.pick(1)
    page.check(".card:nth-child(1) input")
    assert page.inner_text("#ticked") == "2 ticked"
    page.reload()
    page.fill("#text", "nothing like it")
    page.click("#show-ticked")
    assert reader.ids == ["3", "5"]
    assert [row["num_iid"] for row in reader.shortlist()] == ["3", "5"]
    page.click("#clear")
    assert page.is_hidden("#shortlist")
    page.reload()
    assert page.is_hidden("#shortlist")


def test_the_keyboard_alone_finds_ticks_and_downloads(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.locator("#download").focus()
    with page.expect_download():
        page.keyboard.press("Enter")
    page.locator("#seeds [data-seed='1']").focus()
    page.keyboard.press("Enter")
    assert reader.ids == ["5", "1"]
    assert page.evaluate("document.activeElement.dataset.seed") == "1"
    assert page.inner_text("#ticked") == "2 ticked"


def test_every_control_has_a_name_and_can_be_reached(reader: Reader, report: Path) -> None:
    """Of all offers, one is a stop for Tab; arrows go to the others."""
    reader.open(report)
    nameless = reader.page.evaluate(
        """[...document.querySelectorAll("button, input, select, a")].filter(each =>
            !each.getAttribute("aria-label") && !each.textContent.trim()
            && !(each.labels && each.labels.length)).map(each => each.outerHTML)"""
    )
    unreached = reader.page.evaluate(
        "[...document.querySelectorAll('button, input, select, a')].filter(e => e.tabIndex < 0"
        " && !e.closest('#results .card:not(:first-child)'))"
    )
    assert (nameless, unreached) == ([], [])


# languages and light


def test_all_is_said_in_chinese_at_a_switch_and_stays_so(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)
    page.click("#language")
    assert reader.count == "4 / 4 件商品"
    assert page.inner_text("[data-view=overview]") == "总览"
    assert page.get_attribute("#text", "placeholder") == "搜索标题、卖家或编号"
    bare = page.locator(".card", has=page.locator("a[href$='/4.html']"))
    assert bare.locator("dd").first.text_content() == "—未知"
    for _ in range(20):  # the browser writes down what is kept in its own time
        page.reload()
        if page.get_attribute("html", "lang") == "zh-CN":
            break
        page.wait_for_timeout(50)
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.click("#language")
    assert reader.count == "4 of 4 offers"


def test_dark_is_the_systems_wish_or_the_readers(reader: Reader, report: Path) -> None:
    page = reader.page
    reader.open(report)

    def paper() -> int:
        colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return int(colour.removeprefix("rgb(").partition(",")[0])

    page.emulate_media(color_scheme="dark")
    assert paper() < 64
    page.click("#theme")
    assert paper() > 192
    page.emulate_media(color_scheme="light")
    page.click("#theme")
    assert paper() < 64
    page.emulate_media(color_scheme=None)


def test_the_totals_and_the_seeds_can_be_read_without_javascript(
    browser: Browser, report: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    seen = page.inner_text("body")
    for text in ("Without JavaScript", "Offers\n5", "Photos\n3", "partial", "failed"):
        assert text in seen
    assert page.locator("#seed-table tbody tr").count() == 3
    context.close()


def test_the_overview_leads_to_a_photos_offers_and_to_a_suppliers(
    reader: Reader, report: Path
) -> None:
    page = reader.page
    reader.open(report)
    page.click("[data-view=overview]")
    page.click("#seed-table [data-seed='1']")
    assert reader.ids == ["5", "1"]
    page.click("[data-view=overview]")
    page.click("[data-seller=Bob]")
    page.uncheck("#keep-unknown")
    assert reader.ids == ["2"]


# narrow


def test_at_390_pixels_nothing_is_wider_than_the_window(narrow: Reader, report: Path) -> None:
    page = narrow.page
    narrow.open(report)
    page.check(".card:nth-child(1) input")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    page.click("#language")
    assert page.evaluate(wide) == 0
    page.click("[data-view=overview]")
    assert page.evaluate(wide) == 0


def test_at_390_pixels_filters_are_a_drawer_that_keys_open_and_shut(
    narrow: Reader, report: Path
) -> None:
    page = narrow.page
    narrow.open(report)
    assert page.is_hidden("#max-price")
    page.locator("#open-filters").focus()
    page.keyboard.press("Enter")
    page.fill("#max-price", "30")
    assert page.evaluate("document.getElementById('filters').matches(':modal')")
    page.keyboard.press("Escape")
    assert page.is_hidden("#max-price")
    assert page.evaluate("document.activeElement.id") == "open-filters"
    assert page.inner_text("#open-filters") == "Filters 1"
    assert narrow.ids == ["1", "2", "4"]
    page.click("#open-filters")
    page.click("#filters .done")
    assert page.is_hidden("#max-price")


# hostile offers


def test_hostile_offers_are_shown_as_text_and_nothing_of_them_runs(
    reader: Reader, tmp_path: Path
) -> None:
    texts = (HOSTILE, '" onerror="window.owned=1', "javascript:window.owned=1", "{{7*7}}", "\u202e")
    path = feed(tmp_path, *(
        line(str(n), title=text, seller_nick=text, area=text, shop_type=text, unit=text,
             seed_id=f"{n}{text}", seed_image=text, sales_window=text, detail_url=text,
             pic_url="javascript:window.owned=1", pic_small_url=text)
        for n, text in enumerate(texts)
    ), line("javascript:window.owned=1", seed_id=f"0{HOSTILE}", title="no link"))  # fmt: skip
    reader.open(made(path))
    page = reader.page
    reader.pick(-1)
    assert page.locator("#results h3").all_text_contents() == [*texts, "no link"]
    for click in ("#language", "[data-view=overview]", "[data-view=offers]"):
        page.click(click)
    page.check("#tick-page")
    page.click("#show-ticked")
    assert page.evaluate("window.owned") is None
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    links = page.locator("body a:not(.skip)").evaluate_all("all => all.map(a => a.href)")
    assert len(links) == len(texts)
    assert all(link.startswith("https://detail.1688.com/offer/") for link in links)


def test_a_script_that_got_in_all_the_same_would_not_run(reader: Reader, report: Path) -> None:
    reader.open(report)
    reader.page.evaluate(
        """() => { const owner = "<b onclick='window.owned=1'>b</b>";
        document.body.insertAdjacentHTML("beforeend", owner);
        const made = document.createElement("script"); made.textContent = "window.owned=1";
        document.body.append(made); document.querySelector("body > b").click(); }"""
    )
    assert reader.page.evaluate("window.owned") is None
    assert reader.said
    assert all("Content Security Policy" in each for each in reader.said)
    reader.said.clear()


# many


def test_twenty_thousand_offers_can_be_filtered_and_the_page_stays_small(
    reader: Reader, tmp_path: Path
) -> None:
    path = feed(tmp_path, *(
        line(str(10**11 + n), title=f"shoe {n}", price=D(n + 1) / 10, min_order=n % 50 + 1,
             similarity=D(n % 100) / 100, seller_id=f"s{n % 999}", area="浙江 义乌",
             seed_id=f"seed-{n % 400}.jpg") for n in range(MANY)
    ))  # fmt: skip
    reader.open(made(path))
    page = reader.page
    reader.pick(-1)
    assert reader.count == "20,000 of 20,000 offers"
    nodes = "document.querySelectorAll('#offers *').length"
    assert page.evaluate(nodes) < 5000
    page.fill("#max-price", "100")
    assert reader.count == "1,000 of 20,000 offers"
    page.select_option("#sort", "price")
    for _ in range(3):
        page.click("#pager-end [data-turn=next]")
    assert reader.ids[0] == str(10**11 + 180)
    assert page.inner_text("#pager-end span") == "4 of 17"
    page.fill("#text", "shoe 77")
    assert reader.count == "19 of 20,000 offers"
    page.fill("#seed-text", "seed-39")
    assert page.locator("#seeds li").count() == 2 + 11
    assert page.evaluate(nodes) < 5000


# pictures


def test_pictures_lie_in_the_page_and_a_linked_one_that_fails_leaves_a_blank(
    reader: Reader, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "mug.jpg")
    path = feed(tmp_path, line("1", seed_image="mug.jpg", pic_url="https://127.0.0.1:9/x.jpg"))
    page = reader.page
    reader.open(made(path, hosts=("127.0.0.1:9",)))
    page.wait_for_selector(".card .picture .none")
    assert page.locator("#seed img").evaluate("each => each.naturalWidth") == 64
    (asked,) = reader.asked
    assert asked["url"] == "https://127.0.0.1:9/x.jpg"
    assert not asked.get("referer")
    assert all("net::ERR" in each for each in reader.said)
    reader.requests.clear()
    reader.said.clear()
