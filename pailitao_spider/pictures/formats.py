"""The formats of pictures: how each is known, and which are read."""

from __future__ import annotations

import re

from pailitao_spider.errors import PictureError

__all__ = ["format_of", "known_format"]

_READABLE = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
# In this order: an AVIF may call itself mif1 first and avif only in its list of brands.
_BRANDS = ((b"avi[fs]", "AVIF"), (b"he[iv][cmsx]|m[is]f1", "HEIC"))


def known_format(head: bytes) -> str | None:
    """The format that the first 64 bytes name: Pillow's word, or HEIC, which none here reads."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    if head[4:8] != b"ftyp":
        return None
    return next((name for brand, name in _BRANDS if re.search(brand, head[8:64])), None)


def format_of(raw: bytes) -> str:
    """The format of a picture that can be read. Raises PictureError."""
    name = known_format(raw[:64])
    if name is None:
        known = ", ".join(_READABLE)
        raise PictureError("not_a_picture", f"the bytes are no picture; give one of {known}")
    if name not in _READABLE:
        raise PictureError("unsupported_picture", f"{name} is not read here; convert it to JPEG")
    return name
