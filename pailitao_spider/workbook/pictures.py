"""Small JPEGs for cells: of the photos' files, of the offers by way of the report's sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from pailitao_spider.report.album import ImageMode, small_photo

__all__ = ["SIDE", "Thumbnails"]

SIDE = 72
"""Pixels of the longer side, as shown; more are stored, for print."""

_STORED = 120
_QUALITY = 62
_ROOM = 24_000_000


class Thumbnails:
    """Pictures by their address or file name; `missing` could not be had."""

    def __init__(self, way: ImageMode, folders: Sequence[Path]) -> None:
        self.missing = 0
        self._way = way
        self._folders = folders
        self._had: dict[str, bytes | None] = {}

    def take(self, addresses: Iterable[str], *, invented: bool) -> None:
        """Fetches or draws what is not there yet, all at once."""
        wanted = [each for each in dict.fromkeys(addresses) if each not in self._had]
        embed = self._way.drawn if invented else self._way.fetched
        if not wanted or not self._way.shown:
            return
        found = embed(wanted, _ROOM) if embed else {}
        for address in wanted:
            jpeg = found.get(address)
            self._had[address] = None if jpeg is None else _small(jpeg)
            self.missing += jpeg is None

    def take_file(self, name: str) -> None:
        """A local photo, if it is there."""
        if name in self._had or not self._way.shown:
            return
        found = (jpeg for folder in self._folders if (jpeg := small_photo(folder / name)))
        jpeg = next(found, None)
        self._had[name] = None if jpeg is None else _small(jpeg)
        self.missing += jpeg is None

    def of(self, address: str | None) -> bytes | None:
        return None if address is None else self._had.get(address)


def _small(jpeg: bytes) -> bytes | None:
    try:
        with Image.open(BytesIO(jpeg)) as image:
            small = image.convert("RGB")
            small.thumbnail((_STORED, _STORED))
            written = BytesIO()
            small.save(written, "JPEG", quality=_QUALITY, optimize=True)
    except (OSError, ValueError):
        return None
    return written.getvalue()
