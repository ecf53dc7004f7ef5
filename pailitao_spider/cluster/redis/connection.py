"""A client for the Redis that the settings name, through scrapy-redis' own connection.

`REDIS_URL` takes `redis://`, `rediss://` (TLS), `unix://`, `redis+sentinel://host:port,host:port/
service/db` and `redis+cluster://host:port`; `REDIS_PARAMS` and the other settings of scrapy-redis
mean what they mean there. Waiting and trying again is ours: the client itself does neither.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from redis import exceptions
from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from scrapy.settings import Settings
from scrapy_redis.connection import get_redis_from_settings

from pailitao_spider.config.shown_urls import ODD_LOGIN, has_odd_login, shown_url
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.washing import HIDDEN

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["Client", "connect", "shown_address"]

Client = Redis | RedisCluster

_TIMEOUT_SECONDS = 2.0
# The commands CLIENT SETINFO and CLIENT MAINT_NOTIFICATIONS: no user can be given a right to these
# that every version from 6.2 on can read, and nothing here needs them.
_SAYS_NOTHING_OF_ITSELF: dict[str, Any] = {
    "driver_info": None,
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
}
_SENTINEL, _CLUSTER = "redis+sentinel", "redis+cluster"


class _Server(Redis):
    def __init__(self, *args: Any, retry_on_timeout: bool = False, **given: Any) -> None:
        """Leaves out what scrapy-redis always sets and this client no longer takes."""
        super().__init__(*args, **given)


class _Cluster(RedisCluster):
    def __init__(self, *args: Any, retry_on_timeout: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)

    async def initialize(self, *args: Any, **given: Any) -> Self:
        """A cluster without a node that answers is away as any other server is."""
        try:
            await super().initialize(*args, **given)
        except exceptions.RedisClusterException as error:
            raise exceptions.ConnectionError(str(error)) from error
        return self


class _Master(_Server):
    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes the lines to the sentinels as well."""
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        assert isinstance(pool, SentinelConnectionPool)
        await pool.sentinel_manager.aclose()


def connect(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> Client:
    """A client that answers in bytes, gives up a call after two seconds, and never tries twice.

    Nothing is sent yet. Raises ConfigError for an address that cannot be read.
    """
    url = _url(settings, environ)
    own = {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        **_SAYS_NOTHING_OF_ITSELF,
        **settings.getdict("REDIS_PARAMS"),
        "retry": Retry(NoBackoff(), 0),
    }
    if url and has_odd_login(url):
        raise ConfigError(f"REDIS_URL={shown_url(url)!r} cannot be used: {ODD_LOGIN}")
    try:
        scheme = urlsplit(url).scheme if url else ""
        if scheme == _SENTINEL:
            return _sentinel_client(url or "", own)
        return _direct_client(settings, url, scheme == _CLUSTER, own)
    except (ValueError, TypeError) as error:
        where, why = shown_url(url or ""), _without_login_of(url or "", str(error))
        raise ConfigError(f"REDIS_URL={where!r} cannot be used: {why}") from None


def _without_login_of(url: str, text: str) -> str:
    """A parser's words, which may hold a part of the password."""
    login = url.partition("://")[2].rpartition("@")[0]
    for part in filter(None, re.split(r"[:/?#@]", login)):
        text = text.replace(part, HIDDEN)
    return text


def _url(settings: BaseSettings, environ: Mapping[str, str]) -> str | None:
    found: str | None = settings.get("REDIS_URL") or environ.get("REDIS_URL")
    return found


def shown_address(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> str:
    """Where `connect` connects to, without a password."""
    if url := _url(settings, environ):
        return shown_url(url)
    given = settings.getdict("REDIS_PARAMS")
    host = settings.get("REDIS_HOST") or given.get("host", "localhost")
    port = settings.get("REDIS_PORT") or given.get("port", 6379)
    return f"redis://{host}:{port}"


def _direct_client(
    settings: BaseSettings, url: str | None, is_cluster: bool, own: dict[str, Any]
) -> Client:
    copy = Settings(dict(settings))  # a crawl's own are frozen by now
    copy.set("REDIS_DECODE_RESPONSES", False, "cmdline")
    kind = _Cluster if is_cluster else _Server
    params: dict[str, Any] = {"redis_cls": kind, "retry_on_timeout": False, **own}
    if is_cluster:
        copy.set("REDIS_URL", (url or "").replace("redis+cluster", "redis", 1), "cmdline")
    elif url:
        copy.set("REDIS_URL", url, "cmdline")
    copy.set("REDIS_PARAMS", params, "cmdline")
    client: Client = get_redis_from_settings(copy)
    return client


def _sentinel_client(url: str, own: dict[str, Any]) -> Client:
    """`redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/db]`."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("write redis+sentinel://host:26379,host:26379/service/0")
    nodes = [_node(place) for place in places.split(",")]
    user, _, password = login.partition(":")
    given = {name: unquote(text) for name, text in (("username", user), ("password", password))}
    own = {**own, **{name: text for name, text in given.items() if text}, "db": int(database or 0)}
    sentinel = Sentinel(nodes, sentinel_kwargs=_without_login(own), **own)  # type: ignore[no-untyped-call]
    client: Client = sentinel.master_for(service, redis_class=_Master)
    return client


def _without_login(own: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in own.items() if name not in ("username", "password", "db")
    }


def _node(place: str) -> tuple[str, int]:
    host, _, port = place.strip().rpartition(":")
    return (host, int(port)) if host else (port, 26379)
