"""How much a key may ask: a token bucket for the rate, a count for the day."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from pailitao_spider.sandbox.refusals import Refusal, Why, plain, top

__all__ = ["THROTTLES", "Quota", "banned", "spent", "throttled", "throttled_http"]

BEIJING_SECONDS = 8 * 3600
DAY_SECONDS = 86_400


def throttled(wait_seconds: float = 0) -> Refusal:
    return plain("throttled", Why.THROTTLED, 429, "too many requests")


def throttled_http(wait_seconds: float = 1) -> Refusal:
    retry_after = {"Retry-After": str(math.ceil(wait_seconds))}
    return plain("throttled", Why.THROTTLED, 429, "too many requests", 429, retry_after)


def banned(wait_seconds: float = 1) -> Refusal:
    return top(
        "throttled", Why.BANNED, 7, "App Call Limited", "accesscontrol.limited-by-api-access-count",
        f"This ban will last for {math.ceil(wait_seconds)} more seconds",
    )  # fmt: skip


def spent() -> Refusal:
    return top(
        "spent", Why.SPENT, 7, "App Call Limited", "accesscontrol.limited-by-app-access-count",
        "The calls of this app for today are used up",
    )  # fmt: skip


THROTTLES: dict[str, Callable[[float], Refusal]] = {
    "body": throttled,
    "http": throttled_http,
    "top": banned,
}


@dataclass
class _Purse:
    """What one key has left."""

    drops: float
    filled_at: float
    day: int
    calls_today: int = 0


class Quota:
    """`form` is how a call over the rate is refused: body, http or top. None means no limit."""

    def __init__(
        self,
        rate_per_second: float | None = None,
        burst: int = 1,
        daily_calls: int | None = None,
        *,
        form: str = "body",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rate_per_second = rate_per_second
        self.burst = burst
        self.daily_calls = daily_calls
        self._refuse = THROTTLES[form]
        self._clock = clock
        self._purses: dict[str, _Purse] = {}

    def take(self, app_key: str) -> Refusal | None:
        """Count one call of a key; a call that is refused costs nothing."""
        now = self._clock()
        purse = self._purse(app_key, now)
        if self.daily_calls is not None and purse.calls_today >= self.daily_calls:
            return spent()
        if self.rate_per_second is not None:
            if purse.drops < 1:
                return self._refuse((1 - purse.drops) / self.rate_per_second)
            purse.drops -= 1
        purse.calls_today += 1
        return None

    def used_today(self, app_key: str) -> int:
        return self._purse(app_key, self._clock()).calls_today

    def _purse(self, app_key: str, now: float) -> _Purse:
        today = int((now + BEIJING_SECONDS) // DAY_SECONDS)
        purse = self._purses.setdefault(app_key, _Purse(self.burst, now, today))
        gained = (now - purse.filled_at) * (self.rate_per_second or 0)
        purse.drops = min(purse.drops + max(gained, 0), self.burst)
        purse.filled_at = now
        if purse.day != today:
            purse.day, purse.calls_today = today, 0
        return purse
