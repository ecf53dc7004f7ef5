"""The seeds as a page lists them: how each ended, what it found, what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pailitao_spider.analysis.invented import is_invented
from pailitao_spider.report.album import EmbeddedImages
from pailitao_spider.report.cards import Cards
from pailitao_spider.report.ends import SeedEntry
from pailitao_spider.report.plots import Axis, Bar, price_bars
from pailitao_spider.report.survey import Found, Numbers

__all__ = ["SeedRow", "median", "seed_rows"]

SPARK_WIDTH, SPARK_HEIGHT, SPARK_BINS = 120, 24, 30


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A seed; `status` is `open` where no ledger tells. `median` is yuan, as text. `elsewhere`: so
    many rows were seen, none of them new: they stand under other seeds.
    """

    number: int
    seed_id: str | None
    status: str
    reason: str | None
    offers: int
    shown: int
    reported: int | None
    pages: str | None
    calls: int | None
    median: str | None
    bars: Sequence[Bar]
    picture: int | None
    elsewhere: int | None
    size: tuple[int, int] | None = None
    """Of the photo as it lies here, in pixels, where parts of it were searched."""

    @property
    def is_problem(self) -> bool:
        return self.status in ("partial", "failed")


def seed_rows(
    found: Iterable[Found],
    entries: Mapping[str, SeedEntry],
    cards: Cards,
    album: EmbeddedImages,
    axis: Axis | None,
    folders: Sequence[Path],
    *,
    has_matches: bool,
) -> list[SeedRow]:
    """All seeds of the feeds and of their ledgers, `mug-2` before `mug-10`."""
    by_name = {each.seed_id: each for each in found}
    names = sorted(dict.fromkeys([*by_name, *entries]), key=_natural)
    nothing = np.empty(0)
    images = {name: _image(name, entries, cards) for name in names}
    _take_photos([image for image in images.values() if image], cards, album, folders)
    return [
        _row(number, by_name.get(name) or Found(name, 0, nothing),
             entries.get(name or ""), len(cards.found.get(name, ())), axis,
             _photo(images[name], cards, album), is_told=has_matches,
             size=_size(images[name], folders) if name in cards.regions else None)
        for number, name in enumerate(names)
    ]  # fmt: skip


def _size(image: str | None, folders: Sequence[Path]) -> tuple[int, int] | None:
    """As a gateway saw it: turned as its Exif says."""
    for folder in folders:
        try:
            with Image.open(folder / (image or "")) as opened:
                return ImageOps.exif_transpose(opened).size
        except (OSError, ValueError):
            continue
    return None


def _natural(name: str | None) -> tuple[bool, list[str]]:
    parts = re.split(r"(\d+)", (name or "").casefold())
    return name is None, [part.zfill(20) if part.isdecimal() else part for part in parts]


def _image(name: str | None, entries: Mapping[str, SeedEntry], cards: Cards) -> str | None:
    entry = entries.get(name or "")
    return (entry and entry.image) or cards.images.get(name or "")


def _take_photos(
    images: Iterable[str], cards: Cards, album: EmbeddedImages, folders: Sequence[Path]
) -> None:
    on_web: dict[bool, list[str]] = {False: [], True: []}
    for image in images:
        if image.startswith(("https://", "http://")):
            on_web[_is_drawn(image, cards)].append(image)
        elif not image.startswith("base64:"):
            album.take_file(image, folders)
    for invented, some in on_web.items():
        album.take(some, invented=invented)


def _photo(image: str | None, cards: Cards, album: EmbeddedImages) -> int | None:
    return album.number(image, invented=_is_drawn(image, cards))


def _is_drawn(image: str | None, cards: Cards) -> bool:
    return cards.has_invented or is_invented(None, image)


def _row(
    number: int,
    found: Found,
    entry: SeedEntry | None,
    shown: int,
    axis: Axis | None,
    picture: int | None,
    *,
    is_told: bool,
    size: tuple[int, int] | None,
) -> SeedRow:
    """`is_told`: matches say which other seeds an offer has."""
    is_elsewhere = entry is not None and entry.is_elsewhere and not (found.offers or is_told)
    fetched, expected = (entry and entry.pages_fetched), (entry and entry.pages_expected)
    return SeedRow(
        number,
        found.seed_id,
        entry.status if entry else "open",
        entry.reason if entry else None,
        found.offers,
        shown,
        _reported(entry) if entry else None,
        None if fetched is None else f"{fetched}" if fetched == expected or expected is None
        else f"{fetched} / {expected}",
        entry.calls if entry else None,
        median(found.prices),
        price_bars(found.prices, axis, SPARK_BINS, SPARK_HEIGHT)
        if axis and found.prices.size else (),
        picture,
        entry.rows_seen if entry and is_elsewhere else None,
        size,
    )  # fmt: skip


def _reported(entry: SeedEntry) -> int | None:
    """What the gateway can return; an older ledger has its total only."""
    return entry.total_reported if entry.offers_expected is None else entry.offers_expected


def median(prices: Numbers) -> str | None:
    """Yuan to the cent, None where no price is known."""
    return f"{np.median(prices):.2f}" if prices.size else None
