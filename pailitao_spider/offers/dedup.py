"""Which offers were seen before, by num_iid, in the scope that PAILITAO_DEDUP names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from pailitao_spider.offers.int_set import NumberSet

__all__ = ["DEDUP_KEYS", "LocalSeen", "SeenOffers", "Sighted", "Written"]


class Sighted(Protocol):
    """What tells one sighting of an offer from another."""

    @property
    def num_iid(self) -> str: ...
    @property
    def seed_id(self) -> str | None: ...
    @property
    def page(self) -> int | None: ...
    @property
    def rank(self) -> int | None: ...


DEDUP_KEYS: dict[str, Callable[[Sighted], str]] = {
    "crawl": lambda offer: offer.num_iid,
    "seed": lambda offer: f"{offer.num_iid} {offer.seed_id}",
    "off": lambda offer: f"{offer.num_iid} {offer.seed_id} {offer.page} {offer.rank}",
}
"""Two offers with the same key are the same. `off` tells all sightings apart: it only keeps a
run that goes on from writing again what is in the feed."""


class SeenOffers(Protocol):
    """An exact set of offers: none is ever taken for seen that was not."""

    async def ask(self, offers: Sequence[Sighted]) -> None:
        """Called with a page's offers before they go their way, to learn of all in one go."""

    def add(self, offer: Sighted) -> bool:
        """True when the offer is new."""


class LocalSeen:
    """The offers of one process, in memory; `key` tells which are the same.

    Memory is that of a `NumberSet`: few bytes an offer with keys that are ids alone, as those of
    `crawl` are; 90 to 145 and the length of the key with those of `seed` and `off`.
    """

    def __init__(self, key: Callable[[Sighted], str]) -> None:
        self._key = key
        self._keys = NumberSet()

    async def ask(self, offers: Sequence[Sighted]) -> None:
        """Nothing to learn: all is known here."""

    def add(self, offer: Sighted) -> bool:
        return self._keys.add(self._key(offer))


class Written:
    """What an earlier run wrote, when this one goes on.

    An offer that all feeds hold is seen. A kill may leave one in some feeds only: those feeds skip
    it, the others get it. For seeds that were not finished, what is written counts as theirs.
    """

    def __init__(self, key: Callable[[Sighted], str]) -> None:
        self._key = key
        self._seed_of: dict[str, str] = {}
        self._only_in: dict[str, set[str]] = {}
        self.has_gaps = False
        """Some feed held offers that another lacked."""

    def take_up(
        self,
        feeds: Mapping[str, Iterable[Sighted]],
        seen: SeenOffers,
        is_complete: Callable[[str], bool],
    ) -> int:
        """Marks the offers that every feed holds as seen; returns how many they are."""
        names = list(feeds)
        held = {name: {self._key(offer) for offer in feeds[name]} for name in names[1:]}
        common: set[str] = set()  # of one feed alone all are, and none is kept
        first_only: set[str] = set()
        count = 0
        for offer in feeds[names[0]]:
            key = self._key(offer)
            if not all(key in keys for keys in held.values()):
                first_only.add(key)
                continue
            if held:
                common.add(key)
            count += seen.add(offer)
            if offer.seed_id is not None and not is_complete(offer.seed_id):
                self._seed_of[key] = offer.seed_id
        self._only_in = {name: keys - common for name, keys in held.items()}
        self._only_in[names[0]] = first_only
        self.has_gaps = any(self._only_in.values())
        return count

    def is_of(self, offer: Sighted) -> bool:
        """The offer was written before, for this very seed; counts once."""
        key = self._key(offer)
        if offer.seed_id is None or self._seed_of.get(key) != offer.seed_id:
            return False
        del self._seed_of[key]
        return True

    def is_in(self, feed: str, offer: Sighted) -> bool:
        """This feed holds the offer, though others do not; counts once."""
        keys = self._only_in.get(feed, set())
        key = self._key(offer)
        if key not in keys:
            return False
        keys.remove(key)
        return True
