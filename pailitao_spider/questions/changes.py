"""What the newest run brought against those before it, by num_iid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from pailitao_spider.errors import ResultsError
from pailitao_spider.questions.ledgers import seed_ends
from pailitao_spider.questions.reading import Feeds, OfferLine, Tally, sides
from pailitao_spider.questions.relations import matches_in
from pailitao_spider.results.sightings import sorting_database

__all__ = ["FIELDS", "Change", "Run", "changes"]

Kind = Literal["new", "changed", "vanished", "missed"]

_SCHEMA = """
CREATE TABLE seen (num_iid TEXT, run INT, seed TEXT, facts BLOB);
CREATE TABLE ends (seed TEXT, run INT, is_whole INT, PRIMARY KEY (seed, run)) WITHOUT ROWID;
"""
_SEEN = "SELECT num_iid, run, seed, facts FROM seen ORDER BY num_iid, run, rowid"
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
    """

    kind: Kind
    num_iid: str
    seed_id: str | None
    title: str | None
    fields: dict[str, tuple[Any, Any]]
    misses: int = 0


class _Sighting(NamedTuple):
    """An offer in one run."""

    run: int
    seeds: frozenset[str | None]
    seed_id: str | None
    facts: bytes | None


def changes(runs: Sequence[Run], misses: int = 2) -> Iterator[Change]:
    """By num_iid, in a private database on disk: memory stays flat.

    An offer is vanished when the last `misses` runs that searched all its seeds to the end lack
    it. A run without a ledger is held to have done so. Raises ResultsError.
    """
    with closing(sorting_database(_SCHEMA)) as database:
        for number, run in enumerate(runs):
            database.execute("BEGIN")
            database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", _rows(number, run))
            database.executemany(_END_SEED, _ends(number, run))
            database.execute("COMMIT")
            if not run.feeds.tally.offers:
                raise ResultsError(f"{run.path}: there is no offer in it; leave it out")
        without_ledger = {number for number, run in enumerate(runs) if not run.ledgers}
        last = len(runs) - 1

        def missed(seen: _Sighting) -> int:
            return _misses(seen, last, without_ledger, database.execute)

        for num_iid, rows in groupby(database.execute(_SEEN), key=lambda row: row[0]):
            yield from _changes(num_iid, _sightings(rows), last, misses, missed)


def _rows(number: int, run: Run) -> Iterator[tuple[str, int, str | None, bytes | None]]:
    for offer, _, _ in run.feeds:
        yield offer.num_iid, number, offer.seed_id, _ENCODER.encode(_facts(offer))
    for match in matches_in(run.matches, run.beside):
        yield match.num_iid, number, match.seed_id, None


def _ends(number: int, run: Run) -> Iterator[tuple[str, int, bool]]:
    for end in seed_ends(run.ledgers, run.beside):
        yield end.seed_id, number, end.is_whole


def _facts(offer: OfferLine) -> Facts:
    return Facts(*(getattr(offer, name) for name in Facts.__struct_fields__))


def _sightings(rows: Iterable[tuple[Any, ...]]) -> list[_Sighting]:
    """A sighting a run; of several lines of an offer the first one tells."""
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
    if found := _differences(before, newest.facts):
        yield Change("changed", num_iid, newest.seed_id, title, found)


def _misses(
    seen: _Sighting, last: int, without_ledger: set[int], execute: Callable[..., Iterable[Any]]
) -> int:
    """Runs after the sighting in which each of the offer's seeds was searched to its end."""
    whole = [set(without_ledger) for _ in seen.seeds]
    for runs, seed in zip(whole, seen.seeds, strict=True):
        runs.update(run for run, is_whole in execute(_ENDS, (seed,)) if is_whole)
    searched = set.intersection(*whole)
    return sum(run in searched for run in range(seen.run + 1, last + 1))


def _differences(before: bytes | None, now: bytes | None) -> dict[str, tuple[Any, Any]]:
    if before == now or before is None or now is None:
        return {}
    old, new = _DECODER.decode(before), _DECODER.decode(now)
    pairs = {name: (value(old, new), value(new, old)) for name, value in FIELDS.items()}
    return {
        name: (was, is_)
        for name, (was, is_) in pairs.items()
        if was is not None and is_ is not None and was != is_
    }


def _price(facts: Facts, other: Facts) -> Any:
    """The price; the range as text where one has only that. A price within a range is no change."""
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
    has_ids = facts.seller_id is not None and other.seller_id is not None
    return facts.seller_id if has_ids else facts.seller_nick


FIELDS: dict[str, Callable[[Facts, Facts], Any]] = {
    "price": _price,
    "price_min": lambda facts, other: _end("price_min", facts, other),
    "price_max": lambda facts, other: _end("price_max", facts, other),
    "promotion_price": lambda facts, _: facts.promotion_price,
    "min_order": lambda facts, _: facts.min_order,
    "sales": _sales,
    "seller": _seller,
    "is_onsale": lambda facts, _: facts.is_onsale,
}
"""What is compared, each as this side has it; None where it cannot be: unknown is no change."""


def _end(name: str, facts: Facts, other: Facts) -> Decimal | None:
    """An end of the range counts for itself beside a price; else it is the price."""
    is_beside = facts.price is not None and other.price is not None
    return getattr(facts, name) if is_beside else None
