"""Where a report's pictures come from: links, the web by way of the cache, the sandbox's pen."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from io import BytesIO

from pailitao_spider.analysis import output
from pailitao_spider.analysis.invented import is_invented
from pailitao_spider.errors import PictureError
from pailitao_spider.offer_pictures import OfferPictures
from pailitao_spider.pictures import PictureLimits, prepare
from pailitao_spider.report.album import Embed, ImageMode
from pailitao_spider.sandbox.catalogue.drawing import photo, view
from pailitao_spider.sandbox.catalogue.market import Catalogue, Shot
from pailitao_spider.verbs.shared.picture_options import opened_pictures, story

__all__ = ["PICTURES", "picture_way"]

PICTURES = ("linked", "embedded", "none")

_THUMBNAIL = PictureLimits(bytes=20_000, side_pixels=220, formats=frozenset())
_AT_ONCE = 64
_DRAWN_PIXELS, _DRAWN_VIEWS, _DRAWN_QUALITY = 192, 5, 76


def picture_way(pictures: str, options: argparse.Namespace) -> ImageMode:
    return ImageMode(
        _drawn,
        _fetched(options) if pictures == "embedded" else None,
        links=pictures == "linked",
        shown=pictures != "none",
        hosts=tuple(options.trust_host),
    )


def _fetched(options: argparse.Namespace) -> Embed:
    """Thumbnails by way of the cache of pictures; what could not be had is told."""

    def embed(addresses: Sequence[str], room_bytes: int) -> Mapping[str, bytes | None]:
        return asyncio.run(_thumbnails(addresses, room_bytes, options))

    return embed


async def _thumbnails(
    addresses: Sequence[str], room_bytes: int, options: argparse.Namespace
) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    async with opened_pictures(options) as pictures:
        for first in range(0, len(addresses), _AT_ONCE):
            some = addresses[first : first + _AT_ONCE]
            jpegs = await asyncio.gather(*(_thumbnail(pictures, each) for each in some))
            found.update(zip(some, jpegs, strict=True))
            room_bytes -= sum(len(jpeg) for jpeg in jpegs if jpeg)
            if room_bytes <= 0:
                break
    for line in story(pictures):
        output.say(line)
    return found


async def _thumbnail(pictures: OfferPictures, address: str) -> bytes | None:
    raw = await pictures.get(address)
    if raw is None:
        return None
    try:
        return (await asyncio.to_thread(prepare, raw, _THUMBNAIL)).data
    except PictureError as error:
        pictures.failures.count(error, address)
        await pictures.spoil(address)
        return None


def _drawn(addresses: Sequence[str], room_bytes: int) -> Mapping[str, bytes | None]:
    """The sandbox's pictures, drawn anew. Of a design's many views there are five."""
    catalogue = Catalogue()
    drawings: dict[Shot, bytes] = {}
    found: dict[str, bytes | None] = {}
    for address in addresses:
        shot = catalogue.shot(address.rpartition("/")[2])
        if shot is None or not is_invented(None, address):
            found[address] = None
            continue
        shot = shot._replace(view=shot.view % _DRAWN_VIEWS)
        if shot not in drawings:
            stream = BytesIO()
            image = photo(shot.design, view(*shot), _DRAWN_PIXELS)
            image.save(stream, "JPEG", quality=_DRAWN_QUALITY, optimize=True)
            drawings[shot] = stream.getvalue()
        found[address] = drawings[shot]
    return found
