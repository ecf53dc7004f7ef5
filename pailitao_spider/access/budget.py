"""How many calls may still be made today, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pailitao_spider.gateways.pages import QuotaTold

__all__ = ["Allowance", "Budget", "DayUse", "LocalBudget", "Purse", "Tally", "millionths"]


@dataclass(frozen=True, slots=True)
class DayUse:
    """What was made of a key on one day; `spent` in millionths of a yuan."""

    calls: int = 0
    billed: int = 0
    spent: int = 0

    @property
    def free(self) -> int:
        return self.calls - self.billed


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may do in a day. `price` is yuan a billed call; None is no limit, no price."""

    daily_calls: int | None = None
    price: Decimal | None = None


class Tally(Protocol):
    """Counts the calls of all keys by day, over all runs."""

    def add(self, owner: str, calls: int, billed: int, spent: int) -> None: ...
    def today(self, owner: str) -> DayUse: ...
    def spent_today(self) -> int:
        """By all keys, in millionths of a yuan."""
        ...


class Budget(Protocol):
    """Leave of one key to make one more call today."""

    @property
    def today(self) -> DayUse: ...
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


def millionths(yuan: Decimal | None) -> int:
    """Money as a whole number, so that sums are exact."""
    return 0 if yuan is None else int(yuan.scaleb(6).to_integral_value())


class Purse:
    """What all keys together may cost in a day. Calls under way count as if they were billed."""

    def __init__(self, most: Decimal | None, spent_today: Callable[[], int]) -> None:
        self.most = most
        self._spent_today = spent_today
        self._reserved = 0

    def reserve(self, price: int) -> bool:
        if self.most is None:
            return True
        if self._spent_today() + self._reserved + price > millionths(self.most):
            return False
        self._reserved += price
        return True

    def release(self, price: int) -> None:
        if self.most is not None:
            self._reserved = max(self._reserved - price, 0)


class LocalBudget:
    """The budget of one key in one process."""

    def __init__(self, owner: str, allowance: Allowance, tally: Tally, purse: Purse) -> None:
        self._owner = owner
        self._allowance = allowance
        self._price = millionths(allowance.price)
        self._tally = tally
        self._purse = purse
        self._told: QuotaTold | None = None

    @property
    def today(self) -> DayUse:
        return self._tally.today(self._owner)

    async def take(self) -> str | None:
        most = self._allowance.daily_calls
        if most is not None and self.today.calls >= most:
            return f"PAILITAO_DAILY_CALLS={most} are used up"
        if self._told is not None and self._told.used >= self._told.most:
            return f"the gateway counts {self._told.used} of {self._told.most} calls made"
        if not self._purse.reserve(self._price):
            return f"PAILITAO_MAX_SPEND={self._purse.most} yuan a day are spent"
        self._tally.add(self._owner, 1, 0, 0)
        return None

    async def give_back(self) -> None:
        self._purse.release(self._price)
        self._tally.add(self._owner, -1, 0, 0)

    def answered(self, billed: bool) -> None:
        self._purse.release(self._price)
        if billed:
            self._tally.add(self._owner, 0, 1, self._price)

    def told(self, quota: QuotaTold) -> None:
        self._told = quota
