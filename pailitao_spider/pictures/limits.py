"""How large a picture may be: here at all, and at a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pailitao_spider.errors import PictureError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "PictureLimits",
    "checked_size",
    "sized",
    "too_many_pixels",
]

MAX_BYTES = 50_000_000
MAX_PIXELS = 80_000_000


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a gateway takes as an upload. `formats` in Pillow's names."""

    bytes: int
    side_pixels: int
    formats: frozenset[str]


def sized(raw: bytes) -> bytes:
    """The same bytes: some, and not too many."""
    if not raw:
        raise PictureError("empty_file", "the picture has no bytes; give another")
    if len(raw) > MAX_BYTES:
        raise PictureError("too_many_bytes", "the picture is over 50 MB; make it smaller")
    return raw


def checked_size(image: ImageFile) -> tuple[int, int]:
    if image.width * image.height > MAX_PIXELS:
        raise too_many_pixels()
    return image.size


def too_many_pixels() -> PictureError:
    text = f"the picture has over {MAX_PIXELS // 10**6} megapixels; make it smaller"
    return PictureError("too_many_pixels", text)
