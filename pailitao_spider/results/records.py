"""The records of the ledger and of the matches, a line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["LedgerLine", "Match", "Status"]

Status = Literal["done", "empty", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How one seed ended. Times are ISO 8601; `calls` counts every attempt for its picture."""

    seed_id: str
    image: str
    status: Status
    reason: str | None = None
    pages_expected: int = 0
    pages_fetched: int = 0
    rows_seen: int = 0
    offers_seen: int = 0
    """Distinct offers of this seed, also those that came first for another one."""
    offers_expected: int | None = None
    """The least that the gateway says it can return, within the user's limits."""
    coverage: float | None = None
    """`offers_seen` of `offers_expected`, at most 1."""
    offers_new: int = 0
    total_reported: int | None = None
    calls: int = 0
    started_at: str | None = None
    finished_at: str | None = None
    seed_extra: dict[str, Any] = field(default_factory=dict)
    """The other columns of the seed's line."""
    image_sha256: str | None = None
    """Of a picture that is not on the web: what it is known by, whatever its path."""


@dataclass(frozen=True, slots=True)
class Match:
    """One sighting of an offer in a seed's result."""

    seed_id: str | None
    num_iid: str
    page: int | None
    rank: int | None
    similarity: object
    price: object
