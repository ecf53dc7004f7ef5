"""Seeds from a source into the intake of a run: streamed, each picture once, repeatable.

Pictures on this machine are prepared here and stored by the hash of their bytes; no worker opens
a path. They are let in only as fast as the workers use them up.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.cluster.seed_codec import (
    MOST_LINE_BYTES,
    IntakeSeed,
    NoSeedError,
    digest_of,
    line_of,
    seed_name,
)
from pailitao_spider.errors import UNDECODABLE, BadSeedError
from pailitao_spider.pictures import PictureLimits, prepare
from pailitao_spider.seeds.ids import id_apart
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Seed, StoredImage, UrlImage

__all__ = ["Pushed", "SeedPusher"]

_MOST_PUSHED_BYTES = MOST_LINE_BYTES - 1024  # a longer name must still fit
_TOGETHER = 500
_TOGETHER_BYTES = 4 * 2**20
_ROOM_POLL_SECONDS = 0.5
_SHOWN_NAMES = 5


@dataclass(slots=True)
class Pushed:
    """What became of the seeds so far."""

    new: int = 0
    known: int = 0
    renamed: int = 0
    bad: int = 0

    @property
    def number(self) -> int:
        return self.new + self.known


class _Record(msgspec.Struct):
    p: str | None = None


@dataclass(slots=True)
class _Entry:
    """One seed on its way, under the name that it tries to get."""

    found: IntakeSeed
    line: bytes
    sha256: str = ""
    data: bytes = b""
    names: int = 0

    @property
    def seed_id(self) -> str:
        return self.found.seed.seed_id

    @property
    def digest(self) -> str:
        return digest_of(self.found)

    def renamed(self) -> _Entry:
        """The same under the next name, since this one is another picture's."""
        number = self.names + 1
        seed = self.found.seed
        name = seed.seed_id if self.names else id_apart(seed.seed_id, seed.image.label)
        if self.names:
            name = f"{name.removesuffix(f'-{self.names}') if self.names > 1 else name}-{number}"
        found = replace(self.found, seed=replace(self.found.seed, seed_id=name))
        return replace(self, found=found, line=line_of(found), names=number)


class SeedPusher:
    """Pushes seeds to one run. `room` is how many bytes of pictures may lie in Redis."""

    def __init__(
        self,
        link: Link,
        keys: RunKeys,
        limits: PictureLimits,
        room: int,
        *,
        again: bool = False,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.pushed = Pushed()
        self._link = link
        self._keys = keys
        self._limits = limits
        self._room = room
        self._again = again
        self._tell = tell
        self._waiting: list[_Entry] = []
        self._waiting_bytes = 0

    async def push(self, seeds: Iterable[Seed | BadLine]) -> Pushed:
        """All of them; what is interrupted can be repeated without doubling anything."""
        for each in seeds:
            entry = await self._entry(each)
            if entry is None:
                continue
            self._waiting.append(entry)
            self._waiting_bytes += len(entry.line) + len(entry.data)
            if len(self._waiting) >= _TOGETHER or self._waiting_bytes >= _TOGETHER_BYTES:
                await self._flush()
        await self._flush()
        return self.pushed

    async def _entry(self, each: Seed | BadLine) -> _Entry | None:
        if isinstance(each, BadLine):
            return self._bad(each)
        if isinstance(each.image, UrlImage):
            return self._checked(each)
        return await self._stored(each)

    async def _stored(self, seed: Seed) -> _Entry | None:
        """The picture's bytes go along, unless the run has the seed already."""
        label = seed.image.label
        try:
            raw = load(seed.image)  # type: ignore[arg-type]
        except BadSeedError as error:
            text = f"{label}: {error}"
            return self._bad(BadLine(seed.seed_id, label, error.code, text, seed.extra))
        sha256 = hashlib.sha256(raw).hexdigest()
        entry = self._checked(replace(seed, image=StoredImage(sha256, label)))
        if entry.found.bad:
            return entry
        if not self._again and await self._is_known(entry):
            self.pushed.known += 1
            return None
        try:
            entry.sha256, entry.data = sha256, prepare(raw, self._limits).data
        except BadSeedError as error:
            return self._refused(entry.found.seed, error.reason, f"{label}: {error}")
        await self._await_room(len(entry.data))
        return entry

    def _checked(self, seed: Seed) -> _Entry:
        try:
            name = seed_name(seed.seed_id)
            found = IntakeSeed(seed if name == seed.seed_id else replace(seed, seed_id=name))
            line = line_of(found)
        except NoSeedError as error:
            return self._left_out(seed, "bad_columns", str(error))
        if len(line) > _MOST_PUSHED_BYTES:
            why = f"its columns take {len(line)} bytes; leave out long ones"
            return self._left_out(seed, "too_long", why)
        return _Entry(found, line)

    def _left_out(self, seed: Seed, code: str, why: str) -> _Entry:
        image = seed.image.label[:200]
        return self._bad(BadLine(seed.seed_id, image, code, f"{seed.seed_id}: {why}"))

    def _bad(self, bad: BadLine) -> _Entry:
        seed = Seed(seed_name(bad.seed_id), UrlImage(bad.image), bad.extra)
        return self._refused(seed, f"{bad.code}: {bad.text}", bad.text)

    def _refused(self, seed: Seed, reason: str, told: str) -> _Entry:
        self.pushed.bad += 1
        if self.pushed.bad <= _SHOWN_NAMES:
            self._tell(told)
        elif self.pushed.bad == _SHOWN_NAMES + 1:
            self._tell("more bad lines are told in the ledger only")
        found = IntakeSeed(seed, reason)
        return _Entry(found, line_of(found))

    async def _is_known(self, entry: _Entry) -> bool:
        raw = await self._field(self._keys.seeds, entry.seed_id)
        try:
            record = msgspec.msgpack.decode(raw or b"", type=_Record)
        except UNDECODABLE:
            return False
        return record.p == entry.digest

    async def _await_room(self, more: int) -> None:
        has_told = False
        while (stored := await self._stored_bytes() + self._waiting_bytes) + more > self._room:
            if not stored:
                return  # one is let in, however large
            if self._waiting:
                await self._flush()
                continue
            if not has_told:
                has_told = True
                self._tell(
                    f"{self.pushed.number} pushed; waiting until workers have used up "
                    "pictures that lie in Redis (--room)"
                )
            await asyncio.sleep(_ROOM_POLL_SECONDS)

    async def _stored_bytes(self) -> int:
        return int(await self._field(self._keys.counts, "picture_bytes") or 0)

    async def _field(self, key: str, name: str) -> bytes | None:
        client: Any = self._link.client
        found: bytes | None = await self._link.patiently(lambda: client.hget(key, name))
        return found

    async def _flush(self) -> None:
        entries, self._waiting, self._waiting_bytes = self._waiting, [], 0
        while entries:
            answers = await self._link.patient_script(
                "push", self._keys.prefix, int(self._again), *_arguments(entries)
            )
            entries = list(self._not_taken(entries, answers.decode()))

    def _not_taken(self, entries: list[_Entry], answers: str) -> Iterator[_Entry]:
        """Those whose name is another picture's, under another name."""
        for entry, answer in zip(entries, answers, strict=True):
            if answer == "t":
                self.pushed.renamed += not entry.names
                yield entry.renamed()
            elif answer == "n":
                self.pushed.new += 1
            else:
                self.pushed.known += 1


def _arguments(entries: list[_Entry]) -> Iterator[str | bytes]:
    for entry in entries:
        yield from (entry.seed_id, entry.digest, entry.line, entry.sha256, entry.data)
