"""The sandbox's market: drawn designs, their offers, and which of them a photo finds."""

from __future__ import annotations

import io
import random
import re
import threading
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from PIL import Image

from pailitao_spider.pictures.visual_descriptor import TILTS, Array, describe, resemblance
from pailitao_spider.sandbox.catalogue.designs import Design, draw_up
from pailitao_spider.sandbox.catalogue.listings import Listing, Row, list_offers
from pailitao_spider.sandbox.catalogue.oddities import roughened
from pailitao_spider.sandbox.catalogue.references import references_of

__all__ = ["NOTHING", "Catalogue", "LineKey", "Match", "Shot", "region"]

LineKey = tuple[float, ...]
"""How alike a photo is to each design, 0 to 1; empty when it shows nothing that is sold."""

NOTHING: LineKey = ()
SAME_ITEM = 0.85
SIMILAR = 0.62
RECOGNISED = 0.78  # of 288 unseen views, 99 in 100 lie above 0.82
MESSY_SHARE = 0.3
REGION_STRIDE, NEIGHBOUR = 4, 5
PHOTO_NAME = re.compile(r"([a-z]+-\d+)(?:-(\d{1,9}))?\.(?:jpe?g|png|webp)(?:_[\w.]+)?")


class Match(NamedTuple):
    listing: Listing
    similarity: float


class Shot(NamedTuple):
    design: Design
    view: int


ORDERS = {
    None: lambda match: (-match.similarity, match.listing.num_iid),
    "sale_desc": lambda match: (-match.listing.sales, match.listing.num_iid),
    "price_asc": lambda match: (match.listing.price_fen, match.listing.num_iid),
}


def region(name: str, right: int = 0) -> str:
    """Where a product stands in a photo of 800 pixels, always the same for the same product."""
    rng = random.Random(f"region {name}")
    left, top = rng.randint(10, 60) + right, rng.randint(40, 200)
    return f"{left},{left + rng.randint(220, 320)},{top},{top + rng.randint(300, 500)}"


class Catalogue:
    """Designs and offers of one seed, made when first asked for.

    A photo in which a design is recognised finds exactly what that design's URL finds.
    """

    def __init__(self, seed: int = 1688, designs: int = 96, *, messy: bool = False) -> None:
        self.seed = seed
        self.messy = messy
        self.designs = draw_up(seed, designs)
        self._by_name = {design.name: design for design in self.designs}
        self._references: Array | None = None
        self._loading = threading.Lock()
        self._offers = lru_cache(maxsize=None)(self._list_offers)
        self.matches = lru_cache(maxsize=1024)(self._find)
        self.sight_design = lru_cache(maxsize=None)(self._affinities)

    def design(self, name: str) -> Design:
        return self._by_name[name]

    def photo_url(self, name: str, view: int = 1) -> str:
        return f"https://sandbox.invalid/photos/{name}-{view}.jpg"

    def hosted_url(self, name: str, view: int = 1) -> str:
        """Where Alibaba would have the photo: for gateways that take no others."""
        return f"https://cbu01.alicdn.com/sandbox/{name}-{view}.jpg"

    def sight_url(self, url: str) -> LineKey | None:
        """By the last part of the path alone; None for a picture that cannot be had."""
        last = urlsplit(url).path.rpartition("/")[2]
        if last == "empty.jpg":
            return NOTHING
        shot = self.shot(last)
        return self.sight_design(shot.design) if shot else None

    def shot(self, file_name: str) -> Shot | None:
        """What a photo's file name says that it shows."""
        named = PHOTO_NAME.fullmatch(file_name)
        design = self._by_name.get(named[1]) if named else None
        return Shot(design, int(named[2] or 1)) if named and design else None

    def recognised(self, sighting: LineKey) -> Design | None:
        """The design that a photo shows beyond doubt."""
        best = self.designs[sighting.index(max(sighting))] if sighting else None
        return best if best and self.sight_design(best) == sighting else None

    def regions(self, name: str) -> tuple[tuple[str, str], ...]:
        """Where a design's photos show it and a second product, `x1,x2,y1,y2`, with their names.

        Every fourth design is shown with another; the other photos have no regions.
        """
        number = self._by_name[name].number
        neighbour = self.designs[(number + NEIGHBOUR) % len(self.designs)]
        if number % REGION_STRIDE or neighbour.name == name:
            return ()
        return ((region(name), name), (region(neighbour.name, 400), neighbour.name))

    def sight(self, picture: Image.Image) -> LineKey:
        """By looking: some 5 ms of work."""
        alike = resemblance(describe(picture, TILTS), self._looks())
        best = int(alike.argmax())
        if alike[best] >= RECOGNISED:
            return self.sight_design(self.designs[best])
        return tuple(round(float(value), 4) for value in alike)

    def search(
        self,
        picture: Design | Image.Image | bytes | str,
        search_type: int = 1,
        sort: str | None = None,
    ) -> list[Row]:
        """Every row that a photo finds: a design, its name, a picture, or a picture's bytes."""
        return [self.row(match) for match in self.matches(self._seen(picture), search_type, sort)]

    def truth(self, name: str, search_type: int = 1, sort: str | None = None) -> list[str]:
        """The ids that a design's photo must find, in order; rows without an id are left out."""
        rows = self.search(name, search_type, sort)
        return [str(row["num_iid"]) for row in rows if "num_iid" in row]

    def row(self, match: Match) -> Row:
        row = dict(match.listing.row)
        if "similarity" in row:
            row["similarity"] = f"{match.similarity:.2f}"
        return row

    def _seen(self, picture: Design | Image.Image | bytes | str) -> LineKey:
        if isinstance(picture, str):
            picture = self.design(picture)
        if isinstance(picture, bytes):
            picture = Image.open(io.BytesIO(picture))
        return self.sight_design(picture) if isinstance(picture, Design) else self.sight(picture)

    def _affinities(self, design: Design) -> LineKey:
        return tuple(round(design.affinity(other), 4) for other in self.designs)

    def _find(self, sighting: LineKey, search_type: int, sort: str | None) -> tuple[Match, ...]:
        if not sighting:
            return ()
        bar = min(SAME_ITEM if search_type == 1 else SIMILAR, max(sighting))
        best = self.designs[sighting.index(max(sighting))]
        found = (
            Match(listing, max(alike - listing.unlikeness, 0))
            for design, alike in zip(self.designs, sighting, strict=True)
            if alike >= bar or (search_type == 2 and design.family == best.family)
            for listing in self._offers(design)
        )
        return tuple(sorted(found, key=ORDERS[sort]))

    def _list_offers(self, design: Design) -> tuple[Listing, ...]:
        listings = list_offers(self.seed, design)
        return tuple(map(self._roughened, listings)) if self.messy else listings

    def _roughened(self, listing: Listing) -> Listing:
        rng = random.Random(f"rough {listing.num_iid}")
        if rng.random() >= MESSY_SHARE:
            return listing
        return replace(listing, row=roughened(listing.row, rng))

    def _looks(self) -> Array:
        with self._loading:
            if self._references is None:
                self._references = references_of(self.seed, self.designs)
        return self._references
