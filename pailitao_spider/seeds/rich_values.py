"""Pictures that Excel 365 keeps in cells: a cell's `vm` leads to them through four tables.

metadata.xml (valueMetadata, futureMetadata XLRICHVALUE) -> rdrichvalue.xml, whose values are named
by rdrichvaluestructure.xml -> richValueRel.xml (placed in the cell) or rdRichValueWebImage.xml
(of the function IMAGE) -> their relations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pailitao_spider.seeds.cell_finds import Found
from pailitao_spider.seeds.office_files import OfficeFile, local_name

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["rich_pictures"]

_METADATA = "xl/metadata.xml"
_FOLDER = "xl/richData"
_KEYS = {"_rvRel:LocalImageIdentifier": "local", "WebImageIdentifier": "web"}


def rich_pictures(file: OfficeFile) -> dict[str, Found]:
    """By a cell's `vm`; empty for a book without them."""
    if _METADATA not in file.names:
        return {}
    values = _values(file)
    tables = {
        "local": _targets(file, f"{_FOLDER}/richValueRel.xml", "rel"),
        "web": _targets(file, f"{_FOLDER}/rdRichValueWebImage.xml", "address"),
    }
    found: dict[str, Found] = {}
    for number, index in enumerate(_value_indexes(file), 1):
        if index is None or not 0 <= index < len(values) or values[index] is None:
            continue
        table, place = values[index]  # type: ignore[misc]
        if 0 <= place < len(tables[table]) and (target := tables[table][place]) is not None:
            found[str(number)] = target
    return found


def _value_indexes(file: OfficeFile) -> list[int | None]:
    """Of each `vm`, from 1, the number of its rich value."""
    future: list[int | None] = []
    values: list[int | None] = []
    for each in file.elements(_METADATA, "futureMetadata", "valueMetadata"):
        blocks = [child for child in each if local_name(child) == "bk"]
        if local_name(each) == "valueMetadata":
            values = [_attribute(block, "rc", "v") for block in blocks]
        elif each.get("name") == "XLRICHVALUE":
            future = [_attribute(block, "rvb", "i") for block in blocks]
    return [future[at] if at is not None and 0 <= at < len(future) else None for at in values]


def _attribute(block: _Element, tag: str, name: str) -> int | None:
    found = next(block.iter(f"{{*}}{tag}"), None)
    return None if found is None else _index(found.get(name))


def _index(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _values(file: OfficeFile) -> list[tuple[str, int] | None]:
    """Of each rich value the table of its picture and the place in it."""
    structures = [
        [each.get("n") or "" for each in structure if local_name(each) == "k"]
        for structure in file.elements(f"{_FOLDER}/rdrichvaluestructure.xml", "s")
    ]
    found: list[tuple[str, int] | None] = []
    for value in file.elements(f"{_FOLDER}/rdrichvalue.xml", "rv"):
        which = _index(value.get("s")) or 0
        keys = structures[which] if which < len(structures) else []
        texts = [each.text for each in value if local_name(each) == "v"]
        pairs = zip(keys, texts, strict=False)
        found.append(
            next(
                ((_KEYS[key], at) for key, text in pairs
                 if key in _KEYS and (at := _index(text)) is not None),
                None,
            )
        )  # fmt: skip
    return found


def _targets(file: OfficeFile, part: str, tag: str) -> list[Found | None]:
    relations = file.relations(part)
    found: list[Found | None] = []
    for each in file.elements(part, tag):
        ids = [str(v) for key, v in each.attrib.items() if str(key).endswith("}id")]
        known = relations.get(ids[0]) if ids else None
        if known is None:
            found.append(None)
        else:
            found.append(Found(address=known[1]) if known[2] else Found(part=known[1]))
    return found
