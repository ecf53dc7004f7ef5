"""Who covers most seeds, and the fewest suppliers that cover them together."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import msgspec
import numpy as np

from pailitao_spider.analysis.compare import Lines
from pailitao_spider.analysis.feed_reader import OfferLine
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.sellers import Sellers
from pailitao_spider.analysis.set_cover import SetCover, cover
from pailitao_spider.offers.int_set import NumberSet

__all__ = ["Supplier", "Suppliers", "suppliers_of"]

_NAMED = 5
_UNKNOWN_PRICE = -1
_PART_OF_YUAN = 10_000


class Supplier(msgspec.Struct, gc=False):
    """One seller. `score` is the mean of its offers' scores, `price_level` the median of its
    prices, each as a part of its seed's median."""

    seller_id: str | None
    seller_nick: str | None
    area: str | None = None
    shop_type: str | None = None
    score: Decimal | None = None
    offers: int = 0
    dropship: int = 0
    dropship_unknown: int = 0
    seeds: int = 0
    price_level: Decimal | None = None
    scored: int = 0

    @property
    def name(self) -> str:
        return self.seller_nick or self.seller_id or "?"

    def note(self, offer: OfferLine) -> None:
        """What an offer tells of its seller; the first that is known stays."""
        self.offers += 1
        self.dropship += offer.one_stop_service is True
        self.dropship_unknown += offer.one_stop_service is None
        for name in ("seller_nick", "area", "shop_type"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(offer, name))
        if offer.score is not None:
            self.scored += 1
            self.score = offer.score + (self.score or 0)

    def join(self, other: Supplier) -> None:
        """The other is the same seller, as another gateway told of him."""
        for name in ("seller_id", "seller_nick", "area", "shop_type"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))
        for name in ("offers", "dropship", "dropship_unknown", "scored"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.score is not None:
            self.score = other.score + (self.score or 0)


@dataclass(frozen=True, slots=True)
class Suppliers:
    """Those of most seeds first; `cover` holds their places in this order.

    `seeds` counts all that are known, `seed_ids` has them. `uncovered` names some that the picks
    leave out (of `uncovered_count`), `elsewhere` some seeds (of `elsewhere_count`) whose offers
    stand under others, `nameless` some offers (of `nameless_count`) that name no seller.
    `ambiguous`: so many names fit several sellers and stand for themselves.
    """

    ranked: tuple[Supplier, ...]
    cover: SetCover
    seeds: int
    target: int
    uncovered: tuple[str, ...]
    uncovered_count: int
    elsewhere: tuple[str, ...]
    elsewhere_count: int
    nameless: tuple[str, ...]
    nameless_count: int
    seed_ids: Collection[str]
    ambiguous: int = 0
    places: Mapping[int, int] = field(default_factory=dict)
    sellers: Sellers = field(default_factory=Sellers)

    def place_of(self, offer: OfferLine) -> int | None:
        """Where its seller stands in `ranked`."""
        number = self.sellers.number(offer)
        return None if number is None else self.places.get(number)

    @property
    def is_certain(self) -> bool:
        """No smaller set of suppliers does, for who is who is known."""
        return self.cover.is_smallest and not self.ambiguous

    @property
    def is_reached(self) -> bool:
        return self.cover.covered >= self.target


@dataclass(slots=True)
class _Sold:
    """A row for each offer and seed: 24 bytes."""

    offers: array[int] = field(default_factory=lambda: array("q"))
    suppliers: array[int] = field(default_factory=lambda: array("I"))
    seeds: array[int] = field(default_factory=lambda: array("I"))
    prices: array[int] = field(default_factory=lambda: array("q"))

    def rename(self, numbers: Sequence[int]) -> None:
        """Suppliers are told by these numbers from now on."""
        renamed = np.asarray(numbers, dtype=np.uint32)[np.asarray(self.suppliers, dtype=np.int64)]
        self.suppliers = array("I", renamed.tobytes())

    def add(self, offer: int, supplier: int, seed: int, price: Decimal | None) -> None:
        self.offers.append(offer)
        self.suppliers.append(supplier)
        self.seeds.append(seed)
        self.prices.append(_UNKNOWN_PRICE if price is None else int(price * _PART_OF_YUAN))

    def columns(self) -> list[np.ndarray]:
        """Suppliers, seeds and prices: of an offer that stands in several feeds the first."""
        offers, suppliers, seeds, prices = (
            np.asarray(column, dtype=np.int64)
            for column in (self.offers, self.suppliers, self.seeds, self.prices)
        )
        numbers = np.unique(offers, return_inverse=True)[1]
        pairs = numbers * (int(seeds.max(initial=0)) + 1) + seeds
        once = np.sort(np.unique(pairs, return_index=True)[1])
        return [column[once] for column in (suppliers, seeds, prices)]


class _Market(NamedTuple):
    suppliers: list[Supplier]
    sellers: Sellers
    places: list[int]
    seeds: dict[str, int]
    sold: _Sold
    nameless: list[str]
    nameless_count: int


def suppliers_of(
    feeds: Lines,
    relations: Relations,
    share: Decimal = Decimal(1),
    known_seeds: Iterable[str] = (),
    elsewhere: Collection[str] = (),
) -> Suppliers:
    """Asks for the fewest that cover `share` of the seeds, those without any offer included.

    `elsewhere`: seeds of which the ledger says that what they found was found before.
    """
    market = _read(feeds, relations, known_seeds)
    sets = _rank(market)
    target = ceil(share * len(market.seeds))
    found = cover(sets, len(market.seeds), target)
    uncovered = _uncovered(market.seeds, [sets[index] for index in found.picks])
    left = [seed for seed in uncovered if seed not in elsewhere]
    others = [seed for seed in uncovered if seed in elsewhere]
    return Suppliers(
        tuple(market.suppliers),
        found,
        len(market.seeds),
        target,
        tuple(left[:_NAMED]),
        len(left),
        tuple(others[:_NAMED]),
        len(others),
        tuple(market.nameless),
        market.nameless_count,
        market.seeds.keys(),
        market.sellers.ambiguous,
        dict(enumerate(market.places)),
        market.sellers,
    )


def _read(feeds: Lines, relations: Relations, known_seeds: Iterable[str]) -> _Market:
    seeds = {seed: number for number, seed in enumerate(dict.fromkeys(known_seeds))}
    sellers = Sellers()
    suppliers: list[Supplier] = []
    sold = _Sold()
    nameless: list[str] = []
    nameless_count = 0
    known = NumberSet()
    for offer, _, _ in feeds:
        is_new = known.add(offer.num_iid)
        of = [seeds.setdefault(each, len(seeds)) for each in relations.of(offer) if each]
        if (number := sellers.number(offer)) is None:
            nameless_count += is_new
            nameless += [offer.num_iid] * (is_new and len(nameless) < _NAMED)
            continue
        if number == len(suppliers):
            suppliers.append(Supplier(offer.seller_id, offer.seller_nick))
        if is_new:
            suppliers[number].note(offer)
        for seed in of:
            sold.add(hash(offer.num_iid), number, seed, offer.asked)
    places = _join(suppliers, sellers.resolved())
    sold.rename(places)
    joined = [suppliers[number] for number in dict.fromkeys(sellers.resolved())]
    return _Market(joined, sellers, places, seeds, sold, nameless, nameless_count)


def _join(suppliers: Sequence[Supplier], roots: Sequence[int]) -> list[int]:
    """Each that is another's goes into that one; returns the places of what is left."""
    places: dict[int, int] = {}
    for number, root in enumerate(roots):
        places.setdefault(root, len(places))
        if number != root:
            suppliers[root].join(suppliers[number])
    return [places[root] for root in roots]


def _rank(market: _Market) -> list[np.ndarray]:
    """Orders the suppliers, those of most seeds and then of the lowest prices first.

    Returns the seeds of each in this order.
    """
    suppliers, seeds, prices = market.sold.columns()
    pairs = np.unique(suppliers * (len(market.seeds) + 1) + seeds)
    owners, owned = np.divmod(pairs, len(market.seeds) + 1)
    sets = _split(owned, owners, len(market.suppliers))
    levels = _levels(suppliers, seeds, prices, market)
    for number, supplier in enumerate(market.suppliers):
        supplier.seeds = len(sets[number])
        supplier.price_level = levels[number]
        if supplier.score is not None:
            supplier.score = round(supplier.score / supplier.scored, 2)
    order = sorted(range(len(sets)), key=lambda number: _preference(market.suppliers[number]))
    market.suppliers[:] = [market.suppliers[number] for number in order]
    rank = {number: place for place, number in enumerate(order)}
    market.places[:] = [rank[number] for number in market.places]
    return [sets[number] for number in order]


def _preference(supplier: Supplier) -> tuple[int, Decimal, int, str]:
    level = Decimal("Infinity") if supplier.price_level is None else supplier.price_level
    return -supplier.seeds, level, -supplier.offers, supplier.name


def _split(values: np.ndarray, owners: np.ndarray, count: int) -> list[np.ndarray]:
    """The values of each owner; `owners` ascend."""
    ends = np.searchsorted(owners, np.arange(count + 1))
    return [values[start:end] for start, end in pairwise(ends)]


def _levels(
    suppliers: np.ndarray, seeds: np.ndarray, prices: np.ndarray, market: _Market
) -> list[Decimal | None]:
    told = prices > 0
    suppliers, seeds, prices = suppliers[told], seeds[told], prices[told]
    medians = _medians(prices, seeds, len(market.seeds))
    levels = _medians(prices / medians[seeds], suppliers, len(market.suppliers))
    return [None if np.isnan(level) else round(Decimal(float(level)), 3) for level in levels]


def _medians(values: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """The median of each owner's values; not a number where it has none."""
    order = np.lexsort((values, owners))
    values, owners = values[order], owners[order]
    ends = np.searchsorted(owners, np.arange(count + 1))
    starts, sizes = ends[:-1], np.diff(ends)
    medians = np.full(count, np.nan)
    some = sizes > 0
    low, high = (starts + (sizes - 1) // 2)[some], (starts + sizes // 2)[some]
    medians[some] = (values[low] + values[high]) / 2
    return medians


def _uncovered(seeds: dict[str, int], picked: Sequence[np.ndarray]) -> list[str]:
    covered = np.zeros(len(seeds), dtype=bool)
    for each in picked:
        covered[each] = True
    return [seed for seed, number in seeds.items() if not covered[number]]
