"""How the seeds of a run ended, as its ledgers say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from pailitao_spider.analysis.feed_reader import Tally
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.first_seen import lines_in
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.results.records import Status

__all__ = ["SeedOutcome", "elsewhere_told", "extras_of", "seed_ends"]


class SeedOutcome(msgspec.Struct, gc=False):
    """A line of a ledger; of several lines of a seed the last one holds."""

    seed_id: str
    status: Status
    rows_seen: int | None = None
    offers_new: int | None = None
    seed_extra: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def is_whole(self) -> bool:
        """All that the gateway had was seen."""
        return self.status in ("done", "empty")

    @property
    def is_elsewhere(self) -> bool:
        """Rows were seen and none was new: only matches tell where they stand."""
        return bool(self.rows_seen) and self.offers_new == 0


_EMPTY = 4  # {} and null
_END = msgspec.json.Decoder(SeedOutcome)


def seed_ends(ledgers: Iterable[Path], tally: Tally) -> Iterator[SeedOutcome]:
    """All lines; those that are none are counted."""
    for path in ledgers:
        for number, raw in enumerate(lines_in(path), 1):
            try:
                yield _END.decode(raw)
            except NO_LINE:
                if not raw.isspace():
                    tally.tear(path, number)


def extras_of(ends: Iterable[SeedOutcome]) -> dict[str, bytes]:
    """The seeds' own columns, as JSON, where the ledger has them."""
    return {end.seed_id: bytes(end.seed_extra) for end in ends if len(end.seed_extra) > _EMPTY}


def elsewhere_told(seeds: Sequence[str], *, has_matches: bool) -> Iterator[str]:
    """A line for a person about seeds whose offers were all found before with others."""
    if not seeds:
        return
    named = ", ".join(seeds[:5]) + (f" and {len(seeds) - 5} more" if len(seeds) > 5 else "")
    cure = "" if has_matches else "; crawl with PAILITAO_MATCHES=1 to have them told"
    yield (f"{counted(len(seeds), 'photo')} found nothing new, the offers stand under other photos "
           f"(or a filter left them out): {named}{cure}")  # fmt: skip
