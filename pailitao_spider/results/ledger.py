"""The ledger: one final line a seed, written only when its offers are safe on disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import msgspec

from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.model import RejectedRow
from pailitao_spider.results.lines import (
    ENCODER,
    NO_LINE,
    LineFile,
    cut_torn_tail,
    lines_of,
    rewrite,
)
from pailitao_spider.results.match_file import MatchFile
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.picture_identity import is_same, picture_key
from pailitao_spider.results.records import LedgerLine, Match
from pailitao_spider.results.seed_index import KnownSeed, SeedIndex
from pailitao_spider.results.twins import cause_of, is_twin
from pailitao_spider.seeds.ids import id_apart
from pailitao_spider.seeds.model import BadLine, Seed

__all__ = ["Books"]

_COMPLETE = ("done", "empty")


_LINE = msgspec.json.Decoder(LedgerLine)


class _SeedOf(msgspec.Struct):
    seed_id: str | None = None


_SEED_OF = msgspec.json.Decoder(_SeedOf)


class Books:
    """Ledger, rejected rows and matches of one crawl, and the commit that makes them true.

    `flush_feeds` hands all written offers to the system and returns the descriptors to fsync;
    it raises when an offer could not be written.
    """

    def __init__(
        self,
        paths: ResultPaths | None,
        flush_feeds: Callable[[], list[int]],
        *,
        again: bool = False,
    ) -> None:
        self.roster = SeedIndex()
        self._again = again
        self._paths = paths
        self._flush_feeds = flush_feeds
        self._pending: list[LedgerLine] = []
        self._lock = asyncio.Lock()
        self._superseded = False
        self._failed = False
        self.short_seeds: dict[str, int] = {}
        """Offers that seeds claim and a feed lacks: these seeds are searched again."""
        self._held: Path | None = None
        self.is_held = False
        """Nothing is claimed before the feed is whole, at its end."""
        self._files: dict[str, LineFile] = {}
        self._matches: MatchFile | None = None
        if paths is not None:
            self._matches = MatchFile(paths.matches)
            self._files = {
                "rejected": LineFile(paths.rejected),
                "matches": self._matches,
                "seeds": LineFile(paths.seeds),
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

    def go_on(self, feeds: Iterable[Iterable[tuple[str | None, str]]] = ()) -> None:
        """Takes up an earlier run: its final seeds are known, unfinished side lines are cut.

        `feeds` are what each feed holds: pairs of a seed and what tells its offers apart. A seed
        that claims more than some feed holds of it is not final.
        """
        if self._paths is None:
            return
        for path in (self._paths.seeds, self._paths.matches, self._paths.rejected):
            cut_torn_tail(path)
        for number, raw in enumerate(lines_of(self._paths.seeds), 1):
            self._take_up(number, raw)
        for held in feeds:
            self._void(self.roster.short_of(held))
        for path in (self._paths.matches, self._paths.rejected):
            rewrite(path, self._is_of_final_seed)

    def _take_up(self, number: int, raw: bytes) -> None:
        line = _line(raw)
        if line is None:
            _check_whole(f"{self._paths.seeds}:{number}" if self._paths else "", raw)
            self._superseded = True  # an unreadable line goes when the ledger is tidied
            return
        self._superseded |= self.roster.note_seed(line.seed_id, _known(line))
        key = picture_key(line)
        if line.status in _COMPLETE and key is not None and not is_twin(line.reason):
            self.roster.note_picture(key, line.seed_id, raw)

    def _void(self, short: dict[str, int]) -> None:
        for seed_id, missing in short.items():
            known = self.roster.seed(seed_id)
            if known is None or not self.is_final(seed_id):
                continue
            self.short_seeds[seed_id] = missing
            self.roster.note_seed(seed_id, known._replace(status="partial", reason="short"))
            self.roster.forget_pictures_of(seed_id)

    def _is_of_final_seed(self, raw: bytes) -> bool:
        try:
            seed_id = _SEED_OF.decode(raw).seed_id
        except NO_LINE:
            return False
        return seed_id is not None and self.is_final(seed_id)

    # questions

    def is_complete(self, seed_id: str) -> bool:
        """The seed needs no further search."""
        known = self.roster.seed(seed_id)
        return known is not None and known[1] in _COMPLETE

    def is_final(self, seed_id: str) -> bool:
        """The seed's rows stay: it is complete, or no further search would bring more."""
        known = self.roster.seed(seed_id)
        return known is not None and (known.status in _COMPLETE or self._ends_in_repeats(known))

    def is_in_vain(self, seed_id: str, key: str) -> bool:
        """A further search would cost a call and end as the one before, unless `again`."""
        known = self.roster.seed(seed_id)
        if known is None:
            return False
        is_refused = known.status == "failed" and cause_of(known.reason) == "bad_seed"
        is_unchanged = known.sha256 is not None and key == f"sha256:{known.sha256}"
        return self._ends_in_repeats(known) or (is_refused and is_unchanged and not self._again)

    def _ends_in_repeats(self, known: KnownSeed) -> bool:
        return not self._again and known.status == "partial" and cause_of(known.reason) == "repeats"

    def named_apart(self, seed: Seed, key: str | None = None) -> Seed:
        """The seed under an id that no other picture has in the ledger: `push` gives the same.

        A failed seed brought nothing: mending its picture takes its line over.
        """
        if self._is_free(seed.seed_id, seed, key):
            return seed
        wanted = name = id_apart(seed.seed_id, seed.image.label)
        for number in count(2):
            if self._is_free(name, seed, key):
                break
            name = f"{wanted}-{number}"
        return replace(seed, seed_id=name)

    def bad_name(self, bad: BadLine) -> str:
        """The seed_id of a line that is no seed: not that of another picture."""
        known = self.roster.seed(bad.seed_id)
        if known is None or known.status == "failed" or known.image.endswith(bad.image):
            return bad.seed_id
        return id_apart(bad.seed_id, bad.image)

    def _is_free(self, seed_id: str, seed: Seed, key: str | None) -> bool:
        known = self.roster.seed(seed_id)
        return known is None or known.status == "failed" or is_same(known, seed.image, key)

    # writing

    def reject(self, row: RejectedRow) -> None:
        """Keeps a row that is no offer."""
        if "rejected" in self._files:
            self._files["rejected"].append(row)

    def match(self, match: Match) -> None:
        """Keeps a sighting."""
        if self._matches is not None:
            self._matches.append(match)

    def copy_matches(self, seed_id: str, to: str) -> None:
        """Gives a seed the sightings of another one, with whose picture it is searched."""
        if self._matches is not None:
            self._matches.copy(seed_id, to)

    def close_seed(self, line: LedgerLine) -> None:
        """Takes a seed's final line; it is written by the next commit."""
        self._pending.append(line)

    @property
    def has_pending(self) -> bool:
        """A commit would write something; after a failed one none does."""
        return bool(self._pending) and not self._failed

    def note_picture(self, key: str, line: LedgerLine) -> None:
        """Remembers how the search for a picture ended, for other seeds with it."""
        self.roster.note_picture(key, line.seed_id, ENCODER.encode(line))

    def picture(self, key: str) -> LedgerLine | None:
        """How a search for a picture ended: one of this run, or a complete one before it."""
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
            self._superseded |= self.roster.note_seed(line.seed_id, _known(line))
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
            if self._matches is not None:
                self._matches.forget()
            if self._superseded and self._paths is not None and not self._failed:
                _keep_last_lines(self._paths.seeds)
        finally:
            self.roster.close()


