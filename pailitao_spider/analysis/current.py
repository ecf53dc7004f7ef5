"""Feeds in which an offer stands once, with its newest line; older ones tell only of seeds."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from pailitao_spider.analysis.feed_reader import OFFSET_BITS, Feeds, Line, Tally
from pailitao_spider.analysis.matches import Match
from pailitao_spider.results.line_keys import NO_LINE, moment_of

__all__ = ["Current"]


class _Key(msgspec.Struct, gc=False):
    num_iid: str | int
    seed_id: Any = None
    seed_extra: msgspec.Raw = msgspec.Raw(b"{}")


_EMPTY = 4  # {} and null
_KEY = msgspec.json.Decoder(_Key)


class Current:
    """What `Feeds` reads, without lines that a newer one of the same offer replaces.

    `by_seed`: in the feed that has the newest line, an offer keeps its newest line of each seed.
    Reads all lines once before the first is given.
    """

    def __init__(self, paths: Sequence[Path], *, by_seed: bool = False) -> None:
        self._feeds = Feeds(paths)
        self._paths = tuple(paths)
        self.extras: dict[str, bytes] = {}
        """The seeds' own columns, as JSON, by seed."""
        self.stale = self._stale(by_seed=by_seed)

    @property
    def tally(self) -> Tally:
        return self._feeds.tally

    def __iter__(self) -> Iterator[Line]:
        if not self.stale.size:
            return iter(self._feeds)
        return self._without_stale()

    def again(self) -> Current:
        """The same for another reading, which counts for itself."""
        other = copy(self)
        other._feeds = Feeds(self._paths)
        return other

    def lines_at(self, places: Iterable[int]) -> Iterator[Line]:
        return self._feeds.lines_at(places)

    def sightings(self) -> Iterator[Match]:
        """What the older lines tell: with which seeds the offer was found, too."""
        for offer, _, _ in self._feeds.lines_at(int(place) for place in self.stale):
            if offer.seed_id is not None:
                yield Match(offer.num_iid, offer.seed_id, offer.similarity)

    def _without_stale(self) -> Iterator[Line]:
        stale = iter([*map(int, self.stale), -1])
        next_stale = next(stale)
        for line in self._feeds:
            if line.place == next_stale:
                self.tally.offers -= 1
                next_stale = next(stale)
            else:
                yield line

    def _key(self, raw: bytes) -> int:
        """Tells offers apart; 0 where the line is none."""
        try:
            line = _KEY.decode(raw)
        except NO_LINE:
            return 0
        seed = line.seed_id
        if seed.__class__ is str and seed not in self.extras and len(line.seed_extra) > _EMPTY:
            self.extras[seed] = bytes(line.seed_extra)
        return hash(str(line.num_iid))

    def _stale(self, *, by_seed: bool) -> NDArray[np.uint64]:
        """The places of older lines, ascending."""
        keys = np.asarray(array("q", (self._key(raw) for _, raw in Feeds(self._paths).raw_lines())))
        ordered = np.sort(keys)
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        twice = twice[twice != 0]
        if not twice.size:
            return np.empty(0, np.uint64)
        several = np.isin(keys, twice)
        lines = (
            _version(place, raw)
            for (place, raw), is_of_several in zip(
                Feeds(self._paths).raw_lines(), several, strict=False
            )
            if is_of_several
        )
        versions = np.fromiter(lines, dtype=_VERSION)
        return _older(versions[versions["offer"] != 0], by_seed=by_seed)


class _Version(NamedTuple):
    offer: int
    seed: int
    moment: float
    place: int


_VERSION = np.dtype([("offer", "i8"), ("seed", "i8"), ("moment", "f8"), ("place", "u8")])


class _Seen(msgspec.Struct, gc=False):
    num_iid: str | int
    seed_id: Any = None
    fetched_at: Any = None


_SEEN = msgspec.json.Decoder(_Seen)


def _version(place: int, raw: bytes) -> _Version:
    try:
        raw.decode()
        seen = _SEEN.decode(raw)
    except NO_LINE:
        return _Version(0, 0, 0.0, place)
    told = seen.fetched_at if isinstance(seen.fetched_at, str) else None
    return _Version(hash(str(seen.num_iid)), hash(seen.seed_id) if _is_plain(seen.seed_id) else 0,
                    moment_of(told, -inf), place)  # fmt: skip


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) or value is None


def _older(versions: NDArray[Any], *, by_seed: bool) -> NDArray[np.uint64]:
    """Of one moment the first line is the newest."""
    order = np.lexsort((versions["place"], -versions["moment"], versions["offer"]))
    versions = versions[order]
    _, first, offers = np.unique(versions["offer"], return_index=True, return_inverse=True)
    is_kept = np.zeros(len(versions), dtype=bool)
    is_kept[first] = True
    if by_seed:
        feeds = versions["place"] >> np.uint64(OFFSET_BITS)
        pairs = np.stack((offers, versions["seed"]), axis=1)
        in_newest = np.flatnonzero(feeds == feeds[first][offers])
        _, newest = np.unique(pairs[in_newest], axis=0, return_index=True)
        is_kept[in_newest[newest]] = True
    older: NDArray[np.uint64] = np.sort(versions["place"][~is_kept])
    return older
