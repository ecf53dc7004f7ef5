"""The plan of a key's calls: what a worker and `gate.lua` say to each other, and its part of it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from msgspec import Struct

__all__ = ["Ask", "Plan", "RedisClock", "Report", "Reservation", "Tickets"]


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


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place in the plan. `limited` says that the plan, not the crawl, held the call back."""

    number: int
    limited: bool
    got_at: float


class Tickets:
    """What a worker holds of the plan; moments are of this process' clock."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.heard_at = 0.0
        self.clock = RedisClock()
        self._held: deque[Reservation] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def learn(self, plan: Plan, asked_at: float, now: float) -> None:
        """Takes the plan as it is now, with the tickets that came with it."""
        if self.plan is not None and plan.era != self.plan.era:
            self._held.clear()  # Redis has forgotten the plan in which they were places
        self.clock.hear(plan.now, asked_at, now)
        self.plan, self.heard_at = plan, now
        for number in range(plan.first, plan.first + plan.given):
            limited = plan.follows or plan.opens_at(number) > plan.now
            self._held.append(Reservation(number, limited, now))

    def first_opens_at(self) -> float:
        return self._opens_at(self._held[0]) if self._held else math.inf

    def last_opens_at(self) -> float:
        return self._opens_at(self._held[-1]) if self._held else -math.inf

    def take(self) -> Reservation:
        return self._held.popleft()

    def drop_before(self, moment: float) -> None:
        """What was not used in time is lost: on top of the others' calls it is one too many."""
        while self._held and max(self.first_opens_at(), self._held[0].got_at) < moment:
            self._held.popleft()

    def _opens_at(self, ticket: Reservation) -> float:
        assert self.plan is not None
        return self.clock.here(self.plan.opens_at(ticket.number))
