"""Many workers' results made one: each offer once, checked against what the ledgers claim."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.atomic_files import AtomicFiles
from pailitao_spider.results.first_seen import FirstSeenIndex
from pailitao_spider.results.ledger_check import LedgerCheck, Verdict
from pailitao_spider.results.line_keys import (
    LineKey,
    match_sighting,
    offer_sighting,
    rejected_sighting,
)
from pailitao_spider.results.match_file import given_to
from pailitao_spider.results.merge_inputs import MergeInputs
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.storage.atomic_file import AtomicFile

__all__ = ["MergeCounts", "Merged", "merge"]


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """Lines of one kind of file: all, those kept, and those that could not be read."""

    lines: int
    kept: int
    torn: int

    @property
    def duplicates(self) -> int:
        return self.lines - self.kept - self.torn


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge found. `torn_beside` counts unreadable lines of side files."""

    files: int
    ledgers: int
    offers: MergeCounts
    rejected: int
    matches: int
    torn_beside: int
    verdict: Verdict
    unaccounted: int
    """Claims above the number of offers, where each seed for itself has what it claims."""

    @property
    def is_complete(self) -> bool:
        """Every seed was searched to its end, and all that was found is here."""
        verdict = self.verdict
        bad = verdict.seeds["partial"] + verdict.seeds["failed"]
        return not (verdict.missing or self.unaccounted or verdict.open_seeds or bad)


def merge(given: MergeInputs, out: ResultPaths, scope: str) -> Merged:
    """Writes each offer once, by its key in `scope` (see DEDUP_KEYS), and what lies beside.

    Raises ResultsError; then nothing was written.
    """
    given.check_apart(out)
    try:
        with AtomicFiles(out) as drafts:
            merged = _merged(given, drafts, scope)
            drafts.publish()
    except sqlite3.Error as error:
        raise ResultsError(
            f"the temporary index cannot be written ({error}); "
            "name a folder with more room in the environment: SQLITE_TMPDIR"
        ) from error
    except OSError as error:
        raise ResultsError(
            f"{out.feed} cannot be written ({error.strerror or error}); give another place with -O"
        ) from error
    return merged


def _merged(given: MergeInputs, drafts: AtomicFiles, scope: str) -> Merged:
    with closing(LedgerCheck()) as claims:
        # Before the feeds: a worker that is still writing claims only what its feed holds by now.
        claims.read(given.seeds)
        with closing(FirstSeenIndex(given.feeds, offer_sighting(scope))) as sightings:
            offers = _sifted(sightings, drafts.feed)
            verdict = claims.verdict(sightings.held())
            unaccounted = _unaccounted(verdict, offers) if scope == "crawl" else 0
            for line in claims.lines(None if unaccounted else sightings.kept()):
                drafts.seeds.append(line)
        twins = claims.twins()
    rejected = _beside(given.rejected, rejected_sighting, drafts.rejected)
    matches = _matched(given.matches, drafts.matches, twins)
    return Merged(
        files=len(given.feeds),
        ledgers=len(given.seeds),
        offers=offers,
        rejected=rejected.kept,
        matches=matches.kept,
        torn_beside=claims.torn + rejected.torn + matches.torn,
        verdict=verdict,
        unaccounted=unaccounted,
    )


def _unaccounted(verdict: Verdict, offers: MergeCounts) -> int:
    """An offer is claimed for one seed, but may lie in the feeds under several."""
    return max(0, verdict.claimed - offers.kept - verdict.missing)


def _sifted(sightings: FirstSeenIndex, target: AtomicFile) -> MergeCounts:
    sightings.read()
    kept = 0
    for line in sightings.first():
        target.append(line)
        kept += 1
    return MergeCounts(sightings.lines, kept, sightings.torn)


def _matched(files: Sequence[Path], target: AtomicFile, twins: dict[str, list[str]]) -> MergeCounts:
    """All sightings; a seed whose picture was searched for another one has those of that one."""
    with closing(FirstSeenIndex(files, match_sighting)) as sightings:
        sightings.read()
        has_own = {seed for seed, _ in sightings.held()} if twins else set()
        kept = 0
        for line in sightings.first():
            target.append(line)
            kept += 1
            first = _seed_of(line) if twins else None
            for twin in twins.get(first or "", ()):
                if twin not in has_own:
                    target.append(given_to(twin, line))
                    kept += 1
    return MergeCounts(sightings.lines, kept, sightings.torn)


def _seed_of(line: bytes) -> str | None:
    found = match_sighting(line)
    return None if found is None else found.seed_id


def _beside(
    files: Sequence[Path], sighting_of: Callable[[bytes], LineKey | None], target: AtomicFile
) -> MergeCounts:
    with closing(FirstSeenIndex(files, sighting_of)) as sightings:
        return _sifted(sightings, target)
