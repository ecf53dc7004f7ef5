"""A run's watch over how its rows drift from what their gateway documents."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from decimal import Decimal

from pailitao_spider.offers.drift import Drift, DriftFinding
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.offers.row_reader import RowShape

__all__ = ["DriftMonitor"]

_ESSENTIAL = ("price", "title")
_FEWEST_ROWS = 50  # of fewer nothing is said
_WINDOW_ROWS = 200
_MOST_NAMED = 5


class DriftMonitor:
    """The rows of one gateway. `limit` is the share that may be unreadable."""

    def __init__(self, gateway: str, shape: RowShape, limit: Decimal) -> None:
        self.gateway = gateway
        self.rows = 0
        self.signs = Drift()
        self._limit = limit
        self._offers = 0
        self._promised = [name for name in _ESSENTIAL if name in shape.always]
        self._seen_at = dict.fromkeys(shape.always, 0)
        """How many rows had come when a field was last there."""
        self._window: deque[tuple[int, int]] = deque()

    def note(
        self, rows: Sequence[Offer | RejectedRow], unreadable: Sequence[str], drift: Drift
    ) -> None:
        """Takes in a page: its rows, a name for each field that could not be read, and the rest."""
        self.rows += len(rows)
        self._offers += sum([isinstance(row, Offer) for row in rows])
        self.signs.merge(drift)
        self._seen_at |= dict.fromkeys(_there(rows, set(self._seen_at)), self._offers)
        self._window.append((len(rows), self._unreadable_rows(rows, unreadable)))
        while sum(rows for rows, _ in self._window) - self._window[0][0] >= _WINDOW_ROWS:
            self._window.popleft()

    @property
    def excess(self) -> str | None:
        """Why these rows are none to go on with; None while they are."""
        rows = sum(rows for rows, _ in self._window)
        bad = sum(bad for _, bad in self._window)
        if rows < _FEWEST_ROWS or Decimal(bad) <= self._limit * rows:
            return None
        return (
            f"{bad} of the last {rows} rows of {self.gateway} have no usable id, or no price or "
            "title that can be read"
        )

    def _unreadable_rows(
        self, rows: Sequence[Offer | RejectedRow], unreadable: Sequence[str]
    ) -> int:
        names = Counter(unreadable)
        for row in rows:
            if isinstance(row, RejectedRow):
                names["num_iid"] += 1
            elif row.price is None or row.title is None:
                names.update(name for name in self._promised if _lacks(row, name))
        spoiled = max((names[name] for name in _ESSENTIAL), default=0)
        return min(names["num_iid"] + spoiled, len(rows))

    @property
    def vanished(self) -> list[str]:
        """Fields that every page should bring, and that have not come for long."""
        since: dict[int, list[str]] = {}
        for name, at in self._seen_at.items():
            if self._offers - at >= _FEWEST_ROWS:
                since.setdefault(self._offers - at, []).append(name)
        return [f"{', '.join(names)} (not in the last {n} rows)" for n, names in since.items()]

    def words(self) -> Iterator[str]:
        """What a person should know at the end, a line each."""
        if self.signs.unknown:
            yield f"{self.gateway}: fields that nobody documents: {_shown(self.signs.unknown)}"
        if self.signs.flipped:
            yield f"{self.gateway}: fields of another type: {_shown(self.signs.flipped)}"
        if self.vanished:
            yield f"{self.gateway}: documented fields that are gone: {', '.join(self.vanished)}"


def _there(rows: Sequence[Offer | RejectedRow], names: set[str]) -> set[str]:
    """Those of our fields that at least one row has."""
    left = set(names)
    for row in rows:
        if not left:
            break
        if isinstance(row, Offer):
            left = {name for name in left if getattr(row, name) is None}
    return names - left


def _lacks(offer: Offer, name: str) -> bool:
    """Of prices, one is enough."""
    if name == "price":
        return offer.price is None and offer.price_min is None and offer.promotion_price is None
    return getattr(offer, name) is None


def _shown(signs: dict[str, DriftFinding]) -> str:
    most = sorted(signs.items(), key=lambda pair: -pair[1].rows)
    named = [f"{name} ({sign.rows} rows, such as {sign.example})" for name, sign in most]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more
