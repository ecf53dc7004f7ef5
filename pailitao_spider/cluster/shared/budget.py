"""The calls of the day of one app key and what they cost, counted over all workers and runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from pailitao_spider.cluster.redis.client import ClosingError, Link, RedisUnavailableError
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.gateways.pages import QuotaTold
from pailitao_spider.keys.budget import DayUsage, KeyLimits, Waits, millionths
from pailitao_spider.keys.quota_day import beijing_day
from pailitao_spider.keys.rate_limiter import GateClosedError

__all__ = ["RedisBudget", "RedisSpendLimit", "day_use"]

_TELL_SECONDS = 0.2  # a key without a limit tells its calls together
_PURSE = "{pailitao-app:purse}:spend"


async def day_use(link: Link, keys: AppKeys, now: float) -> DayUsage:
    """What was made of a key today, by all workers that have told."""
    client: Any = link.client
    key = f"{keys.use}:{beijing_day(now)}"
    found = await link.once(lambda: client.hmget(key, "calls", "billed", "spent"))
    return DayUsage(*(int(each or 0) for each in found))


class RedisSpendLimit:
    """What all keys together may cost in a day. `clock` gives unix seconds."""

    def __init__(self, link: Link, most: Decimal | None, clock: Callable[[], float]) -> None:
        self.most = most
        self.waits = Waits()
        self._link = link
        self._clock = clock
        self._freed = 0

    async def reserve(self, price: int) -> bool:
        """Sets the price aside; waits for calls of this worker that may turn out to be free, and
        while Redis is away. Raises StoppedError when the run ends meanwhile.
        """
        if self.most is None or not price:
            return True
        while not await self._reserved(price, self.most):
            if not await self.waits.for_an_answer():
                return False
        return True

    async def _reserved(self, price: int, most: Decimal) -> bool:
        freed, self._freed = self._freed, 0
        key = f"{_PURSE}:{beijing_day(self._clock())}"
        granted = await self._link.patient_script("purse", key, price, millionths(most), freed)
        return bool(granted)

    def release(self, price: int) -> None:
        """Told with the next call that is made."""
        self._freed += price


class RedisBudget:
    """The budget of one key for all workers. `clock` gives unix seconds."""

    def __init__(
        self,
        link: Link,
        keys: AppKeys,
        allowance: KeyLimits,
        purse: RedisSpendLimit,
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._key = keys.use
        self._daily_calls = allowance.daily_calls
        self._price = millionths(allowance.price)
        self._purse = purse
        self._clock = clock
        self._known = ("", DayUsage())
        self._untold = DayUsage()
        self._told_at = 0.0
        self._quota: QuotaTold | None = None

    @property
    def today(self) -> DayUsage:
        """The day's calls of all workers, as far as this one has heard, and its own."""
        day, use = self._known
        return (use if day == beijing_day(self._clock()) else DayUsage()) + self._untold

    async def open(self) -> None:
        """Hears what others have used. Waits while Redis is away."""
        await self._told(self._link.patient_script, DayUsage())

    async def take(self) -> str | None:
        """Waits while Redis is away."""
        try:
            return await self._taken()
        except ClosingError as error:
            raise GateClosedError from error

    async def _taken(self) -> str | None:
        if self._quota is not None and self._quota.used >= self._quota.most:
            return f"the gateway counts {self._quota.used} of {self._quota.most} calls made"
        if not await self._counted():
            return f"PAILITAO_DAILY_CALLS={self._daily_calls} are used up"
        if not await self._purse.reserve(self._price):
            self._untold += DayUsage(-1, 0, -self._price)
            return f"PAILITAO_MAX_SPEND={self._purse.most} yuan a day are spent"
        self._purse.waits.begun()
        return None

    async def _counted(self) -> bool:
        if self._daily_calls is not None:
            return await self._told(self._link.patient_script, DayUsage(1, 0, self._price))
        self._untold += DayUsage(1, 0, self._price)
        if self._clock() - self._told_at >= _TELL_SECONDS:
            self._told_at = self._clock()
            with suppress(RedisUnavailableError):
                await self._told(self._link.script, DayUsage())
        return True

    async def give_back(self) -> None:
        self._untold += DayUsage(-1, 0, -self._price)
        self._purse.release(self._price)
        self._purse.waits.ended()

    def answered(self, billed: bool) -> None:
        self._untold += DayUsage(0, 1) if billed else DayUsage(0, 0, -self._price)
        if not billed:
            self._purse.release(self._price)
        self._purse.waits.ended()

    def told(self, quota: QuotaTold) -> None:
        self._quota = quota

    async def close(self) -> None:
        """Tells what has not been told, and hears what others have, if Redis answers."""
        with suppress(RedisUnavailableError):
            await self._told(self._link.script, DayUsage())

    async def _told(self, script: Callable[..., Any], use: DayUsage) -> bool:
        untold, self._untold = self._untold, DayUsage()
        day = beijing_day(self._clock())
        most = "" if self._daily_calls is None else self._daily_calls
        told = use + untold
        try:
            granted, *seen = await script(
                "budget", f"{self._key}:{day}", told.calls, most, told.billed, told.spent
            )
        except (RedisUnavailableError, ClosingError):
            self._untold += untold
            raise
        self._known = (day, DayUsage(*seen))
        if not granted:
            self._untold += DayUsage(untold.calls, 0, -use.spent)
        return bool(granted)
