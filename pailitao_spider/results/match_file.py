"""The file of sightings, in which those of one seed are found again for another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pailitao_spider.results.lines import ENCODER, NO_LINE, LineFile, lines_of
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["MatchFile", "given_to"]

_SCHEMA = """
CREATE TABLE places (seed TEXT, start INT, size INT);
CREATE INDEX by_seed ON places (seed);
"""
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Of(msgspec.Struct):
    seed_id: str | None = None


_OF = msgspec.json.Decoder(_Of)


def given_to(seed_id: str, raw: bytes) -> bytes:
    """The same sighting with another seed, its digits as they stand."""
    members: dict[str, Any] = {**_MEMBERS.decode(raw), "seed_id": seed_id}
    return ENCODER.encode(members) + b"\n"


class MatchFile(LineFile):
    """Lines of matches. Where those of a seed stand is noted on disk, a page at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._places = scratch_database(_SCHEMA)
        self._seed: str | None = None
        self._start = self._end = 0
        self._is_begun = False

    def append(self, value: Any) -> None:
        """Adds a `Match`."""
        self._take(value.seed_id, ENCODER.encode(value) + b"\n")

    def copy(self, seed_id: str, to: str) -> None:
        """Adds the sightings of a seed once more, for another one. Raises OSError."""
        for raw in list(self._lines(seed_id)):
            self._take(to, given_to(to, raw))

    def forget(self) -> None:
        """Lets go of what was noted."""
        self._places.close()

    def _take(self, seed_id: str | None, line: bytes) -> None:
        self._begin()
        if seed_id != self._seed:
            self._note()
            self._seed = seed_id
        self._end += len(line)
        self.write(line)

    def _begin(self) -> None:
        """What the file holds when the first line is added is of runs before this one."""
        if self._is_begun:
            return
        self._is_begun = True
        for raw in lines_of(self.path):
            seed_id = _seed_of(raw)
            if seed_id != self._seed:
                self._note()
                self._seed = seed_id
            self._end += len(raw)

    def _note(self) -> None:
        if self._end > self._start and self._seed is not None:
            place = (self._seed, self._start, self._end - self._start)
            self._places.execute("INSERT INTO places VALUES (?, ?, ?)", place)
        self._start = self._end

    def _lines(self, seed_id: str) -> Iterator[bytes]:
        self._begin()
        self._note()
        self.flush()
        found = self._places.execute(
            "SELECT start, size FROM places WHERE seed = ? ORDER BY start", (seed_id,)
        ).fetchall()
        if not found:
            return
        with self.path.open("rb") as file:
            for start, size in found:
                file.seek(start)
                yield from file.read(size).splitlines(keepends=True)


def _seed_of(raw: bytes) -> str | None:
    try:
        return _OF.decode(raw).seed_id
    except NO_LINE:
        return None
