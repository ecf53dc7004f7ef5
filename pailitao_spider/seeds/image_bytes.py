"""The bytes of pictures that are not on the web, from files and Base64."""

from __future__ import annotations

import base64
import binascii
import zipfile
import zlib
from pathlib import Path
from stat import S_ISREG

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures.limits import MAX_BYTES, sized
from pailitao_spider.seeds.model import Base64Image, FileImage

__all__ = ["decode_base64", "load", "read_file", "read_part"]


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
    return sized(raw)


def read_part(book: Path, part: str) -> bytes:
    """The bytes of a picture that lies in a workbook."""
    try:
        with zipfile.ZipFile(book) as file:
            if file.getinfo(part).file_size > MAX_BYTES:
                raise PictureError("too_many_bytes", "the picture is over 50 MB; make it smaller")
            return sized(file.read(part))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        message = "the workbook does not hold the picture of this cell; paste it anew"
        raise PictureError("no_image", message) from error


def decode_base64(text: str) -> bytes:
    """The bytes of standard Base64, white space left out."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError("bad_base64", f"no Base64 ({error}); encode the file anew") from error
    return sized(raw)
