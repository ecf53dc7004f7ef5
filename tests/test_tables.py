"""Tables: what was crawled as Excel, Parquet and CSV, equal to the feed, whatever it holds."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import load_workbook
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from pailitao_spider.config.feeds import csv_has_bom
from pailitao_spider.crawl import preflight
from pailitao_spider.crawl.output_checks import FORMATS
from pailitao_spider.errors import ConfigError, FieldError, ResultsError
from pailitao_spider.exporters.item_exporters import (
    CsvExporter,
    JsonLinesExporter,
    ParquetExporter,
    XlsxExporter,
)
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.resume import WrittenOffer, written_offers
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.tables import xlsx
from pailitao_spider.tables.columns import KINDS, OFFER_COLUMNS, Kind, columns_of
from pailitao_spider.tables.csv_cells import guarded, unguarded
from pailitao_spider.tables.parquet import ParquetTable
from pailitao_spider.verbs import convert as verb
from tests.crawling import Crawler
from tests.test_faults import photo
from tests.workbooks import Cell, sheet_of

Serve = Callable[..., Site]

FORMULAS = [
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://evil.invalid")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "'=1",
    "''=1",
]
PLAIN = [
    '女鞋 <script>alert(1)</script> & "x"',
    "<r>bold</r>",
    "<r><t>no markup</t></r>",
    "鞋👟👩‍👩‍👧",
    "1e5",
    "007",
    "{=1}",
    "  spaces  ",
    "two\nlines",
    "http://not.a.link.in/a/title",
    "TRUE",
    "'quoted'",
]

FULL = Offer(
    num_iid="600000000000000001",
    title="女鞋",
    detail_url="https://detail.1688.com/offer/600000000000000001.html",
    price=Decimal("29.90"),
    price_min=Decimal("0.01"),
    price_max=Decimal("999999999999.9999"),
    min_order=0,
    sales=11000,
    sales_at_least=True,
    sales_window="90d",
    similarity=Decimal("0.9876543210987654"),
    feedback_rate=Decimal("0"),
    score=Decimal("4.85"),
    is_onsale=False,
    seller_id="0012345678901234567",
    pic_url="https://cbu01.alicdn.com/img/a%20b.jpg?x=1&y=2#z",
    create_time="2026-05-01T12:00:00+08:00",
    extra={"tags": ["a", "b"], "cost": Decimal("1.50")},
    seed_id="mug-01.jpg",
    seed_image="photos/mug-01.jpg",
    seed_extra={"sku": "0012", "cost": Decimal("12.50")},
    page=1,
    rank=3,
    gateway="router",
    fetched_at="2026-05-01T12:00:00.000+00:00",
)
UNKNOWN = Offer("2")


def exported(exporter: type, *items: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    made = exporter(file, encoding="utf-8", **options)
    made.start_exporting()
    for item in items:
        made.export_item(item)
    made.finish_exporting()
    return file.getvalue()


def feed(path: Path, *offers: Offer) -> Path:
    path.write_bytes(exported(JsonLinesExporter, *offers))
    return path


def told(line: dict[str, Any], number: Callable[[Any], Any] = float) -> dict[str, Any]:
    """A feed's line as a table says it."""

    def value(given: Any) -> Any:
        if isinstance(given, dict):
            return given or None
        is_number = isinstance(given, int | float | Decimal) and not isinstance(given, bool)
        return number(given) if is_number else given

    return {name: value(given) for name, given in line.items()}


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def with_objects(row: dict[str, Any]) -> dict[str, Any]:
    for name in {"extra", "seed_extra"} & row.keys():
        row[name] = row[name] and json.loads(row[name], parse_float=Decimal)
    return row


def with_moments(line: dict[str, Any]) -> dict[str, Any]:
    """Times as moments, where the table has them so."""
    for name, kind in KINDS.items():
        if kind is Kind.MOMENT and line.get(name):
            line[name] = datetime.fromisoformat(line[name])
    return line


def sheet_rows(path: Path | io.BytesIO, sheet: str = "offers") -> list[dict[str, Any]]:
    """By a reader written in Rust; an empty cell is None."""
    given = io.BytesIO(path.getvalue()) if isinstance(path, io.BytesIO) else path
    with load_workbook(given) as book:
        header, *rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [
        {name: None if cell == "" else cell for name, cell in zip(header, row, strict=True)}
        for row in rows
    ]


