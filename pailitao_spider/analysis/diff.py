"""What the newest run brought against those before it, by num_iid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from pailitao_spider.analysis.feed_reader import Feeds, OfferLine, Tally, sides
from pailitao_spider.analysis.ledgers import seed_ends
from pailitao_spider.analysis.matches import matches_in
from pailitao_spider.analysis.postage import basis_of
from pailitao_spider.analysis.sellers import bare_id
from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.values.prices import YUAN
from pailitao_spider.results.line_keys import moment_of
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["FIELDS", "Change", "Run", "changes", "ends", "percent"]

Kind = Literal["new", "changed", "vanished", "missed"]

_SCHEMA = """
CREATE TABLE seen (num_iid TEXT, run INT, seed TEXT, facts BLOB, moment REAL);
CREATE TABLE ends (seed TEXT, run INT, is_whole INT, PRIMARY KEY (seed, run)) WITHOUT ROWID;
"""
_SEEN = "SELECT num_iid, run, seed, facts FROM seen ORDER BY num_iid, run, moment DESC, rowid"
_END_SEED = "INSERT OR REPLACE INTO ends VALUES (?, ?, ?)"
_ENDS = "SELECT run, is_whole FROM ends WHERE seed = ?"


class Facts(msgspec.Struct, array_like=True, gc=False):
    """What is compared of an offer."""

    title: str | None
    price: Decimal | None
    price_min: Decimal | None
    price_max: Decimal | None
    promotion_price: Decimal | None
    min_order: int | None
    sales: int | None
    sales_window: str | None
    sales_at_least: bool | None
    seller_id: str | None
    seller_nick: str | None
    is_onsale: bool | None
    post_fee: Decimal | None
    unit: str | None
    currency: str | None
    gateway: str | None
    freight_template: str | None

    @property
    def postage(self) -> Decimal | None:
        """The fee; nothing where the words say free."""
        return Decimal(0) if basis_of(self.freight_template) == "free" else self.post_fee


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Facts)


class Run:
    """One run's feeds in order of time, with the ledgers and matches that lie beside them."""

    def __init__(self, feed: Path) -> None:
        self.path = feed
        self.feeds = Feeds([feed])
        self.ledgers = sides([feed], "seeds")
        self.matches = sides([feed], "matches")
        self.beside = Tally()


@dataclass(frozen=True, slots=True)
class Change:
    """One offer: what is new about it.

    `fields` holds old and new value by name, for `changed`. `misses`: the newest runs that
    searched its seeds to the end and did not find it, for `missed` (too few yet) and `vanished`.
    `lost`: old values by name of what the same gateway does not tell any more.
    """

    kind: Kind
    num_iid: str
    seed_id: str | None
    title: str | None
    fields: dict[str, tuple[Any, Any]]
    misses: int = 0
    lost: dict[str, Any] = field(default_factory=dict)

    @property
    def percents(self) -> list[Decimal]:
        """By how much prices rose (above 0) or fell; of ranges the middle counts."""
        sizes = (percent(*self.fields[name]) for name in _PRICES if name in self.fields)
        return [size for size in sizes if size is not None]


_PRICES = ("price", "promotion_price", "price_min", "price_max")


class _Sighting(NamedTuple):
    """An offer in one run."""

    run: int
    seeds: frozenset[str | None]
    seed_id: str | None
    facts: bytes | None


