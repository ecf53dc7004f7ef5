"""What verbs that look at offers' pictures have in common: options, sources, the story told."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from pailitao_spider.analysis import output
from pailitao_spider.config import parsers
from pailitao_spider.offer_pictures import (
    OfferPictures,
    PictureCache,
    TrustedHosts,
    WebPictures,
    default_folder,
)
from pailitao_spider.sandbox.catalogue.drawn_pictures import DrawnPictures

__all__ = ["add_picture_options", "opened_pictures", "story"]


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-pictures", metavar="N", help="fetch at most N; kept ones are free")
    parser.add_argument(
        "--trust-host",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help="fetch from there, too, though its address is private; https all the same",
    )


@asynccontextmanager
async def opened_pictures(options: argparse.Namespace) -> AsyncIterator[OfferPictures]:
    """The web's pictures through the user's cache, and the sandbox's. Raises ConfigError."""
    most = output.typed(options, {"max_pictures": parsers.whole(0)}).get("max_pictures")
    trusted = TrustedHosts.read(options.trust_host)
    cache = PictureCache(default_folder())
    async with WebPictures(trusted) as web:
        yield OfferPictures(web, cache, {"sandbox": DrawnPictures()}, most)


def story(pictures: OfferPictures) -> Iterator[str]:
    """Where the pictures came from, and why some could not be had: lines for a person."""
    drawn = f", {pictures.drawn} drawn by the sandbox" if pictures.drawn else ""
    yield f"pictures: {pictures.fetched} fetched, {pictures.cached} from the cache{drawn}"
    if pictures.not_kept:
        yield f"{pictures.not_kept} could not be kept in {default_folder()}: is the disk full?"
    yield from pictures.failures.told()
