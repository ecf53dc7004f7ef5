"""A seed's offers side by side: the cheapest to the door first, what is unknown last."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from pailitao_spider.questions.prices import Cost, Span, Terms, cost_of
from pailitao_spider.questions.reading import Feeds, OfferLine
from pailitao_spider.questions.relations import Relations
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["Choice", "SeedChoices", "compare", "margin"]


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer for a seed, `margin` in your currency a unit."""

    offer: OfferLine
    similarity: Decimal | None
    cost: Cost
    margin: Span


@dataclass(frozen=True, slots=True)
class SeedChoices:
    """A seed: all its offers, those whose landed cost is known, and the first of them."""

    seed_id: str | None
    sell_price: Decimal | None
    unread_sell_price: str | None
    offers: int
    landed: int
    choices: tuple[Choice, ...]


class _Place(NamedTuple):
    key: tuple[Any, ...]
    num_iid: str
    place: int
    similarity: Decimal | None


@dataclass(slots=True)
class _Seed:
    offers: int = 0
    landed: int = 0
    extra: bytes = b""
    first: list[_Place] = field(default_factory=list)


def compare(
    feeds: Feeds,
    relations: Relations,
    terms: Terms,
    top: int = 10,
    min_similarity: Decimal | None = None,
) -> Iterator[SeedChoices]:
    """Seeds in the order of the feeds. Held are `top` places a seed, no offer."""
    seeds: dict[str | None, _Seed] = {}
    for offer, _, place in feeds:
        cost = cost_of(offer, terms)
        for seed_id, similarity in relations.of(offer).items():
            seed = seeds.setdefault(seed_id, _Seed())
            if seed_id == offer.seed_id and not seed.extra:
                seed.extra = bytes(offer.seed_extra)
            if min_similarity is None or similarity is None or similarity >= min_similarity:
                found = _Place(_key(cost, place), offer.num_iid, place, similarity)
                _take(seed, found, cost, top)
    for seed_id, seed in seeds.items():
        yield _choices(feeds, seed_id, seed, terms)


def _take(seed: _Seed, found: _Place, cost: Cost, top: int) -> None:
    if any(each.num_iid == found.num_iid for each in seed.first):
        return  # PAILITAO_DEDUP=off writes an offer at each of its places
    seed.offers += 1
    seed.landed += cost.landed.worst is not None
    if len(seed.first) < top or found.key < seed.first[-1].key:
        insort(seed.first, found)
        del seed.first[top:]


def _key(cost: Cost, place: int) -> tuple[Any, ...]:
    """By worst case; then where only the best is known, the price, nothing."""
    for rank, end in enumerate((cost.landed.worst, cost.landed.best)):
        if end is not None:
            return rank, end, cost.landed.best or end, place
    for rank, end in enumerate((cost.unit.worst, cost.unit.best), 2):
        if end is not None:
            return rank, end, end, place
    return 4, 0, 0, place


def _choices(feeds: Feeds, seed_id: str | None, seed: _Seed, terms: Terms) -> SeedChoices:
    sell_price, unread = _sell_price(seed.extra)
    choices = []
    lines = feeds.lines_at(each.place for each in seed.first)
    for each, (offer, _, _) in zip(seed.first, lines, strict=True):
        cost = cost_of(offer, terms)
        choices.append(Choice(offer, each.similarity, cost, margin(sell_price, cost.landed)))
    return SeedChoices(seed_id, sell_price, unread, seed.offers, seed.landed, tuple(choices))


def margin(sell_price: Decimal | None, landed: Span) -> Span:
    """What is left of the selling price: at best with the lowest cost."""
    if sell_price is None:
        return Span()
    return Span(*(None if end is None else sell_price - end for end in landed))


class _Extra(msgspec.Struct):
    sell_price: Any = None


_EXTRA = msgspec.json.Decoder(_Extra)


def _sell_price(extra: bytes) -> tuple[Decimal | None, str | None]:
    """The seed file's column, in your currency, or what stands there and is no price."""
    try:
        given = _EXTRA.decode(extra or b"{}").sell_price
    except NO_LINE:
        return None, None
    text = "" if given is None else str(given).strip()
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None, text or None
    if not (price.is_finite() and 0 < price < 10**12):
        return None, text
    return price, None
