"""Spreadsheets as buyers have them: pictures in cells, links, formulas, titles above the header."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from pailitao_spider.errors import SourceError
from pailitao_spider.seeds import office_files
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Base64Image, Seed, UrlImage
from pailitao_spider.seeds.sources import open_source
from tests.picture_books import (
    book,
    ods_book,
    ods_cell,
    picture,
    png,
    raw_book,
    sheet_xml,
    text_cell,
    wps_book,
)

URL = "https://a.com/img/shoe.jpg"


def seeds(source: str, sheet: str | None = None) -> list[Any]:
    return list(open_source(source, sheet=sheet, tell=lambda line: None))


def told(source: str) -> list[str]:
    lines: list[str] = []
    list(open_source(source, tell=lines.append))
    return lines


def refusal(source: str, sheet: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(source, sheet=sheet)
    assert str(caught.value).isprintable()
    return str(caught.value)


def bytes_of(found: list[Any]) -> list[bytes]:
    assert all(isinstance(seed, Seed) for seed in found), found
    return [load(seed.image) for seed in found]


# --- pictures ------------------------------------------------------------------------------


def test_pictures_that_wps_embeds_in_cells_are_found_hucre_184(tmp_path: Path) -> None:
    pictures = {"ID_A": png("red"), "ID_B": png("blue")}
    cells = {"SKU-1": "ID_B", "SKU-2": "ID_A", "SKU-3": "ID_B"}
    found = seeds(wps_book(tmp_path / "a.xlsx", pictures, cells))
    assert bytes_of(found) == [png("blue"), png("red"), png("blue")]
    assert [seed.seed_id for seed in found] == ["SKU-1", "SKU-2", "SKU-3"]
    assert [seed.extra for seed in found] == [{"货号": sku} for sku in cells]


def test_a_picture_of_wps_that_the_file_has_lost_is_told_pandas_61888(tmp_path: Path) -> None:
    (bad,) = seeds(wps_book(tmp_path / "a.xlsx", {}, {"SKU-1": "ID_A"}))
    assert (bad.code, bad.extra) == ("no_image", {"货号": "SKU-1"})
    assert "WPS" in bad.text


def test_pictures_placed_in_cells_by_excel_365_are_found_office_oxide_302(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["photo", "name"])
        for row, colour in enumerate(("red", "blue"), 1):
            page.embed_image(row, 0, "x.png", picture(colour))
            page.write(row, 1, colour)

    found = seeds(book(tmp_path / "a.xlsx", fill))
    assert bytes_of(found) == [png("red"), png("blue")]
    assert [seed.extra["name"] for seed in found] == ["red", "blue"]


def test_floating_pictures_belong_to_the_row_they_are_anchored_to(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["image", "seed_id"])
        page.set_column(0, 0, 30)
        for row, colour in enumerate(("red", "blue"), 1):
            page.set_row(row, 60)
            page.write(row, 1, colour)
            page.insert_image(row, 0, "x.png", picture(colour) | {"x_offset": 5, "y_offset": 4})

    found = seeds(book(tmp_path / "a.xlsx", fill))
    assert [seed.seed_id for seed in found] == ["red", "blue"]
    assert bytes_of(found) == [png("red"), png("blue")]


def test_a_picture_that_begins_a_little_above_its_row_is_that_rows(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["image", "seed_id"])
        page.write_column(1, 1, ["one", "two"])
        page.set_row(1, 60)
        page.set_row(2, 60)
        page.insert_image(1, 0, "x.png", picture("red") | {"y_offset": 75})

    assert [type(seed).__name__ for seed in seeds(book(tmp_path / "a.xlsx", fill))] == [
        "BadLine", "Seed",
    ]  # fmt: skip


def test_a_sheet_of_pictures_alone_needs_no_header(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        for row, colour in enumerate(("red", "blue")):
            page.insert_image(row * 5, 1, "x.png", picture(colour))

    found = seeds(book(tmp_path / "a.xlsx", fill))
    assert bytes_of(found) == [png("red"), png("blue")]
    assert [seed.seed_id.rpartition("-")[0] for seed in found] == ["row-1", "row-6"]


def test_a_picture_without_an_id_is_named_by_its_row_and_hash(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["图", "备注"])
        page.insert_image(1, 0, "x.png", picture("red"))
        page.write(1, 1, "红")

    (seed,) = seeds(book(tmp_path / "a.xlsx", fill))
    assert seed.seed_id.startswith("row-2-")
    assert isinstance(seed.image, Base64Image)
    assert seed.image.label == f"{tmp_path / 'a.xlsx'}#xl/media/image1.png"


def test_a_merged_cell_stands_in_each_of_its_rows_easyexcel_1215(tmp_path: Path) -> None:
    def fill(made: Any, page: Any) -> None:
        page.write_row(0, 0, ["图片", "品名", "颜色"])
        page.merge_range(1, 0, 2, 0, "")
        page.merge_range(1, 1, 2, 1, "鞋")
        page.insert_image(1, 0, "x.png", picture("red"))
        page.write_column(1, 2, ["黑", "白"])

    found = seeds(book(tmp_path / "a.xlsx", fill))
    assert bytes_of(found) == [png("red"), png("red")]
    assert [seed.extra for seed in found] == [
        {"品名": "鞋", "颜色": "黑"}, {"品名": "鞋", "颜色": "白"},
    ]  # fmt: skip


def test_an_ods_gives_its_pictures_and_links(tmp_path: Path) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/1.png"/></draw:frame>'
    link = f'<text:p><text:a xlink:href="{URL}">shoe</text:a></text:p>'
    rows = "".join(
        f"<table:table-row>{row}</table:table-row>"
        for row in (
            ods_cell("image") + ods_cell("seed_id"),
            f"<table:table-cell>{frame}</table:table-cell>{ods_cell('one')}",
            f'<table:table-cell office:value-type="string">{link}</table:table-cell>'
            + ods_cell("two"),
        )
    )
    one, two = seeds(ods_book(tmp_path / "a.ods", rows, {"Pictures/1.png": png("red")}))
    assert (one.seed_id, load(one.image)) == ("one", png("red"))
    assert (two.seed_id, two.image) == ("two", UrlImage(URL))


# --- links and formulas --------------------------------------------------------------------

LINKS = {
    "link": lambda page: page.write_url(1, 0, URL, string="picture"),
    "HYPERLINK": lambda page: page.write_formula(1, 0, f'=HYPERLINK("{URL}","see")', None, "see"),
    "IMAGE": lambda page: page.write_formula(1, 0, f'=_xlfn.IMAGE("{URL}")', None, "#NAME?"),
    "of a cell": lambda page: page.write_formula(1, 0, '=HYPERLINK(C2,"see")', None, "see"),
    "plain": lambda page: page.write_string(1, 0, URL),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_cell_that_shows_a_link_is_its_address(tmp_path: Path, kind: str) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["Image Src", "seed_id", "link"])
        LINKS[kind](page)
        page.write_row(1, 1, ["s1", URL])

    (seed,) = seeds(book(tmp_path / "a.xlsx", fill))
    assert (seed.seed_id, seed.image) == ("s1", UrlImage(URL))


def test_a_formula_that_only_excel_can_reckon_is_told(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write_row(0, 0, ["image"])
        page.write_formula(1, 0, '=_xlfn.IMAGE("https://a.com/"&B2)', None, "#NAME?")

    (bad,) = seeds(book(tmp_path / "a.xlsx", fill))
    assert isinstance(bad, BadLine)
    assert "formula" in bad.text


# --- sheets and headers --------------------------------------------------------------------


def test_titles_and_empty_rows_above_the_header_are_passed_over(tmp_path: Path) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write(0, 0, "2026 采购清单")
        page.write_row(3, 0, ["\u200b图片链接（必填）", "seed_id"])
        page.write_row(4, 0, [URL, "s1"])

    assert seeds(book(tmp_path / "a.xlsx", fill)) == [Seed("s1", UrlImage(URL))]


def test_the_first_sheet_with_pictures_is_taken_and_told(tmp_path: Path) -> None:
    def fill(_: Any, pages: Any) -> None:
        pages[0].write_row(0, 0, ["name", "price"])
        pages[1].write_row(0, 0, ["image"])
        pages[1].write(1, 0, URL)
        pages[2].write_row(0, 0, ["主图"])
        pages[2].write(1, 0, "https://a.com/b.jpg")

    source = book(tmp_path / "a.xlsx", fill, sheets=3)
    assert [seed.seed_id for seed in seeds(source)] == ["shoe.jpg"]
    assert [seed.seed_id for seed in seeds(source, "Sheet3")] == ["b.jpg"]
    assert [seed.seed_id for seed in seeds(source, "3")] == ["b.jpg"]
    assert any("Sheet2" in line for line in told(source))
    assert "Sheet1, Sheet2, Sheet3" in refusal(source, "sheet9")
    assert "name, price" in refusal(source, "1")


def test_ids_come_as_they_look_magmi_529(tmp_path: Path) -> None:
    def fill(made: Any, page: Any) -> None:
        page.write_row(0, 0, ["image", "seed_id", "sku"])
        page.write_row(1, 0, [URL, 17.0])
        page.write_number(1, 2, 79, made.add_format({"num_format": "00000"}))

    assert seeds(book(tmp_path / "a.xlsx", fill)) == [
        Seed("17", UrlImage(URL), {"sku": "00079"}),
    ]  # fmt: skip


def test_a_shops_export_with_several_pictures_a_cell_is_searched_by_the_first_woocommerce_34839(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wc.csv"
    more = "https://a.com/2,p-7,s-700.jpg"
    path.write_text(f'ID,SKU,Images\n7,x1,"{URL}, {more}, https://a.com/3.jpg"\n')
    (seed,) = seeds(str(path))
    assert seed.image == UrlImage(URL)
    assert seed.extra == {"ID": "7", "SKU": "x1", "more_images": [more, "https://a.com/3.jpg"]}


# --- what is no workbook, or one too many --------------------------------------------------


def test_an_xls_that_is_html_or_text_in_truth_xlrd_350(tmp_path: Path) -> None:
    html, text = tmp_path / "a.xls", tmp_path / "b.xls"
    html.write_text("<html><table><tr><td>image</td></tr></table></html>")
    text.write_text(f"image\tseed_id\n{URL}\ts1\n", encoding="gb18030")
    assert "web page" in refusal(str(html))
    assert seeds(str(text)) == [Seed("s1", UrlImage(URL))]


def test_a_protected_book_says_so_in_one_line_excelize_1877(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    name = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + name + bytes(600))
    assert "password" in refusal(str(path))


def test_two_cells_at_the_ends_of_a_sheet_do_not_fill_the_memory_calamine_693(
    tmp_path: Path,
) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    sheet = sheet_xml(f'<row r="1">{text_cell("A1", "image")}</row>', far)
    assert "reaches to row 1048576" in refusal(raw_book(tmp_path / "a.xlsx", sheet))


def test_a_zip_bomb_is_refused_by_what_it_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office_files, "_MOST_XML_BYTES", 10_000_000)
    path = tmp_path / "a.xlsx"
    raw_book(path, sheet_xml(), {"xl/sharedStrings.xml": bytes(11_000_000)})
    assert path.stat().st_size < 100_000
    assert "unpacks to 11 MB" in refusal(str(path))


def test_entities_of_a_sheet_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    sheet = bomb + sheet_xml(
        f'<row r="1">{text_cell("A1", "image")}</row>',
        '<row r="2"><c r="A2" t="str"><f>IMAGE("&b;")</f><v>x</v></c></row>',
    )
    try:
        found = str(seeds(raw_book(tmp_path / "a.xlsx", sheet)))
    except SourceError as error:
        found = str(error)
    assert "root:" not in found


def test_a_picture_part_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = wps_book(tmp_path / "a.xlsx", {"ID_A": png()}, {"SKU-1": "ID_A"})
    whole = zipfile.ZipFile(source)
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as cut:
        for name in whole.namelist():
            if "media" not in name:
                cut.writestr(name, whole.read(name))
    (bad,) = seeds(str(tmp_path / "b.xlsx"))
    assert bad.code == "no_image"
