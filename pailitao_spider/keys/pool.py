"""All keys of a run, and the line of calls that wait for them.

A call says which keys it may go by, and takes the first of them that opens. Within a key's turn
further pages of a begun search go before first pages, and those before uploads: what is begun is
brought to its end before a budget is. A key that is spent or denied is out, and its calls go to
the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from pailitao_spider.keys.adaptive_rate import Permit
from pailitao_spider.keys.key import Key, Out
from pailitao_spider.keys.rate_limiter import GateClosedError

__all__ = ["FIRST_PAGE", "NEXT_PAGE", "UPLOAD", "Grant", "NoKeyError", "Pool", "UnwantedError"]

NEXT_PAGE, FIRST_PAGE, UPLOAD = 0, 1, 2
"""The order within the line."""

_LONG_WAIT_SECONDS = 2.0

Able = Callable[[Key], bool]


class NoKeyError(Exception):
    """None of the keys that a call may go by makes calls now."""


class UnwantedError(Exception):
    """When its turn came, nobody wanted the call any more."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave for one call by one key."""

    key: Key
    permit: Permit


@dataclass(slots=True, eq=False)
class _Waiter:
    able: Able
    order: tuple[int, int]
    only: Key | None
    wanted: Callable[[], bool]
    seat: asyncio.Future[Grant] = field(repr=False)