def sheet_names(written: bytes) -> list[str]:
    with load_workbook(io.BytesIO(written)) as book:
        return book.sheet_names


def parquet_rows(path: Path | io.BytesIO) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The verb in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **settings: str) -> int:
        parser = argparse.ArgumentParser()
        verb.add_options(parser)
        options = parser.parse_args(arguments)
        options.settings = settings
        return verb.run(options)

    return run


Convert = Callable[..., int]


# columns


def test_every_field_of_an_offer_is_declared_in_its_order() -> None:
    assert [column.name for column in OFFER_COLUMNS] == [
        each.name for each in dataclasses.fields(Offer)
    ]
    assert Kind.ANY not in KINDS.values()


# Excel


def test_a_workbook_says_what_the_feed_says(tmp_path: Path, convert: Convert) -> None:
    lines = lines_of(feed(tmp_path / "a.jsonl", FULL, UNKNOWN))
    assert convert("a.jsonl", "-O", "a.xlsx") == 0
    rows = [with_objects(row) for row in sheet_rows(tmp_path / "a.xlsx")]
    assert rows == [told(line) for line in lines]


def test_a_feed_and_a_converted_feed_are_the_same_workbook(
    tmp_path: Path, convert: Convert
) -> None:
    feed(tmp_path / "a.jsonl", FULL, UNKNOWN)
    convert("a.jsonl", "-O", "a.xlsx")
    own = sheet_rows(io.BytesIO(exported(XlsxExporter, FULL, UNKNOWN)))
    assert own == sheet_rows(tmp_path / "a.xlsx")


def test_cells_have_their_types_and_formats() -> None:
    sheet = sheet_of(exported(XlsxExporter, FULL, UNKNOWN))
    assert (sheet.frozen_at, sheet.filtered) == ("A2", "A1:BB3")
    cells = sheet.row(2)
    assert (cells["price"].kind, cells["price"].text, cells["price"].form) == (
        ("n", "29.90", "#,##0.00##")
    )
    assert cells["feedback_rate"] == Cell("n", "0", "0.0#%")
    assert cells["sales"] == Cell("n", "11000", "0")
    assert cells["min_order"] == Cell("n", "0", "0")
    assert cells["is_onsale"] == Cell("b", "0")
    assert cells["num_iid"] == Cell("inlineStr", "600000000000000001")
    assert cells["seller_id"] == Cell("inlineStr", "0012345678901234567")
    assert "promotion_price" not in cells
    assert list(sheet.row(3)) == ["num_iid", "currency"]
    links = {name: cell.link for name, cell in cells.items() if cell.link}
    assert links == {"detail_url": FULL.detail_url, "pic_url": FULL.pic_url}


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN], ids=ascii)
def test_text_is_text_whatever_it_looks_like(text: str) -> None:
    written = exported(XlsxExporter, Offer(num_iid="1", title=text, seed_image=text))
    assert not any(cell.has_formula for cell in sheet_of(written).cells.values())
    (row,) = sheet_rows(io.BytesIO(written))
    assert row["title"] == text.replace("\r", "")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x0bc\x1f", "abc"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("\ufffe\uffffx", "x"),
        ("字" * 40_000, "字" * (32_767 - len(xlsx.CUT_MARK)) + xlsx.CUT_MARK),
        ("👟" * 20_000, "👟" * ((32_767 - len(xlsx.CUT_MARK)) // 2) + xlsx.CUT_MARK),
        ("y" * 32_767, "y" * 32_767),
        ("<r>" + "z" * 32_760 + "</r>", None),
    ],
    ids=["controls", "surrogate", "no-characters", "long", "long-emoji", "full", "markup"],
)
def test_what_no_cell_can_hold_is_taken_out_or_cut_with_a_mark(text: str, seen: str | None) -> None:
    (row,) = sheet_rows(io.BytesIO(exported(XlsxExporter, Offer("1", title=text))))
    assert row["title"] == seen or (seen is None and row["title"].startswith("<r>zz"))


