"""What happened in the last seconds, from looks at numbers that only grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SlidingRates"]

_LEAST_GAP_SECONDS = 0.9
_KEPT_SECONDS = 60.0
_NOW_SECONDS = 10.0
_LEAST_SPAN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    numbers: Mapping[str, int]


class SlidingRates:
    """Looks of the last minute, about one a second. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def note(self, at: float, numbers: Mapping[str, int]) -> None:
        if self._looks and at - self._looks[-1].at < _LEAST_GAP_SECONDS:
            return
        self._looks.append(_Look(at, numbers))
        while len(self._looks) > 2 and at - self._looks[1].at >= _KEPT_SECONDS:
            self._looks.popleft()

    def per_second(self, name: str, within: float = _NOW_SECONDS) -> float | None:
        """The growth a second of a number; None before there is enough to tell."""
        looks = [look for look in self._looks if name in look.numbers]
        if not looks:
            return None
        last = looks[-1]
        first = next(look for look in looks if last.at - look.at <= within)
        span = last.at - first.at
        if span < _LEAST_SPAN_SECONDS:
            return None
        return max(last.numbers[name] - first.numbers[name], 0) / span

    def seconds_for(self, name: str, left: int | None) -> float | None:
        """How long as much again as is `left` takes, at the pace of the last minute."""
        pace = self.per_second(name, _KEPT_SECONDS)
        if left is None or left < 0 or not pace:
            return None
        return left / pace
