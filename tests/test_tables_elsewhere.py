"""Tables as other people's programs read them: LibreOffice and DuckDB see what the feed says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

import duckdb
import pytest

from pailitao_spider.exporters.item_exporters import ParquetExporter, XlsxExporter
from pailitao_spider.offers.model import Offer
from pailitao_spider.tables.columns import KINDS, Kind
from tests.test_tables import (
    FORMULAS,
    FULL,
    PLAIN,
    UNKNOWN,
    exported,
    feed,
    lines_of,
    with_moments,
)
from tests.workbooks import Cell, Sheet, as_libreoffice_reads

AMOUNTS = ("0.00", "0.01", "19.9", "29.90", "1234567.89", "999999999999.99", "0.0001", "-1.50")
OFFERS = [
    FULL,
    UNKNOWN,
    *(Offer(f"{n:018d}", title=text, seed_image=text, extra={"text": text})
      for n, text in enumerate([*FORMULAS, *PLAIN], 1)),
    *(Offer(f"9{n}", price=Decimal(text), post_fee=Decimal(text), sales=n, min_order=0,
            similarity=Decimal("0.9"), is_ad=n % 2 == 0, one_stop_service=n % 2 == 1,
            seller_nick="义乌市锦程商行", detail_url=f"https://detail.1688.com/offer/9{n}.html")
      for n, text in enumerate(AMOUNTS)),
]  # fmt: skip
NUMBERS = {Kind.MONEY, Kind.RATE, Kind.COUNT, Kind.SCORE}
FIFTEEN_DIGITS = Context(prec=15)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return lines_of(feed(tmp_path_factory.mktemp("feed") / "offers.jsonl", *OFFERS))


# LibreOffice


@pytest.fixture(scope="module")
def libreoffice(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Sheet]]:
    """Two workbooks, opened by one start of LibreOffice."""
    folder = tmp_path_factory.mktemp("office")
    items: list[Any] = [{"x": 1, "y": "=1"}, *OFFERS[:2], {"x": Decimal("2.50"), "late": True}]
    for name, given in (("offers", OFFERS), ("mixed", items)):
        (folder / f"{name}.xlsx").write_bytes(exported(XlsxExporter, *given))
    return as_libreoffice_reads(sorted(folder.glob("*.xlsx")), folder)


def told(name: str, value: Any) -> tuple[str, str] | None:
    """What a cell must be for a member of the feed: its kind and its content."""
    if value is None or value == {}:
        return None
    if isinstance(value, bool):
        return "boolean", str(value).upper()
    kind = KINDS[name]
    if kind in NUMBERS:
        number = FIFTEEN_DIGITS.create_decimal(Decimal(value)).normalize()
        return "percentage" if kind is Kind.RATE else "float", f"{number:f}"
    if isinstance(value, dict):
        return "string", json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return "string", value.replace("\r", "")


def found(cell: Cell) -> tuple[str, str]:
    if cell.kind in ("float", "percentage"):
        return cell.kind, f"{Decimal(cell.text).normalize():f}"
    return cell.kind, cell.text


def as_json(cells: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Objects are the same whatever the digits of their numbers look like as text."""
    return {name: json.loads(each[1], parse_float=Decimal) if KINDS[name] is Kind.JSON else each
            for name, each in cells.items()}  # fmt: skip


def test_libreoffice_sees_every_value_of_the_feed(
    libreoffice: dict[str, dict[str, Sheet]], lines: list[dict[str, Any]]
) -> None:
    sheet = libreoffice["offers"]["offers"]
    for number, line in enumerate(lines, 2):
        wanted = {name: cell for name, value in line.items()
                  if (cell := told(name, value)) and KINDS[name] is not Kind.JSON}  # fmt: skip
        objects = {name: value for name, value in line.items()
                   if KINDS[name] is Kind.JSON and value}  # fmt: skip
        cells = {name: found(cell) for name, cell in sheet.row(number).items()}
        assert as_json(cells) == wanted | objects
    assert not sheet.row(len(lines) + 2)


