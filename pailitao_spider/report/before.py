"""What changed since older runs: prices that rose or fell, what came, what went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.diff import Change, Run, changes
from pailitao_spider.analysis.feed_reader import OfferLine
from pailitao_spider.errors import ResultsError
from pailitao_spider.report.cards import Cards

__all__ = ["Before", "before_of"]

LISTED = 100


@dataclass(slots=True)
class Before:
    """By the number of an offer: its kind of change, per cent, and prices of all runs.

    `gone` are some that vanished (of `counts["vanished"]`): id, title, seed.
    """

    runs: list[str]
    kinds: dict[int, str] = field(default_factory=dict)
    percents: dict[int, Decimal] = field(default_factory=dict)
    prices: dict[int, list[str | None]] = field(default_factory=dict)
    gone: list[Change] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def data(self) -> dict[str, Any]:
        """What the script works on."""
        return {
            "runs": self.runs,
            "kinds": self.kinds,
            "percents": {number: round(each, 1) for number, each in self.percents.items()},
            "prices": self.prices,
        }


def before_of(older: Sequence[Path], newest: Sequence[Path], cards: Cards) -> Before:
    """`older` from the oldest on. Raises ResultsError where the newest run is several feeds."""
    if len(newest) != 1:
        raise ResultsError("--before takes one feed to compare with; merge the others first")
    numbers = {offer.num_iid: number for number, offer in enumerate(cards.offers)}
    before = Before([path.name for path in (*older, *newest)])
    for change in changes([Run(path) for path in (*older, *newest)], misses=1):
        _note(before, change, numbers.get(change.num_iid))
    _add_prices(before, older, numbers)
    for number, offer in enumerate(cards.offers):
        if number in before.prices:
            before.prices[number].append(_price(offer))
    return before


def _note(before: Before, change: Change, number: int | None) -> None:
    if change.kind == "vanished":
        before.counts["gone"] += 1
        if len(before.gone) < LISTED:
            before.gone.append(change)
        return
    size = next(iter(change.percents), None)
    kind = _kind(change, size)
    before.counts[kind] += 1
    if number is not None:
        before.kinds[number] = kind
        if size is not None:
            before.percents[number] = size


def _kind(change: Change, size: Decimal | None) -> str:
    if change.kind == "new":
        return "new"
    if not size:
        return "changed"
    return "rose" if size > 0 else "fell"


def _add_prices(before: Before, older: Sequence[Path], numbers: dict[str, int]) -> None:
    """Of the shown offers, a price a run; None where the run lacks it."""
    for place, path in enumerate(older):
        for offer, _, _ in Current([path]):
            number = numbers.get(offer.num_iid)
            if number is not None:
                line = before.prices.setdefault(number, [])
                line += [None] * (place - len(line))
                line.append(_price(offer))
    for line in before.prices.values():
        line += [None] * (len(older) - len(line))


def _price(offer: OfferLine) -> str | None:
    price = offer.asked
    return None if price is None else f"{price:f}"
