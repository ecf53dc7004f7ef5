"""Whether a crawl has ended: what lies beside its feed tells, also of one that was killed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from pailitao_spider.analysis.feed_reader import crawled, sides
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.locks import is_being_written, was_cut_off
from pailitao_spider.results.paths import ResultPaths

__all__ = ["Unfinished", "unfinished"]


_OF_WORKER = re.compile(r"-\d+-\d{8}T\d{6}\.\d{3}$")


class Unfinished(NamedTuple):
    """Photos with offers, but without a line in the ledger; `is_running`: a crawl still writes.

    Neither: it was killed. What it had not begun is known to nobody here.
    """

    photos: int
    is_running: bool
    feed: Path

    @property
    def word(self) -> str:
        """What it is, for the report's words."""
        if self.is_running:
            return "running" if self.photos else "running_on"
        return "not_ended" if self.photos else "killed"

    @property
    def told(self) -> str:
        """A line for a person."""
        has = "has" if self.photos == 1 else "have"
        left = f"{counted(self.photos, 'photo')} {has} no result yet"
        if self.is_running:
            return f"this run is still going on: {left if self.photos else 'more may come'}"
        what = f"has not ended: {left}" if self.photos else "was killed: more photos may be left"
        return f"this run {what}; go on with -o {self.feed} (a cluster's: merge again)"


def unfinished(
    paths: Sequence[Path], found: Collection[str | None], ended: Collection[str]
) -> Unfinished | None:
    """None where all have ended, and where nothing beside the feeds tells of a run.

    `found` are the seeds that have offers, `ended` those that have a line in a ledger. One worker's
    feed tells nothing: another one may have written the line.
    """
    if any(_OF_WORKER.search(path.stem) for path in paths):
        return None
    feed = crawled(paths[0])
    states = sides(paths, "state")
    is_running = any(map(is_being_written, states))
    is_told = bool(states or sides(paths, "seeds"))
    photos = sum(seed is not None and seed not in ended for seed in found) if is_told else 0
    is_open = is_running or photos or any(map(was_cut_off, states))
    return Unfinished(photos, is_running, ResultPaths.beside(feed).feed) if is_open else None
