"""Any picture as a JPEG that fits."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import cast

from PIL import Image
from PIL.ImageFile import ImageFile

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures.limits import PictureLimits

__all__ = ["flat", "is_plain", "jpeg", "mended"]

_MAX_JPEG_SIDE = 65_500
_MIN_SIDE = 32
_QUALITIES = (90, 80, 70, 55)
_END, _SCAN, _PROGRESSIVE = b"\xff\xd9", b"\xff\xda", b"\xff\xc2"
_TAIL = 4096  # what some programs write behind the end
_HEADERS = 200_000
_NEARLY_ALL_SCANS = 6  # of 6 for grey, of 10 for colours in libjpeg's own script
_MISSING_ROWS = 32
"""Two rows of blocks: what a decoder still holds back when the last bytes do not come."""


def is_plain(image: ImageFile) -> bool:
    """One picture, grey or RGB of 8 bits, nothing to see through: as every gateway reads it."""
    is_deep = any("16" in str(tile[3]) for tile in image.tile)
    is_one = not getattr(image, "is_animated", False)
    is_usual = image.mode in ("L", "RGB", "P")
    return is_usual and is_one and not is_deep and not image.has_transparency_data


def mended(raw: bytes) -> bytes:
    """A JPEG whose end marker is missing, with one, if all or nearly all of it is there."""
    if raw.rstrip(b"\0")[-2:] == _END or _END in raw[-_TAIL:] or not _is_nearly_whole(raw):
        return raw
    return raw + _END


def _is_nearly_whole(raw: bytes) -> bool:
    """By the rows that can be decoded; of a progressive one by how many scans have begun, each of
    which refines the whole picture.
    """
    if _PROGRESSIVE in raw[:_HEADERS]:
        return raw.count(_SCAN) >= _NEARLY_ALL_SCANS
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(BytesIO(raw)) as image:
        try:
            image.load()
        except OSError:
            rows = image.im.getbbox()
            return rows is not None and image.height - rows[3] <= _MISSING_ROWS
    return True


def flat(image: Image.Image) -> Image.Image:
    """As grey or RGB with 8 bits, transparency on white."""
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        page = Image.new("RGB", image.size, "white")
        page.paste(seen, mask=seen)
        return page
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return _eight_bits(image)
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey as 8 bits: 16-bit values by their scale, others by their own extremes."""
    deep = image.convert("F")
    low, high = cast("tuple[float, float]", deep.getextrema())
    if image.mode.startswith("I") and low >= 0 and 255 < high < 65536:
        low, high = 0.0, 65535.0
    scale = 255 / (high - low) if high > low else 1.0
    return deep.point(lambda value: value * scale - low * scale).convert("L")


def jpeg(image: Image.Image, limits: PictureLimits) -> tuple[bytes, tuple[int, int]]:
    """The largest and best JPEG within the limits, and its size. Raises PictureError."""
    for side in _sides(min(max(image.size), limits.side_pixels, _MAX_JPEG_SIDE)):
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        for quality in _QUALITIES:
            data = _encoded(image, quality)
            if len(data) <= limits.bytes:
                return data, image.size
    text = f"no JPEG of it fits in {limits.bytes} bytes; raise the limit"
    raise PictureError("too_many_bytes", text)


def _sides(first: int) -> Iterator[int]:
    yield first
    while (first := first * 3 // 4) >= _MIN_SIDE:
        yield first


def _encoded(image: Image.Image, quality: int) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality, comment=b"")
    return stream.getvalue()
