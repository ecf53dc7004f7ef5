"""The ledger: one final line a seed, written only when its offers are safe on disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec

from pailitao_spider.errors import ResultsError
from pailitao_spider.offers import RejectedRow
from pailitao_spider.results.lines import ENCODER, LineFile, cut_torn_tail, lines_of, rewrite
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.roster import Roster
from pailitao_spider.seeds import Seed

__all__ = ["Books", "LedgerLine", "Status"]

Status = Literal["done", "empty", "partial", "failed"]
_COMPLETE = ("done", "empty")


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How one seed ended. Times are ISO 8601; `calls` counts every attempt for its picture."""

    seed_id: str
    image: str
    status: Status
    reason: str | None = None
    pages_expected: int = 0
    pages_fetched: int = 0
    rows_seen: int = 0
    offers_new: int = 0
    total_reported: int | None = None
    calls: int = 0
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One sighting of an offer in a seed's result."""

    seed_id: str | None
    num_iid: str
    page: int | None
    rank: int | None
    similarity: object
    price: object


_LINE = msgspec.json.Decoder(LedgerLine)
_NO_LINE = (msgspec.DecodeError, UnicodeDecodeError)


class _SeedOf(msgspec.Struct):
    seed_id: str | None = None


_SEED_OF = msgspec.json.Decoder(_SeedOf)


