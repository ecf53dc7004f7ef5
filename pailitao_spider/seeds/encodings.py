"""The encoding of a list, decided for the whole file: spreadsheets write many and name none."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

__all__ = ["Encoding", "encoding_of", "guessed"]

_PIECE = 2**20
_HEAD = 400
# The longer mark first: that of UTF-32 begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_NO_ASCII = re.compile("[^\x00-\x7f]")
# An accented letter stands beside plain ones; typographic marks beside letters, digits or spaces.
_WESTERN = re.compile(
    "(?<=[A-Za-z])[À-ÖØ-öø-ÿŒœŠšŽžŸ]{1,2}|[À-ÖØ-öø-ÿŒœŠšŽžŸ]{1,2}(?=[a-z])"
    "|(?<![^\x00-\x7f])[€£©®°²³´·½–—‘’“”…™«»×\xa0](?![^\x00-\x7f])"
)
_LEAST_SHARE = 0.6
_DAMAGE = 4  # an undecodable byte weighs as much as so many odd characters


class Encoding(NamedTuple):
    """How a list is decoded. `mark` is the length of its byte-order mark."""

    name: str
    mark: int = 0
    is_guessed: bool = False


def encoding_of(stream: BinaryIO) -> Encoding:
    """Looks through a file from its beginning, and leaves it at any place."""
    head = stream.read(_HEAD)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    if wide := _wide(head):
        return Encoding(wide, is_guessed=True)
    stream.seek(0)
    sample = _not_utf8(stream)
    if sample is not None:
        return guessed(sample)
    stream.seek(0)
    is_gb = _is_utf8_by_accident(stream.read(_PIECE))
    return Encoding("gb18030", is_guessed=True) if is_gb else Encoding("utf-8")


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of plain letters is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head) or min(even, odd) * 4 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _not_utf8(stream: BinaryIO) -> bytes | None:
    """Whole lines of a file that is no UTF-8, its first ones and those around the proof."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = b""
    for piece in iter(partial(stream.read, _PIECE), b""):
        first = first or piece
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            return first if piece is first else first + b"\n" + _whole_lines(piece)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return first
    return None


def _is_utf8_by_accident(sample: bytes) -> bool:
    """Many characters of GB2312 (小, 双, 只) are as bytes one letter in UTF-8, of Cyrillic, Arabic
    and the like: which never stand alone in a text.
    """
    text = sample.decode("utf-8", "ignore")
    runs = re.findall("[^\x00-\x7f]+", text)
    if not runs or any(len(run) > 1 or not "\u02b0" <= run <= "\u07ff" for run in runs):
        return False
    return _usual_gb(sample.decode("gb18030", "replace")) == len(runs)


def _whole_lines(piece: bytes) -> bytes:
    return piece.partition(b"\n")[2].rpartition(b"\n")[0]


def guessed(sample: bytes) -> Encoding:
    """The encoding in which most of what is no ASCII is usual; UTF-8 where none fits."""
    name, share = max(_shares(sample), key=lambda found: found[1])
    return Encoding("utf-8") if share < _LEAST_SHARE else Encoding(name, is_guessed=name != "utf-8")


def _shares(sample: bytes) -> Iterator[tuple[str, float]]:
    for name, usual in _USUAL.items():
        text = sample.decode(name, "replace").rstrip("\ufffd")
        damaged = text.count("\ufffd")
        odd = len(_NO_ASCII.findall(text)) - damaged
        yield name, usual(text) / max(odd + damaged * _DAMAGE, 1)


def _usual_unicode(text: str) -> int:
    """Chinese, Japanese or Korean, or accented letters among plain ones."""
    return len(re.findall("[\u2010-\u2027\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]",
                          text)) + _western(text)  # fmt: skip


def _usual_gb(text: str) -> int:
    """The 3 755 characters that the standard puts first, and its marks."""
    return _by_lead(text, "gb2312", lambda lead: 0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7)


def _usual_big5(text: str) -> int:
    return _by_lead(text, "big5", lambda lead: 0xA1 <= lead <= 0xC6)


def _by_lead(text: str, charset: str, is_usual: Callable[[int], bool]) -> int:
    found = _NO_ASCII.findall(text)
    pairs = (each.encode(charset, "ignore") for each in found)
    return sum(1 for pair in pairs if len(pair) == 2 and is_usual(pair[0]))


def _western(text: str) -> int:
    return sum(len(each) for each in _WESTERN.findall(text))


# In this order: of equals the first one is taken.
_USUAL = {
    "utf-8": _usual_unicode,
    "gb18030": _usual_gb,
    "cp950": _usual_big5,
    "cp1252": _western,
}
