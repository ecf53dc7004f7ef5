"""Offers that fit: the crawl's filters and more, in order and cut short if asked."""

from __future__ import annotations

import heapq
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np

from pailitao_spider.analysis.areas import romanized
from pailitao_spider.analysis.compare import Lines
from pailitao_spider.analysis.feed_reader import Line, OfferLine
from pailitao_spider.analysis.landed_cost import unit_price
from pailitao_spider.analysis.sellers import bare_id
from pailitao_spider.offers.values.prices import PriceRange

__all__ = ["SORTS", "OfferFilter", "find", "fits", "sales_rank", "unknown_counts"]

_UNKNOWN = 9
_DAYS = re.compile(r"([1-9]\d{0,3})d")

Ask = Callable[[OfferLine], bool | None]


@dataclass(frozen=True, slots=True)
class OfferFilter:
    """What an offer must be; None asks nothing. `sighted`: what matches know of `seed`'s offers.

    Prices are yuan, those of other currencies unknown. The best must not be above `max_price`, the
    worst not below `min_price`: at any quantity, or at `quantity` units as `compare` knows it.
    """

    min_similarity: Decimal | None = None
    min_visual_similarity: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    dropship: bool = False
    max_moq: int | None = None
    quantity: int | None = None
    ids: Collection[str] | None = None
    area: str | None = None
    shop_type: str | None = None
    category: str | None = None
    text: str | None = None
    seller: str | None = None
    min_repurchase: Decimal | None = None
    factory: bool = False
    not_patented: bool = False
    min_years: int | None = None
    ship_within: int | None = None
    max_dropship_price: Decimal | None = None
    seed: str | None = None
    not_ad: bool = False
    keeps_unknown: bool = True
    sighted: Mapping[str, Decimal | None] = field(default_factory=dict)

    def prices(self, offer: OfferLine) -> PriceRange:
        """The best and the worst, in yuan."""
        if not offer.is_yuan:
            return PriceRange()
        return offer.ends if self.quantity is None else unit_price(offer, self.quantity)[0]

    def similarity(self, offer: OfferLine) -> Decimal | None:
        """To the seed that is asked for, where that is known."""
        sighted = self.sighted.get(offer.num_iid)
        return offer.similarity if sighted is None or offer.seed_id == self.seed else sighted


def fits(offer: OfferLine, wanted: OfferFilter) -> bool:
    """The offer passes; what is unknown is kept unless it is to be dropped."""
    return _passes(offer, _asks(wanted), wanted.keeps_unknown)


def unknown_counts(lines: Iterable[Line], wanted: OfferFilter) -> dict[str, int]:
    """By filter the offers that do not say what it asks for, the filter with most of them first."""
    asks = dict(zip(_set_names(wanted), _asks(wanted), strict=True))
    counts = dict.fromkeys(asks, 0)
    for line in lines:
        for name, ask in asks.items():
            counts[name] += ask(line.offer) is None
    found = sorted(counts.items(), key=lambda each: -each[1])
    return {name: count for name, count in found if count}


def _set_names(wanted: OfferFilter) -> list[str]:
    values = {name: getattr(wanted, name) for name in _MAKERS}
    return [name for name, value in values.items() if value is not None and value is not False]


def _passes(offer: OfferLine, asks: Sequence[Ask], keeps_unknown: bool) -> bool:
    for ask in asks:
        answer = ask(offer)
        if not (keeps_unknown if answer is None else answer):
            return False
    return True


def _asks(wanted: OfferFilter) -> list[Ask]:
    """A question for each filter that is set."""
    return [_MAKERS[name](wanted, getattr(wanted, name)) for name in _set_names(wanted)]


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


def _says_in(name: str) -> Callable[[OfferFilter, str], Ask]:
    def make(_: OfferFilter, given: str) -> Ask:
        words = given.casefold().split()
        return lambda offer: _says(getattr(offer, name), words)

    return make


def _says_in_titles(_: OfferFilter, given: str) -> Ask:
    """In the title, or in its translation."""
    words = given.casefold().split()

    def ask(offer: OfferLine) -> bool | None:
        said = _says(offer.title, words)
        return said or (_says(offer.title_translated, words) if offer.title_translated else said)

    return ask


def _is_of_area(_: OfferFilter, given: str) -> Ask:
    """Chinese as it stands, or pinyin: `Zhejiang`."""
    words = given.casefold().split()
    if not given.isascii():
        return lambda offer: _says(offer.area, words)
    return lambda offer: _says(romanized(offer.area), words)


