"""A picture made ready to send."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures.formats import format_of, unsupported
from pailitao_spider.pictures.limits import PictureLimits, checked_size, sized, too_many_pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = ["Picture", "prepare"]

_SUBFILE_TAG, _DNG_TAG = 0x00FE, 0xC612


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to send. `sha256` is of the original bytes: the picture's identity."""

    data: bytes = field(repr=False)
    sha256: str
    format: str
    width: int
    height: int


def prepare(raw: bytes, limits: PictureLimits) -> Picture:
    """The picture as the gateway takes it: untouched if it can be, else a JPEG that fits."""
    name = format_of(sized(raw))

    from PIL import Image

    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        return _prepared(raw, name, sha256, limits)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels() from error
    except MemoryError as error:
        raise too_many_pixels() from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        if name == "HEIC":  # more often of a kind that is not known here than damaged
            raise unsupported(name) from error
        text = f"the {name} is cut or damaged; fetch or save it again"
        raise PictureError("truncated_picture", text) from error


def _prepared(raw: bytes, name: str, sha256: str, limits: PictureLimits) -> Picture:
    from pailitao_spider.pictures.jpegs import flat, is_plain, jpeg, mended
    from pailitao_spider.pictures.orientation import decoded
    from pailitao_spider.pictures.pillow_readers import reader_of

    whole = mended(raw) if name == "JPEG" else raw
    with reader_of(name)(BytesIO(whole)) as image:
        size = checked_size(image)
        _check_is_no_thumbnail(image)
        is_plain_picture = is_plain(image)
        is_upright, pixels = decoded(image, limits.side_pixels)
        if is_plain_picture and is_upright and whole is raw and _fits(raw, name, size, limits):
            return Picture(raw, sha256, name, *size)
        data, size = jpeg(flat(pixels), limits)
    return Picture(data, sha256, "JPEG", *size)


def _check_is_no_thumbnail(image: ImageFile) -> None:
    """A camera's raw file is a TIFF that begins with a small copy of the picture."""
    tags = getattr(image, "tag_v2", {})
    if int(tags.get(_SUBFILE_TAG, 0) or 0) & 1 or _DNG_TAG in tags:
        raise unsupported("RAW")


def _fits(raw: bytes, name: str, size: tuple[int, int], limits: PictureLimits) -> bool:
    is_small = len(raw) <= limits.bytes and max(size) <= limits.side_pixels
    return is_small and name in limits.formats