def test_libreoffice_sees_no_formula_whatever_a_text_looks_like(
    libreoffice: dict[str, dict[str, Sheet]],
) -> None:
    cells = [cell for sheets in libreoffice.values() for sheet in sheets.values()
             for cell in sheet.cells.values()]  # fmt: skip
    assert len(cells) > 200
    assert not [cell for cell in cells if cell.has_formula]


def test_libreoffice_follows_the_links_and_makes_none_of_other_text(
    libreoffice: dict[str, dict[str, Sheet]],
) -> None:
    sheet = libreoffice["offers"]["offers"]
    linked = {at: cell for at, cell in sheet.cells.items() if cell.link}
    assert all(cell.link == cell.text for cell in linked.values())
    first = {name: cell.link for name, cell in sheet.row(2).items() if cell.link}
    assert first == {"detail_url": FULL.detail_url, "pic_url": FULL.pic_url}
    titles = [sheet.row(number).get("title") for number in range(2, len(OFFERS) + 2)]
    assert not [cell for cell in titles if cell and cell.link]


def test_libreoffice_sees_a_sheet_for_each_class_of_items(
    libreoffice: dict[str, dict[str, Sheet]],
) -> None:
    items, offers = libreoffice["mixed"]["items"], libreoffice["mixed"]["offers"]
    assert [found(cell) for cell in items.row(2).values()] == [("float", "1"), ("string", "=1")]
    assert found(items.row(3)["x"]) == ("float", "2.5")
    assert found(items.row(3)["other_fields"]) == ("string", '{"late":true}')
    assert offers.row(2)["num_iid"].text == FULL.num_iid


# DuckDB


@pytest.fixture(scope="module")
def database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("parquet") / "offers.parquet"
    path.write_bytes(exported(ParquetExporter, *OFFERS))
    with duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.from_parquet(str(path)).create("offers")
        yield connection


def flags(row: dict[str, Any]) -> set[str]:
    return {name for name, value in row.items() if isinstance(value, bool)}


def test_duckdb_sees_every_value_of_the_feed(
    database: duckdb.DuckDBPyConnection, lines: list[dict[str, Any]]
) -> None:
    found = database.execute("FROM offers")
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        for name in ("extra", "seed_extra"):
            row[name] = json.loads(row[name], parse_float=Decimal) if row[name] else {}
        assert row == with_moments(dict(line))
        assert flags(row) == flags(line)


def test_duckdb_knows_the_types(database: duckdb.DuckDBPyConnection) -> None:
    types = dict(database.execute("SELECT column_name, column_type FROM (DESCRIBE offers)")
                 .fetchall())  # fmt: skip
    of_kind = {Kind.MONEY: "DECIMAL(38,8)", Kind.RATE: "DECIMAL(38,18)",
               Kind.SCORE: "DECIMAL(38,8)", Kind.COUNT: "BIGINT", Kind.FLAG: "BOOLEAN",
               Kind.MOMENT: "TIMESTAMP WITH TIME ZONE"}  # fmt: skip
    assert types == {
        each.name: of_kind.get(KINDS[each.name], "VARCHAR") for each in dataclasses.fields(Offer)
    }


def test_duckdb_adds_money_up_without_losing_a_digit(
    database: duckdb.DuckDBPyConnection, lines: list[dict[str, Any]]
) -> None:
    said = [line["price"] for line in lines if line["price"] is not None]
    total = database.execute("SELECT sum(price), count(price) FROM offers").fetchone()
    assert total == (sum(said), len(said))


def test_duckdb_tells_unknown_from_false_and_zero(database: duckdb.DuckDBPyConnection) -> None:
    counts = database.execute(
        "SELECT count(*) FILTER (is_ad), count(*) FILTER (NOT is_ad), "
        "count(*) FILTER (min_order = 0), count(*) FILTER (min_order IS NULL) FROM offers"
    ).fetchone()
    assert counts == (4, 4, 9, len(OFFERS) - 9)


def test_duckdb_reads_times_and_what_is_inside_objects(
    database: duckdb.DuckDBPyConnection,
) -> None:
    row = database.execute(
        "SELECT create_time::timestamptz = '2026-05-01 04:00:00+00'::timestamptz, "
        "seed_extra->>'$.sku' FROM offers WHERE num_iid = ?",
        [FULL.num_iid],
    ).fetchone()
    assert row == (True, "0012")
