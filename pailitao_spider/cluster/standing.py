"""How a run stands: read from Redis, changing nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pailitao_spider.cluster.keys import RunKeys
from pailitao_spider.cluster.link import Link

__all__ = ["Buried", "Standing", "WorkerSeen", "buried_pages", "standing"]

_STATES = ("open", "done", "empty", "partial", "failed")


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """What a worker said of itself, `silent_seconds` ago."""

    name: str
    silent_seconds: float
    pages: int = 0
    offers: int = 0
    calls: int = 0
    in_hand: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Numbers of one run; every seed is in exactly one state."""

    run: str
    waiting: int
    open: int
    done: int
    empty: int
    partial: int
    failed: int
    pages_ready: int
    pages_leased: int
    pages_suspect: int
    buried: int
    unwritten: int
    repeated: int
    picture_bytes: int
    workers: list[WorkerSeen] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Every seed has its final line."""
        return not (self.waiting or self.open or self.unwritten)


@dataclass(frozen=True, slots=True)
class Buried:
    """A page, or a line of the intake, that is handed out no more."""

    id: str
    why: str
    deliveries: int
    at: float
    worker: str
    raw: str = ""


async def standing(link: Link, keys: RunKeys, run: str) -> Standing:
    """One look at all of it."""
    found = await link.script("standing", keys.prefix)
    waiting, counts, ready, leased, suspect, dead, ended, workers, *time = found
    number = {name.decode(): value for name, value in _pairs(counts)}
    now = int(time[0]) + int(time[1]) / 1e6
    return Standing(
        run=run,
        waiting=waiting,
        **{state: int(number.get(state, 0)) for state in _STATES},
        pages_ready=ready,
        pages_leased=leased,
        pages_suspect=suspect,
        buried=dead,
        unwritten=ended,
        repeated=int(number.get("repeated", 0)),
        picture_bytes=int(number.get("picture_bytes", 0)),
        workers=sorted(
            (_worker(name, said, now) for name, said in _pairs(workers)), key=lambda each: each.name
        ),
    )


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _worker(name: bytes, said: bytes, now: float) -> WorkerSeen:
    at, _, words = said.partition(b" ")
    shown = name.decode("utf-8", "replace")
    try:
        numbers = msgspec.json.decode(words, type=dict[str, int])
        return WorkerSeen(shown, max(0.0, now - float(at)), **numbers)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError):
        return WorkerSeen(shown, 0.0)


async def buried_pages(link: Link, keys: RunKeys) -> list[Buried]:
    """All that was buried, the latest first."""
    client: Any = link.client
    found: Mapping[bytes, bytes] = await link.once(lambda: client.hgetall(keys.dead))
    return sorted((_buried(*each) for each in found.items()), key=lambda each: -each.at)


def _buried(id_: bytes, raw: bytes) -> Buried:
    shown = id_.decode("utf-8", "replace")
    try:
        record = msgspec.msgpack.decode(raw, type=dict[str, Any])
        return Buried(
            shown, str(record["why"]), int(record["n"]), float(record["at"]), str(record["w"]),
            str(record.get("raw", "")),
        )  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, TypeError):
        return Buried(shown, "its record cannot be read", 0, 0.0, "")
