"""The exchange script alone, on a real Redis, driven as workers would drive it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from redis import Redis

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.seed_codec import IntakeSeed, digest_of, line_of
from pailitao_spider.cluster.worker.intake import ReadLines
from pailitao_spider.cluster.worker.messages import Answer, Message, decoded_answer, encoded
from pailitao_spider.seeds.model import Seed, UrlImage

TERMS: dict[str, Any] = {
    "lease_seconds": 1000.0,
    "lease_ceil": 1000,
    "most_deliveries": 3,
    "most_line_bytes": 65536,
    "dedup": "crawl",
    "rows_for_each": False,
    "page_size": 20,
    "max_pages": None,
    "max_rows": None,
    "passes": 1,
}

_SNAPSHOT = """
local P, found = KEYS[1], {}
for _, key in ipairs(redis.call('KEYS', P .. '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  else value = { redis.call('GET', key) } end
  found[#found + 1] = { string.sub(key, #P + 1), kind, value }
end
return found
"""


def url_seed(seed_id: str, url: str, **extra: Any) -> IntakeSeed:
    return IntakeSeed(Seed(seed_id, UrlImage(url), extra))


class Exchanges:
    """One run's scripts. What is in Redis is read with `snapshot`."""

    def __init__(self, server: LocalServer, run: str = "test") -> None:
        self.client: Redis = Redis.from_url(server.url)
        self.client.config_set("appendonly", "no")  # nothing here is about durability
        self.keys = RunKeys(run)
        link = Link(cast("Any", None))
        self._scripts = {
            name: self.client.register_script(link._script(name)[1])
            for name in ("exchange", "push", "replay")
        }
        self._snapshot = self.client.register_script(_SNAPSHOT)

    def close(self) -> None:
        self.client.close()

    def send(self, message: Message, raw: list[bytes]) -> tuple[Answer, list[bytes]]:
        reply = self._run("exchange", encoded(message), *raw)
        return decoded_answer(reply[0]), reply[1:]

    def push(self, found: IntakeSeed, *, again: bool = False, data: bytes = b"") -> str:
        """The letter that the script answers."""
        sha256 = found.sha256 or ""
        given = found.seed.seed_id, digest_of(found), line_of(found), sha256, data
        return cast("bytes", self._run("push", int(again), *given)).decode()

    def replay(self, *ids: str) -> int:
        return cast("int", self._run("replay", *ids))

    def _run(self, name: str, *args: Any) -> Any:
        return self._scripts[name](keys=[self.keys.prefix], args=args)

    def snapshot(self) -> dict[str, Any]:
        """All keys of the run: hashes and sorted sets as dictionaries, lists, sets, strings."""
        found: list[Any] = self._snapshot(keys=[self.keys.prefix])
        return {name.decode(): _READERS[kind](value) for name, kind, value in found}

    def message(self, worker: str = "w", number: int = 1, **members: Any) -> Message:
        return Message(worker, number, **{"says": "{}", **TERMS, **members})


@dataclass
class Talker:
    """A worker that says what it is told to."""

    redis: Exchanges
    name: str
    number: int = 0

    def say(self, raw: list[bytes] | None = None, **members: Any) -> Answer:
        self.number += 1
        return self.redis.send(self.redis.message(self.name, self.number, **members), raw or [])[0]

    def take(self, number: int = 1) -> Answer:
        return self.say(want=number, is_empty_handed=True)

    def admit(self, found: IntakeSeed, **push: Any) -> None:
        """Pushes a seed and lets it in."""
        self.redis.push(found, **push)
        self.admit_all()

    def admit_all(self) -> None:
        """Lets in all that waits."""
        raw = self.redis.snapshot().get("waiting", [])
        read = ReadLines.of(raw)
        self.say(raw, admits=read.admits, refusals=read.refusals)


def _pairs(flat: list[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


_READERS: dict[bytes, Any] = {
    b"hash": _pairs,
    b"zset": lambda flat: {name: float(score) for name, score in _pairs(flat).items()},
    b"list": list,
    b"set": set,
    b"string": lambda flat: flat[0],
}


def unpacked(raw: bytes) -> Any:
    return msgspec.msgpack.decode(raw)
