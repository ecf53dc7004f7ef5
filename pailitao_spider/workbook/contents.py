"""What a workbook holds: offers in their ranks under each photo, sellers, photos and their ends."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pailitao_spider.analysis.compare import Choice, SeedChoices, compare
from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.details import Details, details_of
from pailitao_spider.analysis.feed_reader import Tally, sides
from pailitao_spider.analysis.ids import only
from pailitao_spider.analysis.ledgers import extras_of
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.suppliers import Suppliers, suppliers_of
from pailitao_spider.analysis.terms import Terms
from pailitao_spider.report.ends import SeedEntry, seed_entries
from pailitao_spider.workbook.pictures import Thumbnails

__all__ = ["Contents", "Row", "contents_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """An offer under a photo; `rank` counts from 1."""

    seed: SeedChoices
    choice: Choice
    rank: int
    details: Details
    photo: str | None


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is written. `offers` counts those of the feeds, `left_out` rows without room."""

    name: str
    made: str
    terms: Terms
    rows: Sequence[Row]
    seeds: Sequence[SeedChoices]
    entries: dict[str, SeedEntry]
    extras: dict[str, bytes]
    found: Suppliers
    covered: dict[int, list[str]]
    offers: int
    left_out: int
    pictures: Thumbnails
    tallies: tuple[Tally, ...]

    @property
    def is_invented(self) -> bool:
        return any(row.details.is_invented for row in self.rows)

    def photo_of(self, seed_id: str | None) -> str | None:
        """The photo's file or address, as ledger or offers name it."""
        entry = self.entries.get(seed_id or "")
        if entry is not None and entry.image:
            return entry.image
        return next((row.photo for row in self.rows if row.seed.seed_id == seed_id), None)


def contents_of(
    paths: Sequence[Path],
    terms: Terms,
    pictures: Thumbnails,
    made: str,
    *,
    top: int,
    limit: int,
    ids: frozenset[str] | None = None,
) -> Contents:
    """`top` offers a photo, `limit` in all; those of `ids` alone where that is given."""
    feeds, beside = Current(paths), Tally()
    entries = seed_entries(sides(paths, "seeds"), beside)
    with closing(Relations(sides(paths, "matches"), beside, feeds.sightings())) as relations:
        extras = {**extras_of(entries.values()), **feeds.extras}
        seeds = list(compare(only(feeds, ids), relations, terms, min(top, limit), extras=extras))
        found = suppliers_of(only(feeds.again(), ids), relations, Decimal(1), entries)
    rows = _rows(seeds, entries, limit)
    _take_pictures(rows, entries, pictures)
    return Contents(
        ", ".join(path.name for path in paths), made, terms, rows, seeds, entries, extras, found,
        _covered(rows, found), feeds.tally.offers, sum(each.offers for each in seeds) - len(rows),
        pictures, (feeds.tally, beside),
    )  # fmt: skip


def _rows(seeds: Sequence[SeedChoices], entries: dict[str, SeedEntry], limit: int) -> list[Row]:
    """In turn the best of each photo until there is no room, then photo by photo."""
    turns = sorted(
        ((rank, place) for place, seed in enumerate(seeds) for rank in range(len(seed.choices)))
    )[:limit]
    rows = []
    for rank, place in sorted(turns, key=lambda turn: (turn[1], turn[0])):
        choice = seeds[place].choices[rank]
        details = details_of(choice.raw)
        entry = entries.get(seeds[place].seed_id or "")
        photo = (entry and entry.image) or _own_photo(seeds[place], choice, details)
        rows.append(Row(seeds[place], choice, rank + 1, details, photo))
    return rows


def _own_photo(seed: SeedChoices, choice: Choice, details: Details) -> str | None:
    return details.seed_image if choice.offer.seed_id == seed.seed_id else None


def _take_pictures(
    rows: Sequence[Row], entries: dict[str, SeedEntry], pictures: Thumbnails
) -> None:
    is_drawn = any(row.details.is_invented for row in rows)
    photos = dict.fromkeys(
        photo
        for photo in (*(row.photo for row in rows), *(each.image for each in entries.values()))
        if photo
    )
    on_web = [photo for photo in photos if photo.startswith(("http://", "https://"))]
    for photo in photos:
        if photo not in on_web and not photo.startswith("base64:"):
            pictures.take_file(photo)
    pictures.take(on_web, invented=is_drawn)
    for invented in (False, True):
        pictures.take(
            (row.details.picture for row in rows
             if row.details.picture and row.details.is_invented == invented),
            invented=invented,
        )  # fmt: skip


def _covered(rows: Sequence[Row], found: Suppliers) -> dict[int, list[str]]:
    """The photos of each supplier, by its place."""
    covered: dict[int, dict[str, None]] = {}
    for row in rows:
        place = found.place_of(row.choice.offer)
        if place is not None:
            covered.setdefault(place, {})[row.seed.seed_id or "?"] = None
    return {place: list(names) for place, names in covered.items()}
