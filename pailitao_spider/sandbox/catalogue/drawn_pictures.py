"""The pictures of the sandbox's offers: no host has them, they are drawn."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from urllib.parse import urlsplit

from pailitao_spider.errors import PictureError
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.market import Catalogue

__all__ = ["DrawnPictures"]

_PIXELS = 240
_KEPT = 256


class DrawnPictures:
    """What the picture links of a catalogue's offers show, and the photos of its designs."""

    def __init__(self, catalogue: Catalogue | None = None, pixels: int = _PIXELS) -> None:
        self._catalogue = catalogue or Catalogue()
        self._pixels = pixels
        self._drawn = lru_cache(maxsize=_KEPT)(jpeg)

    async def picture(self, url: str) -> bytes:
        """A JPEG. Raises PictureError for what the catalogue does not know."""
        try:
            name = urlsplit(url).path.rpartition("/")[2]
        except ValueError:
            name = ""
        shot = self._catalogue.shot(name)
        if shot is None:
            raise PictureError("not_drawn", "the sandbox knows no such picture")
        return await asyncio.to_thread(self._drawn, *shot, self._pixels)
