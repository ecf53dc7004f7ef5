"""The formats of pictures: how each is known, and which are read."""

from __future__ import annotations

import re
from importlib.util import find_spec

from pailitao_spider.errors import PictureError

__all__ = ["RAW_SUFFIXES", "format_of", "known_format", "unsupported"]

RAW_SUFFIXES = (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw")

_READABLE = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0\x10\0\0\0CR", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIU\0", "RAW"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "PSD"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
)
# In this order: an AVIF may call itself mif1 first and avif only in its list of brands.
_BRANDS = ((b"avi[fs]", "AVIF"), (b"he[iv][cmsx]|m[is]f1", "HEIC"), (b"crx ", "RAW"))
_WHAT_TO_DO = {
    "HEIC": "install pillow-heif (pip install pillow-heif), or convert it to JPEG",
    "RAW": "it is a camera's raw file; export it as JPEG",
}


def known_format(head: bytes) -> str | None:
    """The format that the first 64 bytes name: Pillow's word, or that of one nobody here reads."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    if head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF":
        return "EMF"
    if head[4:8] != b"ftyp":
        return None
    return next((name for brand, name in _BRANDS if re.search(brand, head[8:64])), None)


def format_of(raw: bytes) -> str:
    """The format of a picture that can be read. Raises PictureError."""
    name = known_format(raw[:64])
    if name is None:
        known = ", ".join(_READABLE)
        raise PictureError("not_a_picture", f"the bytes are no picture; give one of {known}, HEIC")
    if name not in _READABLE and not (name == "HEIC" and find_spec("pillow_heif")):
        raise unsupported(name)
    return name


def unsupported(name: str) -> PictureError:
    what = _WHAT_TO_DO.get(name, "convert it to JPEG")
    if name == "HEIC" and find_spec("pillow_heif"):
        return PictureError("unsupported_picture", "this HEIC cannot be read; convert it to JPEG")
    return PictureError("unsupported_picture", f"{name} is not read here; {what}")
