"""The sandbox's options, and their short written form."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.drifting import RowDrift, parse_drift
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import Fault, parse_fault
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import Gateway

__all__ = ["Key", "SandboxOptions", "build"]

YES = ("1", "true", "on", "yes")
NO = ("0", "false", "off", "no")


@dataclass(frozen=True)
class Key:
    """A further account and its own quota; None means without limit."""

    name: str
    rate_per_second: float | None = None
    burst: int | None = None
    daily_calls: int | None = None


@dataclass(frozen=True)
class SandboxOptions:
    """Port 0 takes a free one; None means without limit.

    A key's secret, tokens and login code are its name with `-secret`, `-token`, `-refresh` and
    `-code`; one named as the first account gives that its own quota. The gateway's clock is
    `clock_ahead_seconds` ahead of this machine's.
    """

    host: str = "127.0.0.1"
    port: int = 0
    rate_per_second: float | None = None
    burst: int = 5
    daily_calls: int | None = None
    latency_seconds: float = 0
    token_life_seconds: float | None = None
    faults: tuple[Fault, ...] = ()
    messy: bool = False
    seed: int = 1688
    keys: tuple[Key, ...] = ()
    clock_ahead_seconds: float = 0
    drift: RowDrift | None = None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Of `rate=20,fault=500@3` or a plain yes; ValueError names what is wrong."""
        if text.strip().lower() in YES:
            return cls()
        values: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            field, value = _read(part)
            values[field] = (*values.get(field, ()), value) if field in REPEATED else value
        return cls(**values)


def build(options: SandboxOptions, clock: Callable[[], float] = time.time) -> Gateway:
    def now() -> float:
        return clock() + options.clock_ahead_seconds

    first = Account(token_life_seconds=options.token_life_seconds, clock=now)
    names = [key.name for key in options.keys if key.name != first.app_key]
    return Gateway(
        Catalogue(options.seed, messy=options.messy),
        first,
        Quota(options.rate_per_second, options.burst, options.daily_calls, clock=now),
        options.faults,
        others=[_account(name, options, now) for name in names],
        quotas={key.name: _quota(key, options, now) for key in options.keys},
        latency_seconds=options.latency_seconds,
        drift=options.drift,
        clock=now,
    )


def _account(name: str, options: SandboxOptions, clock: Callable[[], float]) -> Account:
    return Account(
        name, f"{name}-secret", f"{name}-token", f"{name}-refresh", options.token_life_seconds,
        code=f"{name}-code", clock=clock,
    )  # fmt: skip


def _quota(key: Key, options: SandboxOptions, clock: Callable[[], float]) -> Quota:
    burst = options.burst if key.burst is None else key.burst
    return Quota(key.rate_per_second, burst, key.daily_calls, clock=clock)


def _read(part: str) -> tuple[str, Any]:
    name, _, text = part.partition("=")
    if name not in NAMES:
        raise ValueError(f"sandbox option {name!r} is none of {', '.join(NAMES)}")
    field, read = NAMES[name]
    try:
        return field, read(text)
    except ValueError as wrong:
        raise ValueError(f"sandbox option {name}={text!r}: {wrong}") from None


def _positive(text: str) -> float:
    return _above(float(text), 0)


def _seconds(text: str) -> float:
    number = float(text)
    return number if number == 0 else _above(number, 0)


def _count(text: str) -> int:
    return int(_above(int(text), 0))


def _offset(text: str) -> float:
    number = float(text)
    if not abs(number) < 10**9:
        raise ValueError("must be seconds")
    return number


def _key(text: str) -> Key:
    """Of `NAME:RATE:BURST:DAILY`; parts may be empty, and left out at the end."""
    name, *limits = text.split(":")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", name, re.ASCII) or len(limits) > 3:
        raise ValueError("write NAME:RATE:BURST:DAILY")
    rate, burst, daily = [*limits, "", "", ""][:3]
    return Key(
        name,
        _positive(rate) if rate else None,
        _count(burst) if burst else None,
        _count(daily) if daily else None,
    )


def _port(text: str) -> int:
    if not 0 <= int(text) <= 65_535:
        raise ValueError("ports are 0 to 65535")
    return int(text)


def _above(number: float, bound: float) -> float:
    if not bound < number < float("inf"):
        raise ValueError(f"must be a number above {bound}")
    return number


def _switch(text: str) -> bool:
    if text.lower() not in (*YES, *NO):
        raise ValueError("write on or off")
    return text.lower() in YES


NAMES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "host": ("host", str),
    "port": ("port", _port),
    "rate": ("rate_per_second", _positive),
    "burst": ("burst", _count),
    "daily": ("daily_calls", _count),
    "latency": ("latency_seconds", _seconds),
    "token_life": ("token_life_seconds", _positive),
    "fault": ("faults", parse_fault),
    "messy": ("messy", _switch),
    "seed": ("seed", int),
    "key": ("keys", _key),
    "clock": ("clock_ahead_seconds", _offset),
    "drift": ("drift", parse_drift),
}
REPEATED = ("faults", "keys")