def _known(line: LedgerLine) -> KnownSeed:
    return KnownSeed(line.image, line.status, line.reason, line.image_sha256, line.offers_new)


def _check_whole(place: str, raw: bytes) -> None:
    if b"\0" in raw:
        raise ResultsError(
            f"{place}: NUL bytes, as a power cut leaves them; remove the line and go on: its seed "
            "is searched again"
        )


def _held(paths: ResultPaths) -> Path:
    return paths.seeds.with_name(f"{paths.seeds.name}.held")


async def _sync(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        await asyncio.to_thread(os.fsync, descriptor)


def _keep_last_lines(path: Path) -> None:
    """One line a seed, the last one."""
    left = SeedIndex()
    for number, raw in enumerate(lines_of(path)):
        if (line := _line(raw)) is not None:
            left.note_seed(line.seed_id, KnownSeed("", line.status, claimed=number))
    numbers = count()
    rewrite(path, lambda raw: _is_last(left, raw, next(numbers)))
    left.close()


def _is_last(left: SeedIndex, raw: bytes, number: int) -> bool:
    line = _line(raw)
    last = None if line is None else left.seed(line.seed_id)
    return last is not None and last.claimed == number


def _line(raw: bytes) -> LedgerLine | None:
    try:
        return _LINE.decode(raw)
    except NO_LINE:
        return None
