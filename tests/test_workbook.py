"""The workbook for people, as openpyxl and LibreOffice read it."""

from __future__ import annotations

import io
import subprocess
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

from pailitao_spider.offers.values.own_numbers import own_number
from tests.test_question_verbs import Ask, ask
from tests.test_questions import feed, line
from tests.workbooks import SOFFICE

__all__ = ["ask"]

D = Decimal
TERMS = """
quantity = 50
currency = "USD"
insurance = 0.5
vat = 20
agent = 3
freight = 0.35
freight_kg = 1.2
freight_order = 80
weight_kg = 0.4
duty = 12
rate = 0.14
[fixed]
broker = 50
inspection = 30
"""
EXTRA = {"sell_price": "9.90", "sku": "00123", "budget": "500", "note": "=1+1", "duty": "5"}
LADDER = [{"min_quantity": 10, "price": 8}, {"min_quantity": 100, "price": 6}]


def rows() -> list[bytes]:
    """Each way that a price or a postage can depend on the quantity."""
    more = {"min_order": 1, "fetched_at": "2026-11-28T08:00:00+00:00", "seed_image": "photo.jpg"}
    return [
        line("100001", price=10, post_fee=5, title="Mug <b> & 杯", seller_nick="金鹏", **more),
        line("100002", price=10, post_fee=5, freight_template="按件计费", seed_extra=EXTRA, **more),
        line("100003", price=120, unit="箱", title="48个/箱", post_fee=30, **more),
        line("100004", price_min=7, price_max=9, post_fee=0, **{**more, "min_order": 60}),
        line("100005", price_breaks=LADDER, post_fee=4, promotion_price=7, **more),
        line(
            "100006", price=9, promotion_price=8, post_fee=3, freight_template="按重量计费", **more
        ),
        line("100007", price=3, **more),
        line("100008", price=2, post_fee=1, currency="USD", **more),
        line("100009", price=4, post_fee=1, is_onsale=False, seed_id="b", **more),
        line("100010", price=4, post_fee=1, freight_template="包邮", seed_id="b", **more),
    ]


@pytest.fixture
def book(ask: Ask, tmp_path: Path) -> Path:
    feed(tmp_path, *rows())
    (tmp_path / "offers.seeds.jsonl").write_text(
        '{"seed_id":"a","status":"done","image":"photo.jpg"}\n'
        '{"seed_id":"b","status":"done"}\n'
        '{"seed_id":"c","status":"failed","reason":"bad_seed: too small"}\n'
    )
    Image.new("RGB", (400, 300), "teal").save(tmp_path / "photo.jpg")
    (tmp_path / "terms.toml").write_text(TERMS)
    told = ask("workbook", "offers.jsonl", "--terms", "terms.toml", "--language", "en")
    assert told.code == 0, told.err
    assert "10 rows of 2 photos in offers.xlsx" in told.err
    return tmp_path / "offers.xlsx"


def table(sheet: Any, top: int = 1) -> list[dict[str, Any]]:
    head, *body = list(sheet.iter_rows(min_row=top))
    names = [cell.value for cell in head]
    return [dict(zip(names, row, strict=True)) for row in body]


def landed(path: Path) -> dict[str, tuple[Any, ...]]:
    """By offer: landed cost, total and margin, as the cells hold them."""
    found = openpyxl.load_workbook(path, data_only=True)["Offers"]
    names = ("Landed, best", "Landed, worst", "VAT a piece", "Order total", "Margin, worst")
    return {
        row["Offer"].value: tuple(_number(row[name].value) for name in names)
        for row in table(found)
    }


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for offer, values in wanted.items():
        assert found[offer] == pytest.approx(values, abs=0.0011), offer


def _number(value: Any) -> Any:
    return None if value in (None, "") else round(float(value), 3)


def compared(ask: Ask, *more: str) -> dict[str, tuple[Any, ...]]:
    told = ask("compare", "offers.jsonl", "--terms", "terms.toml", "--top", "99", "--json", *more)
    names = ("landed_best", "landed_worst", "vat_worst", "total_worst", "margin_worst")
    return {
        each["num_iid"]: tuple(None if each[name] is None else round(float(each[name]), 3)
                               for name in names)
        for each in told.lines if each["kind"] == "choice"
    }  # fmt: skip


def test_the_cells_hold_what_compare_says(ask: Ask, book: Path) -> None:
    assert_same(landed(book), compared(ask))


