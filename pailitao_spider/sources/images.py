"""A seed's text as a picture: a URL, a path, or Base64."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from stat import S_ISREG
from urllib.parse import urlsplit

from w3lib.url import safe_url_string

from pailitao_spider.errors import BadSeedError
from pailitao_spider.pictures import decode_base64, known_format
from pailitao_spider.seeds import Base64Image, FileImage, Image, UrlImage
from pailitao_spider.values import cleaned

__all__ = ["file_image", "read_image", "shown", "url_image"]

# One letter before a colon is a drive, not a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(//)?", re.IGNORECASE)
_SAFE_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_DATA_HEAD = re.compile(r"data:image/[^;,]+(?:;[^;,]*)*;base64", re.IGNORECASE)
# 1688's own links leave the scheme out: //cbu01.alicdn.com/img/x.jpg
_HOST_FIRST = re.compile(r"//[\w-]+(?:\.[\w-]+)+/")
_MIN_BASE64 = 64


def shown(text: str) -> str:
    """A picture's text as an error line shows it: short, on one line."""
    return cleaned(text[:80]) + ("…" if len(text) > 80 else "")


def read_image(text: str, folders: Sequence[Path]) -> Image:
    """The picture that a seed's text names; a path is looked up in each folder in turn.

    Raises BadSeedError.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _bare_image(text, folders)
    if reader := _BY_SCHEME.get(scheme[1].lower()):
        return reader(text)
    if not scheme[2] and (image := _first_file(text, folders)):
        return image
    message = f"{shown(text)} is neither http(s) nor a file; give a web address, a path or Base64"
    raise BadSeedError("bad_scheme", message)


def url_image(text: str) -> UrlImage:
    """A picture on the web, its address percent-encoded."""
    try:
        url = text if _SAFE_URL.fullmatch(text) else safe_url_string(text)
        parts = urlsplit(url)
        has_host = bool(parts.hostname and parts.hostname.strip(".")) and parts.port != 0
        is_whole = has_host and _SAFE_URL.fullmatch(url) is not None
    except ValueError:
        is_whole = False
    if not is_whole:
        raise BadSeedError(
            "bad_url", f"{shown(text)} names no host; write https://host/picture.jpg"
        )
    return UrlImage(url)


def file_image(path: Path) -> FileImage | None:
    """A picture on this machine, None if there is nothing at the path."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a third of the time of Path.stat()
    except PermissionError:
        message = f"{shown(str(path))} may not be read; change its permissions"
        raise BadSeedError("unreadable_file", message) from None
    except (OSError, ValueError):
        return None
    if not S_ISREG(mode):
        raise BadSeedError("not_a_file", f"{shown(str(path))} is no file; name a picture file")
    return FileImage(path)


def _bare_image(text: str, folders: Sequence[Path]) -> Image:
    if _begins_like_picture(text):
        return _base64_image(text)
    if image := _first_file(text, folders):
        return image
    if _HOST_FIRST.match(text):
        return url_image(f"https:{text}")
    raise BadSeedError("no_such_file", f"no such file: {shown(text)}; check the path")


def _first_file(text: str, folders: Sequence[Path]) -> FileImage | None:
    for folder in folders:
        if image := file_image(folder / text):
            return image
    return None


def _begins_like_picture(text: str) -> bool:
    if len(text) < _MIN_BASE64:
        return False
    head = "".join(text[: 2 * _MIN_BASE64].split())[:_MIN_BASE64]
    try:
        return known_format(base64.b64decode(head, validate=True)) is not None
    except ValueError:
        return False


def _base64_image(text: str) -> Base64Image:
    digits = "".join(text.split())
    sha256 = hashlib.sha256(decode_base64(digits)).hexdigest()
    return Base64Image(digits, f"base64:{sha256[:16]}")


def _data_image(text: str) -> Base64Image:
    head, _, digits = text.partition(",")
    if not _DATA_HEAD.fullmatch(head.strip()):
        message = f"{shown(text)} is no picture; write data:image/jpeg;base64,…"
        raise BadSeedError("bad_base64", message)
    return _base64_image(digits)


_BY_SCHEME: dict[str, Callable[[str], Image]] = {
    "http": url_image,
    "https": url_image,
    "data": _data_image,
}