def _is_of_seller(_: OfferFilter, given: str) -> Ask:
    words = given.casefold().split()

    def ask(offer: OfferLine) -> bool | None:
        if offer.seller_id is not None and bare_id(offer.seller_id) == bare_id(given):
            return True
        named = _says(offer.seller_nick, words)
        return False if named is None and offer.seller_id is not None else named

    return ask


def _is_of_seed(wanted: OfferFilter, given: str) -> Ask:
    def ask(offer: OfferLine) -> bool | None:
        if offer.num_iid in wanted.sighted:
            return True
        return None if offer.seed_id is None else offer.seed_id == given

    return ask


_MAKERS: dict[str, Callable[[OfferFilter, Any], Ask]] = {
    "seed": _is_of_seed,
    "min_similarity": lambda wanted, least: (
        lambda offer: _at_least(wanted.similarity(offer), least)
    ),
    "min_visual_similarity": lambda _, least: (
        lambda offer: _at_least(offer.visual_similarity, least)
    ),
    "ids": lambda _, ids: lambda offer: offer.num_iid in ids,
    "min_price": lambda wanted, least: lambda offer: _at_least(wanted.prices(offer).worst, least),
    "max_price": lambda wanted, most: lambda offer: _at_most(wanted.prices(offer).best, most),
    "quantity": lambda _, given: (
        lambda offer: None if offer.min_order is None else offer.min_order <= given
    ),
    "dropship": lambda *_: lambda offer: offer.one_stop_service,
    "not_ad": lambda *_: lambda offer: None if offer.is_ad is None else not offer.is_ad,
    "max_moq": lambda _, most: lambda offer: _at_most(offer.min_order, most),
    "area": _is_of_area,
    "shop_type": _says_in("shop_type"),
    "category": _says_in("category_name"),
    "min_repurchase": lambda _, least: lambda offer: _at_least(offer.repurchase_rate, least),
    "factory": lambda *_: lambda offer: offer.is_factory,
    "not_patented": lambda *_: (
        lambda offer: None if offer.is_patented is None else not offer.is_patented
    ),
    "min_years": lambda _, least: lambda offer: _at_least(offer.shop_years, least),
    "ship_within": lambda _, most: lambda offer: _at_most(offer.ship_within_hours, most),
    "max_dropship_price": lambda _, most: (
        lambda offer: _at_most(offer.dropship_price if offer.is_yuan else None, most)
    ),
    "text": _says_in_titles,
    "seller": _is_of_seller,
}

Key = Callable[[OfferLine, OfferFilter], tuple[int, Any]]
SORTS: dict[str, Key] = {
    "price": lambda offer, wanted: _first(wanted.prices(offer).best),
    "sales": lambda offer, _: sales_rank(offer),
    "similarity": lambda offer, wanted: _first(wanted.similarity(offer), -1),
    "visual": lambda offer, _: _first(offer.visual_similarity, -1),
}
"""What to sort by: a group, and a number in it, the lowest first; what is unknown comes last."""


def _first(value: Any, sign: int = 1) -> tuple[int, Any]:
    return (_UNKNOWN, 0.0) if value is None else (0, sign * float(value))


def sales_rank(offer: OfferLine) -> tuple[int, float]:
    """Sold a day where the days are told; sales of all times and of unknown ones come after."""
    if offer.sales is None:
        return _UNKNOWN, 0.0
    if found := _DAYS.fullmatch(offer.sales_window or ""):
        return 0, -offer.sales / int(found[1])
    return (1 if offer.sales_window == "total" else 2), -float(offer.sales)


def find(
    feeds: Lines, wanted: OfferFilter, sort: str | None = None, limit: int | None = None
) -> Iterator[Line]:
    """The lines that fit. With a limit that many are held, without one 17 bytes an offer."""
    asks, keeps = _asks(wanted), wanted.keeps_unknown
    fitting = (line for line in feeds if _passes(line.offer, asks, keeps))
    if sort is None:
        return islice(fitting, limit)
    key = SORTS[sort]

    def weight(line: Line) -> tuple[int, float]:
        return key(line.offer, wanted)

    if limit is not None:
        return iter(heapq.nsmallest(limit, fitting, key=weight))
    return _sorted(feeds, fitting, weight)


def _sorted(
    feeds: Lines, fitting: Iterable[Line], weight: Callable[[Line], tuple[int, float]]
) -> Iterator[Line]:
    groups, weights, places = array("b"), array("d"), array("Q")
    for line in fitting:
        group, value = weight(line)
        groups.append(group)
        weights.append(value)
        places.append(line.place)
    order = np.lexsort((np.asarray(weights), np.asarray(groups)))
    yield from feeds.lines_at(places[index] for index in order)
