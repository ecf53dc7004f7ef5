"""The calls of the day of one app key and what they cost, counted over all workers and runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from pailitao_spider.access.budget import Allowance, DayUse, millionths
from pailitao_spider.access.days import beijing_day
from pailitao_spider.access.gate import GateClosedError
from pailitao_spider.cluster.keys import AppKeys
from pailitao_spider.cluster.link import AwayError, Link, StoppedError
from pailitao_spider.gateways.pages import QuotaTold

__all__ = ["RedisBudget", "RedisPurse", "day_use"]

_TELL_SECONDS = 1.0  # a key without a limit tells its calls together
_PURSE = "{pailitao-app:purse}:spend"


async def day_use(link: Link, keys: AppKeys, now: float) -> DayUse:
    """What was made of a key today, by all workers that have told."""
    client: Any = link.client
    key = f"{keys.use}:{beijing_day(now)}"
    found = await link.once(lambda: client.hmget(key, "calls", "billed", "spent"))
    return DayUse(*(int(each or 0) for each in found))


class RedisPurse:
    """What all keys together may cost in a day. `clock` gives unix seconds."""

    def __init__(self, link: Link, most: Decimal | None, clock: Callable[[], float]) -> None:
        self.most = most
        self._link = link
        self._clock = clock
        self._freed = 0

    async def reserve(self, price: int) -> bool:
        """Waits while Redis is away. Raises StoppedError when the run ends meanwhile."""
        if self.most is None or not price:
            return True
        freed, self._freed = self._freed, 0
        key = f"{_PURSE}:{beijing_day(self._clock())}"
        granted = await self._link.patient_script("purse", key, price, millionths(self.most), freed)
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
        allowance: Allowance,
        purse: RedisPurse,
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._key = keys.use
        self._daily_calls = allowance.daily_calls
        self._price = millionths(allowance.price)
        self._purse = purse
        self._clock = clock
        self._known = ("", DayUse())
        self._untold = DayUse()
        self._told_at = 0.0
        self._quota: QuotaTold | None = None

    @property
    def today(self) -> DayUse:
        """The day's calls of all workers, as far as this one has heard, and its own."""
        day, use = self._known
        return (use if day == beijing_day(self._clock()) else DayUse()) + self._untold

    async def take(self) -> str | None:
        """Waits while Redis is away."""
        try:
            return await self._taken()
        except StoppedError as error:
            raise GateClosedError from error

    async def _taken(self) -> str | None:
        if self._quota is not None and self._quota.used >= self._quota.most:
            return f"the gateway counts {self._quota.used} of {self._quota.most} calls made"
        if not await self._counted():
            return f"PAILITAO_DAILY_CALLS={self._daily_calls} are used up"
        if not await self._purse.reserve(self._price):
            await self.give_back()
            return f"PAILITAO_MAX_SPEND={self._purse.most} yuan a day are spent"
        return None

    async def _counted(self) -> bool:
        if self._daily_calls is not None:
            return await self._tell(1)
        self._untold += DayUse(1)
        if self._clock() - self._told_at >= _TELL_SECONDS:
            self._told_at = self._clock()
            with suppress(AwayError):
                await self._told(self._link.script, 0)
        return True

    async def give_back(self) -> None:
        self._untold += DayUse(-1)

    def answered(self, billed: bool) -> None:
        if billed:
            self._untold += DayUse(0, 1, self._price)
        else:
            self._purse.release(self._price)

    def told(self, quota: QuotaTold) -> None:
        self._quota = quota

    async def close(self) -> None:
        """Tells what has not been told, if Redis answers."""
        if self._untold != DayUse():
            with suppress(AwayError):
                await self._told(self._link.script, 0)

    async def _tell(self, calls: int) -> bool:
        return await self._told(self._link.patient_script, calls)

    async def _told(self, script: Callable[..., Any], calls: int) -> bool:
        untold, self._untold = self._untold, DayUse()
        day = beijing_day(self._clock())
        # What was made without a limit is made: only a new call is asked for.
        most = "" if self._daily_calls is None else self._daily_calls - untold.calls
        made = calls + untold.calls
        try:
            granted, *use = await script(
                "budget", f"{self._key}:{day}", made, most, untold.billed, untold.spent
            )
        except (AwayError, StoppedError):
            self._untold += untold
            raise
        self._known = (day, DayUse(*use))
        if not granted:
            self._untold += DayUse(untold.calls)
        return bool(granted)
