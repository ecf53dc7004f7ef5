"""The settings, read once, typed. A setting wins over the environment variable of its name."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from pailitao_spider.config import parsers
from pailitao_spider.config.edit_distance import edit_distance
from pailitao_spider.config.keys_file import KeysFile
from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from pailitao_spider.config.credentials import KeyConfig

__all__ = [
    "KNOWN_NAMES",
    "Config",
    "DedupScope",
    "Lane",
    "goes_by_aiohttp",
    "is_worker",
    "lane_of",
    "serves_metrics",
    "sql_url_of",
    "unknown_names",
]

DedupScope = Literal["crawl", "seed", "off"]
Lane = Literal["searches", "all", "off"]
_T = TypeVar("_T")
_RUN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HTTP = parsers.one_of({"twisted": "", "aiohttp": ""})
_DEDUP = parsers.one_of({"crawl": "", "seed": "", "off": ""})


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
    price: Decimal | None = None
    """Yuan a billed call."""
    max_spend: Decimal | None = None
    """Yuan a day, all keys together."""
    credentials: str | None = None
    """The path of a TOML file with several keys."""
    drift_limit: Decimal = Decimal("0.2")
    """The share of rows that may be unreadable before the run stops."""
    dedup: DedupScope = "crawl"
    sandbox: str | None = None
    """None is off; else the sandbox's options, `1` for the plain one."""
    matches: bool | None = None
    """Every sighting is kept; None is for spiders that keep a ledger."""
    transient_tries: int = 8
    cluster: bool = False
    run: str = "default"
    """The run's name in Redis."""
    lease_seconds: float = 30.0
    max_deliveries: int = 5
    sql_url: str | None = field(default=None, repr=False)
    """The database that follows the feed; it may hold a password."""
    panel: bool = True
    """A terminal shows how the run stands."""
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    keys: tuple[KeyConfig, ...] = field(default=(), repr=False, compare=False)
    """What is set of each key, read once; empty where no key was asked for."""

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
        config = cls(
            gateway=raw.get("GATEWAY", parsers.text, "router"),
            url=raw.get("URL", parsers.url, None),
            token_url=raw.get("TOKEN_URL", parsers.url, None),
            app_key=raw.get("APP_KEY", parsers.text, None),
            app_secret=raw.get("APP_SECRET", parsers.text, None),
            access_token=raw.get("ACCESS_TOKEN", parsers.text, None),
            refresh_token=raw.get("REFRESH_TOKEN", parsers.text, None),
            rate=raw.get("RATE", parsers.rate, None),
            burst=raw.get("BURST", parsers.whole(), 1),
            daily_calls=raw.get("DAILY_CALLS", parsers.whole(), None),
            price=raw.get("PRICE", parsers.amount, None),
            max_spend=raw.get("MAX_SPEND", parsers.amount, None),
            credentials=raw.carried("CREDENTIALS") or raw.get("CREDENTIALS", parsers.text, None),
            drift_limit=raw.get("DRIFT_LIMIT", parsers.share, Decimal("0.2")),
            dedup=cast("DedupScope", raw.get("DEDUP", _DEDUP, "crawl")),
            sandbox=raw.get("SANDBOX", _sandbox, None),
            matches=raw.get("MATCHES", parsers.switch, None),
            transient_tries=raw.get("TRANSIENT_TRIES", parsers.whole(), 8),
            cluster=raw.get("CLUSTER", parsers.switch, False),
            run=raw.get("RUN", _run, "default"),
            lease_seconds=raw.get("LEASE_SECONDS", _lease, 30.0),
            max_deliveries=raw.get("MAX_DELIVERIES", parsers.whole(2, 100), 5),
            sql_url=raw.get("SQL_URL", parsers.text, None),
            panel=raw.get("PANEL", parsers.switch, True),
            metrics_port=raw.get("METRICS_PORT", _port, None),
            metrics_host=raw.get("METRICS_HOST", parsers.text, "127.0.0.1"),
        )
        if needs_key:
            from pailitao_spider.config.credentials import keys_of

            config = replace(config, keys=keys_of(config))
            _check_metrics(config)
        return config


