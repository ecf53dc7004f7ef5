"""Workbooks with pictures in them as WPS, Excel 365, LibreOffice and shops write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xlsxwriter
from PIL import Image

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def png(colour: str = "red", side: int = 20) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(stream, "PNG")
    return stream.getvalue()


def picture(colour: str) -> dict[str, Any]:
    """What XlsxWriter wants for a picture that is in memory."""
    return {"image_data": io.BytesIO(png(colour))}


def book(path: Path, fill: Callable[[Any, Any], None], sheets: int = 1) -> str:
    """A workbook written by XlsxWriter."""
    with xlsxwriter.Workbook(path) as made:
        pages = [made.add_worksheet() for _ in range(sheets)]
        fill(made, pages if sheets > 1 else pages[0])
    return str(path)


def raw_book(path: Path, sheet: str, parts: Mapping[str, str | bytes] = {}) -> str:
    """The least workbook that is one, with the given sheet and further parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        file.writestr("_rels/.rels", relations({"rId1": ("officeDocument", "xl/workbook.xml")}))
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}">'
            '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            relations({"rId1": ("worksheet", "worksheets/sheet1.xml")}),
        )
        file.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            file.writestr(name, content)
    return str(path)


def relations(given: Mapping[str, tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="{key}" Type="{_DOCUMENT}/{kind}" Target="{target}"/>'
        for key, (kind, target) in given.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{lines}</Relationships>'


def sheet_xml(*rows: str) -> str:
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def text_cell(at: str, text: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


def wps_book(path: Path, pictures: Mapping[str, bytes], cells: Mapping[str, str]) -> str:
    """As WPS embeds pictures in cells: the cell has a formula, cellimages.xml the pictures."""
    rows = [f'<row r="1">{text_cell("A1", "图片")}{text_cell("B1", "货号")}</row>']
    for number, (sku, image_id) in enumerate(cells.items(), 2):
        formula = f'_xlfn.DISPIMG("{image_id}",1)'
        shown = f'=DISPIMG("{image_id}",1)'
        rows.append(
            f'<row r="{number}"><c r="A{number}" t="str"><f>{formula}</f><v>{shown}</v></c>'
            f"{text_cell(f'B{number}', sku)}</row>"
        )
    images = "".join(
        f'<etc:cellImage><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{n}" name="{image_id}"/>'
        f'<xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rId{n}"/></xdr:blipFill>'
        "</xdr:pic></etc:cellImage>"
        for n, image_id in enumerate(pictures, 1)
    )
    parts: dict[str, str | bytes] = {
        "xl/cellimages.xml": (
            '<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData" '
            'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
            'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            f'xmlns:r="{_DOCUMENT}">{images}</etc:cellImages>'
        ),
        "xl/_rels/cellimages.xml.rels": relations(
            {f"rId{n}": ("image", f"media/image{n}.png") for n in range(1, len(pictures) + 1)}
        ),
    }
    for n, raw in enumerate(pictures.values(), 1):
        parts[f"xl/media/image{n}.png"] = raw
    return raw_book(path, sheet_xml(*rows), parts)


def ods_book(path: Path, rows: str, pictures: Mapping[str, bytes] = {}) -> str:
    office = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{office}:office:1.0" '
        f'xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0" '
        f'xmlns:draw="{office}:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<office:body><office:spreadsheet><table:table table:name="Sheet1">{rows}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"/>',
        )
        file.writestr("content.xml", content)
        for name, raw in pictures.items():
            file.writestr(name, raw)
    return str(path)


def ods_cell(text: str, inside: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p>{inside}'
        "</table:table-cell>"
    )
