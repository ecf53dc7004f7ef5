"""The settings, read once, typed. A setting wins over the environment variable of its name."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from pailitao_spider import typed_text
from pailitao_spider.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["Config", "DedupScope", "is_worker"]

DedupScope = Literal["crawl", "seed", "off"]
_T = TypeVar("_T")
_RUN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DEDUP = typed_text.one_of({"crawl": "", "seed": "", "off": ""})
_NOT_HERE = {
    "PAILITAO_CREDENTIALS": "this version takes one key, from PAILITAO_APP_KEY",
}


@dataclass(frozen=True, slots=True)
class Config:
    """What a crawl is told. None means unset; rates are calls a second and key."""

    gateway: str = "router"
    url: str | None = None
    token_url: str | None = None
    app_key: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    rate: float | None = None
    burst: int = 1
    daily_calls: int | None = None
    dedup: DedupScope = "crawl"
    sandbox: str | None = None
    """None is off; else the sandbox's options, `1` for the plain one."""
    matches: bool = False
    transient_tries: int = 8
    cluster: bool = False
    run: str = "default"
    """The run's name in Redis."""
    lease_seconds: float = 30.0
    max_deliveries: int = 5

    @classmethod
    def read(
        cls,
        settings: BaseSettings,
        environ: Mapping[str, str] = os.environ,
        *,
        needs_key: bool = True,
    ) -> Config:
        """Raises ConfigError: the name, the value and the remedy in one line."""
        raw = _Raw(settings, environ)
        raw.refuse_what_is_not_here()
        config = cls(
            gateway=raw.get("GATEWAY", typed_text.text, "router"),
            url=raw.get("URL", _url, None),
            token_url=raw.get("TOKEN_URL", _url, None),
            app_key=raw.get("APP_KEY", typed_text.text, None),
            app_secret=raw.get("APP_SECRET", typed_text.text, None),
            access_token=raw.get("ACCESS_TOKEN", typed_text.text, None),
            refresh_token=raw.get("REFRESH_TOKEN", typed_text.text, None),
            rate=raw.get("RATE", _rate, None),
            burst=raw.get("BURST", typed_text.whole(), 1),
            daily_calls=raw.get("DAILY_CALLS", typed_text.whole(), None),
            dedup=cast("DedupScope", raw.get("DEDUP", _DEDUP, "crawl")),
            sandbox=raw.get("SANDBOX", _sandbox, None),
            matches=raw.get("MATCHES", typed_text.switch, False),
            transient_tries=raw.get("TRANSIENT_TRIES", typed_text.whole(), 8),
            cluster=raw.get("CLUSTER", typed_text.switch, False),
            run=raw.get("RUN", _run, "default"),
            lease_seconds=raw.get("LEASE_SECONDS", _lease, 30.0),
            max_deliveries=raw.get("MAX_DELIVERIES", typed_text.whole(2, 100), 5),
        )
        if needs_key:
            config.check_key()
        return config

    def check_key(self) -> None:
        """A real gateway needs a key; the sandbox brings its own."""
        if self.sandbox is not None:
            return
        missing = [
            name
            for name, value in (
                ("PAILITAO_APP_KEY", self.app_key),
                ("PAILITAO_APP_SECRET", self.app_secret),
            )
            if not value
        ]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} not set: export your app's key and secret, "
                "or try without a key: PAILITAO_SANDBOX=1"
            )


class _Raw:
    def __init__(self, settings: BaseSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def value(self, name: str) -> Any:
        value = self._settings.get(name)
        return self._environ.get(name) if value is None else value

    def get(self, name: str, read: Callable[[str], _T], default: _T) -> _T:
        value = self.value(f"PAILITAO_{name}")
        if value is None or (isinstance(value, str) and not value.strip()):
            return default
        try:
            return read(str(value).strip())
        except ValueError as error:
            shown = "the value" if "SECRET" in name or "TOKEN" in name else f"{str(value)!r}"
            raise ConfigError(f"PAILITAO_{name}: {shown} is not {error}") from error

    def refuse_what_is_not_here(self) -> None:
        for name, why in _NOT_HERE.items():
            if str(self.value(name) or "").strip().lower() not in typed_text.OFF:
                raise ConfigError(f"{name} is set, but {why}; unset it")


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("an http(s) URL")
    return text


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError("a number of calls a second above 0; unset it to have the rate found")
    return number


def _run(text: str) -> str:
    if not _RUN.fullmatch(text):
        raise ValueError("a name of up to 64 letters, digits, dots, dashes and underscores")
    return text


def _lease(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 1 <= number <= 3600:
        raise ValueError("a number of seconds from 1 to 3600")
    return number


def is_worker(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> bool:
    """PAILITAO_CLUSTER is on; a value that is neither on nor off is told when all is read."""
    value = settings.get("PAILITAO_CLUSTER")
    value = environ.get("PAILITAO_CLUSTER") if value is None else value
    return str(value or "").strip().lower() not in typed_text.OFF


def _sandbox(text: str) -> str | None:
    return None if text.lower() in typed_text.OFF else text
