"""Which seeds an offer was sighted with: deduplication leaves one in its line, matches have all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path

import msgspec

from pailitao_spider.analysis.feed_reader import OfferLine, Tally
from pailitao_spider.results.first_seen import lines_in
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["Match", "Relations", "matches_in"]

_SCHEMA = "CREATE TABLE matches (num_iid TEXT, seed TEXT, similarity TEXT)"
_INDEX = "CREATE INDEX by_offer ON matches (num_iid)"
_OF = "SELECT seed, similarity FROM matches WHERE num_iid = ?"


class Match(msgspec.Struct, gc=False):
    """A line of matches."""

    num_iid: str
    seed_id: str
    similarity: Decimal | None = None


_MATCH = msgspec.json.Decoder(Match)


def matches_in(paths: Iterable[Path], tally: Tally) -> Iterator[Match]:
    """All sightings; lines that are none are counted."""
    for path in paths:
        for number, raw in enumerate(lines_in(path), 1):
            try:
                yield _MATCH.decode(raw)
            except NO_LINE:
                if not raw.isspace():
                    tally.tear(path, number)


class Relations:
    """Answers from a private database on disk, so that memory stays flat."""

    def __init__(
        self, matches: Sequence[Path], tally: Tally, sightings: Iterable[Match] = ()
    ) -> None:
        """`sightings`: what older lines of offers tell, besides the matches."""
        self._database = scratch_database(_SCHEMA)
        told = chain(matches_in(matches, tally), sightings)
        first = next(told, None)
        self._has_matches = first is not None
        if first is not None:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT INTO matches VALUES (?, ?, ?)", _rows(chain((first,), told))
            )
            self._database.execute("COMMIT")
            self._database.execute(_INDEX)

    def of(self, offer: OfferLine) -> dict[str | None, Decimal | None]:
        """The offer's seeds and how similar it is to each."""
        own: dict[str | None, Decimal | None] = {offer.seed_id: offer.similarity}
        if not self._has_matches:
            return own
        for seed, similarity in self._database.execute(_OF, (offer.num_iid,)):
            if own.get(seed) is None:
                own[seed] = None if similarity is None else Decimal(similarity)
        if len(own) > 1:
            own.pop(None, None)
        return own

    def close(self) -> None:
        self._database.close()


def _rows(matches: Iterable[Match]) -> Iterator[tuple[str, str, str | None]]:
    for each in matches:
        similarity = None if each.similarity is None else str(each.similarity)
        yield each.num_iid, each.seed_id, similarity
