"""How many calls may still be made today, and what they may cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pailitao_spider.gateways.pages import QuotaTold

__all__ = [
    "Budget",
    "DayUsage",
    "KeyLimits",
    "LocalBudget",
    "SpendLimit",
    "Tally",
    "Waits",
    "millionths",
]

_MOST_WAIT_SECONDS = 60.0
_AHEAD = 10  # a write costs as much as all else that is done for a call


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What was made of a key on one day.

    `spent` is in millionths of a yuan; it holds the price of calls under way, and of those whose
    process was killed before their answer came.
    """

    calls: int = 0
    billed: int = 0
    spent: int = 0

    @property
    def not_billed(self) -> int:
        """Free ones, and those of which no answer is known."""
        return self.calls - self.billed

    def __add__(self, other: DayUsage) -> DayUsage:
        return DayUsage(
            self.calls + other.calls, self.billed + other.billed, self.spent + other.spent
        )


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may do in a day. `price` is yuan a billed call; None is no limit, no price."""

    daily_calls: int | None = None
    price: Decimal | None = None


class Tally(Protocol):
    """Counts the calls of all keys by day, over all runs."""

    def add(self, owner: str, use: DayUsage, most: int | None = None) -> bool:
        """False, and nothing is added, when the day would have more than `most` calls."""
        ...

    def today(self, owner: str) -> DayUsage: ...
    def spent_today(self) -> int:
        """By all keys, in millionths of a yuan."""
        ...


class Budget(Protocol):
    """Leave of one key to make one more call today."""

    @property
    def today(self) -> DayUsage: ...
    async def take(self) -> str | None:
        """Counts one call; or says why none may be made any more today, and counts nothing.

        Raises GateClosedError when the run ends meanwhile.
        """
        ...

    async def give_back(self) -> None:
        """The call that was counted last is not made."""
        ...

    def answered(self, billed: bool) -> None:
        """A call was answered, and charged for or not."""
        ...

    def told(self, quota: QuotaTold) -> None:
        """What the gateway itself counts."""
        ...

    async def close(self) -> None:
        """Writes what has not been written."""
        ...


def millionths(yuan: Decimal | None) -> int:
    """Money as a whole number, so that sums are exact."""
    return 0 if yuan is None else int(yuan.scaleb(6).to_integral_value())


class SpendLimit:
    """What all keys together may cost in a day. `spent_today` counts calls under way as billed."""

    def __init__(self, most: Decimal | None, spent_today: Callable[[], int]) -> None:
        self.most = most
        self.waits = Waits()
        self._spent_today = spent_today

    async def allows(self, price: int) -> bool:
        """The price is left; waits for calls under way that may turn out to be free."""
        if self.most is None:
            return True
        while self._spent_today() + price > millionths(self.most):
            if not await self.waits.for_an_answer():
                return False
        return True


class Waits:
    """Calls of this process under way, for who needs to know what becomes of them."""

    def __init__(self) -> None:
        self._under_way = 0
        self._answers = asyncio.Event()

    def begun(self) -> None:
        self._under_way += 1

    def ended(self) -> None:
        self._under_way = max(self._under_way - 1, 0)
        self._answers.set()

    async def for_an_answer(self) -> bool:
        """False when none is under way, or none came for a minute."""
        if not self._under_way:
            return False
        self._answers.clear()
        try:
            async with asyncio.timeout(_MOST_WAIT_SECONDS):
                await self._answers.wait()
        except TimeoutError:
            return False
        return True


class LocalBudget:
    """The budget of one key in one process. A call is written with its price before it is made,
    and its price taken back when it was free: a kill errs to the safe side. Without any limit a few
    calls are written at a time, and those that were not made taken back at the end.
    """

    def __init__(self, owner: str, allowance: KeyLimits, tally: Tally, purse: SpendLimit) -> None:
        self._owner = owner
        self._allowance = allowance
        self._price = millionths(allowance.price)
        self._tally = tally
        self._purse = purse
        self._told: QuotaTold | None = None
        self._unwritten = DayUsage()
        """Answers that are written with the next call, so that a call costs one write."""
        self._ahead = 0
        """Calls that are written and not made yet."""

    @property
    def today(self) -> DayUsage:
        return self._tally.today(self._owner) + self._unwritten + self._calls(-self._ahead)

    async def take(self) -> str | None:
        if self._told is not None and self._told.used >= self._told.most:
            return f"the gateway counts {self._told.used} of {self._told.most} calls made"
        if not await self._purse.allows(self._price):
            return f"PAILITAO_MAX_SPEND={self._purse.most} yuan a day are spent"
        most = self._allowance.daily_calls
        if not self._ahead:
            calls = _AHEAD if most is None and self._purse.most is None else 1
            if not self._write(self._calls(calls), most):
                return f"PAILITAO_DAILY_CALLS={most} are used up"
            self._ahead = calls
        self._ahead -= 1
        self._purse.waits.begun()
        return None

    async def give_back(self) -> None:
        self._write(self._calls(-1))
        self._purse.waits.ended()

    def answered(self, billed: bool) -> None:
        self._unwritten += DayUsage(0, 1) if billed else DayUsage(0, 0, -self._price)
        if self._purse.most is not None:
            self._write(DayUsage())
        self._purse.waits.ended()

    def told(self, quota: QuotaTold) -> None:
        self._told = quota

    async def close(self) -> None:
        ahead, self._ahead = self._ahead, 0
        self._write(self._calls(-ahead))

    def _calls(self, number: int) -> DayUsage:
        return DayUsage(number, 0, number * self._price)

    def _write(self, use: DayUsage, most: int | None = None) -> bool:
        whole = use + self._unwritten
        if whole != DayUsage() and not self._tally.add(self._owner, whole, most):
            return False
        self._unwritten = DayUsage()
        return True
