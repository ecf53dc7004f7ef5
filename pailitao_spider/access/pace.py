"""How fast a key may go: the given rate, or the one found by asking.

The finder doubles the rate every second until the first refusal. From then on the gateway's
bucket is known to be empty, so what it lets through between two refusals, over the time between
them, is its rate; the longer the window, the better the figure. A settled pace stays just below
it and creeps up now and then, since a quota can grow.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace", "Permit"]

_START_PER_SECOND = 2.0
_MOST_PER_SECOND = 1000.0
_LEAST_PER_SECOND = 0.02
_DOUBLING_STEP = 0.7  # a call more a second for each good answer: ln 2, doubles every second
_ENOUGH_CALLS = 24  # the estimate's error is one call in this many
_WORST_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call. `limited` says that the gate, not the crawl, held it back."""

    issued_at: float
    limited: bool
    generation: int


class Pace:
    """The calls a second of one key. `ceiling` is the user's rate, or None to find it."""

    def __init__(self, ceiling: float | None = None) -> None:
        self._ceiling = ceiling or _MOST_PER_SECOND
        self._known = ceiling is not None
        self._seeking = not self._known
        self.per_second = ceiling or _START_PER_SECOND
        self.generation = 0
        self._empty_since: float | None = None
        self._let_through = 0
        self._quiet_since: float | None = None
        self._hold_seconds = 5.0 if self._known else 15.0

    def good(self, permit: Permit, now: float) -> None:
        """The gateway answered a call that went out under `permit`."""
        if not permit.limited:
            self._empty_since = None
            return
        if self._empty_since is not None and permit.issued_at > self._empty_since:
            self._let_through += 1
        if self._seeking:
            self._set(self.per_second + _DOUBLING_STEP)
        else:
            self._creep(now)

    def throttled(self, permit: Permit, now: float, wait_seconds: float | None) -> float:
        """Step back; returns the seconds to pause. Calls sent before the last step do not count."""
        if permit.generation != self.generation:
            return wait_seconds or 0.0
        self.generation += 1
        self._quiet_since = now
        self._set(self._slower(permit))
        pause = 1.0 / self.per_second if wait_seconds is None else wait_seconds
        if pause > 2.0 / self.per_second:
            self._empty_since = None  # its bucket fills while we wait
        return pause

    def _slower(self, permit: Permit) -> float:
        since, let_through = self._empty_since, self._let_through
        settled = not self._seeking and not self._known
        if since is None or permit.issued_at - since > _WORST_WINDOW_SECONDS:
            self._empty_since, self._let_through = permit.issued_at, 0
        if since is None or let_through < 4:
            return self.per_second * (0.95 if settled or self._known else self._first_step())
        estimate = let_through / (permit.issued_at - since)
        if let_through < _ENOUGH_CALLS:
            return min(self.per_second, estimate * (1 + 1 / let_through))
        self._hold_seconds = min(self._hold_seconds * 2, 240.0)
        return min(self.per_second, estimate) * 0.985

    def _first_step(self) -> float:
        self._seeking = False
        return 0.7

    def _creep(self, now: float) -> None:
        if self._quiet_since is None:
            self._quiet_since = now
        if now - self._quiet_since < self._hold_seconds:
            return
        self._quiet_since = now
        self._set(self.per_second * (1.1 if self._known else 1.02))

    def _set(self, per_second: float) -> None:
        self.per_second = min(max(per_second, _LEAST_PER_SECOND), self._ceiling)