class Books:
    """Ledger, rejected rows and matches of one crawl, and the commit that makes them true.

    `flush_feeds` hands all written offers to the system and returns the descriptors to fsync;
    it raises when an offer could not be written.
    """

    def __init__(self, paths: ResultPaths | None, flush_feeds: Callable[[], list[int]]) -> None:
        self.roster = Roster()
        self._paths = paths
        self._flush_feeds = flush_feeds
        self._pending: list[LedgerLine] = []
        self._lock = asyncio.Lock()
        self._superseded = False
        self._failed = False
        self._trusts_feed = True
        self.claims_void = 0
        self._held: Path | None = None
        self.is_held = False
        """Nothing is claimed before the feed is whole, at its end."""
        self._files: dict[str, LineFile] = {}
        if paths is not None:
            self._files = {
                name: LineFile(getattr(paths, name)) for name in ("rejected", "matches", "seeds")
            }

    @property
    def paths(self) -> ResultPaths | None:
        return self._paths

    # a feed that is nothing before its end

    def hold(self) -> None:
        """Final lines are written under another name until `release`: a kill leaves no claim."""
        if self._paths is not None and self._held is None:
            self._held, self.is_held = _held(self._paths), True
            self._files["seeds"] = LineFile(self._held)

    def release(self, *, is_whole: bool) -> None:
        """The feed is finished, or never will be. Raises OSError."""
        if self._paths is None or self._held is None:
            return
        held, self._held = self._held, None
        self._files["seeds"].close()
        self._files["seeds"] = LineFile(self._paths.seeds)
        if is_whole and held.exists():
            held.replace(self._paths.seeds)
        else:
            held.unlink(missing_ok=True)

    # opening

    def start_over(self) -> None:
        """Removes what an earlier run left; the ledger first, so that a kill loses no claim."""
        if self._paths is None:
            return
        names = (self._paths.seeds, self._paths.matches, self._paths.rejected)
        for path in (*names, _held(self._paths)):
            path.unlink(missing_ok=True)

    def claims(self) -> int:
        """How many offers of the feed the ledger has claimed."""
        if self._paths is None:
            return 0
        cut_torn_tail(self._paths.seeds)
        last = {
            line.seed_id: line.offers_new
            for line in map(_line, lines_of(self._paths.seeds))
            if line
        }
        return sum(last.values())

    def go_on(self, *, trusts_feed: bool = True) -> None:
        """Takes up an earlier run: its final seeds are known, unfinished side lines are cut.

        Where a feed is gone, its ledger's claims are void: `trusts_feed` False.
        """
        if self._paths is None:
            return
        self._trusts_feed = trusts_feed
        for path in (self._paths.seeds, self._paths.matches, self._paths.rejected):
            cut_torn_tail(path)
        for raw in lines_of(self._paths.seeds):
            self._take_up(raw)
        for path in (self._paths.matches, self._paths.rejected):
            rewrite(path, self._is_of_complete_seed)

    def _take_up(self, raw: bytes) -> None:
        try:
            line = _LINE.decode(raw)
        except _NO_LINE:
            self._superseded = True  # an unreadable line goes when the ledger is tidied
            return
        is_void = line.status == "done" and not self._trusts_feed
        status = "partial" if is_void else line.status
        self.claims_void += is_void
        self._superseded |= self.roster.note_seed(line.seed_id, line.image, status)

    def _is_of_complete_seed(self, raw: bytes) -> bool:
        try:
            seed_id = _SEED_OF.decode(raw).seed_id
        except _NO_LINE:
            return False
        return seed_id is not None and self.is_complete(seed_id)

    # questions

    def is_complete(self, seed_id: str) -> bool:
        """The seed needs no further search."""
        known = self.roster.seed(seed_id)
        return known is not None and known[1] in _COMPLETE

    def named_apart(self, seed: Seed) -> Seed:
        """The seed under an id that no other picture has in the ledger.

        A failed seed brought nothing: mending its picture takes its line over.
        """
        known = self.roster.seed(seed.seed_id)
        if known is None or known[0] == seed.image.label or known[1] == "failed":
            return seed
        suffix = hashlib.sha256(seed.image.label.encode()).hexdigest()[:8]
        return replace(seed, seed_id=f"{seed.seed_id}-{suffix}")

    # writing

    def reject(self, row: RejectedRow) -> None:
        """Keeps a row that is no offer."""
        if "rejected" in self._files:
            self._files["rejected"].append(row)

    def match(self, match: Match) -> None:
        """Keeps a sighting."""
        if "matches" in self._files:
            self._files["matches"].append(match)

    def close_seed(self, line: LedgerLine) -> None:
        """Takes a seed's final line; it is written by the next commit."""
        self._pending.append(line)

    @property
    def has_pending(self) -> bool:
        """A commit would write something; after a failed one none does."""
        return bool(self._pending) and not self._failed

    def note_picture(self, key: str, line: LedgerLine) -> None:
        """Remembers how the search for a picture ended, for other seeds with it."""
        self.roster.note_picture(key, ENCODER.encode(line))

    def picture(self, key: str) -> LedgerLine | None:
        """How this run's search for a picture ended."""
        found = self.roster.picture(key)
        return None if found is None else _LINE.decode(found)

    async def commit(self) -> list[LedgerLine]:
        """Makes offers durable, then says so; returns the lines that are now final.

        Raises ResultsError, once and for all: the ledger claims nothing after a failed write.
        """
        return await self.sync() if self._pending else []

    async def sync(self) -> list[LedgerLine]:
        """As `commit`, also when no line is pending: all that was written becomes durable."""
        async with self._lock:
            if self._failed:
                return []
            lines, self._pending = self._pending, []
            try:
                await self._write(lines)
            except OSError as error:
                self._failed = True
                raise ResultsError(f"results cannot be written: {error}") from error
            return lines

    async def _write(self, lines: list[LedgerLine]) -> None:
        side = [
            self._files[name].flush() for name in ("rejected", "matches") if name in self._files
        ]
        await _sync([*self._flush_feeds(), *(fd for fd in side if fd is not None)])
        for line in lines:
            self._superseded |= self.roster.note_seed(line.seed_id, line.image, line.status)
            if "seeds" in self._files:
                self._files["seeds"].append(line)
        if "seeds" in self._files and (descriptor := self._files["seeds"].flush()) is not None:
            await _sync([descriptor])

    def abandon(self) -> None:
        """Lets go of everything and changes no file: the run could not begin."""
        self.roster.close()

    def close(self) -> None:
        """Closes the files; a ledger with lines that others replaced is tidied."""
        try:
            for file in self._files.values():
                with suppress(OSError):  # what no commit wrote is of seeds that are not final
                    file.close()
            if self._superseded and self._paths is not None and not self._failed:
                _keep_last_lines(self._paths.seeds)
        finally:
            self.roster.close()


def _held(paths: ResultPaths) -> Path:
    return paths.seeds.with_name(f"{paths.seeds.name}.held")


async def _sync(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        await asyncio.to_thread(os.fsync, descriptor)


def _keep_last_lines(path: Path) -> None:
    """One line a seed, the last one."""
    left = Roster()
    for number, raw in enumerate(lines_of(path)):
        if (line := _line(raw)) is not None:
            left.note_picture(line.seed_id, b"%d" % number)
    numbers = count()
    rewrite(path, lambda raw: _is_last(left, raw, next(numbers)))
    left.close()


def _is_last(left: Roster, raw: bytes, number: int) -> bool:
    line = _line(raw)
    return line is not None and left.picture(line.seed_id) == b"%d" % number


def _line(raw: bytes) -> LedgerLine | None:
    try:
        return _LINE.decode(raw)
    except _NO_LINE:
        return None
