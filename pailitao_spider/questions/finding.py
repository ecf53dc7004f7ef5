"""Offers that fit: the crawl's filters and more, in order and cut short if asked."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from math import inf
from typing import Any

import numpy as np

from pailitao_spider.questions.reading import Feeds, Line, OfferLine

__all__ = ["SORTS", "Wanted", "find", "fits"]

Ask = Callable[[OfferLine], bool | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an offer must be; None asks nothing. `sighted`: what matches know of `seed`'s offers."""

    min_similarity: Decimal | None = None
    min_visual_similarity: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    dropship: bool = False
    max_moq: int | None = None
    area: str | None = None
    shop_type: str | None = None
    text: str | None = None
    seller: str | None = None
    seed: str | None = None
    not_ad: bool = False
    keeps_unknown: bool = True
    sighted: Mapping[str, Decimal | None] = field(default_factory=dict)

    def similarity(self, offer: OfferLine) -> Decimal | None:
        """To the seed that is asked for, where that is known."""
        sighted = self.sighted.get(offer.num_iid)
        return offer.similarity if sighted is None or offer.seed_id == self.seed else sighted


def fits(offer: OfferLine, wanted: Wanted) -> bool:
    """The offer passes; what is unknown is kept unless it is to be dropped."""
    return _passes(offer, _asks(wanted), wanted.keeps_unknown)


def _passes(offer: OfferLine, asks: Sequence[Ask], keeps_unknown: bool) -> bool:
    for ask in asks:
        answer = ask(offer)
        if not (keeps_unknown if answer is None else answer):
            return False
    return True


def _asks(wanted: Wanted) -> list[Ask]:
    """A question for each filter that is set."""
    return [
        make(wanted, value)
        for name, make in _MAKERS.items()
        if (value := getattr(wanted, name)) is not None and value is not False
    ]


def _at_least(value: Any, limit: Any) -> bool | None:
    return None if value is None else value >= limit


def _at_most(value: Any, limit: Any) -> bool | None:
    return None if value is None else value <= limit


def _says(text: str | None, words: Sequence[str]) -> bool | None:
    """Every word occurs in the text, whatever its case."""
    if text is None:
        return None
    text = text.casefold()
    return all(word in text for word in words)


def _says_in(name: str) -> Callable[[Wanted, str], Ask]:
    def make(_: Wanted, given: str) -> Ask:
        words = given.casefold().split()
        return lambda offer: _says(getattr(offer, name), words)

    return make


def _is_of_seller(_: Wanted, given: str) -> Ask:
    words = given.casefold().split()

    def ask(offer: OfferLine) -> bool | None:
        if offer.seller_id == given:
            return True
        named = _says(offer.seller_nick, words)
        return False if named is None and offer.seller_id is not None else named

    return ask


def _is_of_seed(wanted: Wanted, given: str) -> Ask:
    def ask(offer: OfferLine) -> bool | None:
        if offer.num_iid in wanted.sighted:
            return True
        return None if offer.seed_id is None else offer.seed_id == given

    return ask


_MAKERS: dict[str, Callable[[Wanted, Any], Ask]] = {
    "seed": _is_of_seed,
    "min_similarity": lambda wanted, least: (
        lambda offer: _at_least(wanted.similarity(offer), least)
    ),
    "min_visual_similarity": lambda _, least: (
        lambda offer: _at_least(offer.visual_similarity, least)
    ),
    "min_price": lambda _, least: lambda offer: _at_least(offer.highest, least),
    "max_price": lambda _, most: lambda offer: _at_most(offer.lowest, most),
    "dropship": lambda *_: lambda offer: offer.one_stop_service,
    "not_ad": lambda *_: lambda offer: None if offer.is_ad is None else not offer.is_ad,
    "max_moq": lambda _, most: lambda offer: _at_most(offer.min_order, most),
    "area": _says_in("area"),
    "shop_type": _says_in("shop_type"),
    "text": _says_in("title"),
    "seller": _is_of_seller,
}

Key = Callable[[OfferLine, Wanted], Any]
SORTS: dict[str, tuple[Key, int]] = {
    "price": (lambda offer, _: offer.lowest, 1),
    "sales": (lambda offer, _: offer.sales, -1),
    "similarity": (lambda offer, wanted: wanted.similarity(offer), -1),
    "visual": (lambda offer, _: offer.visual_similarity, -1),
}
"""What to sort by, and the sign that puts the best first; what is unknown comes last."""


def find(
    feeds: Feeds, wanted: Wanted, sort: str | None = None, limit: int | None = None
) -> Iterator[Line]:
    """The lines that fit. With a limit that many are held, without one 16 bytes an offer."""
    asks, keeps = _asks(wanted), wanted.keeps_unknown
    fitting = (line for line in feeds if _passes(line.offer, asks, keeps))
    if sort is None:
        return islice(fitting, limit)
    key, sign = SORTS[sort]

    def weight(line: Line) -> float:
        value = key(line.offer, wanted)
        return inf if value is None else sign * float(value)

    if limit is not None:
        return iter(heapq.nsmallest(limit, fitting, key=weight))
    return _sorted(feeds, fitting, weight)


def _sorted(
    feeds: Feeds, fitting: Iterable[Line], weight: Callable[[Line], float]
) -> Iterator[Line]:
    weights, places = array("d"), array("Q")
    for line in fitting:
        weights.append(weight(line))
        places.append(line.place)
    order = np.argsort(np.asarray(weights), kind="stable")
    yield from feeds.lines_at(places[index] for index in order)
