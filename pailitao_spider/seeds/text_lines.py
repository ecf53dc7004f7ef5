"""Lines of text from bytes in whatever encoding and with whatever line ends they were written."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import BinaryIO

from pailitao_spider.seeds.encodings import Encoding, encoding_of, guessed

__all__ = ["MAX_CELL", "decoded_lines", "streamed_lines"]

# A Base64 cell of 64 MB, and room for the rest of its line. A longer line comes in pieces.
MAX_CELL = 64 * 2**20
_MAX_LINE = 2 * MAX_CELL
_PIECE = 2**16
_HEAD = 400
_WIDE = ("utf-16", "utf-32")
_UNDECODED = re.compile("[\udc80-\udcff]")
_ENDS = re.compile("\r\n?|\n")
_SHOWN_NAMES = {"gb18030": "GB18030", "cp950": "Big5", "cp1252": "Windows-1252 (Western)"}

Lines = Iterator[str | None]


def decoded_lines(stream: BinaryIO, name: str, tell: Callable[[str], None]) -> Lines:
    """Each line of a file, with one end; None for one that its encoding does not know.

    `tell` hears of an encoding that had to be guessed.
    """
    encoding = encoding_of(stream)
    if encoding.is_guessed:
        tell(_guess_told(name, encoding))
    stream.seek(encoding.mark)
    return map(_whole, _lines(_texts(stream.read, encoding)))


def streamed_lines(stream: BinaryIO, name: str, tell: Callable[[str], None]) -> Lines:
    """The same of a stream that cannot be looked through before: decided when it is known."""
    read = getattr(stream, "read1", stream.read)
    first = read(_PIECE)
    encoding = encoding_of(BytesIO(first[:_HEAD]))
    is_wide = encoding.name.startswith(_WIDE)
    if not is_wide:
        encoding = Encoding("utf-8", encoding.mark if encoding.name == "utf-8" else 0)
    lines = _lines(_texts(_put_back(first[encoding.mark :], read), encoding))
    return map(_whole, lines) if is_wide else _decided_late(lines, name, tell)


def _guess_told(name: str, encoding: Encoding) -> str:
    shown = _SHOWN_NAMES.get(encoding.name, encoding.name.upper())
    return (
        f"{name}: no UTF-8, read as {shown}; if letters come out wrong, save it as UTF-8 "
        "(Excel: CSV UTF-8)"
    )


def _put_back(first: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    waiting = [first]

    def next_piece(size: int) -> bytes:
        return waiting.pop() if waiting and waiting[0] else read(size)

    return next_piece


def _texts(read: Callable[[int], bytes], encoding: Encoding) -> Iterator[str]:
    """Pieces of text; bytes that cannot be decoded as lone surrogates, of UTF-16 as U+FFFD."""
    errors = "replace" if encoding.name.startswith(_WIDE) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding.name)(errors)
    for piece in iter(partial(read, _PIECE), b""):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _lines(texts: Iterator[str]) -> Iterator[str]:
    """Lines that end with \\n, whatever ended them: CR alone is Excel's for Mac."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if _ENDS.search(text):
            # A last CR waits: an LF may follow.
            *whole, rest = _split("".join(held))
            yield from whole
            held, size = [rest], len(rest)
        elif size >= _MAX_LINE:
            yield "".join(held)
            held, size = [], 0
    if rest := "".join(held):
        yield rest.replace("\r", "\n")


def _split(text: str) -> list[str]:
    end = "\r" if text.endswith("\r") else ""
    lines = [f"{line}\n" for line in _ENDS.split(text.removesuffix(end))]
    lines[-1] = lines[-1][:-1] + end
    return lines


def _whole(line: str) -> str | None:
    return None if _UNDECODED.search(line) else line


def _decided_late(lines: Iterator[str], name: str, tell: Callable[[str], None]) -> Lines:
    encoding = Encoding("utf-8")
    for line in lines:
        if line.isascii():
            yield line
            continue
        raw = line.encode("utf-8", "surrogateescape")
        if not encoding.is_guessed and _UNDECODED.search(line):
            encoding = guessed(raw)
            if encoding.is_guessed:
                tell(_guess_told(name, encoding))
        yield _whole(raw.decode(encoding.name, "surrogateescape"))
