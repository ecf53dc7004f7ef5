"""All that a page shows, gathered from feeds and what lies beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from math import log10
from pathlib import Path
from typing import Any

from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.feed_reader import Tally, sides
from pailitao_spider.analysis.ids import Pick, only
from pailitao_spider.analysis.ledgers import extras_of
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.suppliers import Supplier, Suppliers, suppliers_of
from pailitao_spider.analysis.terms import Terms
from pailitao_spider.analysis.unfinished import Unfinished, unfinished
from pailitao_spider.report.album import EmbeddedImages, ImageMode
from pailitao_spider.report.before import Before, before_of
from pailitao_spider.report.cards import Cards, Pair, cards_of
from pailitao_spider.report.ends import rejected_reasons, seed_entries
from pailitao_spider.report.plots import (
    Axis,
    Bar,
    Dot,
    Height,
    Tick,
    dots,
    heights,
    price_axis,
    price_bars,
)
from pailitao_spider.report.seed_rows import SPARK_WIDTH, SeedRow, median, seed_rows
from pailitao_spider.report.survey import Survey, survey
from pailitao_spider.report.words import word_of

__all__ = ["Contents", "contents_of"]

WIDTH, HEIGHT, BINS = 640, 160, 40
LISTED_SEEDS, LISTED_PROBLEMS, LISTED_SUPPLIERS, PLOTTED_SUPPLIERS, LISTED_REASONS = (
    1000, 100, 15, 300, 20,
)  # fmt: skip
SORTS = (
    "similarity", "look", "price", "landed", "margin", "sales", "moq", "years", "repurchase",
    "score", "change", "seller", "area",
)  # fmt: skip
STATUSES = ("done", "empty", "partial", "failed", "open")
LEVELS = (("≤40%", 0.4), ("60%", 0.6), ("80%", 0.8), ("100%", 1), ("150%", 1.5), ("≥250%", 2.5))


@dataclass(frozen=True, slots=True)
class Contents:
    """What the template and the page's data are made of. Counts are of all, not of the shown."""

    name: str
    made: str
    survey: Survey
    cards: Cards
    seeds: Sequence[SeedRow]
    found: Suppliers
    rejections: Counter[str]
    has_ledger: bool
    album: EmbeddedImages
    tallies: tuple[Tally, ...]
    open_run: Unfinished | None
    terms: Terms
    ids: Mapping[str, Pick] | None = None
    before: Before | None = None

    @property
    def has_terms(self) -> bool:
        """Without terms there is no landed cost to tell, only an order."""
        return self.terms != Terms()

    @property
    def rate_source(self) -> str:
        told = ", ".join(filter(None, (self.terms.rate_source, self.terms.rate_date)))
        return f" ({told})" if told else ""

    @property
    def sorts(self) -> Sequence[str]:
        """By what offers are put in order; the page leaves out what none tells."""
        return SORTS

    def seller_number(self, place: int) -> int | None:
        """What the page's data call the seller of this place."""
        return self.cards.seller_numbers.get(place)

    @property
    def offers(self) -> int:
        return self.survey.offers

    @property
    def shown(self) -> int:
        return len(self.cards.rows)

    @property
    def priced(self) -> int:
        return self.survey.prices.size

    @property
    def median(self) -> str | None:
        return median(self.survey.prices)

    @property
    def is_invented(self) -> bool:
        return self.cards.has_invented

    @property
    def pictures_left_out(self) -> int:
        return self.album.left_out

    @property
    def torn(self) -> int:
        return sum(each.torn for each in self.tallies)

    @property
    def first_torn(self) -> str | None:
        torn = next((each.first_torn for each in self.tallies if each.first_torn), None)
        return torn and _printable(torn)

    @property
    def statuses(self) -> dict[str, int]:
        counts = Counter(seed.status for seed in self.seeds)
        return {status: counts[status] for status in STATUSES}

    @property
    def problems(self) -> list[SeedRow]:
        return [seed for seed in self.seeds if seed.is_problem][:LISTED_PROBLEMS]

    @property
    def problem_count(self) -> int:
        return sum(seed.is_problem for seed in self.seeds)

    @property
    def feed_name(self) -> str:
        return _printable(str(self.open_run.feed)) if self.open_run else ""

    @property
    def elsewhere_count(self) -> int:
        return sum(seed.elsewhere is not None for seed in self.seeds)

    @property
    def picked(self) -> str:
        """The word that says what the filled suppliers are."""
        if not self.found.cover.is_smallest:
            return "picked_greedily"
        return "picked_fewest" if self.found.is_reached else "picked_part"

    @property
    def listed(self) -> list[SeedRow]:
        """As many seeds as a table can hold, problems before others."""
        chosen = sorted(self.seeds, key=lambda seed: not seed.is_problem)[:LISTED_SEEDS]
        return sorted(chosen, key=lambda seed: seed.number)

    @property
    def rejected(self) -> list[tuple[str, int]]:
        return self.rejections.most_common(LISTED_REASONS)

    @property
    def rejected_count(self) -> int:
        return self.rejections.total()

    # figures

    @property
    def axis(self) -> Axis | None:
        return price_axis(self.survey.prices, WIDTH)

    @property
    def bars(self) -> list[Bar]:
        axis = self.axis
        return price_bars(self.survey.prices, axis, BINS, HEIGHT) if axis else []

    @property
    def suppliers(self) -> Sequence[Supplier]:
        return self.found.ranked[:LISTED_SUPPLIERS]

    @property
    def supplier_count(self) -> int:
        return len(self.found.ranked)

    @property
    def most_seeds(self) -> int:
        return max((each.seeds for each in self.found.ranked), default=0)

    @property
    def nameless_count(self) -> int:
        return self.found.nameless_count

    @property
    def dots(self) -> list[Dot]:
        ranked = self.found.ranked[:PLOTTED_SUPPLIERS]
        return list(dots(ranked, self.found.cover.picks, WIDTH, HEIGHT))

    @property
    def heights(self) -> list[Height]:
        return heights(self.most_seeds, HEIGHT)

    @property
    def levels(self) -> list[Tick]:
        low, high = log10(LEVELS[0][1]), log10(LEVELS[-1][1])
        return [
            Tick(round(WIDTH * (log10(level) - low) / (high - low), 1), label)
            for label, level in LEVELS
        ]

    def data(self) -> dict[str, Any]:
        """What the script works on."""
        columns, rows = self.cards.used()
        return {
            "columns": columns,
            "offers": rows,
            **self.cards.texts(),
            "pictures": self.album.sources,
            "hasTerms": self.has_terms,
            "terms": self._terms(),
            "ticks": {each: pick._asdict() for each, pick in (self.ids or {}).items()},
            "before": self.before and self.before.data(),
            "seeds": [self._seed(seed) for seed in self.seeds],
        }

    def _terms(self) -> dict[str, Any]:
        return {
            "quantity": self.terms.quantity,
            "currency": self.terms.currency or ("¥" if self.terms.rate == 1 else ""),
            "hasVat": bool(self.terms.vat),
            "rate": self.terms.rate,
            "date": self.terms.rate_date,
            "source": self.terms.rate_source,
        }

    def _seed(self, seed: SeedRow) -> dict[str, Any]:
        found = self.cards.found.get(seed.seed_id, {})
        own = self.cards.own.get(seed.seed_id)
        return {
            "id": seed.seed_id,
            "status": seed.status,
            "reason": seed.reason,
            "reasonWord": word_of(seed.reason),
            "offers": seed.offers,
            "picture": seed.picture,
            "size": seed.size,
            "elsewhere": seed.elsewhere,
            "sellPrice": own and own.sell_price,
            "found": list(found),
            "similarity": [pair.similarity for pair in found.values()],
            **_costs(list(found.values())),
        }


