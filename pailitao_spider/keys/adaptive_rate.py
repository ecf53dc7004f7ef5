"""How fast a key may go: the given rate, or the one found by asking.

Three phases. *Seek*: the rate doubles every second until the first refusal. *Measure*: from a
refusal on, the gateway's bucket is known to be empty, so what it lets through until the next one,
over the time between them, is its rate; more calls give a better figure. *Steady*: just below the
figure; now and then the pace creeps up, since a quota can grow, and a refusal measures anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["CONSTANTS", "AdaptiveRate", "Permit"]

_START_PER_SECOND = 2.0
_MOST_PER_SECOND = 1000.0
_LEAST_PER_SECOND = 0.02
_DOUBLING_STEP = 0.7  # a call more a second for each good answer: ln 2, doubles every second
_FEW_CALLS = 4
_ENOUGH_CALLS = 24  # the figure's error is one call in this many
_MOST_CALLS = 4 * _ENOUGH_CALLS
_MARGIN = 0.985
_FIRST_CREEP = 0.01
_MOST_CREEP = 0.08
_CREEP_SECONDS = 1.0
_CLIMB = 1.06
_CLIMB_CALLS = 12
_SEEK_BACK = 0.7
_STEADY_BACK = 0.95
_MEASURE_BACK = 0.85
_LONG_PAUSE_CALLS = 2.0
# Trying for more draws about four refusals: so many calls lie between two tries.
_HOLD_CALLS = 600
# Refusals that do not depend on the pace must not bring it to a halt: below this share of the pace
# that first drew one it goes only while more than a fifth of the calls are refused.
_FLOOR = 0.15
_FLOOR_UP = 1.02
_FLOOR_DOWN = 0.93
_MOST_HOLD_CALLS = 9600

CONSTANTS: Mapping[str, float] = {
    name.removeprefix("_"): value for name, value in list(globals().items())
    if isinstance(value, int | float)
}  # fmt: skip
"""The numbers above by name, for the twin in Lua."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call. `limited` says that the gate, not the crawl, held it back."""

    issued_at: float
    limited: bool
    generation: int


class _Phase(Enum):
    SEEK = 1
    MEASURE = 2
    STEADY = 3


class AdaptiveRate:
    """The calls a second of one key. `ceiling` is the user's rate, or None to find it."""

    def __init__(self, ceiling: float | None = None) -> None:
        self._ceiling = ceiling or _MOST_PER_SECOND
        self._phase = _Phase.SEEK if ceiling is None else _Phase.STEADY
        self.per_second = ceiling or _START_PER_SECOND
        self.generation = 0
        self._empty_since = 0.0
        self._let_through = 0
        self._may_climb = False
        self._quiet_calls = 0
        self._hold_calls = _HOLD_CALLS
        self._crept_at = 0.0
        self._creep = 0.0
        self._before_creep = self.per_second
        self._floor = self._highest_floor = 0.0

    def good(self, permit: Permit, now: float) -> None:
        """The gateway answered a call that went out under `permit`."""
        self._floor = min(self._floor * _FLOOR_UP, self._highest_floor)
        if not permit.limited:
            if self._phase is _Phase.MEASURE:
                self._settle(self.per_second)  # a bucket that is not used up fills again
        elif self._phase is _Phase.SEEK:
            self._set(self.per_second + _DOUBLING_STEP)
        elif self._phase is _Phase.MEASURE:
            self._count(permit)
        else:
            self._creep_up(now)

    def throttled(self, permit: Permit, now: float, wait_seconds: float | None) -> float:
        """Step back; returns the seconds to pause. Calls sent before the last step do not count."""
        pause = wait_seconds or 0.0
        if permit.generation != self.generation:
            return pause
        self.generation += 1
        if self.generation == 1:
            self._floor = self._highest_floor = self.per_second * _FLOOR
        elif self.per_second <= self._floor:
            self._floor *= _FLOOR_DOWN
        if self._phase is _Phase.MEASURE:
            self._measured(permit)
        else:
            self._begin_to_measure(permit)
        if pause > _LONG_PAUSE_CALLS / self.per_second:
            self._settle(self.per_second)  # the bucket fills while we wait
        return pause

    def _begin_to_measure(self, permit: Permit) -> None:
        self._may_climb = self._phase is _Phase.SEEK
        if self._phase is _Phase.SEEK:
            self._set(self.per_second * _SEEK_BACK)
        else:
            self._hold_calls = min(self._hold_calls * 2, _MOST_HOLD_CALLS)
            self._set(self._before_creep if self._creep else self.per_second * _STEADY_BACK)
        self._phase = _Phase.MEASURE
        self._empty_since, self._let_through = permit.issued_at, 0

    def _measured(self, permit: Permit) -> None:
        number = self._let_through
        if self._may_climb and number >= _CLIMB_CALLS:  # not empty all the time: begin anew
            self._may_climb = False
            self._set(self.per_second / _CLIMB)
            self._empty_since, self._let_through = permit.issued_at, 0
            return
        if number < _FEW_CALLS:
            self._set(self.per_second * _MEASURE_BACK)
            return
        if permit.issued_at <= self._empty_since:  # a clock was set meanwhile
            return
        figure = number / (permit.issued_at - self._empty_since)
        if number < _ENOUGH_CALLS:
            self._set(min(self.per_second, figure * (1 + 1 / number)))
        else:
            self._settle(min(self.per_second, figure) * _MARGIN)

    def _count(self, permit: Permit) -> None:
        self._let_through += permit.issued_at > self._empty_since
        if self._may_climb and self._let_through % _CLIMB_CALLS == _CLIMB_CALLS - 1:
            self._set(self.per_second * _CLIMB)
        elif not self._may_climb and self._let_through >= _MOST_CALLS:
            self._settle(self.per_second)

    def _settle(self, per_second: float) -> None:
        self._phase = _Phase.STEADY
        self._quiet_calls, self._creep = 0, 0.0
        self._set(per_second)

    def _creep_up(self, now: float) -> None:
        self._quiet_calls += 1
        if self._creep:
            is_early = now - self._crept_at < _CREEP_SECONDS
        else:
            is_early = self._quiet_calls < self._hold_calls
        if is_early:
            return
        self._crept_at, self._before_creep = now, self.per_second
        self._creep = min(self._creep * 2, _MOST_CREEP) or _FIRST_CREEP
        self._set(self.per_second * (1 + self._creep))

    def _set(self, per_second: float) -> None:
        self.per_second = min(max(per_second, self._floor, _LEAST_PER_SECOND), self._ceiling)