@pytest.mark.parametrize(
    "link",
    [
        "https://a.invalid/" + "x" * 2080,
        "https://a.invalid/ b",
        "https://a.invalid/女",
        "https://a.invalid/#a#b",
        "https://a.invalid/%zz",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "external:c:/x.xlsx",
        'https://a.invalid/"<>',
    ],
    ids=lambda link: ascii(link[:30]),
)
def test_what_excel_cannot_follow_is_no_link(link: str) -> None:
    cell = sheet_of(exported(XlsxExporter, Offer("1", pic_url=link))).row(2)["pic_url"]
    assert (cell.text, cell.link) == (link, None)


def test_what_looks_like_an_escape_of_excel_is_escaped() -> None:
    written = exported(XlsxExporter, Offer("1", title="_x0041_"))
    sheet = zipfile.ZipFile(io.BytesIO(written)).read("xl/worksheets/sheet1.xml")
    assert b"<t>_x005F_x0041_</t>" in sheet


def test_beyond_the_limits_of_a_sheet_another_begins_and_links_are_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xlsx.XlsxSheet, "max_rows", 4)
    monkeypatch.setattr(xlsx.XlsxSheet, "max_links", 2)
    offers = [Offer(str(n), detail_url=f"https://a.invalid/{n}") for n in range(7)]
    written = exported(XlsxExporter, *offers)
    assert sheet_names(written) == ["offers", "offers 2", "offers 3"]
    sheets = [sheet_of(written, number) for number in (1, 2, 3)]
    ids = [[cell.text for at, cell in sheet.cells.items() if at.startswith("A")
            and at[1].isdigit()] for sheet in sheets]  # fmt: skip
    assert ids == [["num_iid", *"012"], ["num_iid", *"345"], ["num_iid", "6"]]
    links = [sheets[0].cells[f"C{row}"].link is not None for row in range(1, 5)]
    assert links == [False, True, True, False]
    assert sheets[1].filtered == "A1:BB4"


def test_each_class_of_items_has_a_sheet() -> None:
    @dataclasses.dataclass
    class Offers:
        a: Any
        b: Any = None

    items = [
        {"x": 1, "y": "=1"},
        Offer("1"),
        Offers(10**20, [1, Decimal("2.50")]),
        {"x": float("nan"), "late": True},
        Offer("2"),
    ]
    file = io.BytesIO(exported(XlsxExporter, *items))
    assert sheet_names(file.getvalue()) == ["items", "offers", "Offers 2"]
    assert [row["num_iid"] for row in sheet_rows(file)] == ["1", "2"]
    assert sheet_rows(file, "Offers 2") == [{"a": "1" + "0" * 20, "b": "[1,2.50]"}]
    assert sheet_rows(file, "items") == [
        {"x": 1, "y": "=1", "other_fields": None},
        {"x": "nan", "y": None, "other_fields": '{"late":true}'},
    ]


@pytest.mark.parametrize("exporter", [XlsxExporter, ParquetExporter])
@pytest.mark.parametrize(
    ("chosen", "row"),
    [
        (["price", "num_iid"], {"price": 29.9, "num_iid": FULL.num_iid}),
        ({"num_iid": "id", "price": "yuan"}, {"id": FULL.num_iid, "yuan": 29.9}),
    ],
    ids=["list", "renamed"],
)
def test_fields_are_chosen_as_in_every_feed(exporter: Any, chosen: Any, row: Any) -> None:
    file = io.BytesIO(exported(exporter, FULL, fields_to_export=chosen))
    rows = sheet_rows(file) if exporter is XlsxExporter else parquet_rows(file)
    assert [told(each) for each in rows] == [row]
    assert list(rows[0]) == list(row)


def test_a_run_without_offers_leaves_a_table_without_rows() -> None:
    assert sheet_rows(io.BytesIO(exported(XlsxExporter))) == []
    table = pq.read_table(io.BytesIO(exported(ParquetExporter)))
    assert (table.num_rows, table.column_names) == (0, [each.name for each in OFFER_COLUMNS])


def test_a_workbook_that_is_given_up_leaves_no_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    exporter = XlsxExporter(io.BytesIO())
    exporter.export_item(FULL)
    assert list(tmp_path.iterdir())
    del exporter
    assert not list(tmp_path.iterdir())


# Parquet


