"""The address of a database. Nothing here ever shows it: it may hold a password."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pailitao_spider.errors import ConfigError

__all__ = ["database_url", "secrets_of", "sqlite_file"]

_FORMS = "sqlite:///offers.db or postgresql://user:password@host/name"
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SECRET_OPTIONS = ("password", "sslpassword", "passfile")


def database_url(text: str, name: str) -> URL:
    """What `name` says, with the driver that is used. Raises ConfigError."""
    try:
        given = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"{name}: the value is no database URL; give {_FORMS}") from error
    if given.drivername not in _DRIVERS:
        raise ConfigError(f"{name}: the value is of no database that is known; give {_FORMS}")
    url = given.set(drivername=_DRIVERS[given.drivername])
    if url.get_backend_name() == "postgresql" and text.count("@") > 1:
        raise ConfigError(f"{name}: in its password, write @ as %40, : as %3A and / as %2F")
    _check_sqlite(url, name)
    _check_driver(url, name)
    return url


def _check_sqlite(url: URL, name: str) -> None:
    if url.get_backend_name() != "sqlite":
        return
    path = sqlite_file(url)
    if path is None:
        raise ConfigError(f"{name}: names no file; give sqlite:///offers.db")
    if not path.parent.is_dir() or path.is_dir():
        raise ConfigError(f"{name}: {path} cannot be a file; give one in a folder that exists")


def _check_driver(url: URL, name: str) -> None:
    if url.get_backend_name() != "postgresql":
        return
    try:
        import_module("psycopg")
    except ImportError:
        raise ConfigError(
            f"{name}: PostgreSQL needs one more package: pip install 'psycopg[binary]'"
        ) from None


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for one in memory, and for other databases."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def secrets_of(url: URL) -> tuple[str, ...]:
    """What may stand in no message."""
    options = [url.query.get(name) for name in _SECRET_OPTIONS]
    found = [url.password, *options]
    return tuple(str(secret) for secret in found if secret)