@pytest.mark.desktop
@pytest.mark.parametrize("quantity", [120])
def test_libreoffice_reckons_anew_what_compare_says_at_another_quantity(
    ask: Ask, book: Path, quantity: int
) -> None:
    assert SOFFICE, "LibreOffice is wanted: soffice on the PATH"
    changed = openpyxl.load_workbook(book)
    summary = changed["Summary"]
    cells = {summary.cell(row, 5).value: summary.cell(row, 6) for row in range(1, 20)}
    cells["Pieces in an order"].value = quantity
    cells["Your currency for a yuan"].value = 0.15
    cells["Duty on (cif or fob)"].value = "fob"
    changed.save(book.with_name("changed.xlsx"))
    out = book.parent / "out"
    subprocess.run(
        [SOFFICE, f"-env:UserInstallation=file://{book.parent}/office", "--headless",
         "--convert-to", "xlsx", "--outdir", str(out), "changed.xlsx"],
        cwd=book.parent, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    more = ("--quantity", str(quantity), "--rate", "0.15", "--duty-on", "fob")
    assert_same(landed(out / "changed.xlsx"), compared(ask, *more))


def test_the_sheets_are_for_people(book: Path) -> None:
    found = openpyxl.load_workbook(book, data_only=True)
    assert found.sheetnames == ["Summary", "Offers", "Suppliers", "Photos"]
    offers = found["Offers"]
    assert (offers.freeze_panes, offers.auto_filter.ref[:2]) == ("F2", "A1")
    assert offers.print_title_rows == "$1:$1"
    assert offers.page_setup.orientation == "landscape"
    assert (offers.page_setup.fitToWidth, offers.page_setup.fitToHeight) == (None, 0)  # 1 wide
    by_offer = {row["Offer"].value: row for row in table(offers)}
    mug = by_offer["100001"]
    assert mug["Title"].value == "Mug <b> & 杯"
    assert mug["Title"].hyperlink.target == "https://detail.1688.com/offer/100001.html"
    assert isinstance(mug["Found"].value, datetime)
    assert mug["Price to"].value == 10
    sku = by_offer["100002"]
    assert (sku["sku"].value, sku["budget"].value, sku["note"].value) == ("00123", 500, "=1+1")
    assert sku["note"].data_type == "s"
    assert by_offer["100004"]["Not known"].value == "below the MOQ, unit unknown"
    photos = {row["Photo name"].value: row for row in table(found["Photos"])}
    assert (photos["c"]["Status"].value, photos["c"]["Why"].value) == (
        "failed", "bad_seed: too small")  # fmt: skip
    assert len(found["Suppliers"]["A"]) == 2
    assert found.properties.title == "Offers found by picture: offers.jsonl"


def test_photos_stand_in_the_rows_small_and_once_in_the_file(book: Path) -> None:
    found = openpyxl.load_workbook(book)
    pictures = [each for each in found["Offers"]._images if each.anchor._from.col == 0]
    assert len(pictures) == 10
    with zipfile.ZipFile(book) as file:
        (picture,) = [name for name in file.namelist() if name.startswith("xl/media/")]
        assert Image.open(io.BytesIO(file.read(picture))).size == (120, 90)
    assert book.stat().st_size < 60_000


def test_the_best_three_of_a_photo_stand_in_the_summary(book: Path) -> None:
    summary = openpyxl.load_workbook(book, data_only=True)["Summary"]
    top = next(cell.row for cell in summary["A"] if cell.value == "Photo")
    ranks = [(row["Photo name"].value, row["Rank"].value) for row in table(summary, top)]
    assert ranks == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)]


def test_heads_are_chinese_where_the_reader_is(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(tmp_path, *rows())
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert ask("workbook", "offers.jsonl", "-O", "buy.xlsx").code == 0
    found = openpyxl.load_workbook(tmp_path / "buy.xlsx")
    assert found.sheetnames == ["汇总", "商品", "供应商", "图片"]
    assert "到岸成本（高）" in [cell.value for cell in found["商品"][1]]


def test_only_chosen_offers_and_the_best_of_each_photo_where_there_is_no_room(
    ask: Ask, tmp_path: Path
) -> None:
    feed(tmp_path, *rows())
    (tmp_path / "shortlist.csv").write_text("\ufeffnum_iid,title\r\n100001,x\r\n100010,y\r\n")
    told = ask("workbook", "offers.jsonl", "--ids", "shortlist.csv")
    assert "2 rows of 2 photos in offers.xlsx" in told.err
    told = ask("workbook", "offers.jsonl", "--limit", "3")
    assert "3 rows of 2 photos in offers.xlsx; 7 left out" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-O", "x.csv"], "give the name of a .xlsx file"),
        (["--language", "fr"], "--language fr: must be en or zh"),
        (["--limit", "1000000"], "--limit 1000000: must be a whole number from 1 to 20000"),
        (["--ids", "no.csv"], "no.csv cannot be read"),
        (["-O", "no/such.xlsx"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_line(ask: Ask, tmp_path: Path, words: list[str], said: str) -> None:
    feed(tmp_path, *rows()[:1])
    told = ask("workbook", "offers.jsonl", *words)
    assert (told.code, len(told.err.splitlines())) == (2, 1)
    assert said in told.err


def test_a_run_without_offers_has_its_photos_and_their_reasons(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path)
    (tmp_path / "offers.seeds.jsonl").write_text(
        '{"seed_id":"c","status":"failed","reason":"bad_seed"}\n'
    )
    assert ask("workbook", "offers.jsonl", "--language", "en").code == 0
    found = openpyxl.load_workbook(tmp_path / "offers.xlsx")
    assert [cell.value for cell in found["Photos"]["D"]] == ["Why", "bad_seed"]


@pytest.mark.parametrize(
    ("given", "number"),
    [("9.90", D("9.90")), (" 500 ", D(500)), (3, D(3)), ("-1.5", D("-1.5")), ("0", D(0)),
     ("007", None), ("1,5", None), ("1e5", None), ("", None), (True, None), (None, None),
     ("1234567890123456", None), ("6901234567890", D(6901234567890)), ("=1", None)],
)  # fmt: skip
def test_a_text_is_a_number_where_nothing_of_it_is_lost(given: Any, number: Any) -> None:
    assert own_number(given) == number
