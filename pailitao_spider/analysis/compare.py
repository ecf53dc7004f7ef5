"""A seed's offers side by side: the cheapest to the door first, what is unknown last."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from heapq import merge
from typing import Any, NamedTuple, Protocol

from pailitao_spider.analysis.feed_reader import Line, OfferLine
from pailitao_spider.analysis.landed_cost import Cost, PriceRange, Terms, cost_of
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.terms import OfSeed

__all__ = ["Choice", "Lines", "SeedChoices", "compare", "cost_key", "margin"]

_HUNDRED = Decimal(100)


class Lines(Protocol):
    """Offers that are read once in order, and some of them again."""

    def __iter__(self) -> Iterator[Line]: ...
    def lines_at(self, places: Any) -> Iterator[Line]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer for a seed, `margin` in your currency a piece."""

    offer: OfferLine
    similarity: Decimal | None
    cost: Cost
    margin: PriceRange
    margin_percent: PriceRange
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class SeedChoices:
    """A seed: all its offers, those whose landed cost is known, and the first of them.

    `unit`: what most of its offers are sold by; `others`: so many are sold by something else.
    """

    seed_id: str | None
    own: OfSeed
    unit: str | None
    offers: int
    landed: int
    others: int
    choices: tuple[Choice, ...]
    own_extra: bytes = b""

    @property
    def sell_price(self) -> Decimal | None:
        return self.own.sell_price

    @property
    def unread_sell_price(self) -> str | None:
        return self.own.unread.get("sell_price")


class _Place(NamedTuple):
    key: tuple[Any, ...]
    num_iid: str
    place: int
    similarity: Decimal | None


@dataclass(slots=True)
class _Seed:
    own: OfSeed
    offers: int = 0
    landed: int = 0
    sold_by: Counter[str | None] = field(default_factory=Counter)
    first: dict[str | None, list[_Place]] = field(default_factory=dict)


def compare(
    feeds: Lines,
    relations: Relations,
    terms: Terms,
    top: int = 10,
    min_similarity: Decimal | None = None,
    extras: Mapping[str, bytes] | None = None,
) -> Iterator[SeedChoices]:
    """Seeds in the order of the feeds. Held are `top` places a seed and unit, no offer.

    `extras`: the seeds' own columns, as JSON.
    """
    columns = extras or {}
    seeds: dict[str | None, _Seed] = {}
    for offer, _, place in feeds:
        cost = cost_of(offer, terms)
        for seed_id, similarity in relations.of(offer).items():
            if (seed := seeds.get(seed_id)) is None:
                seed = seeds[seed_id] = _Seed(terms.of_seed(columns.get(seed_id or "", b"")))
            if min_similarity is None or similarity is None or similarity >= min_similarity:
                own = cost if seed.own.terms is terms else cost_of(offer, seed.own.terms)
                found = _Place(cost_key(own, place), offer.num_iid, place, similarity)
                _take(seed, found, own, top)
    for seed_id, seed in seeds.items():
        yield replace(
            _choices(feeds, seed_id, seed, top), own_extra=columns.get(seed_id or "", b"")
        )


def _take(seed: _Seed, found: _Place, cost: Cost, top: int) -> None:
    seed.offers += 1
    seed.landed += cost.landed.worst is not None
    seed.sold_by[cost.measure.piece] += 1
    first = seed.first.setdefault(cost.measure.piece, [])
    if len(first) < top or found.key < first[-1].key:
        insort(first, found)
        del first[top:]


def cost_key(cost: Cost, place: int) -> tuple[Any, ...]:
    """By worst case; then where only the best is known, the price, nothing."""
    for rank, end in enumerate((cost.landed.worst, cost.landed.best)):
        if end is not None:
            return rank, end, cost.landed.best or end, place
    for rank, end in enumerate((cost.unit.worst, cost.unit.best), 2):
        if end is not None and "currency" not in cost.lacks:
            return rank, end, end, place
    return 4, 0, 0, place


def _choices(feeds: Lines, seed_id: str | None, seed: _Seed, top: int) -> SeedChoices:
    unit = _commonest(seed.sold_by)
    places = list(_ranked(seed, unit))[:top]
    choices = []
    lines = feeds.lines_at(each.place for each in places)
    for each, (offer, raw, _) in zip(places, lines, strict=True):
        cost = _marked(cost_of(offer, seed.own.terms), unit)
        left = margin(seed.own.sell_price, cost.landed)
        share = PriceRange(*(_percent(end, seed.own.sell_price) for end in left))
        choices.append(Choice(offer, each.similarity, cost, left, share, raw))
    others = sum(many for name, many in seed.sold_by.items() if name not in (unit, None))
    return SeedChoices(seed_id, seed.own, unit, seed.offers, seed.landed, others, tuple(choices))


def _commonest(sold_by: Counter[str | None]) -> str | None:
    """What most are sold by; nothing where no offer says it."""
    named = [(many, name) for name, many in sold_by.items() if name is not None]
    return max(named, key=lambda each: each[0])[1] if named else None


def _ranked(seed: _Seed, unit: str | None) -> Iterator[_Place]:
    """Those of the commonest unit, among them those of an unknown one; then unit by unit."""
    own = [seed.first.get(name, []) for name in {unit, None}]
    yield from merge(*own)
    for name, _ in seed.sold_by.most_common():
        if name not in (unit, None):
            yield from seed.first[name]


def _marked(cost: Cost, unit: str | None) -> Cost:
    piece = cost.measure.piece
    if piece == unit:
        return cost
    return replace(cost, lacks=(*cost.lacks, "unit_unknown" if piece is None else "unit"))


def _percent(left: Decimal | None, sell_price: Decimal | None) -> Decimal | None:
    return None if left is None or sell_price is None else left * _HUNDRED / sell_price


def margin(sell_price: Decimal | None, landed: PriceRange) -> PriceRange:
    """What is left of the selling price: at best with the lowest cost."""
    if sell_price is None:
        return PriceRange()
    return PriceRange(*(None if end is None else sell_price - end for end in landed))