class Pool:
    """The keys of one process. `clock` gives unix seconds, `steady` monotonic ones.

    `spent` is called with a key and why when its budget does not allow another call; it takes the
    key out. `failed` is called with a fault of a gate or budget, after which nobody is let in; it
    ends the run.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        spent: Callable[[Key, str], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.keys = tuple(keys)
        self.waited_seconds = 0.0
        self._clock = clock
        self._steady = steady
        self._spent = spent
        self._failed = failed
        self._line: list[_Waiter] = []
        self._number = 0
        self._takers: dict[Key, set[asyncio.Task[None]]] = {key: set() for key in keys}
        self._asking = Counter[Key]()  # takers that have taken their waiter out of the line
        self._is_closed = False

    # the keys

    @property
    def usable(self) -> list[Key]:
        """The keys that make calls now."""
        now = self._clock()
        return [key for key in self.keys if key.is_usable(now)]

    @property
    def per_second(self) -> float:
        """The calls a second that all keys together are held to."""
        return sum(key.gate.per_second for key in self.usable)

    @property
    def largest_page(self) -> int:
        """The rows that a page may have, at the gateway that gives most."""
        return max(key.dialect.limits.page_size for key in self.keys)

    def named(self, name: str) -> Key:
        return next(key for key in self.keys if key.name == name)

    def of_group(self, group: str) -> Key | None:
        return next((key for key in self.keys if key.group == group), None)

    def take_out(self, key: Key, out: Out) -> None:
        """The key makes no calls until `out` says otherwise; who waits for it chooses anew."""
        key.out = out
        self._turn_away_in_vain()

    def slowed(self, key: Key) -> None:
        """The key was throttled: who chose it and could go by another looks again."""
        if len(self.keys) > 1 and key.gate.opens_in > _LONG_WAIT_SECONDS:
            self._turn_away(lambda waiter: waiter.only is key)

    def outs(self) -> list[tuple[Key, Out]]:
        """The keys that are out, and why."""
        usable = self.usable
        return [(key, key.out) for key in self.keys if key not in usable and key.out is not None]

    def likely(self, able: Able, calls: Callable[[Key], int] = lambda key: 1) -> Key:
        """The key by which a call would soonest be through; `calls` says how many it takes there.

        Raises NoKeyError.
        """
        keys = [key for key in self.usable if able(key)]
        if not keys:
            raise NoKeyError
        return min(keys, key=lambda key: self._through_in(key, calls(key)))

    def _through_in(self, key: Key, calls: int) -> float:
        """Seconds until a call that chooses the key now would be through, as far as can be told."""
        ahead = max(key.load, self._waiting_for(key))
        return key.gate.opens_in + (ahead + calls) / max(key.gate.per_second, 1e-6)

    # the line

    async def enter(
        self,
        able: Able,
        order: int,
        only: Key | None = None,
        wanted: Callable[[], bool] = _always,
    ) -> Grant:
        """Waits for leave to call by one of the keys that are `able`; `only` names a single one.

        Raises NoKeyError when there is none, GateClosedError when the run ends meanwhile, and
        UnwantedError when the call is not `wanted` any more when its turn comes.
        """
        asked_at = self._steady()
        waiter = self._waiter(
            able if only is None else lambda key: key is only, order, only, wanted
        )
        keys = [key for key in self.usable if waiter.able(key)]
        if self._is_closed:
            raise GateClosedError
        if not keys:
            raise NoKeyError
        self._line.append(waiter)
        try:
            for key in keys:
                self._send_taker(key)
            return await waiter.seat
        finally:
            self._leaves(waiter)
            self.waited_seconds += self._steady() - asked_at

    async def leave(self, seat: Grant) -> None:
        """The call that the seat is for is not made."""
        seat.key.seats -= 1
        seat.key.gate.unclear()
        await seat.key.budget.give_back()

    async def close(self) -> None:
        """Nobody is let in any more."""
        self._is_closed = True
        self._turn_away(lambda waiter: True, GateClosedError())
        takers = [task for tasks in self._takers.values() for task in tasks]
        for task in takers:
            task.cancel()
        await asyncio.gather(*takers, return_exceptions=True)

    def _waiter(
        self, able: Able, order: int, only: Key | None, wanted: Callable[[], bool]
    ) -> _Waiter:
        self._number += 1
        future: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        return _Waiter(able, (order, self._number), only, wanted, future)

    def _leaves(self, waiter: _Waiter) -> None:
        if waiter in self._line:
            self._line.remove(waiter)

    def _waiting_for(self, key: Key) -> int:
        """How many wait that could go by this key; a run's only key is good for all who wait."""
        if len(self.keys) == 1:
            return len(self._line)
        return sum(waiter.able(key) for waiter in self._line)

    def _first_for(self, key: Key) -> _Waiter | None:
        self._turn_away(lambda waiter: not waiter.wanted(), UnwantedError())
        able = (w for w in self._line if w.able(key) and not w.seat.done())  # not cancelled
        return min(able, key=lambda waiter: waiter.order, default=None)

    def _send_taker(self, key: Key) -> None:
        """As many stand at a key's gate as calls could go by it."""
        takers = self._takers[key]
        if self._is_closed or not key.is_usable(self._clock()):
            return
        if len(takers) - self._asking[key] < self._waiting_for(key):
            task = asyncio.ensure_future(self._take(key))
            takers.add(task)
            task.add_done_callback(partial(self._taken, key))

    def _taken(self, key: Key, task: asyncio.Task[None]) -> None:
        self._takers[key].discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._send_taker(key)  # for one that came while this one was under way
            return
        if not isinstance(error, GateClosedError):
            self._is_closed = True  # what has failed once may hold up the next for ever
            self._failed(error)
        self._turn_away(lambda waiter: True, GateClosedError())  # no picture is at fault

    async def _take(self, key: Key) -> None:
        permit = await key.gate.enter()
        try:
            await self._seat(key, permit)
        except BaseException:
            key.gate.unclear()  # or it would wait for the answer to its first call
            raise

    async def _seat(self, key: Key, permit: Permit) -> None:
        """Gives the permit to who is first in the line, if the budget allows a call."""
        first = self._first_for(key) if key.is_usable(self._clock()) else None
        if first is None:
            key.gate.unclear()  # nobody needs it any more: no answer will come
            return
        why = await self._asked(key, first)
        if why is not None:
            key.gate.unclear()
            self._returns(first)
            if key.is_usable(self._clock()):
                self._spent(key, why)
            else:  # another call has told it, while this one was out of the line
                self._turn_away_in_vain()
            self._send_takers(first)
            return
        if first.seat.done():  # it gave up meanwhile
            other = self._first_for(key)
            if other is None:
                key.gate.unclear()
                await key.budget.give_back()
                return
            first = other
            self._leaves(first)
        key.seats += 1
        first.seat.set_result(Grant(key, permit))

    async def _asked(self, key: Key, waiter: _Waiter) -> str | None:
        """Takes a call out of the key's budget, or says why there is none. The waiter is out of the
        line meanwhile: were it seated elsewhere, the budget would look spent with a call left.
        """
        self._leaves(waiter)
        self._asking[key] += 1
        try:
            return await key.budget.take()
        except BaseException:
            self._returns(waiter)
            raise
        finally:
            self._asking[key] -= 1

    def _returns(self, waiter: _Waiter) -> None:
        if waiter.seat.done():
            return
        if self._is_closed:
            waiter.seat.set_exception(GateClosedError())
        else:
            self._line.append(waiter)

    def _send_takers(self, waiter: _Waiter) -> None:
        for key in self.usable:
            if waiter.able(key) and waiter in self._line:
                self._send_taker(key)

    def _turn_away_in_vain(self) -> None:
        """Who waits for keys that are all out."""
        self._turn_away(lambda waiter: not any(map(waiter.able, self.usable)))

    def _turn_away(
        self, whom: Callable[[_Waiter], bool], error: BaseException | None = None
    ) -> None:
        for waiter in list(filter(whom, self._line)):
            self._leaves(waiter)
            if not waiter.seat.done():  # nor cancelled
                waiter.seat.set_exception(error or NoKeyError())
