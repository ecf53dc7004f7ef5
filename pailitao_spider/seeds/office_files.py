"""Workbooks as the zip files that they are: bounded, and nothing in them is run or fetched."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pailitao_spider.errors import SourceError

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["OfficeFile", "kind_of_book", "local_name"]

_PIECE, _OVERLAP = 2**20, 40
_MOST_PARTS = 100_000
_MOST_XML_BYTES = 600_000_000
_MOST_ALL_XML_BYTES = 1_200_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError)


def kind_of_book(path: Path) -> str | None:
    """By its first bytes: zip, ole, protected, html, None for text or what is no workbook."""
    with path.open("rb") as stream:
        head = stream.read(4096)
        if head.startswith(b"PK\x03\x04"):
            return "zip"
        if head.startswith(_OLE):
            rest = head + stream.read(2**20)
            return "protected" if "EncryptedPackage".encode("utf-16-le") in rest else "ole"
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    return "html" if start.startswith((b"<html", b"<!doctype", b"<table", b"<meta")) else None


class OfficeFile:
    """A workbook's parts. Raises SourceError for one that is broken, protected or too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, *_BROKEN) as error:
            raise self._damaged(error) from error
        self._check()

    def close(self) -> None:
        self._zip.close()

    def _damaged(self, error: object) -> SourceError:
        text = " ".join(str(error).split())[:200]
        return SourceError(f"{self.path}: damaged or no workbook ({text}); save it anew")

    def _check(self) -> None:
        parts = self._zip.infolist()
        texts = [part.file_size for part in parts if part.filename.endswith((".xml", ".bin"))]
        largest, all_of_it = max(texts, default=0), sum(texts)
        if any(part.flag_bits & 1 for part in parts):
            raise SourceError(f"{self.path}: protected by a password; save it without one")
        is_large = largest > _MOST_XML_BYTES or all_of_it > _MOST_ALL_XML_BYTES
        if is_large or len(parts) > _MOST_PARTS:
            raise SourceError(
                f"{self.path}: unpacks to {all_of_it // 10**6} MB in {len(parts)} parts, more "
                "than a list of seeds has; save its sheet as .csv"
            )

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self._zip.namelist())

    def elements(self, name: str, *tags: str) -> Iterator[_Element]:
        """The elements of these local names in a part, each when it has ended; none if there is
        no such part. What is read of entities is nothing.
        """
        from lxml import etree

        if name not in self.names:
            return
        try:
            with self._zip.open(name) as stream:
                yield from self._parsed(stream, tags)
        except (etree.LxmlError, SyntaxError, *_BROKEN) as error:
            raise self._damaged(error) from error

    def _parsed(self, stream: IO[bytes], tags: tuple[str, ...]) -> Iterator[_Element]:
        from lxml import etree

        wanted = tuple(f"{{*}}{tag}" for tag in tags)
        for _, element in etree.iterparse(
            stream, tag=wanted, resolve_entities=False, no_network=True, load_dtd=False
        ):
            yield element

    def holds(self, name: str, pattern: re.Pattern[bytes]) -> bool:
        """The pattern, of some 20 bytes at most, stands somewhere in a part."""
        rest = b""
        try:
            with self._zip.open(name) as stream:
                for piece in iter(partial(stream.read, _PIECE), b""):
                    if pattern.search(rest + piece):
                        return True
                    rest = piece[-_OVERLAP:]
        except _BROKEN as error:
            raise self._damaged(error) from error
        return False

    def relations(self, part: str) -> dict[str, tuple[str, str, bool]]:
        """Of a part, by id: the end of the type's name, the target, whether it lies outside."""
        folder, name = posixpath.split(part)
        found = {}
        for each in self.elements(f"{folder}/_rels/{name}.rels".lstrip("/"), "Relationship"):
            is_outside = each.get("TargetMode") == "External"
            target = each.get("Target") or ""
            if not is_outside:
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = (each.get("Type") or "").rpartition("/")[2]
            found[each.get("Id") or ""] = (kind, target, is_outside)
        return found


def local_name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
