"""Figures as shapes: prices as bars on a logarithmic axis, suppliers as points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, isqrt, log10

import numpy as np

from pailitao_spider.analysis.suppliers import Supplier
from pailitao_spider.report.survey import Numbers

__all__ = ["Axis", "Bar", "Dot", "Height", "Tick", "dots", "heights", "price_axis", "price_bars"]

_LEVELS = (0.4, 2.5)
_FEWEST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in units of the picture; `label` is what it counts: `12: 3.50-4.20`."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Prices in yuan from `low` to `high`, each above 0, over `width` units."""

    low: float
    high: float
    width: float

    def at(self, price: float) -> float:
        span = log10(self.high / self.low)
        return round(self.width * log10(price / self.low) / span, 1)

    def ticks(self) -> list[Tick]:
        """1, 2, 5, 10 and so on, as far as they lie on the axis; more where those are few."""
        few = self._steps((1, 2, 5))
        steps = few if len(few) >= _FEWEST_TICKS else self._steps((1, 1.5, 2, 3, 4, 5, 6, 8))
        return [Tick(self.at(each), f"{each:g}") for each in steps]

    def _steps(self, factors: Sequence[float]) -> list[float]:
        powers = range(floor(log10(self.low)), floor(log10(self.high)) + 1)
        steps = [factor * 10.0**power for power in powers for factor in factors]
        return [each for each in steps if self.low <= each <= self.high]


def price_axis(prices: Numbers, width: float) -> Axis | None:
    """Wide enough for all prices; None where none is known."""
    if not prices.size:
        return None
    low, high = float(prices.min()), float(prices.max())
    return Axis(low * 0.97, high * 1.03, width)


def price_bars(prices: Numbers, axis: Axis, bins: int, height: float) -> list[Bar]:
    """How many offers cost what; each price is in one bar."""
    edges = np.geomspace(axis.low, axis.high, bins + 1)
    counts, _ = np.histogram(prices, edges)
    most = max(int(counts.max()), 1)
    wide = axis.width / bins
    return [
        Bar(round(place * wide, 1), round(height * (1 - count / most), 1), round(wide - 1, 1),
            round(height * count / most, 1), f"{count}: {low:.2f}-{high:.2f}")
        for place, (count, low, high) in enumerate(zip(counts, edges, edges[1:], strict=False))
        if count
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dot:
    """A supplier: its price level to the right, its seeds upwards, its offers as the area."""

    x: float
    y: float
    radius: float
    label: str
    is_picked: bool


@dataclass(frozen=True, slots=True)
class Height:
    """Where so many seeds are."""

    y: float
    seeds: int


def heights(most: int, height: float) -> list[Height]:
    """Four or fewer, from the most downwards."""
    return (
        [Height(_upwards(seeds, most, height), seeds) for seeds in range(most, 0, -ceil(most / 4))]
        if most
        else []
    )


def _upwards(seeds: int, most: int, height: float) -> float:
    return round(height * (1 - seeds / (most + 1)), 1)


def dots(
    suppliers: Sequence[Supplier], picks: Sequence[int], width: float, height: float
) -> Iterator[Dot]:
    """Those whose price level is known; the levels at the edges stand for all beyond."""
    most = max((each.seeds for each in suppliers), default=0)
    low, high = map(log10, _LEVELS)
    for place, each in enumerate(suppliers):
        if each.price_level is None:
            continue
        level = log10(min(max(float(each.price_level), _LEVELS[0]), _LEVELS[1]))
        yield Dot(
            round(width * (level - low) / (high - low), 1),
            _upwards(each.seeds, most, height),
            min(3 + isqrt(4 * each.offers) / 2, 14),
            f"{each.name}: {each.seeds} / {each.offers}, {each.price_level:.0%}",
            place in picks,
        )
