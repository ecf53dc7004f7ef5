"""The calls of the day of one app key, counted over all workers and runs."""

from __future__ import annotations

from collections.abc import Callable

from pailitao_spider.access.gate import GateClosedError
from pailitao_spider.cluster.keys import AppKeys
from pailitao_spider.cluster.link import Link, StoppedError
from pailitao_spider.results.state import beijing_day

__all__ = ["RedisBudget"]


class RedisBudget:
    """A day's number of calls; None is no limit. `clock` gives unix seconds."""

    def __init__(
        self, link: Link, keys: AppKeys, calls_a_day: int | None, clock: Callable[[], float]
    ) -> None:
        self._link = link
        self._key = keys.calls
        self._calls_a_day = calls_a_day
        self._clock = clock
        self._known = ("", 0)

    async def take(self) -> bool:
        """Counts one call; False when the day's calls are used up, and nothing is counted.

        Waits while Redis is away. Raises GateClosedError when the run ends meanwhile.
        """
        if self._calls_a_day is None:
            return True
        day = beijing_day(self._clock())
        try:
            granted, number = await self._link.patient_script(
                "budget", f"{self._key}:{day}", self._calls_a_day
            )
        except StoppedError as error:
            raise GateClosedError from error
        self._known = (day, number)
        return bool(granted)

    @property
    def calls_today(self) -> int:
        """The day's calls of all workers, as far as this one has heard."""
        day, number = self._known
        return number if day == beijing_day(self._clock()) else 0
