"""What the gateway has seen, for tests and benchmarks that want the server's side."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from pailitao_spider.sandbox.faults import FREE

__all__ = ["KeyLog", "Log"]

KEPT_TIMES = 20_000


@dataclass
class KeyLog:
    """What one app key has asked and got.

    Billed are searches and uploads that were answered ok, a found-nothing included, even when the
    answer was cut on its way; refusals are free.
    """

    calls: int = 0
    good: int = 0
    throttled: int = 0
    spent: int = 0
    billed: int = 0
    good_at: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "good_at": list(self.good_at)}


class Log:
    """Counts of calls by method, of refusals by class, and the last times of both outcomes.

    Calls of an account that nobody has are counted, but by no key.
    """

    def __init__(self) -> None:
        self.by_method: Counter[str] = Counter()
        self.by_key: dict[str, KeyLog] = {}
        self.refused: Counter[str] = Counter()
        self.good = 0
        self.good_at: deque[float] = deque(maxlen=KEPT_TIMES)
        self.throttled_at: deque[float] = deque(maxlen=KEPT_TIMES)

    @property
    def calls(self) -> int:
        """Searches and uploads, good or bad; what is free is counted by method only."""
        return self.by_method.total() - sum(self.by_method[method] for method in FREE)

    def call(self, method: str, app_key: str | None) -> None:
        self.by_method[method] += 1
        if app_key is not None and method not in FREE:
            self._of(app_key).calls += 1

    def bill(self, app_key: str | None) -> None:
        if app_key is not None:
            self._of(app_key).billed += 1

    def answer(self, now: float, app_key: str | None) -> None:
        self.good += 1
        self.good_at.append(now)
        if app_key is not None:
            self._of(app_key).good += 1
            self._of(app_key).good_at.append(now)

    def refuse(self, kind: str, now: float, app_key: str | None) -> None:
        self.refused[kind] += 1
        if kind == "throttled":
            self.throttled_at.append(now)
        if app_key is not None and kind in ("throttled", "spent"):
            of_key = self._of(app_key)
            setattr(of_key, kind, getattr(of_key, kind) + 1)

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "by_method": dict(self.by_method),
            "by_key": {app_key: of_key.as_json() for app_key, of_key in self.by_key.items()},
            "refused": dict(self.refused),
            "good": self.good,
            "good_at": list(self.good_at),
            "throttled_at": list(self.throttled_at),
        }

    def _of(self, app_key: str) -> KeyLog:
        return self.by_key.setdefault(app_key, KeyLog())