def changes(runs: Sequence[Run], misses: int = 2, *, with_lost: bool = False) -> Iterator[Change]:
    """By num_iid, in a private database on disk: memory stays flat.

    `with_lost`: also what is `changed` only in that a value is not told any more.

    An offer is vanished when the last `misses` runs that searched all its seeds to the end lack
    it. A run without a ledger is held to have done so. Raises ResultsError.
    """
    with closing(scratch_database(_SCHEMA)) as database:
        for number, run in enumerate(runs):
            database.execute("BEGIN")
            database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", _rows(number, run))
            database.executemany(_END_SEED, _ends(number, run))
            database.execute("COMMIT")
            if not run.feeds.tally.offers:
                raise ResultsError(f"{run.path}: there is no offer in it; leave it out")
        without_ledger = {number for number, run in enumerate(runs) if not run.ledgers}
        last = len(runs) - 1

        def missed(seen: _Sighting) -> int:
            return _misses(seen, last, without_ledger, database.execute)

        for num_iid, rows in groupby(database.execute(_SEEN), key=lambda row: row[0]):
            for change in _changes(num_iid, _sightings(rows), last, misses, missed):
                if change.kind != "changed" or change.fields or with_lost:
                    yield change


_Row = tuple[str, int, str | None, bytes | None, float]


def _rows(number: int, run: Run) -> Iterator[_Row]:
    for offer, _, _ in run.feeds:
        moment = moment_of(offer.fetched_at, 0)
        yield offer.num_iid, number, offer.seed_id, _ENCODER.encode(_facts(offer)), moment
    for match in matches_in(run.matches, run.beside):
        yield match.num_iid, number, match.seed_id, None, -1.0


def _ends(number: int, run: Run) -> Iterator[tuple[str, int, bool]]:
    for end in seed_ends(run.ledgers, run.beside):
        yield end.seed_id, number, end.is_whole


def _facts(offer: OfferLine) -> Facts:
    return Facts(*(getattr(offer, name) for name in Facts.__struct_fields__))


def _sightings(rows: Iterable[tuple[Any, ...]]) -> list[_Sighting]:
    """A sighting a run; of several lines of an offer the newest one tells."""
    found = []
    for run, of_run in groupby(rows, key=lambda row: row[1]):
        lines = list(of_run)
        first = next((line for line in lines if line[3] is not None), lines[0])
        seeds = frozenset(line[2] for line in lines)
        found.append(_Sighting(run, seeds, first[2], first[3]))
    return found


def _changes(
    num_iid: str,
    seen: list[_Sighting],
    last: int,
    misses: int,
    missed: Callable[[_Sighting], int],
) -> Iterator[Change]:
    newest = seen[-1]
    title = None if newest.facts is None else _DECODER.decode(newest.facts).title
    if newest.run < last:
        if count := missed(newest):
            kind: Kind = "vanished" if count >= misses else "missed"
            yield Change(kind, num_iid, newest.seed_id, title, {}, count)
        return
    if len(seen) == 1:
        yield Change("new", num_iid, newest.seed_id, title, {})
        return
    before = next((each.facts for each in reversed(seen[:-1]) if each.facts is not None), None)
    found, lost = _differences(before, newest.facts)
    if found or lost:
        yield Change("changed", num_iid, newest.seed_id, title, found, lost=lost)


def _misses(
    seen: _Sighting, last: int, without_ledger: set[int], execute: Callable[..., Iterable[Any]]
) -> int:
    """Runs after the sighting in which each of the offer's seeds was searched to its end."""
    whole = [set(without_ledger) for _ in seen.seeds]
    for runs, seed in zip(whole, seen.seeds, strict=True):
        runs.update(run for run, is_whole in execute(_ENDS, (seed,)) if is_whole)
    searched = set.intersection(*whole)
    return sum(run in searched for run in range(seen.run + 1, last + 1))


def _differences(
    before: bytes | None, now: bytes | None
) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
    if before == now or before is None or now is None:
        return {}, {}
    old, new = _DECODER.decode(before), _DECODER.decode(now)
    pairs = {name: (value(old, new), value(new, old)) for name, value in FIELDS.items()}
    found = {
        name: (was, is_)
        for name, (was, is_) in pairs.items()
        if was is not None and is_ is not None and was != is_
    }
    return found, _lost(old, new)


