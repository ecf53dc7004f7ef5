"""One look at a run. Everything that is shown or served of it is made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pailitao_spider.keys.budget import DayUsage

__all__ = ["Counts", "KeyProgress", "LastWarning", "OpenSeed", "Progress", "SharedRun"]


@dataclass(frozen=True, slots=True)
class KeyProgress:
    """What was asked of one key. None is unknown, or not limited."""

    name: str
    calls: int
    limit_per_second: float
    """What the key is held to now."""
    is_given: bool = False
    """The settings give that limit."""
    has_found: bool = False
    """The gateway has shown where its limit is."""
    per_second: float | None = None
    """Calls of this process, over the last ten seconds."""
    today: DayUsage = field(default_factory=DayUsage)
    daily_calls: int | None = None
    has_price: bool = False
    out: str | None = None
    """Why it makes no calls."""
    token_seconds: float | None = None
    """Until its access token is renewed."""
    login_seconds: float | None = None
    """Until what renews its access token ends."""


@dataclass(frozen=True, slots=True)
class OpenSeed:
    """A seed under way. `expected` is how many pages it has, as far as is known."""

    seed_id: str
    seconds: float
    fetched: int | None = None
    expected: int | None = None
    page: int | None = None
    """Of a worker's: the page that it has in hand."""


@dataclass(frozen=True, slots=True)
class SharedRun:
    """The run of which this process is one worker."""

    name: str
    waiting: int
    open: int
    ended: int
    pages_ready: int
    pages_leased: int
    buried: int
    workers: int

    @property
    def seeds(self) -> int:
        return self.waiting + self.open + self.ended


@dataclass(frozen=True, slots=True)
class LastWarning:
    """The last warning or error of the log; `at` is unix seconds."""

    level: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened in this process so far; what never has is 0."""

    seeds: Mapping[str, int]
    """Seeds that ended, by status."""
    known: int
    """Seeds that were done before."""
    pages: int
    rows: int
    offers: Mapping[str, int]
    """Rows by what became of them."""
    calls: int
    billed: int
    refused: Mapping[str, int]
    """Refusals by class."""
    uploaded: int
    renewed: int
    """Access tokens that were renewed."""
    leases: Mapping[str, int]
    """Pages of a worker by what became of them."""
    log_lines: Mapping[str, int]
    """Warnings and errors."""

    @property
    def ended(self) -> int:
        return sum(self.seeds.values())


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands after `seconds`. None is unknown."""

    seconds: float
    counts: Counts
    open: int
    """Searches under way; of a worker, pages in its hands."""
    keys: tuple[KeyProgress, ...]
    waited_seconds: float = 0.0
    """At the gate, summed over calls."""
    total: int | None = None
    """The seeds of the source, or of the shared run."""
    is_worker: bool = False
    run: SharedRun | None = None
    pages_per_second: float | None = None
    offers_per_second: float | None = None
    left_seconds: float | None = None
    """Until the run is over, at the pace of the last minute."""
    slowest: OpenSeed | None = None
    last_word: LastWarning | None = None

    @property
    def through(self) -> int:
        """Of the total, those that need nothing more."""
        return self.run.ended if self.run is not None else self.counts.ended + self.counts.known

    @property
    def left(self) -> int | None:
        """Seeds that are still to come."""
        return None if self.total is None else max(self.total - self.through, 0)

    @property
    def limit_per_second(self) -> float:
        """The calls a second that all keys together are held to."""
        return sum(key.limit_per_second for key in self.keys if key.out is None)
