"""How a run stands: read from Redis, changing nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from pailitao_spider.cluster.redis.client import Link, RedisUnavailableError
from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.errors import UNDECODABLE
from pailitao_spider.monitoring.snapshot import SharedRun
from pailitao_spider.offers.values import cleaned

if TYPE_CHECKING:
    from pailitao_spider.cluster.worker.session import ClusterSession

__all__ = ["Buried", "RunStatus", "Short", "WorkerStatus", "buried_pages", "shared_run", "standing"]

_STATES = ("open", "done", "empty", "partial", "failed")
_MOST_SHOWN = 500
_MOST_ID_BYTES = 1000
_MOST_DIGITS = 16
_LAST_MOMENT = 1e11


class _Dead(msgspec.Struct):
    why: str
    n: int = 0
    at: float = 0.0
    w: str = ""
    raw: str = ""


_DEAD = msgspec.msgpack.Decoder(_Dead, strict=False)


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a worker said of itself, `silent_seconds` ago."""

    name: str
    silent_seconds: float
    pages: int = 0
    offers: int = 0
    calls: int = 0
    in_hand: int = 0


@dataclass(frozen=True, slots=True)
class Short:
    """Seeds of which the gateway says that it has more offers than it showed."""

    seeds: int
    offers_seen: int
    offers_expected: int


@dataclass(frozen=True, slots=True)
class RunStatus:
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
    short: Short
    workers: list[WorkerStatus] = field(default_factory=list)

    @property
    def ended(self) -> int:
        """Seeds that have their final line."""
        return self.done + self.empty + self.partial + self.failed

    @property
    def seeds(self) -> int:
        return self.waiting + self.open + self.ended

    @property
    def has_seeds(self) -> bool:
        """Some were pushed."""
        return bool(self.seeds)

    @property
    def is_over(self) -> bool:
        """There were seeds, and each has its final line."""
        return self.has_seeds and not (self.waiting or self.open or self.unwritten)


@dataclass(frozen=True, slots=True)
class Buried:
    """A page, or a line of the intake, that is handed out no more."""

    id: str
    why: str
    deliveries: int
    at: float
    worker: str
    raw: str = ""


async def standing(link: Link, keys: RunKeys, run: str) -> RunStatus:
    """One look at all of it."""
    found = await link.script("standing", keys.prefix)
    waiting, counts, ready, leased, suspect, dead, ended, workers, *time = found
    number = {name.decode("utf-8", "replace"): _whole(value) for name, value in _pairs(counts)}
    now = int(time[0]) + int(time[1]) / 1e6
    return RunStatus(
        run=run,
        waiting=waiting,
        **{state: number.get(state, 0) for state in _STATES},
        pages_ready=ready,
        pages_leased=leased,
        pages_suspect=suspect,
        buried=dead,
        unwritten=ended,
        repeated=number.get("repeated", 0),
        picture_bytes=number.get("picture_bytes", 0),
        short=Short(*(number.get(name, 0) for name in ("short", "short_seen", "short_of"))),
        workers=sorted(
            (_worker(name, said, now) for name, said in _pairs(workers)), key=lambda each: each.name
        ),
    )


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _whole(text: bytes) -> int:
    """0 for what is no number, such as the moments among the counts."""
    return int(text) if text.isdigit() and len(text) < _MOST_DIGITS else 0


def _worker(name: bytes, said: bytes, now: float) -> WorkerStatus:
    at, _, words = said.partition(b" ")
    shown = _shown(name)
    silent = abs(now - _moment(at))
    try:
        return WorkerStatus(shown, silent, **msgspec.json.decode(words, type=dict[str, int]))
    except (*UNDECODABLE, TypeError):
        return WorkerStatus(shown, silent)


def _shown(raw: bytes) -> str:
    return cleaned(raw[:_MOST_ID_BYTES].decode("utf-8", "replace"))


def _moment(text: object) -> float:
    """Unix seconds; 0 for what is none."""
    try:
        at = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return at if 0 <= at < _LAST_MOMENT else 0.0


async def buried_pages(link: Link, keys: RunKeys) -> list[Buried]:
    """All that was buried, the latest first."""
    client: Any = link.client
    found: Mapping[bytes, bytes] = await link.once(lambda: client.hgetall(keys.dead))
    return sorted((_buried(*each) for each in found.items()), key=lambda each: -each.at)


def _buried(id_: bytes, raw: bytes) -> Buried:
    shown = _shown(id_)
    try:
        record = _DEAD.decode(raw)
    except UNDECODABLE:
        return Buried(shown, "its record cannot be read", 0, 0.0, "")
    words = [cleaned(text[:_MOST_SHOWN]) for text in (record.why, record.w, record.raw)]
    return Buried(shown, words[0], record.n, _moment(record.at), *words[1:])


_SILENT_SECONDS = 10.0


async def shared_run(session: ClusterSession) -> SharedRun | None:
    """One look, changing nothing; None when Redis does not answer, or has no right to it here."""
    name = session.config.run
    try:
        seen = await standing(session.link, session.keys, name)
    except RedisUnavailableError:
        return None
    return SharedRun(
        name=name,
        waiting=seen.waiting,
        open=seen.open,
        ended=seen.done + seen.empty + seen.partial + seen.failed,
        pages_ready=seen.pages_ready,
        pages_leased=seen.pages_leased,
        buried=seen.buried,
        workers=sum(each.silent_seconds < _SILENT_SECONDS for each in seen.workers),
    )
