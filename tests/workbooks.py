"""What a workbook really holds, cell by cell: as its XML says it, and as LibreOffice reads it."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REF = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_BUILT_IN = {"0": "General", "1": "0"}

SOFFICE = shutil.which("soffice")


@dataclass(frozen=True)
class Cell:
    """`kind` is the file's own word for it, `form` a number format."""

    kind: str
    text: str
    form: str = "General"
    link: str | None = None
    has_formula: bool = False


@dataclass(frozen=True)
class Sheet:
    """Cells by their place, such as B2."""

    cells: dict[str, Cell]
    frozen_at: str | None
    filtered: str | None

    def row(self, number: int) -> dict[str, Cell]:
        """By the names in the header; empty cells are not there."""
        heads = {_letters(at): cell.text for at, cell in self.cells.items() if _row(at) == 1}
        return {heads[_letters(at)]: cell for at, cell in self.cells.items() if _row(at) == number}


def _letters(at: str) -> str:
    return at.rstrip("0123456789")


def _row(at: str) -> int:
    return int(at.removeprefix(_letters(at)))


def sheet_of(written: bytes, number: int = 1) -> Sheet:
    """One sheet of an .xlsx file as its XML has it."""
    book = zipfile.ZipFile(io.BytesIO(written))
    root = Xml.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    forms, links = _forms(book), _links(book, root, number)
    pane, filtered = root.find(f".//{_MAIN}pane"), root.find(f"{_MAIN}autoFilter")
    cells = {
        each.attrib["r"]: Cell(
            each.get("t", "n"),
            "".join(each.itertext()),
            forms[int(each.get("s", 0))],
            links.get(each.attrib["r"]),
            each.find(f"{_MAIN}f") is not None,
        )
        for each in root.iter(f"{_MAIN}c")
    }
    return Sheet(
        cells,
        pane.get("topLeftCell") if pane is not None else None,
        filtered.get("ref") if filtered is not None else None,
    )


def _forms(book: zipfile.ZipFile) -> list[str]:
    root = Xml.fromstring(book.read("xl/styles.xml"))
    own = {each.attrib["numFmtId"]: each.attrib["formatCode"]
           for each in root.iter(f"{_MAIN}numFmt")}  # fmt: skip
    styles = root.find(f"{_MAIN}cellXfs")
    assert styles is not None
    return [(_BUILT_IN | own)[each.attrib["numFmtId"]] for each in styles]


def _links(book: zipfile.ZipFile, root: Xml.Element, number: int) -> dict[str, str]:
    found = list(root.iter(f"{_MAIN}hyperlink"))
    if not found:
        return {}
    rels = Xml.fromstring(book.read(f"xl/worksheets/_rels/sheet{number}.xml.rels"))
    targets = {each.attrib["Id"]: each.attrib["Target"] for each in rels}
    places = {each.get("ref", ""): each.get("location") for each in found}
    return {
        each.attrib["ref"]: targets[each.attrib[_REF]]
        + (f"#{place}" if (place := places[each.attrib["ref"]]) else "")
        for each in found
    }


def as_libreoffice_reads(paths: Sequence[Path], folder: Path) -> dict[str, dict[str, Sheet]]:
    """Sheets by name of each file, by its stem: one start of the real program."""
    assert SOFFICE, "LibreOffice is not here: no soffice on the PATH"
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [SOFFICE, profile, "--headless", "--convert-to", "fods", "--outdir", str(folder)]
    subprocess.run([*command, *map(str, paths)], check=True, timeout=120, capture_output=True)
    return {path.stem: dict(_tables(folder / f"{path.stem}.fods")) for path in paths}


def _tables(path: Path) -> Iterator[tuple[str, Sheet]]:
    root = Xml.parse(path).getroot()
    for table in root.iter(f"{_TABLE}table"):
        cells = dict(_cells(table))
        yield table.attrib[f"{_TABLE}name"], Sheet(cells, None, None)


def _cells(table: Xml.Element) -> Iterator[tuple[str, Cell]]:
    number = 1
    for row in table.iter(f"{_TABLE}table-row"):
        column = 0
        for each in row:
            times = int(each.get(f"{_TABLE}number-columns-repeated", 1))
            if f"{_OFFICE}value-type" in each.attrib:
                for place in range(column, column + times):
                    yield f"{_name(place)}{number}", _cell(each)
            column += times
        number += int(row.get(f"{_TABLE}number-rows-repeated", 1))


def _name(column: int) -> str:
    first, last = divmod(column, 26)
    return (chr(64 + first) if first else "") + chr(65 + last)


def _cell(each: Xml.Element) -> Cell:
    """A number as it is stored, not as it is shown; true and false are LibreOffice's formulas."""
    kind = each.attrib[f"{_OFFICE}value-type"]
    shown = "\n".join("".join(_said(part)) for part in each.iter(f"{_TEXT}p"))
    formula = each.get(f"{_TABLE}formula")
    if formula in ("of:=TRUE()", "of:=FALSE()"):
        return Cell("boolean", shown)
    link = next((part.attrib[_HREF] for part in each.iter(f"{_TEXT}a")), None)
    text = shown if kind == "string" else each.attrib[f"{_OFFICE}value"]
    return Cell(kind, text, link=link, has_formula=formula is not None)


def _said(part: Xml.Element) -> Iterator[str]:
    """The text of a paragraph, in which spaces and tabs are elements."""
    yield part.text or ""
    for each in part:
        if each.tag == f"{_TEXT}s":
            yield " " * int(each.get(f"{_TEXT}c", 1))
        elif each.tag == f"{_TEXT}tab":
            yield "\t"
        else:
            yield from _said(each)
        yield each.tail or ""
