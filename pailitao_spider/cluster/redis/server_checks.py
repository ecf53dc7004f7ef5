"""Is the Redis that the settings name there, and fit for work that must not be lost?"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from redis import exceptions
from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import MasterNotFoundError

from pailitao_spider.cluster.redis.connection import Client, connect, shown_address
from pailitao_spider.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["check_server", "open_client"]

_OLDEST = (6, 2)
_ACL = "~{pailitao* +@read +@write +@scripting +@connection -@dangerous +info +time"
_FAILURES = (exceptions.RedisError, OSError)
_PAUSE_SECONDS = 0.3
# What may pass by itself, and how often it is tried again: a busy server answers late.
_PASSING: Mapping[type[BaseException], int] = {
    exceptions.ConnectionError: 4,
    exceptions.TimeoutError: 1,
}

# The first that is in the chain of causes counts; {} is what the error says itself.
_REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted ({}); name its CA: rediss://…?ssl_ca_certs=ca.pem",
    ),
    (ssl.SSLError, "no TLS with it ({}); a server without TLS is redis://, one with it rediss://"),
    (socket.gaierror, "there is no host of this name; correct REDIS_URL"),
    (
        exceptions.AuthenticationError,
        "wrong user or password, or none given; write redis://USER:PASSWORD@HOST:PORT",
    ),
    (exceptions.NoPermissionError, "{}; give the user its rights: ACL SETUSER USER " + _ACL),
    (
        MasterNotFoundError,
        "no sentinel there knows a master of this name that is up; check hosts and name",
    ),
    (ConnectionRefusedError, "nothing listens there; start Redis, or correct REDIS_URL"),
    (
        exceptions.TimeoutError,
        "no answer in time; check host, port and firewall, and rediss:// against redis://",
    ),
    (
        exceptions.ConnectionError,
        "the line broke ({}); check host and port, and rediss:// against redis://",
    ),
)


async def open_client(settings: BaseSettings, environ: Mapping[str, str] = os.environ) -> Client:
    """A client of a Redis that answers. A line that breaks is tried five times, one that is silent
    twice.

    Raises ConfigError: address, what is wrong, remedy.
    """
    client = connect(settings, environ)
    try:
        await _ping(client)
    except exceptions.BusyLoadingError:
        return client  # it will come; who calls knows how to wait
    except _FAILURES as error:
        await client.aclose()
        raise ConfigError(f"Redis at {shown_address(settings, environ)}: {_why(error)}") from error
    return client


async def _ping(client: Client) -> None:
    failures = Counter[type[BaseException]]()
    while True:
        try:
            await client.ping()
            return
        except exceptions.BusyLoadingError:
            raise
        except exceptions.RedisError as error:
            kind = _recognized(error)[0]
            failures[kind] += 1
            if failures[kind] > _PASSING.get(kind, 0):
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


def _why(error: BaseException) -> str:
    _, cause, text = _recognized(error)
    return text.replace("{}", _line(cause))


def _recognized(error: BaseException) -> tuple[type[BaseException], BaseException, str]:
    """The kind, the cause that is of it, and what to say."""
    causes = list(_chain(error))
    for kind, text in _REMEDIES:
        for cause in causes:
            if isinstance(cause, kind):
                return kind, cause, text
    return type(error), error, f"{type(error).__name__}: {{}}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]


_Check = Callable[[Mapping[str, Any]], bool]


def _is_old(info: Mapping[str, Any]) -> bool:
    numbers = str(info.get("redis_version", "")).split(".")[:2]
    return all(each.isdigit() for each in numbers) and tuple(map(int, numbers)) < _OLDEST


def _may_evict(info: Mapping[str, Any]) -> bool:
    policy = info.get("maxmemory_policy", "noeviction")
    return bool(info.get("maxmemory")) and policy != "noeviction"


_WARNINGS: tuple[tuple[_Check, str], ...] = (
    (_is_old, "Redis {redis_version} is older than 6.2; take a newer one, or Valkey"),
    (
        lambda info: info.get("aof_enabled") == 0,
        "Redis writes no log: what is queued is lost when it ends; set `appendonly yes`",
    ),
    (
        _may_evict,
        "Redis throws keys away when its memory is full (maxmemory-policy {maxmemory_policy}); "
        "set `maxmemory-policy noeviction`",
    ),
    (
        lambda info: info.get("role") == "slave",
        "this Redis is a replica, which nothing can be written to; name its master",
    ),
    (
        lambda info: info["mode"] == "sentinel",
        "this is a sentinel and no Redis; write redis+sentinel://HOST:PORT/SERVICE",
    ),
    (
        lambda info: info["mode"] == "cluster" and not info["is_cluster_client"],
        "this Redis is one node of a cluster; write redis+cluster://HOST:PORT",
    ),
)


async def check_server(client: Client) -> list[str]:
    """What is not as safe as it could be, a line each; nothing where INFO is forbidden."""
    try:
        info = await client.info()
    except exceptions.ResponseError:
        return []
    known = {
        **info,
        "mode": info.get("server_mode") or info.get("redis_mode"),  # Valkey's word, and Redis'
        "is_cluster_client": isinstance(client, RedisCluster),
    }
    return [text.format_map(known) for is_so, text in _WARNINGS if is_so(known)]
