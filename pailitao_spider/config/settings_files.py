"""Settings from files: `./pailitao.toml`, and the user's own below that.

    gateway = "imagequery"     # PAILITAO_GATEWAY, and so on: lower case, no prefix
    daily_calls = 5000
    [[key]]                    # as in a file of PAILITAO_CREDENTIALS
    app_key = "…"

What is given by `-s` or the environment stands above them. An address counts only beside the key
that it serves: a file in a folder that somebody sent must not send the user's key elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_config_path

from pailitao_spider.config.setting_table import KNOWN_NAMES
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.registry import DIALECTS

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["FileSettings", "apply_files", "read_file_settings", "user_file"]

HERE = Path("pailitao.toml")
_PREFIX = "PAILITAO_"
_PLAIN = {"redis_url": "REDIS_URL"}
_KEY = ("app_key", "app_secret", "access_token", "refresh_token")
_ADDRESSES = ("url", "token_url", "redis_url")
_APPLIED = "_PAILITAO_FILES_APPLIED"
_NAMES = frozenset([*(each.removeprefix(_PREFIX).lower() for each in KNOWN_NAMES), *_PLAIN])


def user_file() -> Path:
    """Where a user's own settings stand."""
    return user_config_path("pailitao_spider", appauthor=False) / "config.toml"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What one file says. `warnings` are lines for a person."""

    path: Path
    values: Mapping[str, str]
    has_keys: bool
    warnings: tuple[str, ...] = ()


def apply_files(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Sets what files say and nothing above them does; lines for a person.

    Raises ConfigError for a file that cannot be used. A second time it does nothing.
    """
    if settings.get(_APPLIED):
        return []
    settings.set(_APPLIED, True, priority="default")
    told: list[str] = []
    for path in (HERE, user_file()):
        if path.is_file():
            found = read_file_settings(path)
            told += [*found.warnings, *_apply(found, settings, environ)]
    if language := settings.get("PAILITAO_LANG"):  # asked for before there are settings
        os.environ.setdefault("PAILITAO_LANG", str(language))
    return told


def read_file_settings(path: Path) -> FileSettings:
    """Raises ConfigError: the file, what is wrong with it, and the remedy in one line."""
    import tomllib  # loaded where there is such a file

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Of a decoder's error only the place: its text may show the line.
        place = str(error).rpartition("(at ")[2].rstrip(")") or "somewhere"
        raise ConfigError(f"{path}: no TOML at {place}") from error
    keys = found.pop("key", None)
    if keys is not None and not isinstance(keys, list):
        raise ConfigError(f"{path}: keys are tables; write [[key]] above each")
    values = {name: _text(path, name, value) for name, value in found.items()}
    is_secret = bool(keys) or any(name in values for name in _KEY)
    warnings = (_open_file(path),) if is_secret and _is_open(path) else ()
    return FileSettings(path, values, bool(keys), warnings)


def _text(path: Path, name: str, value: Any) -> str:
    if name not in _NAMES:
        like = get_close_matches(name.lower().removeprefix("pailitao_"), _NAMES, 1)
        hint = f"; did you mean {like[0]}?" if like else ""
        raise ConfigError(f"{path}: {name} is no setting{hint}")
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str | int):
        raise ConfigError(f"{path}: {name} must be text, a number, true or false")
    return str(value)


def _is_open(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _open_file(path: Path) -> str:
    return f"{path}: others can read it, and it holds a key; chmod 600 {path}"


def _apply(
    found: FileSettings, settings: BaseSettings, environ: Mapping[str, str]
) -> Iterator[str]:
    """Sets the values of one file; what it may not say is told."""
    has_key_above = any(_is_set(_setting(name), settings, environ)
                        for name in (*_KEY, "credentials"))  # fmt: skip
    brings_key = not has_key_above and any(found.values.get(name) for name in _KEY)
    may_redirect = brings_key or found.path == user_file()
    for name, value in found.values.items():
        if _is_set(_setting(name), settings, environ) or (name in _KEY and not brings_key):
            continue
        if may_redirect or not _is_address(name, value):
            settings.set(_setting(name), value, priority="default")
            continue
        yield (
            f"{found.path}: {name} is left out: an address counts only beside the key that it "
            "serves; write both into one file, or set it by -s or the environment"
        )
    if found.has_keys and not has_key_above and not brings_key:
        settings.set("PAILITAO_CREDENTIALS", str(found.path), priority="default")


def _setting(name: str) -> str:
    return _PLAIN.get(name, f"{_PREFIX}{name.upper()}")


def _is_set(setting: str, settings: BaseSettings, environ: Mapping[str, str]) -> bool:
    return any(str(each or "").strip() for each in (settings.get(setting), environ.get(setting)))


def _is_address(name: str, value: str) -> bool:
    """A gateway that is not one of the package's own has an address, or is code."""
    is_own = name == "gateway" and value.partition("?")[0] in DIALECTS
    return name in _ADDRESSES or (name == "gateway" and not is_own)