KNOWN_NAMES = (
    *(f"PAILITAO_{each.name.upper()}" for each in fields(Config) if each.name != "keys"),
    "PAILITAO_CSV_BOM",
    "PAILITAO_HTTP",
    "PAILITAO_LANE",
    "PAILITAO_LANG",
)
"""All settings of this project."""

_LIMITS = ("PAILITAO_RATE", "PAILITAO_BURST", "PAILITAO_DAILY_CALLS", "PAILITAO_MAX_SPEND")
_PREFIX = "PAILITAO_"


def unknown_names(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Names of ours that nobody reads. Raises ConfigError for one that is a known one misspelt.

    A limit that is not heard costs money, so those are looked for further away.
    """
    given = {str(name) for name in (*settings, *environ) if str(name).startswith(_PREFIX)}
    unknown = sorted(given.difference(KNOWN_NAMES))
    for name in unknown:
        if (meant := next(filter(partial(_may_mean, name), KNOWN_NAMES), None)) is not None:
            raise ConfigError(f"{name} is no setting: write {meant}, or remove it")
    return unknown


def _may_mean(name: str, known: str) -> bool:
    is_short = len(known) - len(_PREFIX) < 6 and known not in _LIMITS
    return edit_distance(name, known) <= (1 if is_short else 2)


def lane_of(settings: BaseSettings) -> Lane:
    """Whose items take the short way: PAILITAO_LANE. Raises ConfigError."""
    return _Raw(settings, os.environ).get("LANE", _lane, "searches")


def goes_by_aiohttp(settings: BaseSettings) -> bool:
    """Calls go by Scrapy's aiohttp download handler: PAILITAO_HTTP. Raises ConfigError."""
    return _Raw(settings, os.environ).get("HTTP", _HTTP, "twisted") == "aiohttp"


def _lane(text: str) -> Lane:
    if text.lower() == "searches":
        return "searches"
    try:
        return "all" if parsers.switch(text) else "off"
    except ValueError:
        raise ValueError("searches, 1 (all responses) or 0") from None


class _Raw:
    def __init__(self, settings: BaseSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def value(self, name: str) -> Any:
        value = self._settings.get(name)
        return self._environ.get(name) if value is None else value

    def carried(self, name: str) -> KeysFile | None:
        """A file that was read before."""
        value = self.value(f"PAILITAO_{name}")
        return value if isinstance(value, KeysFile) else None

    def get(self, name: str, read: Callable[[str], _T], default: _T) -> _T:
        value = self.value(f"PAILITAO_{name}")
        if value is None or (isinstance(value, str) and not value.strip()):
            return default
        try:
            return read(str(value).strip())
        except ValueError as error:
            is_secret = any(word in name for word in ("SECRET", "TOKEN", "SQL_URL"))
            shown = "the value" if is_secret else repr(shown_url(str(value)))
            raise ConfigError(f"PAILITAO_{name}: {shown} is not {error}") from error


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
    return str(value or "").strip().lower() not in parsers.OFF


def sql_url_of(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> str | None:
    """PAILITAO_SQL_URL as it is given, which nothing may show; None when it is unset."""
    value = _Raw(settings, environ).value("PAILITAO_SQL_URL")
    return str(value or "").strip() or None


def serves_metrics(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> bool:
    """PAILITAO_METRICS_PORT is set and can be; what is wrong with it is told when all is read."""
    value = _Raw(settings, environ).value("PAILITAO_METRICS_PORT")
    is_set = str(value or "").strip().lower() not in parsers.OFF
    return is_set and _has_metrics_library()


def _port(text: str) -> int | None:
    return None if text.lower() in parsers.OFF else parsers.whole(1, 65535)(text)


def _has_metrics_library() -> bool:
    return find_spec("prometheus_client") is not None


def _check_metrics(config: Config) -> None:
    if config.metrics_port is not None and not _has_metrics_library():
        raise ConfigError(
            "PAILITAO_METRICS_PORT needs one more package: pip install prometheus-client"
        )


def _sandbox(text: str) -> str | None:
    return None if text.lower() in parsers.OFF else text
