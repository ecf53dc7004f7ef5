"""Lines of text from bytes in whatever encoding a spreadsheet wrote them, one at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

__all__ = ["MAX_CELL", "decoded_lines"]

# A Base64 cell of 64 MB, and room for the rest of its line. A longer line comes in pieces.
MAX_CELL = 64 * 2**20
_MAX_LINE = 2 * MAX_CELL
_ENCODINGS = ("utf-8", "gb18030")


def decoded_lines(stream: BinaryIO) -> Iterator[str | None]:
    """Each line with its end; None for one that is neither UTF-8 nor GB18030.

    UTF-16 is known by its byte-order mark.
    """
    lines = iter(partial(stream.readline, _MAX_LINE), b"")
    first = next(lines, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _utf16_lines(chain([first], lines))
    return map(_decoded, chain([first.removeprefix(codecs.BOM_UTF8)], lines))


def _decoded(line: bytes) -> str | None:
    for encoding in _ENCODINGS:
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _utf16_lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """The pieces end where a byte is 10, which is half of some characters too."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + decoder.decode(piece)).split("\n")
        yield from (f"{line}\n" for line in whole)
    if rest := rest + decoder.decode(b"", final=True):
        yield rest
