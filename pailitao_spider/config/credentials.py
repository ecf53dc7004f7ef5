"""The keys of a run: the one of the settings, or those of a TOML file.

[[key]]
name = "main"            # as it is called in what the run says; by default its gateway
gateway = "imagequery"   # as in PAILITAO_GATEWAY
app_key = "…"
app_secret = "…"
access_token = "…"       # or a login that was kept
refresh_token = "…"
rate = 5                 # these and url, token_url, burst as the settings of the name;
daily_calls = 500        # what is left out is taken from them
price = 0.05
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pailitao_spider.config import parsers
from pailitao_spider.config.keys_file import KeysFile
from pailitao_spider.config.shown_urls import without_login
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.washing import without_named

if TYPE_CHECKING:
    from pailitao_spider.config.setting_table import Config

__all__ = ["KeyConfig", "keys_of", "where_it_is_set"]

_SETTING = re.compile(
    r"PAILITAO_(APP_KEY|APP_SECRET|ACCESS_TOKEN|REFRESH_TOKEN|TOKEN_URL|URL|GATEWAY)\b"
)
_MOST_KEYS = 100
_SETTINGS_FILES = ("pailitao.toml", "config.toml")
"""Files that hold settings beside keys."""
_MOST_NAME_CHARACTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConfig:
    """What is set of one key. None means unset; `rate` is calls a second."""

    name: str
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

    @property
    def group(self) -> str:
        """Keys of one group give the same pages."""
        gateway = without_named(self.gateway)
        return (
            gateway if self.url is None else f"{gateway} {without_named(without_login(self.url))}"
        )


def _name(given: str) -> str:
    if not given.isprintable() or len(given) > _MOST_NAME_CHARACTERS:
        raise ValueError(f"a name of up to {_MOST_NAME_CHARACTERS} printable characters")
    return given


_READERS: dict[str, Callable[[str], Any]] = {
    "name": _name,
    "gateway": parsers.text,
    "url": parsers.url,
    "token_url": parsers.url,
    "app_key": parsers.text,
    "app_secret": parsers.text,
    "access_token": parsers.text,
    "refresh_token": parsers.text,
    "rate": parsers.rate,
    "burst": parsers.whole(),
    "daily_calls": parsers.whole(),
    "price": parsers.amount,
}


def keys_of(config: Config) -> tuple[KeyConfig, ...]:
    """Those that the settings were read with, else the file is read now.

    Raises ConfigError for a file or key that cannot be used, in one line.
    """
    if config.keys:
        return config.keys
    if isinstance(config.credentials, KeysFile):
        return config.credentials.keys
    keys = _keys(config)
    if config.max_spend is not None:
        for key in keys:
            if key.price is None:
                raise ConfigError(
                    f"PAILITAO_MAX_SPEND={config.max_spend} needs the price of a billed call: set "
                    f"PAILITAO_PRICE, or price for key {key.name} in PAILITAO_CREDENTIALS"
                )
    return keys


def _keys(config: Config) -> tuple[KeyConfig, ...]:
    if config.credentials is None:
        return (_from_settings(config),)
    if config.app_key or config.app_secret:
        raise ConfigError(
            "PAILITAO_CREDENTIALS and PAILITAO_APP_KEY are both set: unset one of them"
        )
    return tuple(_from_file(Path(config.credentials), config))


def where_it_is_set(text: str, config: Config) -> str:
    """Advice that names a setting, in the words of who keeps keys in a file."""
    file = config.credentials
    if file is None:
        return text
    return _SETTING.sub(lambda found: f"{found[1].lower()} in {file}", text)


def _from_settings(config: Config) -> KeyConfig:
    key = replace(_defaults(config), url=config.url, token_url=config.token_url,
                  app_key=config.app_key, app_secret=config.app_secret,
                  access_token=config.access_token, refresh_token=config.refresh_token)  # fmt: skip
    if missing := _missing(key, config):
        names = " and ".join(f"PAILITAO_{name.upper()}" for name in missing)
        raise ConfigError(
            f"{names} not set: pailitao init asks for {_what(missing)} and keeps it, or export it; "
            "or try without a key: PAILITAO_SANDBOX=1"
        )
    return key


def _what(missing: list[str]) -> str:
    return "your access token" if missing == ["access_token"] else "your app's key and secret"


def _defaults(config: Config) -> KeyConfig:
    return KeyConfig(
        name=config.gateway.partition("?")[0],
        gateway=config.gateway,
        rate=config.rate,
        burst=config.burst,
        daily_calls=config.daily_calls,
        price=config.price,
    )


def _missing(key: KeyConfig, config: Config) -> list[str]:
    """A real gateway needs a key; the sandbox brings its own."""
    needs = dialect(key.gateway).needs
    return [] if config.sandbox is not None else [n for n in needs if not getattr(key, n)]


def _from_file(path: Path, config: Config) -> Iterator[KeyConfig]:
    tables = _tables(path)
    names: dict[str, int] = {}
    keys: list[KeyConfig] = []
    for number, table in enumerate(tables, start=1):
        key = _read(table, _defaults(config), f"{path}: key {_shown(table, number)}")
        _check_once(key, keys, path)
        keys.append(key)
        seen = names[key.name] = names.get(key.name, 0) + 1
        if seen > 1 and "name" in table:
            raise ConfigError(f"{path}: two keys are named {key.name!r}; give each its own name")
        key = key if seen == 1 else replace(key, name=f"{key.name}-{seen}")
        try:
            missing = _missing(key, config)
        except ConfigError as error:
            told = str(error).replace("PAILITAO_GATEWAY=", "gateway ")
            raise ConfigError(f"{path}: key {key.name}: {told}") from error
        if missing:
            raise ConfigError(
                f"{path}: key {key.name} has no {' and no '.join(missing)}, "
                f"which {key.gateway.partition('?')[0]} needs"
            )
        yield key


def _shown(table: dict[str, Any], number: int) -> str:
    name = str(table.get("name", ""))
    return name if name and name.isprintable() else str(number)


def _check_once(key: KeyConfig, others: Iterable[KeyConfig], path: Path) -> None:
    """Twice the same key would go at twice its rate."""
    who = (key.group, key.app_key, key.app_key or key.access_token)
    for other in others:
        if who == (other.group, other.app_key, other.app_key or other.access_token):
            raise ConfigError(
                f"{path}: key {key.name} is the same as key {other.name}; once will do"
            )


def _tables(path: Path) -> list[dict[str, Any]]:
    import tomllib

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"PAILITAO_CREDENTIALS={path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Of a decoder's error only the place: its text may show the line.
        place = str(error).rpartition("(at ")[2].rstrip(")") or "somewhere"
        raise ConfigError(f"PAILITAO_CREDENTIALS={path}: no TOML at {place}") from error
    tables = found.get("key")
    if (
        not isinstance(tables, list)
        or not tables
        or not all(isinstance(table, dict) for table in tables)
        or len(tables) > _MOST_KEYS
        or (set(found) != {"key"} and path.name not in _SETTINGS_FILES)
    ):
        raise ConfigError(
            f"PAILITAO_CREDENTIALS={path}: wants nothing but tables [[key]], "
            f"from 1 to {_MOST_KEYS} of them"
        )
    return tables


def _read(table: dict[str, Any], defaults: KeyConfig, where: str) -> KeyConfig:
    values: dict[str, Any] = {}
    for name, given in table.items():
        if name not in _READERS:
            raise ConfigError(f"{where}: {name} is none of {', '.join(_READERS)}")
        if isinstance(given, bool | dict | list):
            raise ConfigError(f"{where}: {name} must be text or a number")
        if str(given).strip() == "":
            continue
        try:
            values[name] = _READERS[name](str(given).strip())
        except ValueError as error:
            shown = "the value" if "secret" in name or "token" in name else repr(str(given))
            raise ConfigError(f"{where}: {name}: {shown} is not {error}") from error
    if "name" not in values:
        values["name"] = values.get("gateway", defaults.gateway).partition("?")[0]
    return replace(defaults, **values)
