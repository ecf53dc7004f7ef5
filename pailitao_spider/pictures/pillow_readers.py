"""Who reads each format: Pillow, loaded where a picture is opened."""

from __future__ import annotations

from typing import cast

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

__all__ = ["READERS", "reader_of"]


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Nothing: the dpi is of no use here, and reading it warns of every odd Exif block."""


# Pillow's own readers, called directly. Image.open would check the pixels by a limit that belongs
# to the whole process, not safe beside other threads; here they are checked by `checked_size`,
# from the header. And no other decoder of the machine (EPS, PDF) can be reached.
READERS: dict[str, type[ImageFile]] = {
    "JPEG": _Jpeg,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
}


def reader_of(name: str) -> type[ImageFile]:
    """HEIC's comes from a library of its own, asked for when there is such a picture."""
    if name == "HEIC":
        from pillow_heif import HeifImageFile

        return cast("type[ImageFile]", HeifImageFile)
    return READERS[name]
