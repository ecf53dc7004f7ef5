"""How the seeds ended, and rows that were no offer, from what lies beside the feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pailitao_spider.analysis.feed_reader import Tally
from pailitao_spider.analysis.ledgers import SeedOutcome
from pailitao_spider.results.first_seen import lines_in
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["SeedEntry", "rejected_reasons", "seed_entries"]


class SeedEntry(SeedOutcome, gc=False):
    """A line of a ledger. None is unknown: an older ledger may lack a member."""

    image: str | None = None
    reason: str | None = None
    pages_expected: int | None = None
    pages_fetched: int | None = None
    total_reported: int | None = None
    offers_expected: int | None = None
    calls: int | None = None
    finished_at: str | None = None


class _Rejected(msgspec.Struct, gc=False):
    reason: str


_ENTRY = msgspec.json.Decoder(SeedEntry)
_REJECTED = msgspec.json.Decoder(_Rejected)


def seed_entries(ledgers: Iterable[Path], tally: Tally) -> dict[str, SeedEntry]:
    """The last line of each seed; lines that are none are counted."""
    entries: dict[str, SeedEntry] = {}
    for path in ledgers:
        for number, raw in enumerate(lines_in(path), 1):
            try:
                entry = _ENTRY.decode(raw)
            except NO_LINE:
                if not raw.isspace():
                    tally.tear(path, number)
            else:
                entries[entry.seed_id] = entry
    return entries


def rejected_reasons(files: Iterable[Path], tally: Tally) -> Counter[str]:
    """Rows that were no offer, by reason."""
    reasons: Counter[str] = Counter()
    for path in files:
        for number, raw in enumerate(lines_in(path), 1):
            try:
                reasons[_REJECTED.decode(raw).reason] += 1
            except NO_LINE:
                if not raw.isspace():
                    tally.tear(path, number)
    return reasons
