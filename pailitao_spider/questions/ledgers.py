"""How the seeds of a run ended, as its ledgers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pailitao_spider.questions.reading import Tally
from pailitao_spider.results.ledger import Status
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.results.sightings import lines_in

__all__ = ["SeedEnd", "seed_ends"]


class SeedEnd(msgspec.Struct, gc=False):
    """A line of a ledger; of several lines of a seed the last one holds."""

    seed_id: str
    status: Status
    rows_seen: int | None = None
    offers_new: int | None = None

    @property
    def is_whole(self) -> bool:
        """All that the gateway had was seen."""
        return self.status in ("done", "empty")

    @property
    def is_elsewhere(self) -> bool:
        """Rows were seen and none was new: only matches tell where they stand."""
        return bool(self.rows_seen) and self.offers_new == 0


_END = msgspec.json.Decoder(SeedEnd)


def seed_ends(ledgers: Iterable[Path], tally: Tally) -> Iterator[SeedEnd]:
    """All lines; those that are none are counted."""
    for path in ledgers:
        for number, raw in enumerate(lines_in(path), 1):
            try:
                yield _END.decode(raw)
            except NO_LINE:
                if not raw.isspace():
                    tally.tear(path, number)
