"""A seed's text as a picture: a URL, a path, or Base64."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from stat import S_ISREG
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from w3lib.url import safe_url_string

from pailitao_spider.errors import BadSeedError
from pailitao_spider.offers.values import cleaned
from pailitao_spider.pictures import known_format
from pailitao_spider.seeds.image_bytes import decode_base64
from pailitao_spider.seeds.model import Base64Image, FileImage, Image, UrlImage

__all__ = ["addresses", "file_image", "read_image", "shown", "url_image", "without_quotes"]

# One letter before a colon is a drive, not a scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(//)?", re.IGNORECASE)
_SAFE_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_DATA_HEAD = re.compile(r"data:[^,]*;\s*base64", re.IGNORECASE)
# 1688's own links leave the scheme out: //cbu01.alicdn.com/img/x.jpg
_HOST_FIRST = re.compile(r"//[\w-]+(?:\.[\w-]+)+/")
_WIDE_SCHEME = re.compile(r"(https?)\s*[:：]\s*[/／]{2}", re.IGNORECASE)
_NEXT_ADDRESS = re.compile(r"[\s,;，；、|]+(?=(?:https?:)?//[\w-])", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "<": ">", "`": "`"}
_NO_PICTURES = re.compile(
    r"\.(?:csv|tsv|txt|jsonl?|xls[xmb]?|ods|docx?|pptx?|pdf|html?|zip|rar|7z|mp4|mov)$",
    re.IGNORECASE,
)
_LIST_QUERY = re.compile(r"(?:^|&)(?:format|output)=(?:csv|tsv|xlsx|ods|pdf)(?:&|$)", re.IGNORECASE)
_NOT_STANDARD = str.maketrans("-_", "+/", "\"'\ufeff\u200b")
_INVISIBLE = re.compile(r"[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_HAS_ADDRESS = re.compile("(?:https?:)?//", re.IGNORECASE)
_LONGEST_ADDRESSES = 20_000
_MIN_BASE64 = 64


def shown(text: str) -> str:
    """A picture's text as an error line shows it: short, on one line."""
    return cleaned(text[:80]) + ("…" if len(text) > 80 else "")


def read_image(text: str, folders: Sequence[Path]) -> Image:
    """The picture that a seed's text names; a path is looked up in each folder in turn.

    Raises BadSeedError.
    """
    if not text.isprintable() and (image := _first_file(text.strip(), folders)):
        return image  # a name may hold direction marks
    text = without_quotes(text)
    text = _WIDE_SCHEME.sub(r"\1://", text, count=1) if text[:4].lower() == "http" else text
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _bare_image(text, folders)
    if reader := _BY_SCHEME.get(scheme[1].lower()):
        return reader(text)
    if not scheme[2] and (image := _first_file(text, folders)):
        return image
    message = f"{shown(text)} is neither http(s) nor a file; give a web address, a path or Base64"
    raise BadSeedError("bad_scheme", message)


def without_quotes(text: str) -> str:
    """Without invisible characters and the quotes that Windows' "copy as path" puts around."""
    text = text if text.isprintable() else _INVISIBLE.sub("", text)
    text = text.strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    return text


def addresses(text: str) -> list[str]:
    """The addresses in a cell, one after the other: shops export a product's pictures so."""
    if len(text) > _LONGEST_ADDRESSES or not _HAS_ADDRESS.match(text.lstrip()):
        return [text]
    return [each.strip(" ,;，；、|") for each in _NEXT_ADDRESS.split(text.strip())]


def url_image(text: str) -> UrlImage:
    """A picture on the web, its address percent-encoded, host in lower case, without fragment."""
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
    _check_is_picture(text, parts)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user}{at}{host.lower()}"
    return UrlImage(urlunsplit((parts.scheme.lower(), netloc, parts.path, parts.query, "")))


def _check_is_picture(text: str, parts: SplitResult) -> None:
    """An address of something else costs a call and finds nothing."""
    if len(found := addresses(text)) > 1:
        message = f"{shown(text)} are {len(found)} addresses; give one a line"
        raise BadSeedError("several_addresses", message)
    is_sheet = parts.hostname == "docs.google.com" and parts.path.startswith("/spreadsheets/")
    if is_sheet or _NO_PICTURES.search(parts.path) or _LIST_QUERY.search(parts.query):
        message = (
            f"{shown(text)} is the address of a list or document, not of a picture; download it "
            "and give the file, or give the picture's own address"
        )
        raise BadSeedError("no_picture_address", message)


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
    if digits := _picture_digits(text):
        return _base64_image(digits)
    if image := _first_file(text, folders):
        return image
    if _HOST_FIRST.match(text):
        return url_image(f"https:{text}")
    raise BadSeedError("no_such_file", f"no such file: {shown(text)}; check the path")


def _first_file(text: str, folders: Sequence[Path]) -> FileImage | None:
    for spelling in _spellings(text):
        for folder in folders:
            if image := file_image(folder / spelling):
                return image
    return None


def _spellings(text: str) -> Iterator[str]:
    yield text
    if text.startswith("~"):
        yield os.path.expanduser(text)  # noqa: PTH111 - of Path it may raise
    if "\\" in text and os.sep == "/":
        yield text.replace("\\", "/")


def _picture_digits(text: str) -> str | None:
    """Base64 of a picture, made standard, if the text begins like some."""
    if len(text) < _MIN_BASE64:
        return None
    head = _standard(text[: 4 * _MIN_BASE64])[:_MIN_BASE64]
    try:
        is_picture = known_format(base64.b64decode(head, validate=True)) is not None
    except ValueError:
        return None
    return _standard(text) if is_picture else None


def _standard(text: str) -> str:
    """Base64 in its standard letters and with its padding, from `-_`, %2B, b'…' and quotes."""
    if text[:2] in ("b'", 'b"'):
        text = text[1:]
    if "%" in text:
        text = unquote(text)
    digits = "".join(text.translate(_NOT_STANDARD).split()).rstrip("=")
    return digits + "=" * (-len(digits) % 4)


def _base64_image(digits: str) -> Base64Image:
    sha256 = hashlib.sha256(decode_base64(digits)).hexdigest()
    return Base64Image(digits, f"base64:{sha256[:16]}")


def _data_image(text: str) -> Base64Image:
    head, _, digits = text.partition(",")
    if not _DATA_HEAD.fullmatch(head.strip()) or not _is_of_picture(head, digits):
        message = f"{shown(text)} is no picture; write data:image/jpeg;base64,…"
        raise BadSeedError("bad_base64", message)
    return _base64_image(_standard(digits))


def _is_of_picture(head: str, digits: str) -> bool:
    """By its type; servers that do not know it write none, or application/octet-stream."""
    return head[5:11].lower() == "image/" or _picture_digits(digits) is not None


def _local_address(text: str) -> FileImage:
    """file:///home/me/a.jpg, file:///C:/a.jpg"""
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path:
        message = f"{shown(text)} names no file of this machine; give its path"
        raise BadSeedError("bad_scheme", message)
    image = file_image(Path(url2pathname(parts.path)))
    if image is None:
        raise BadSeedError("no_such_file", f"no such file: {shown(text)}; check the path")
    return image


_BY_SCHEME: dict[str, Callable[[str], Image]] = {
    "http": url_image,
    "https": url_image,
    "data": _data_image,
    "file": _local_address,
}
