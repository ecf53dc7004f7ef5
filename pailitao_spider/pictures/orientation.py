"""Pictures turned upright."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

__all__ = ["TRANSPOSED", "decoded"]

_ORIENTATION_TAG = 0x0112
TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decoded(image: ImageFile, side_pixels: int) -> tuple[bool, Image.Image]:
    """The first frame, turned upright, and whether it was upright as it came."""
    if isinstance(image, TiffImageFile):  # load() turns a TIFF itself
        is_upright = image.tag_v2.get(_ORIENTATION_TAG, 1) not in TRANSPOSED
        image.load()
        return is_upright, image
    if max(image.size) > side_pixels:
        image.draft(None, (side_pixels, side_pixels))
    image.load()
    turn = TRANSPOSED.get(_orientation(image.info.get("exif") or b""))
    return (True, image) if turn is None else (False, image.transpose(turn))


def _orientation(exif: bytes) -> int:
    """The orientation in an Exif block, 1 if there is none.

    Pillow's getexif() reads every tag and warns of each odd one; one tag is needed.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        for tag, value in _short_tags(tiff, order):
            if tag == _ORIENTATION_TAG:
                return value
    except struct.error:
        return 1
    return 1


def _short_tags(tiff: bytes, order: str) -> Iterator[tuple[int, int]]:
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (tags,) = struct.unpack_from(f"{order}H", tiff, start)
    for index in range(tags):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * index)
        yield tag, value
