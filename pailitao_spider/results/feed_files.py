"""Files that are given as feeds: their names, and what their first bytes say.

A feed is UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pailitao_spider.errors import ResultsError
from pailitao_spider.tables.csv_cells import BOM

__all__ = ["MARK", "check_text", "is_side_file", "mark_bytes", "once"]

MARK = BOM.encode()
"""The byte order mark that some editors put before UTF-8."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2",
           b"\xfd7zXZ": "xz"}  # fmt: skip
_LOOKED_AT = 64


def check_text(path: Path) -> None:
    """Raises ResultsError, in one line with the remedy, for what is packed or no UTF-8."""
    begins = _beginning(path)
    if kind := next((kind for sign, kind in _PACKED.items() if begins.startswith(sign)), None):
        raise ResultsError(f"{path} is {kind}, not .jsonl: unpack it and give what was in it")
    if begins.startswith(_UTF_16) or (b"\0" in begins and begins[:2].strip(b"\0") in (b"{", b"[")):
        raise ResultsError(f"{path} is UTF-16, not UTF-8 as .jsonl is: save it as UTF-8")


def is_side_file(path: Path) -> bool:
    """A ledger or another file that lies beside a feed."""
    return path.name.endswith((".seeds.jsonl", ".rejected.jsonl", ".matches.jsonl"))


def once(given: Sequence[Path]) -> list[Path]:
    """Raises ResultsError for a file that is given twice, by whatever names."""
    seen: dict[Path, Path] = {}
    for path in given:
        real = path.resolve()
        if real in seen:
            raise ResultsError(f"{path} is given twice (as {seen[real]}); give each file once")
        seen[real] = path
    return list(given)


def mark_bytes(path: Path) -> int:
    """How many bytes of a mark stand before the first line."""
    return len(MARK) if _beginning(path).startswith(MARK) else 0


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read ({error.strerror or error})") from error
