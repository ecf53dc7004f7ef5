"""Answers in another encoding than UTF-8, turned into it before anything is read of them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

__all__ = ["guessed_in_utf8", "in_utf8"]

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CHINESE = "gb18030"  # GB2312 and GBK are parts of it
_NAMES = {"gb2312": _CHINESE, "gbk": _CHINESE, "gb18030": _CHINESE}
# A header that names one of these says nothing: it is a server's default.
_UNSAID = ("utf-8", "iso8859-1", "ascii", "cp1252")
_BYTE_ORDER = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_LOST = "\ufffd"
_FEWEST_LOST = 2


def in_utf8(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The same text in UTF-8, by the encoding that its header names (`headers` by lower-case
    name). A body that is UTF-8 all the same, or is not what the header says, stays as it is.
    """
    named = _named(headers.get("content-type", ""))
    return body if named is None or _is_utf8(body) else _from(named, body) or body


def guessed_in_utf8(body: bytes) -> bytes:
    """The same text in UTF-8, by its looks: UTF-16 or Chinese. UTF-8 with some damage stays."""
    if body[:2] in _BYTE_ORDER:
        return _from(_BYTE_ORDER[body[:2]], body) or body
    return (_looks_chinese(body) and _from(_CHINESE, body)) or body


def _is_utf8(body: bytes) -> bool:
    try:
        codecs.utf_8_decode(body, "strict", True)
    except UnicodeDecodeError:
        return False
    return True


def _named(content_type: str) -> str | None:
    """The encoding that the header names, unless it is one that servers name unasked."""
    found = _CHARSET.search(content_type)
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1]).name
    except LookupError:
        return None
    return None if name in _UNSAID else _NAMES.get(name, name)


def _from(encoding: str, body: bytes) -> bytes | None:
    try:
        return body.decode(encoding).encode()
    except (UnicodeError, LookupError):
        return None


def _looks_chinese(body: bytes) -> bool:
    """Read as UTF-8 most of what is no ASCII would be lost."""
    text = body.decode(errors="replace")
    lost = text.count(_LOST)
    return lost >= _FEWEST_LOST and 2 * lost > len(text) - sum(map(str.isascii, text))
