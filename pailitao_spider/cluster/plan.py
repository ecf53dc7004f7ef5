"""What a worker and the script `gate.lua` say to each other, and Redis' clock as seen from here."""

from __future__ import annotations

import math

from msgspec import Struct

__all__ = ["Ask", "Plan", "RedisClock", "Report"]


class Report(Struct, frozen=True, array_like=True):
    """What an answer said of a permit; moments are of Redis' clock."""

    is_good: bool
    at: float
    issued_at: float
    limited: bool
    generation: int
    wait_seconds: float = 0.0


class Ask(Struct, frozen=True):
    """What a worker asks of the script."""

    rate: float | None
    burst: int = 1
    opens: bool = False
    """It is the worker's first: its rate holds from now on."""
    wanted: int = 0
    back_seconds: float = 0.0
    """A caller has had no ticket for so long: the first may open so far back."""
    reports: tuple[Report, ...] = ()


class Plan(Struct, frozen=True, array_like=True):
    """What the script answers; moments are of Redis' clock."""

    now: float
    era: float
    first: int
    given: int
    follows: bool
    """The first ticket given comes right after the one before it: the key is used to the full."""
    next_number: int
    next_at: float
    per_second: float
    slack_seconds: float
    blocked_until: float
    generation: int
    is_learning: bool

    def opens_at(self, ticket: int) -> float:
        at = self.next_at - (self.next_number - ticket) / self.per_second
        return max(at - self.slack_seconds, self.blocked_until)


class RedisClock:
    """Redis' clock by this process' monotonic one: late by a part of a round trip, never early."""

    def __init__(self) -> None:
        self.round_trip_seconds = 0.0
        self._ahead = -math.inf

    def hear(self, there: float, asked_at: float, heard_at: float) -> None:
        """Redis looked at its clock between the two moments."""
        self.round_trip_seconds += 0.2 * (heard_at - asked_at - self.round_trip_seconds)
        self._ahead = max(self._ahead, there - heard_at)
        if self._ahead > there - asked_at:  # it was set back
            self._ahead = there - heard_at

    def there(self, here: float) -> float:
        return here + self._ahead

    def here(self, there: float) -> float:
        return there - self._ahead
