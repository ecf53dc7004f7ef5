"""One reading of the feeds: what each seed found, and which offers a page has room for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import nan

import numpy as np
from numpy.typing import NDArray

from pailitao_spider.analysis.feed_reader import Line
from pailitao_spider.analysis.matches import Relations

__all__ = ["Found", "Numbers", "Survey", "survey"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """What one seed found in all feeds. `prices`: yuan, of the offers that tell one above 0."""

    seed_id: str | None
    offers: int
    prices: Numbers


@dataclass(frozen=True, slots=True)
class Survey:
    """All seeds and offers, each offer once; `places` are the lines to be shown, ascending."""

    seeds: tuple[Found, ...]
    offers: int
    prices: Numbers
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """A row for each offer and seed: 36 bytes."""

    keys: array[int]
    seeds: array[int]
    likeness: array[float]
    prices: array[float]
    places: array[int]

    def add(
        self, key: int, seed: int, similarity: Decimal | None, price: Decimal | None, place: int
    ) -> None:
        self.keys.append(key)
        self.seeds.append(seed)
        self.likeness.append(nan if similarity is None else float(similarity))
        self.prices.append(float(price) if price else nan)
        self.places.append(place)


def survey(lines: Iterable[Line], relations: Relations, limit: int) -> Survey:
    """Chosen are the first of each seed, then the second of each, up to `limit` offers.

    The most similar is a seed's first, what is unknown its last; equals stand as in the feed.
    """
    seeds: dict[str | None, int] = {}
    rows = _Rows(array("q"), array("I"), array("d"), array("d"), array("Q"))
    for offer, _, place in lines:
        key = hash(offer.num_iid)
        for seed_id, similarity in relations.of(offer).items():
            seed = seeds.setdefault(seed_id, len(seeds))
            rows.add(key, seed, similarity, offer.asked, place)
    return _surveyed(rows, list(seeds), limit)


def _surveyed(rows: _Rows, names: list[str | None], limit: int) -> Survey:
    _, first, offers = np.unique(
        np.asarray(rows.keys, np.int64), return_index=True, return_inverse=True
    )
    seeds = np.asarray(rows.seeds, np.int64)
    prices = np.asarray(rows.prices, np.float64)
    order = _best_first(seeds, offers, np.asarray(rows.likeness, np.float64))
    ends = np.searchsorted(seeds[order], np.arange(len(names) + 1))
    places = np.asarray(rows.places, np.uint64)
    return Survey(
        tuple(
            Found(name, int(end - start), _told(prices[order[start:end]]))
            for name, start, end in zip(names, ends, ends[1:], strict=False)
        ),
        len(first),
        _told(prices[first]),
        tuple(int(place) for place in _chosen(order, ends, seeds, offers, places, limit)),
    )


def _best_first(
    seeds: NDArray[np.int64], offers: NDArray[np.int64], likeness: Numbers
) -> NDArray[np.int64]:
    """The rows by seed and similarity, each offer once a seed."""
    order = np.lexsort((np.nan_to_num(-likeness, nan=np.inf), seeds))
    pairs = seeds[order] * (int(offers.max(initial=0)) + 1) + offers[order]
    _, once = np.unique(pairs, return_index=True)
    kept: NDArray[np.int64] = order[np.sort(once)]
    return kept


def _chosen(
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    seeds: NDArray[np.int64],
    offers: NDArray[np.int64],
    places: NDArray[np.uint64],
    limit: int,
) -> NDArray[np.uint64]:
    """In turn one of each seed, until there are `limit` different offers: all lines of these."""
    ranks = np.arange(len(order)) - ends[seeds[order]]
    in_turn = offers[order[np.argsort(ranks, kind="stable")]]
    _, once = np.unique(in_turn, return_index=True)
    return np.unique(places[np.isin(offers, in_turn[np.sort(once)[:limit]])])


def _told(prices: Numbers) -> Numbers:
    return prices[~np.isnan(prices)]
