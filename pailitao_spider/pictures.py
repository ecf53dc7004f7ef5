"""Opening, checking and preparing pictures: what a gateway can be given, and nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import cast

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pailitao_spider.errors import PictureError
from pailitao_spider.seeds import Base64Image, FileImage

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "Picture",
    "PictureLimits",
    "decode_base64",
    "known_format",
    "load",
    "prepare",
    "read_file",
]

MAX_BYTES = 50_000_000
MAX_PIXELS = 80_000_000
_MAX_JPEG_SIDE = 65_500
_MIN_SIDE = 32
_QUALITIES = (90, 80, 70, 55)
_ORIENTATION_TAG = 0x0112
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a gateway takes as an upload. `formats` in Pillow's names."""

    bytes: int
    side_pixels: int
    formats: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to send. `sha256` is of the original bytes: the picture's identity."""

    data: bytes = field(repr=False)
    sha256: str
    format: str
    width: int
    height: int


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Nothing: the dpi is of no use here, and reading it warns of every odd Exif block."""


# Pillow's own readers, called directly. Image.open would check the pixels by a limit that belongs
# to the whole process and by a warning that only a process-wide filter could silence; neither is
# safe beside other threads. The pixels are checked below, from the header. And no other decoder
# of the machine (EPS, PDF) can be reached.
_READERS: dict[str, type[ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
}
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


def load(image: FileImage | Base64Image) -> bytes:
    """The bytes of a picture that is not on the web, unchecked."""
    if isinstance(image, FileImage):
        return read_file(image.path)
    return decode_base64(image.text)


def read_file(path: Path) -> bytes:
    """The bytes of a regular file of at most 50 MB."""
    try:
        # Asked first, for opening a pipe would wait for its writer.
        if not S_ISREG(path.stat().st_mode):
            raise PictureError("unreadable_file", "not a regular file; name a picture file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise PictureError("unreadable_file", f"cannot be read: {why or 'bad path'}") from error
    return _sized(raw)


def decode_base64(text: str) -> bytes:
    """The bytes of standard Base64, white space left out."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError("bad_base64", f"no Base64 ({error}); encode the file anew") from error
    return _sized(raw)


def _sized(raw: bytes) -> bytes:
    if not raw:
        raise PictureError("empty_file", "the picture has no bytes; give another")
    if len(raw) > MAX_BYTES:
        raise PictureError("too_many_bytes", "the picture is over 50 MB; make it smaller")
    return raw


def prepare(raw: bytes, limits: PictureLimits) -> Picture:
    """The picture as the gateway takes it: untouched if it can be, else a JPEG that fits."""
    name = _format_of(_sized(raw))
    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        with _READERS[name](BytesIO(raw)) as image:
            size = _checked_size(image)
            is_upright, pixels = _decoded(image, limits)
            if is_upright and _fits(raw, name, size, limits):
                return Picture(raw, sha256, name, *size)
            data, size = _jpeg(_flat(pixels), limits)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except MemoryError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        text = f"the {name} is cut or damaged; fetch or save it again"
        raise PictureError("truncated_picture", text) from error
    return Picture(data, sha256, "JPEG", *size)


def _format_of(raw: bytes) -> str:
    name = known_format(raw[:64])
    if name is None:
        known = ", ".join(_READERS)
        raise PictureError("not_a_picture", f"the bytes are no picture; give one of {known}")
    if name not in _READERS:
        raise PictureError("unsupported_picture", f"{name} is not read here; convert it to JPEG")
    return name


def _checked_size(image: ImageFile) -> tuple[int, int]:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    return image.size


def _too_many_pixels() -> PictureError:
    text = f"the picture has over {MAX_PIXELS // 10**6} megapixels; make it smaller"
    return PictureError("too_many_pixels", text)


def _fits(raw: bytes, name: str, size: tuple[int, int], limits: PictureLimits) -> bool:
    is_small = len(raw) <= limits.bytes and max(size) <= limits.side_pixels
    return is_small and name in limits.formats


def _decoded(image: ImageFile, limits: PictureLimits) -> tuple[bool, Image.Image]:
    """The first frame, turned upright, and whether it was upright as it came."""
    if isinstance(image, TiffImageFile):  # load() turns a TIFF itself
        is_upright = image.tag_v2.get(_ORIENTATION_TAG, 1) not in _TRANSPOSED
        image.load()
        return is_upright, image
    if max(image.size) > limits.side_pixels:
        image.draft(None, (limits.side_pixels, limits.side_pixels))
    image.load()
    turn = _TRANSPOSED.get(_orientation(image.info.get("exif", b"")))
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


def _flat(image: Image.Image) -> Image.Image:
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


def _jpeg(image: Image.Image, limits: PictureLimits) -> tuple[bytes, tuple[int, int]]:
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