def _costs(pairs: Sequence[Pair]) -> dict[str, list[Any]]:
    """By pair: landed at best and at worst, the order's total, its place by cost, what lacks."""
    sold_by = Counter(pair.cost.measure.piece for pair in pairs)
    sold_by.pop(None, None)
    unit = sold_by.most_common(1)[0][0] if sold_by else None
    is_other = [pair.cost.measure.piece not in (None, unit) for pair in pairs]
    order = sorted(range(len(pairs)), key=lambda place: (is_other[place], pairs[place].key))
    ranks = [0] * len(pairs)
    for rank, place in enumerate(order):
        ranks[place] = rank
    return {
        "landedBest": [_rounded(pair.cost.landed.best) for pair in pairs],
        "landedWorst": [_rounded(pair.cost.landed.worst) for pair in pairs],
        "total": [_rounded(pair.cost.total.worst) for pair in pairs],
        "rank": ranks,
        "lacks": [[*pair.cost.lacks, *(["unit"] * other)]
                  for pair, other in zip(pairs, is_other, strict=True)],
    }  # fmt: skip


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 4)


def contents_of(
    paths: Sequence[Path],
    way: ImageMode,
    limit: int,
    made: str,
    *,
    terms: Terms | None = None,
    ids: Mapping[str, Pick] | None = None,
    before: Sequence[Path] = (),
) -> Contents:
    """Reads the feeds twice and the shown lines once more. Raises ResultsError.

    `ids`: only these offers, ticked. `before`: older runs, the oldest first, to tell what changed.
    """
    feeds, beside, album = Current(paths), Tally(), EmbeddedImages(way)
    chosen = None if ids is None else frozenset(ids)
    ledgers, terms = sides(paths, "seeds"), terms or Terms()
    entries = seed_entries(ledgers, beside)
    rejections = rejected_reasons(sides(paths, "rejected"), beside)
    matches = sides(paths, "matches")
    with closing(Relations(matches, beside, feeds.sightings())) as relations:
        surveyed = survey(only(feeds, chosen), relations, limit)
        extras = {**extras_of(entries.values()), **feeds.extras}
        lines = feeds.lines_at(surveyed.places)
        album.allow(each.image for each in entries.values())
        cards = cards_of(lines, relations, album, terms, extras)
        found = suppliers_of(only(feeds.again(), chosen), relations, known_seeds=entries)
    cards.name_sellers(found)
    axis = price_axis(surveyed.prices, SPARK_WIDTH)
    folders = [Path(), *dict.fromkeys(path.parent for path in paths)]
    seeds = seed_rows(
        surveyed.seeds, entries, cards, album, axis, folders, has_matches=bool(matches)
    )
    open_run = unfinished(paths, [each.seed_id for each in surveyed.seeds], entries)
    name = _printable(", ".join(path.name for path in paths))
    return Contents(
        name, made, surveyed, cards, seeds, found, rejections,
        bool(ledgers), album, (feeds.tally, beside), open_run, terms, ids,
        before_of(before, paths, cards) if before else None,
    )  # fmt: skip


def _printable(name: str) -> str:
    """A file's name may hold bytes that are no text."""
    return name.encode(errors="replace").decode()