def _lost(old: Facts, new: Facts) -> dict[str, Any]:
    """What another gateway does not tell is not lost."""
    if old.gateway != new.gateway:
        return {}
    told = {name: getattr(old, name) for name in _TOLD if getattr(new, name) is None}
    if not any((new.price, new.price_min, new.price_max)):
        low = old.price or old.price_min or old.price_max
        told["price"] = low
    return {name: value for name, value in told.items() if value is not None}


_TOLD = ("post_fee", "min_order", "sales", "is_onsale")


def percent(old: Any, new: Any) -> Decimal | None:
    """What changed, in percent of what it was; None where that was 0 or is no number."""
    was, is_ = middle(old), middle(new)
    return None if not was or is_ is None else (is_ - was) * 100 / was


def ends(value: Any) -> tuple[Decimal, Decimal] | None:
    """Lowest and highest of a value that `FIELDS` gives: a number, or a range as text."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        return None
    try:
        low, *high = map(Decimal, str(value).split("-"))
    except InvalidOperation:
        return None
    return low, high[0] if high else low


def middle(value: Any) -> Decimal | None:
    found = ends(value)
    return None if found is None else sum(found, Decimal(0)) / 2


def _price(facts: Facts, other: Facts) -> Any:
    """The price; the range as text where one has only that. A price within a range is no change.

    Prices of another currency or of another unit are none to compare.
    """
    if _differ(facts.currency or YUAN, other.currency or YUAN) or _differ(facts.unit, other.unit):
        return None
    if facts.price is not None and other.price is not None:
        return facts.price
    ranges = [(each.price_min, each.price_max) for each in (facts, other)]
    if any(None in ends for ends in ranges):
        ranges = [
            ends if each.price is None else (each.price, each.price)
            for each, ends in zip((facts, other), ranges, strict=True)
        ]
        if any(None in ends for ends in ranges) or _overlap(*ranges):
            return None
    low, high = (f"{end.normalize():f}" for end in ranges[0] if end is not None)
    return low if low == high else f"{low}-{high}"


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _overlap(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return bool(one[0] <= other[1] and other[0] <= one[1])


def _sales(facts: Facts, other: Facts) -> int | None:
    """Only of the same days; 946 may be what another answer rounds to 900+."""
    if facts.sales is None or other.sales is None or facts.sales_window != other.sales_window:
        return None
    if bool(facts.sales_at_least) != bool(other.sales_at_least):
        bound, exact = (facts, other) if facts.sales_at_least else (other, facts)
        if exact.sales >= bound.sales:  # type: ignore[operator]
            return None
    return facts.sales


def _seller(facts: Facts, other: Facts) -> str | None:
    """Gateways write ids in their own ways: of two different ones the name decides."""
    if facts.seller_id is None or other.seller_id is None:
        return facts.seller_nick
    if bare_id(facts.seller_id) == bare_id(other.seller_id):
        return None
    is_of_two = _differ(facts.gateway, other.gateway) and facts.seller_nick and other.seller_nick
    return facts.seller_nick if is_of_two else facts.seller_id


FIELDS: dict[str, Callable[[Facts, Facts], Any]] = {
    "price": _price,
    "price_min": lambda facts, other: _end("price_min", facts, other),
    "price_max": lambda facts, other: _end("price_max", facts, other),
    "promotion_price": lambda facts, _: facts.promotion_price,
    "post_fee": lambda facts, _: facts.postage,
    "min_order": lambda facts, _: facts.min_order,
    "unit": lambda facts, _: facts.unit,
    "sales": _sales,
    "seller": _seller,
    "is_onsale": lambda facts, _: facts.is_onsale,
}
"""What is compared, each as this side has it; None where it cannot be: unknown is no change."""


def _end(name: str, facts: Facts, other: Facts) -> Decimal | None:
    """An end of the range counts for itself beside a price; else it is the price."""
    is_beside = facts.price is not None and other.price is not None
    return getattr(facts, name) if is_beside else None