def test_a_time_of_a_parquet_file_can_be_reckoned_with_and_what_is_none_is_told(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"num_iid":"1","fetched_at":"2026-05-01T12:00:00+08:00","create_time":"2026-05-01"}\n'
        '{"num_iid":"2","fetched_at":"yesterday"}\n'
    )
    assert convert("a.jsonl", "-O", "a.parquet") == 0
    one, two = parquet_rows(tmp_path / "a.parquet")
    assert one["fetched_at"] == datetime(2026, 5, 1, 4, tzinfo=UTC)
    assert one["create_time"] == datetime(2026, 5, 1, tzinfo=UTC)
    assert two["fetched_at"] is None
    assert "unknown:  1 time that cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_buyers_column_of_numbers_holds_numbers(
    tmp_path: Path, convert: Convert, form: str
) -> None:
    lines = ('{"num_iid":"1","seed_extra":{"sell_price":"12.50","sku":"0012","mixed":"1"}}\n'
             '{"num_iid":"2","seed_extra":{"sell_price":"","sku":"7","mixed":"a"}}\n')  # fmt: skip
    (tmp_path / "a.jsonl").write_text(lines)
    assert convert("a.jsonl", "-O", f"a.{form}", "--seed-columns") == 0
    rows = {"xlsx": sheet_rows, "parquet": parquet_rows}[form](tmp_path / f"a.{form}")
    price = rows[0]["seed_sell_price"]
    assert not isinstance(price, str)
    assert Decimal(str(price)) == Decimal("12.5")
    assert rows[1]["seed_sell_price"] is None
    assert [row["seed_sku"] for row in rows] == ["0012", "7"]
    assert [row["seed_mixed"] for row in rows] == ["1", "a"]


def test_a_parquet_file_says_what_the_feed_says(tmp_path: Path, convert: Convert) -> None:
    lines = lines_of(feed(tmp_path / "a.jsonl", FULL, UNKNOWN))
    assert convert("a.jsonl", "-O", "a.parquet") == 0
    rows = [with_objects(row) for row in parquet_rows(tmp_path / "a.parquet")]
    assert rows == [told(with_moments(line), lambda number: number) for line in lines]
    own = parquet_rows(io.BytesIO(exported(ParquetExporter, FULL, UNKNOWN)))
    assert own == parquet_rows(tmp_path / "a.parquet")


def test_columns_have_their_types() -> None:
    schema = pq.read_schema(io.BytesIO(exported(ParquetExporter, FULL)))
    types = {
        Kind.MONEY: pa.decimal128(38, 8),
        Kind.RATE: pa.decimal128(38, 18),
        Kind.SCORE: pa.decimal128(38, 8),
        Kind.COUNT: pa.int64(),
        Kind.FLAG: pa.bool_(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
    }
    assert {field.name: field.type for field in schema} == {
        name: types.get(kind, pa.string()) for name, kind in KINDS.items()
    }


def test_hostile_text_survives_parquet() -> None:
    texts = [*FORMULAS, *PLAIN, "字" * 40_000, "a\x00b"]
    file = io.BytesIO(exported(ParquetExporter, *(Offer("1", title=text) for text in texts)))
    assert [row["title"] for row in parquet_rows(file)] == texts
    (row,) = parquet_rows(io.BytesIO(exported(ParquetExporter, Offer("1", title="\ud800"))))
    assert row["title"] == "\ufffd"


def test_row_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pailitao_spider.tables.parquet._GROUP_ROWS", 10)
    monkeypatch.setattr("pailitao_spider.tables.parquet._GROUP_CHARACTERS", 1000)
    offers = [Offer(str(n)) for n in range(25)] + [Offer("x" * 600), Offer("y" * 600), Offer("z")]
    meta = pq.ParquetFile(io.BytesIO(exported(ParquetExporter, *offers))).metadata
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [10, 10, 7, 1]
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_digits_beyond_the_scale_are_rounded_and_counted() -> None:
    file = io.BytesIO()
    table = ParquetTable(file, columns_of(["price"]))
    for price in ("1.123456785", "2.50", "0.00000001"):
        table.append([Decimal(price)])
    table.close()
    assert [str(row["price"]) for row in parquet_rows(file)] == [
        "1.12345678",
        "2.50000000",
        "1E-8",
    ]
    assert table.rounded == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "cheap"),
        ("price", Decimal("NaN")),
        ("price", Decimal("1E+31")),
        ("price", True),
        ("sales", 2**63),
        ("sales", True),
        ("sales", Decimal("1.5")),
        ("is_ad", 1),
    ],
)
def test_a_value_that_is_none_of_its_kind_is_an_error(name: str, value: Any) -> None:
    table = ParquetTable(io.BytesIO(), columns_of([name]))
    with pytest.raises(FieldError, match=name):
        table.append([value])
    table.close()


