"""Who hears an item's signal: looked up once, as long as nobody comes or goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from pydispatch.dispatcher import getAllReceivers, getReceivers, liveReceivers
from pydispatch.robustapply import function
from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.python import global_object_name
from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["Receivers", "is_awaited"]

logger = logging.getLogger("scrapy.utils.signal")  # Scrapy tells of a failing receiver there

_TAKES_ALL = 8  # CO_VARKEYWORDS


def is_awaited(value: Any) -> bool:
    """Scrapy waits for such a value."""
    return isinstance(value, Deferred) or isawaitable(value)


@dataclass(slots=True)
class _Receiver:
    """A callable, and those of the signal's arguments that it takes."""

    found: Callable[..., Any]
    call: Callable[..., Any]
    arguments: dict[str, Any]
    names: tuple[str, ...]
    """Arguments that are another's with each item."""

    @classmethod
    def of(
        cls, found: Callable[..., Any], given: dict[str, Any], names: tuple[str, ...]
    ) -> _Receiver:
        call, code, start = function(found)
        if code.co_flags & _TAKES_ALL:
            return cls(found, call, dict(given), names)
        taken = code.co_varnames[start : code.co_argcount]
        arguments = {name: value for name, value in given.items() if name in taken}
        return cls(found, call, arguments, tuple(name for name in names if name in taken))


class Receivers:
    """The receivers of one signal, for the items of one response.

    `given` are the arguments that all its items share, `names` those of each item. Who is connected
    to this signal of this crawl is heard from the next item on, who listens to any signal or any
    crawl from the next response on.
    """

    def __init__(
        self, crawler: Crawler, signal: Any, given: dict[str, Any], names: tuple[str, ...]
    ) -> None:
        self._signals = crawler.signals
        self._signal = signal
        self._given, self._names = given, names
        self._place = (crawler.signals.sender, signal)
        self._look_up()

    def send(self, named: dict[str, Any]) -> Awaitable[Any] | None:
        """Calls every receiver; what it returns, if anything, has still to be awaited."""
        if self._live != self._known or not self._live:
            self._look_up()
        if self._needs_tasks:
            return self._signals.send_catch_log_async(self._signal, **self._given, **named)
        waiting: list[Awaitable[None]] = []
        for receiver in self._receivers:
            for name in receiver.names:
                receiver.arguments[name] = named[name]
            try:
                answer = receiver.call(**receiver.arguments)
            except Exception:
                self._tell(receiver.found)
                continue
            if answer is not None and is_awaited(answer):
                waiting.append(self._finish(receiver.found, answer))
        return asyncio.gather(*waiting) if waiting else None

    def forget(self) -> None:
        """Lets go of the last item: an exception among its arguments holds the frames that hold
        this, and with them the whole page, until garbage is looked for.
        """
        for receiver in self._receivers:
            for name in receiver.names:
                receiver.arguments.pop(name, None)

    def _look_up(self) -> None:
        self._live = getReceivers(*self._place)  # the dispatcher's own list, while it has entries
        self._known = list(self._live)
        given = {"signal": self._signal, "sender": self._signals.sender, **self._given}
        found = list(liveReceivers(getAllReceivers(*self._place)))
        self._receivers = [_Receiver.of(each, given, self._names) for each in found]
        self._needs_tasks = any(map(iscoroutinefunction, found))

    async def _finish(self, receiver: Callable[..., Any], answer: Any) -> None:
        try:
            await ensure_awaitable(answer, _warn=global_object_name(receiver))
        except Exception:
            self._tell(receiver)

    def _tell(self, receiver: Callable[..., Any]) -> None:
        logger.error(
            "Error caught on signal handler: %(receiver)s",
            {"receiver": receiver},
            exc_info=True,
            extra={"spider": self._given["spider"]},
        )
