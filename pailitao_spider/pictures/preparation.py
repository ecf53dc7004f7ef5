"""A picture made ready to send."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import BytesIO

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures.formats import format_of
from pailitao_spider.pictures.limits import PictureLimits, checked_size, sized, too_many_pixels

__all__ = ["Picture", "prepare"]


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

    from pailitao_spider.pictures.jpegs import flat, jpeg
    from pailitao_spider.pictures.orientation import decoded
    from pailitao_spider.pictures.readers import READERS

    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        with READERS[name](BytesIO(raw)) as image:
            size = checked_size(image)
            is_upright, pixels = decoded(image, limits.side_pixels)
            if is_upright and _fits(raw, name, size, limits):
                return Picture(raw, sha256, name, *size)
            data, size = jpeg(flat(pixels), limits)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels() from error
    except MemoryError as error:
        raise too_many_pixels() from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        text = f"the {name} is cut or damaged; fetch or save it again"
        raise PictureError("truncated_picture", text) from error
    return Picture(data, sha256, "JPEG", *size)


def _fits(raw: bytes, name: str, size: tuple[int, int], limits: PictureLimits) -> bool:
    is_small = len(raw) <= limits.bytes and max(size) <= limits.side_pixels
    return is_small and name in limits.formats