def test_a_parquet_file_holds_one_class_of_items() -> None:
    rows = parquet_rows(io.BytesIO(exported(ParquetExporter, {"a": 1}, {"a": "x", "b": [2]})))
    assert rows == [
        {"a": "1", "other_fields": None},
        {"a": "x", "other_fields": '{"b":[2]}'},
    ]
    with pytest.raises(ResultsError, match="one class of items, Offer or dict: give the feed"):
        exported(ParquetExporter, Offer("1"), {"a": 1})


# CSV


@given(st.text())
def test_a_guarded_text_is_no_formula_and_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    )


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN], ids=ascii)
def test_text_in_csv_is_no_formula_and_is_read_back(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(exported(CsvExporter, Offer("1", title=text, seed_id=text, page=1)))
    (row,) = csv_rows(path.read_bytes().decode())
    assert row["title"] == guarded(text)
    assert (text in FORMULAS) is (row["title"] != text)
    assert list(written_offers(path, "csv")) == [WrittenOffer("1", text, 1, None)]


def test_numbers_in_csv_are_left_alone(tmp_path: Path, convert: Convert) -> None:
    offer = Offer("1", price=Decimal("-1.50"), post_fee=Decimal("1E+2"), is_ad=False, sales=-3)
    text = exported(CsvExporter, offer).decode()
    (row,) = csv_rows(text)
    assert (row["price"], row["post_fee"], row["is_ad"], row["sales"], row["is_onsale"]) == (
        ("-1.50", "100", "false", "-3", "")
    )
    sound = dataclasses.replace(offer, price=Decimal("1.50"), sales=3)
    feed(tmp_path / "a.jsonl", sound)
    assert convert("a.jsonl", "-O", "a.csv") == 0
    mark = b"\xef\xbb\xbf"  # Excel knows UTF-8 by it
    assert (tmp_path / "a.csv").read_bytes() == mark + exported(CsvExporter, sound)


@pytest.mark.parametrize("begins", [True, False])
def test_a_byte_order_mark_stands_before_the_header_only(begins: bool) -> None:
    crawler = get_crawler(settings_dict={"PAILITAO_CSV_BOM": True})
    file = io.BytesIO()
    exporter = CsvExporter.from_crawler(crawler, file, include_headers_line=begins)
    exporter.export_item(Offer("1"))
    exporter.export_item(Offer("2"))
    assert file.getvalue().count(b"\xef\xbb\xbf") == begins
    assert file.getvalue().startswith(b"\xef\xbb\xbfnum_iid" if begins else b"1,")


def test_a_converted_csv_has_the_mark_that_is_set(tmp_path: Path, convert: Convert) -> None:
    feed(tmp_path / "a.jsonl", FULL)
    assert convert("a.jsonl", "-O", "a.csv", PAILITAO_CSV_BOM="1") == 0
    marked = (tmp_path / "a.csv").read_bytes()
    assert marked.decode("utf-8-sig").encode() == exported(CsvExporter, FULL) == marked[3:]
    assert next(written_offers(tmp_path / "a.csv", "csv")).num_iid == FULL.num_iid


def test_a_mark_that_is_neither_on_nor_off_is_told() -> None:
    assert csv_has_bom({"PAILITAO_CSV_BOM": "0"}, {"PAILITAO_CSV_BOM": "1"}) is False
    assert csv_has_bom({}, {"PAILITAO_CSV_BOM": "on"}) is True
    with pytest.raises(ConfigError, match="PAILITAO_CSV_BOM: 'perhaps' is not 1 or 0"):
        csv_has_bom({"PAILITAO_CSV_BOM": "perhaps"}, {})


# before anything is sent


def checked(**feeds: Any) -> None:
    settings = Settings({"PAILITAO_SANDBOX": "1", "FEEDS": feeds["feeds"]})
    preflight.check(settings, {"seeds": photo(1)})


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_table_that_is_whole_at_its_end_cannot_be_gone_on_with(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"offers.{form}"
    with pytest.raises(ResultsError) as caught:
        checked(feeds={str(path): {"format": form}})
    assert "\n" not in str(caught.value)
    assert f"scrapy pailitao convert offers.jsonl -O {path}" in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize(
    ("form", "library"), [("xlsx", "xlsxwriter"), ("parquet", "pyarrow.parquet")]
)
def test_a_missing_library_is_told_with_the_extra_that_brings_it(
    tmp_path: Path,
    convert: Convert,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    library: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    feed(tmp_path / "a.jsonl", FULL)
    package = {"xlsx": "XlsxWriter", "parquet": "pyarrow"}[form]
    line = f".{form} needs one more package: pip install {package}"
    for where in (str(tmp_path / f"a.{form}"), f"s3://bucket/%(time)s.{form}"):
        with pytest.raises(ConfigError) as caught:
            checked(feeds={where: {"format": form, "overwrite": True}})
        assert str(caught.value) == line
    assert convert("a.jsonl", "-O", f"a.{form}") == 2
    assert capsys.readouterr().err == f"{line}\n"
    assert not (tmp_path / f"a.{form}").exists()


def test_neither_library_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, pailitao_spider.exporters.item_exporters, pailitao_spider.verbs.convert as c;"
        "assert not {'pyarrow', 'xlsxwriter'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


# the verb


def test_torn_and_bad_lines_are_told_and_left_out(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = exported(JsonLinesExporter, FULL), exported(JsonLinesExporter, UNKNOWN)
    bad = [
        b'{"title":"x"}\n',
        b"[]\n",
        b'{"num_iid":""}\n',
        b'{"num_iid":"\xff"}\n',
        b'{"num_iid":"3","extra":' + b"[" * 100_000 + b"\n",
    ]
    (tmp_path / "a.jsonl").write_bytes(one + b"\n" + b"".join(bad) + two)
    (tmp_path / "b.jsonl").write_bytes(one + two[:30])
    assert convert("a.jsonl", "b.jsonl", "-O", "a.parquet") == 1
    err = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in err] == [
        *(f"a.jsonl:{number}" for number in range(3, 8)),
        "b.jsonl:2",
    ]
    assert err[-1] == "b.jsonl:2: the last line is torn; left out"
    ids = [row["num_iid"] for row in parquet_rows(tmp_path / "a.parquet")]
    assert ids == [FULL.num_iid, "2", FULL.num_iid]


def test_a_whole_last_line_without_its_end_is_an_offer(tmp_path: Path, convert: Convert) -> None:
    path = feed(tmp_path / "a.jsonl", FULL, UNKNOWN)
    path.write_bytes(path.read_bytes().rstrip())
    assert convert("a.jsonl", "-O", "a.csv") == 0
    assert len(csv_rows((tmp_path / "a.csv").read_text("utf-8"))) == 2


def test_of_many_bad_lines_the_first_are_told(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    same = [b"?\n"] * 100
    (tmp_path / "a.jsonl").write_bytes(b"".join([*same, b'{"num_iid":"1"}\n', b"{}\n"]))
    assert convert("a.jsonl", "-O", "a.csv") == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 2
    assert err[0].startswith("a.jsonl:1: no offer line (JSON is malformed")
    assert err[0].endswith("; left out, as are 99 more for the same reason")
    assert err[1].startswith("a.jsonl:102: ")


@pytest.mark.parametrize("form", ["xlsx", "parquet", "csv"])
def test_columns_are_chosen_ordered_and_taken_from_the_seeds(
    tmp_path: Path, convert: Convert, form: str
) -> None:
    other = dataclasses.replace(UNKNOWN, seed_extra={"id": "=7", "extra": {"a": [1]}})
    feed(tmp_path / "a.jsonl", FULL, other)
    out = tmp_path / f"a.{form}"
    arguments = ["--columns", "price, num_iid,seed_cost", "--seed-columns"]
    assert convert("a.jsonl", "-O", out.name, *arguments) == 0
    read = {"xlsx": sheet_rows, "parquet": parquet_rows, "csv": csv_of}[form]
    rows: list[dict[str, Any]] = read(out)
    assert list(rows[0]) == ["price", "num_iid", "seed_cost", "seed_sku", "seed_id_", "seed_extra_"]
    empty, guard = ("", "'=7") if form == "csv" else (None, "=7")
    first = {"num_iid": FULL.num_iid, "seed_sku": "0012", "seed_id_": empty}
    assert first.items() <= rows[0].items()
    assert Decimal(str(rows[0]["seed_cost"])) == Decimal("12.50")
    second = {"num_iid": "2", "price": empty, "seed_id_": guard, "seed_extra_": '{"a":[1]}'}
    assert second.items() <= rows[1].items()


def csv_of(path: Path) -> list[dict[str, str]]:
    return csv_rows(path.read_bytes().decode("utf-8-sig"))


def test_members_that_are_no_field_of_an_offer_are_columns_or_told(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"num_iid":1,"margin":0.250}\n{"num_iid":"2","margin":[1.0],"late":2}\n'
    )
    assert convert("a.jsonl", "-O", "a.csv") == 0
    rows = csv_of(tmp_path / "a.csv")
    assert [(row["num_iid"], row["margin"]) for row in rows] == [("1", "0.250"), ("2", "[1.0]")]
    assert "late (1 line)" in capsys.readouterr().out
    assert convert("a.jsonl", "-O", "a.csv", "--columns", "margin") == 0
    assert "late" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.jsonl"], "no output"),
        (["a.jsonl", "-O", "a.ods"], "a.ods: convert writes .xlsx, .parquet, .csv"),
        (["a.jsonl", "-O", "folder.csv"], "folder.csv is a folder"),
        (["a.jsonl", "-O", "link.csv"], "link.csv is what is to be converted"),
        (["gone.jsonl", "-O", "a.csv"], "gone.jsonl does not exist"),
        ([".", "-O", "a.csv"], ". is no file"),
        (["b.csv", "-O", "a.csv"], "b.csv is no .jsonl feed"),
        (["a.seeds.jsonl", "-O", "a.csv"], "a.seeds.jsonl lies beside a feed, so there is no feed"),
        (["a.jsonl", "./a.jsonl", "-O", "a.csv"], "a.jsonl is given twice"),
        (["a.jsonl", "-O", "made/a.csv"], "there is no folder made"),
        (["gz.jsonl", "-O", "a.csv"], "gz.jsonl is gzip, not .jsonl: unpack it"),
        (["wide.jsonl", "-O", "a.csv"], "wide.jsonl is UTF-16, not UTF-8"),
        (["bad.jsonl", "-O", "old.csv"], "no offer in bad.jsonl: 3 lines could not be read"),
        (["-O", "a.csv"], "no feed to convert"),
        (["a.jsonl", "-O", "a.csv", "--columns", "titel"], "no column titel; there are num_iid"),
        (["a.jsonl", "-O", "a.csv", "--columns", ","], "--columns: no name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path: Path,
    convert: Convert,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    feed(tmp_path / "a.jsonl", FULL)
    (tmp_path / "link.csv").symlink_to("a.jsonl")
    (tmp_path / "folder.csv").mkdir()
    for name in ("b.csv", "a.seeds.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "bad.jsonl").write_bytes(b"?\n" * 3)
    (tmp_path / "gz.jsonl").write_bytes(gzip.compress(b'{"num_iid":"1"}\n'))
    (tmp_path / "wide.jsonl").write_bytes('{"num_iid":"1"}\n'.encode("utf-16"))
    before = sorted(tmp_path.iterdir())
    assert convert(*arguments) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), words in err) == (1, True), err
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "old.csv").read_text() == "old"


def test_a_value_that_cannot_be_read_is_unknown_and_told(
    tmp_path: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (
        '{"num_iid":"1","price":2}',
        '{"num_iid":"2","price":"cheap","is_ad":[],"title":"t"}',
        '{"num_iid":"3","similarity":7,"min_order":-1,"price":1e99999999999,"sales":"5"}',
    )
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert convert("a.jsonl", "-O", "a.csv") == 0
    rows = csv_of(tmp_path / "a.csv")
    shown = ("num_iid", "title", "price", "is_ad", "similarity", "min_order", "sales")
    assert [",".join(row[name] for name in shown) for row in rows] == [
        "1,,2,,,,", "2,t,,,,,", "3,,,,,,5"]  # fmt: skip
    told = capsys.readouterr().out
    assert "values of 2 offers that cannot be read, the first at a.jsonl:2: price (2)" in told


def test_a_byte_order_mark_before_a_feed_takes_no_offer_away(
    tmp_path: Path, convert: Convert
) -> None:
    (tmp_path / "a.jsonl").write_text('{"num_iid":"1"}\n{"num_iid":"2"}\n', "utf-8-sig")
    assert convert("a.jsonl", "-O", "a.csv") == 0
    assert [row["num_iid"] for row in csv_of(tmp_path / "a.csv")] == ["1", "2"]


def test_side_files_among_the_files_are_left_out(tmp_path: Path, convert: Convert) -> None:
    feed(tmp_path / "a.jsonl", FULL)
    (tmp_path / "a.seeds.jsonl").write_text('{"seed_id":"a"}\n')
    assert convert("a.jsonl", "a.seeds.jsonl", "-O", "a.csv") == 0
    assert len(csv_of(tmp_path / "a.csv")) == 1


@pytest.mark.parametrize("form", ["xlsx", "parquet", "csv"])
def test_what_fails_leaves_the_old_table_and_nothing_else(
    tmp_path: Path, convert: Convert, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    feed(tmp_path / "a.jsonl", FULL)
    out = tmp_path / f"a.{form}"
    out.write_text("old")
    (tmp_path / f"a.{form}.0123abcd.new").write_text("what a kill left")
    monkeypatch.setattr(os, "fsync", no_room)
    assert convert("a.jsonl", "-O", out.name) == 2
    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def no_room(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


# crawls

WITH_TABLES = [
    "-s",
    "FEEDFORMATS=" + json.dumps({f: FORMATS[f] for f in ("xlsx", "parquet")}),
]


def test_a_crawl_writes_equal_tables(serve_sandbox: Serve, crawler: Crawler) -> None:
    crawler.use(serve_sandbox(messy=True), rate=100)
    crawler.seeds(*map(photo, range(3)))
    tables = ["-O", "offers.xlsx", "-O", "offers.parquet"]
    crawled = crawler.crawl(*tables, *WITH_TABLES, out="")
    assert crawled.exit_code == 0, crawled.log
    assert "Traceback" not in crawled.log
    in_sheet = sheet_rows(crawler.folder / "offers.xlsx")
    in_parquet = [told(row) for row in parquet_rows(crawler.folder / "offers.parquet")]
    assert [with_moments(dict(row)) for row in in_sheet] == in_parquet
    assert len(crawled.ledger) == 3
    claimed = sum(line["offers_new"] for line in crawled.ledger.values())
    assert len({row["num_iid"] for row in in_sheet}) == len(in_sheet) == claimed > 50
    assert not list(crawler.folder.glob("*.held"))


def test_a_kill_leaves_no_claim_beside_a_table_that_is_not_there(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(Catalogue())), rate=20)
    crawler.seeds(*map(photo, range(12)))
    process = crawler.start("-O", "offers.xlsx", *WITH_TABLES, out="")
    held = crawler.folder / "offers.seeds.jsonl.held"
    end = time.monotonic() + 120
    while not (held.exists() and held.stat().st_size) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=240)
    assert held.stat().st_size > 0
    assert crawler.result().ledger == {}
    assert (crawler.folder / "offers.xlsx").read_bytes() == b""


def test_a_table_that_cannot_be_finished_is_told_and_claims_nothing(
    serve_sandbox: Serve, crawler: Crawler
) -> None:
    """/dev/full is a disk that is full: each write to it gives ENOSPC."""
    crawler.use(serve_sandbox(Gateway(Catalogue())), rate=100)
    crawler.seeds(photo(1))
    (crawler.folder / "offers.xlsx").symlink_to("/dev/full")
    crawled = crawler.crawl("-O", "offers.xlsx", *WITH_TABLES, out="")
    assert crawled.exit_code == 1
    assert "the feed cannot be written: [Errno 28] No space left on device" in crawled.log
    assert "Traceback" not in crawled.log, crawled.log
    assert (crawled.ledger, list(crawler.folder.glob("*.held"))) == ({}, [])


# memory


@pytest.mark.soak
@pytest.mark.parametrize("form", ["xlsx", "parquet", "csv"])
def test_a_million_offers_are_converted_in_flat_memory(tmp_path: Path, form: str) -> None:
    line = exported(JsonLinesExporter, FULL).decode()
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(line.replace("000000001", f"{n:09d}") for n in range(1_000_000))
    command = [sys.executable, "-m", "scrapy", "pailitao", "convert", "a.jsonl", "-O", f"a.{form}"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=1800)
    most_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert most_mib < 600, f"{most_mib:.0f} MiB"
