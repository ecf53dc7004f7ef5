"""The bytes of pictures that are not on the web, from files and Base64."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from stat import S_ISREG

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures.limits import MAX_BYTES, sized
from pailitao_spider.seeds import Base64Image, FileImage

__all__ = ["decode_base64", "load", "read_file"]


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


def decode_base64(text: str) -> bytes:
    """The bytes of standard Base64, white space left out."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError("bad_base64", f"no Base64 ({error}); encode the file anew") from error
    return sized(raw)
