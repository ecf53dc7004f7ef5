"""Which feed a database follows, and whether it can: PAILITAO_SQL_URL."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pailitao_spider.config.feeds import local_feeds
from pailitao_spider.errors import ConfigError
from pailitao_spider.results.paths import ResultPaths

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings
    from sqlalchemy.engine import URL

__all__ = ["SETTING", "checked_url", "followed_feed"]

SETTING = "PAILITAO_SQL_URL"

_ENDINGS = (".jsonl", ".jl")
_FORMATS = ("jsonlines", "jsonl", "jl")


def checked_url(text: str, name: str = SETTING) -> URL:
    """The database's address. Raises ConfigError, which never shows it."""
    if find_spec("sqlalchemy") is None:
        driver = " 'psycopg[binary]'" if text.startswith("postgres") else ""
        raise ConfigError(f"{name} needs one more package: pip install SQLAlchemy{driver}")
    from pailitao_spider.sql.urls import database_url

    return database_url(text, name)


def followed_feed(settings: BaseSettings, url: URL) -> ResultPaths:
    """The first local .jsonl feed, with what lies beside the first feed. Raises ConfigError."""
    from pailitao_spider.sql.urls import sqlite_file

    feeds = local_feeds(settings)
    found = (each.path for each in feeds if each.format in _FORMATS)
    feed = next((path for path in found if path.suffix in _ENDINGS), None)
    if feed is None:
        raise ConfigError(f"{SETTING} follows a feed in .jsonl; give -O offers.jsonl as well")
    paths = replace(ResultPaths.beside(feeds[0].path), feed=feed)
    file = sqlite_file(url)
    written = {path.resolve() for path in (*paths.all(), *(each.path for each in feeds))}
    if file is not None and file.resolve() in written:
        raise ConfigError(f"{SETTING}: {file} is a file of the crawl's own; give another name")
    return paths
