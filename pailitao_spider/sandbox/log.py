"""What the gateway has seen, for tests and benchmarks that want the server's side."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

__all__ = ["Log"]

KEPT_TIMES = 20_000


class Log:
    """Counts of calls by method, of refusals by class, and the last times of both outcomes."""

    def __init__(self) -> None:
        self.by_method: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.good = 0
        self.good_at: deque[float] = deque(maxlen=KEPT_TIMES)
        self.throttled_at: deque[float] = deque(maxlen=KEPT_TIMES)

    @property
    def calls(self) -> int:
        """Calls that reached the API URL; those of the token URL are counted by method only."""
        return self.by_method.total() - self.by_method["token"]

    def answer(self, now: float) -> None:
        self.good += 1
        self.good_at.append(now)

    def refuse(self, kind: str, now: float) -> None:
        self.refused[kind] += 1
        if kind == "throttled":
            self.throttled_at.append(now)

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "by_method": dict(self.by_method),
            "refused": dict(self.refused),
            "good": self.good,
            "good_at": list(self.good_at),
            "throttled_at": list(self.throttled_at),
        }
