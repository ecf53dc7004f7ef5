"""Pictures that clients send: decoding with limits, and ids that nobody can guess."""

from __future__ import annotations

import base64
import binascii
import io
import secrets
from collections import OrderedDict
from collections.abc import Callable

from PIL import Image

from pailitao_spider.sandbox.catalogue.market import LineKey
from pailitao_spider.sandbox.refusals import RefusalError, Why, bad_parameter

__all__ = ["Uploads", "decoded", "file_of"]

MAX_BYTES = 3 * 1024 * 1024
KEPT_UPLOADS = 10_000
WORKING_PIXELS = 400
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


class Uploads:
    """What each uploaded picture shows, by id; the oldest make room."""

    def __init__(self, entropy: Callable[[], str] = secrets.token_urlsafe) -> None:
        self._entropy = entropy
        self._sightings: OrderedDict[str, LineKey] = OrderedDict()

    def keep(self, sighting: LineKey, form: str = "O1CN01{}") -> str:
        """The id it goes by from now on, of the given form."""
        imgid = form.format(self._entropy())
        self._sightings[imgid] = sighting
        if len(self._sightings) > KEPT_UPLOADS:
            self._sightings.popitem(last=False)
        return imgid

    def get(self, imgid: str) -> LineKey | None:
        return self._sightings.get(imgid)

    def forget(self, imgid: str) -> None:
        self._sightings.pop(imgid, None)


def decoded(imgcode: str) -> Image.Image:
    """The picture in Base64 text, at working size; raises RefusalError."""
    body = file_of(imgcode)
    if len(body) > MAX_BYTES:
        raise RefusalError(bad_parameter("image is larger than 3M", Why.PICTURE))
    return _opened(body)


def file_of(imgcode: str) -> bytes:
    """The file in Base64 text; raises RefusalError."""
    try:
        return base64.b64decode(imgcode, validate=True)
    except (binascii.Error, ValueError):
        raise RefusalError(bad_parameter("imgcode is not base64", Why.PICTURE)) from None


def _opened(body: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(body))
        picture.draft("RGB", (WORKING_PIXELS, WORKING_PIXELS))
        picture.thumbnail((WORKING_PIXELS, WORKING_PIXELS))
        return picture.convert("RGB")
    except UNREADABLE:
        raise RefusalError(bad_parameter("image can not be read", Why.PICTURE)) from None
