"""Who hears an item's signal: looked up once, as long as nobody comes or goes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from pydispatch.dispatcher import Any as Anybody
from pydispatch.dispatcher import getAllReceivers, getReceivers, liveReceivers
from pydispatch.robustapply import function, robustApply
from scrapy.utils.defer import ensure_awaitable
from scrapy.utils.python import global_object_name
from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["Receivers", "Subscribers", "awaitable", "is_awaited"]

logger = logging.getLogger("scrapy.utils.signal")  # Scrapy tells of a failing receiver there

_TAKES_ALL = 8  # CO_VARKEYWORDS


def is_awaited(value: Any) -> bool:
    """Scrapy waits for such a value."""
    return isinstance(value, Deferred) or isawaitable(value)


def awaitable(answer: Any, source: Callable[..., Any]) -> Awaitable[Any]:
    """What `source` answered, to be awaited; Scrapy warns of a Deferred, by its name."""
    if not isinstance(answer, Deferred):
        return ensure_awaitable(answer)
    try:
        name = global_object_name(source)
    except AttributeError:  # a partial has no name, nor has an object that can be called
        name = repr(source)
    return ensure_awaitable(answer, _warn=name)


@dataclass(frozen=True, slots=True)
class _Listener:
    """One entry of the dispatcher, mostly a weak reference, and the arguments that it takes:
    `shared` are the same for all items of a response, `own` another's with each.
    """

    entry: Any
    shared: tuple[str, ...]
    own: tuple[str, ...]
    is_known: bool = True
    """What it takes could be read; else the dispatcher itself calls it, and says what it lacks."""


class Subscribers:
    """Who listens to one signal of a crawl, or to any; nobody is kept alive by it.

    `shared` and `own` are the names of the signal's arguments.
    """

    def __init__(
        self, crawler: Crawler, signal: Any, shared: tuple[str, ...], own: tuple[str, ...]
    ) -> None:
        self.signals = crawler.signals
        self.signal = signal
        self._shared, self._own = ("signal", "sender", *shared), own
        sender = crawler.signals.sender
        self._place = (sender, signal)
        self._places = ((sender, signal), (sender, Anybody), (Anybody, signal), (Anybody, Anybody))
        self._known: list[list[Any]] | None = None
        self._listeners: list[_Listener] = []
        self.needs_tasks = False
        """One of them is a coroutine function, which Scrapy starts a task for."""

    def listeners(self) -> list[_Listener]:
        """Those of now."""
        entries = [list(getReceivers(*place)) for place in self._places]
        if entries != self._known:
            self._look_up()
            self._known = entries  # only now: half an audience must not pass for the whole
        return self._listeners

    def direct(self) -> list[Any]:
        """The dispatcher's own list of who listens to this signal of this crawl: it shows who
        comes and goes while it has entries.
        """
        return getReceivers(*self._place)  # type: ignore[no-any-return]

    def _look_up(self) -> None:
        alive = [
            (entry, found)
            for entry in getAllReceivers(*self._place)
            for found in liveReceivers([entry])
        ]
        self._listeners = [self._listener(entry, found) for entry, found in alive]
        self.needs_tasks = any(iscoroutinefunction(found) for _, found in alive)

    def _listener(self, entry: Any, found: Callable[..., Any]) -> _Listener:
        try:
            _, code, start = function(found)
        except (ValueError, AttributeError):
            return _Listener(entry, self._shared, self._own, is_known=False)
        if code.co_flags & _TAKES_ALL:
            return _Listener(entry, self._shared, self._own)
        taken = code.co_varnames[start : code.co_argcount]
        shared = tuple(name for name in self._shared if name in taken)
        return _Listener(entry, shared, tuple(name for name in self._own if name in taken))


@dataclass(slots=True)
class _Receiver:
    """Who listens, and its arguments for one response; those in `own` change with each item."""

    listens: Any
    call: Callable[..., Any]
    arguments: dict[str, Any]
    own: tuple[str, ...]


class Receivers:
    """The receivers of one signal, for the items of one response.

    `given` are the arguments that all its items share. Who is connected to this signal of this
    crawl is heard from the next item on, who listens to any signal or any crawl from the next
    response on.
    """

    def __init__(self, audience: Subscribers, given: dict[str, Any]) -> None:
        self._audience = audience
        self._given = given
        self._look_up()

    def send(self, named: dict[str, Any]) -> Awaitable[Any] | None:
        """Calls every receiver; what it returns, if anything, has still to be awaited."""
        if self._live != self._known or not self._live:
            self._look_up()
        if self._audience.needs_tasks:
            signals, signal = self._audience.signals, self._audience.signal
            return signals.send_catch_log_async(signal, **self._given, **named)
        waiting: list[Awaitable[None]] = []
        for receiver in self._receivers:
            for name in receiver.own:
                receiver.arguments[name] = named[name]
            try:
                answer = receiver.call(**receiver.arguments)
            except Exception:
                self._tell(receiver.listens)
                continue
            if answer is not None and is_awaited(answer):
                waiting.append(self._finish(receiver.listens, answer))
        return asyncio.gather(*waiting) if waiting else None

    def forget(self) -> None:
        """Lets go of the last item: an exception among its arguments holds the frames that hold
        this, and with them the whole page, until garbage is looked for.
        """
        for receiver in self._receivers:
            for name in receiver.own:
                receiver.arguments.pop(name, None)

    def _look_up(self) -> None:
        audience = self._audience
        listeners = audience.listeners()
        self._live = audience.direct()
        self._known = list(self._live)
        given = {"signal": audience.signal, "sender": audience.signals.sender, **self._given}
        self._receivers = [
            _Receiver(
                found,
                found if each.is_known else partial(robustApply, found),
                {name: given[name] for name in each.shared},
                each.own,
            )
            for each in listeners
            for found in liveReceivers([each.entry])
        ]

    async def _finish(self, receiver: Callable[..., Any], answer: Any) -> None:
        try:
            await awaitable(answer, receiver)
        except Exception:
            self._tell(receiver)

    def _tell(self, receiver: Callable[..., Any]) -> None:
        logger.error(
            "Error caught on signal handler: %(receiver)s",
            {"receiver": receiver},
            exc_info=True,
            extra={"spider": self._given["spider"]},
        )
