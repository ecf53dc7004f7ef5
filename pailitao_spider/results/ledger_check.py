"""What ledgers claim that the feeds hold, and whether they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from pailitao_spider.results.first_seen import lines_in
from pailitao_spider.results.line_keys import NO_LINE, moment_of
from pailitao_spider.results.lines import ENCODER
from pailitao_spider.results.records import Status
from pailitao_spider.results.twins import searched_for
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["LedgerCheck", "Shortfall", "Verdict"]

_NAMED_SEEDS = 10
_SCHEMA = """
CREATE TABLE ledger (
    seed TEXT PRIMARY KEY, finished REAL, number INT, status TEXT, claimed INT, raw BLOB
);
CREATE TABLE held (seed TEXT PRIMARY KEY, offers INT) WITHOUT ROWID;
CREATE TABLE kept (seed TEXT PRIMARY KEY, offers INT) WITHOUT ROWID;
CREATE VIEW short AS
    SELECT ledger.seed, ifnull(offers, 0) AS offers, claimed, claimed - ifnull(offers, 0) AS missing
    FROM ledger LEFT JOIN held ON held.seed = ledger.seed
    WHERE claimed > ifnull(offers, 0);
"""
_TAKE_LINE = """
INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (seed) DO UPDATE SET
    finished = excluded.finished, number = excluded.number, status = excluded.status,
    claimed = excluded.claimed, raw = excluded.raw
WHERE excluded.finished >= ledger.finished
"""
_LINES = """
SELECT raw, claimed, ifnull(kept.offers, 0), claimed > ifnull(held.offers, 0)
FROM ledger LEFT JOIN kept ON kept.seed = ledger.seed LEFT JOIN held ON held.seed = ledger.seed
ORDER BY number
"""
_SHORT = "SELECT count(*), ifnull(sum(missing), 0) FROM short"
_LARGEST = "SELECT seed, offers, claimed FROM short ORDER BY missing DESC, seed LIMIT ?"
_OPEN = "SELECT count(*) FROM held WHERE seed NOT IN (SELECT seed FROM ledger)"


class _Line(msgspec.Struct):
    seed_id: str
    status: Status
    offers_new: Annotated[int, msgspec.Meta(ge=0, lt=2**48)] = 0
    finished_at: str | None = None
    reason: str | None = None


_LINE = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A seed whose offers are not all there: how many the feeds hold, of how many claimed."""

    seed_id: str
    held: int
    claimed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ledgers against feeds. `largest` names those of the short seeds that miss most."""

    seeds: dict[Status, int]
    claimed: int
    missing: int
    short_seeds: int
    open_seeds: int
    largest: tuple[Shortfall, ...]


class LedgerCheck:
    """The final line of each seed: of several the one that finished last."""

    def __init__(self) -> None:
        self.torn = 0
        self._database = scratch_database(_SCHEMA)

    def read(self, ledgers: Sequence[Path]) -> None:
        """Takes all lines of all ledgers; one that cannot be read claims nothing."""
        self._insert(_TAKE_LINE, self._rows(raw for path in ledgers for raw in lines_in(path)))

    def _rows(self, lines: Iterable[bytes]) -> Iterator[tuple[object, ...]]:
        for number, raw in enumerate(lines):
            if (line := _line(raw)) is not None:
                finished = moment_of(line.finished_at, -inf)
                yield line.seed_id, finished, number, line.status, line.offers_new, raw
            elif not raw.isspace():
                self.torn += 1

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    def lines(self, kept: Iterable[tuple[str, int]] | None) -> Iterator[bytes]:
        """The final lines in the order in which they were read.

        `kept` are the offers of each seed in the merged feed, which a line then claims: several
        workers may have written one, and the first to write is not always the first to claim. A
        line that claims more than there is stays as it is, and so do all where `kept` is None.
        """
        self._insert("INSERT INTO kept VALUES (?, ?)", kept or ())
        for raw, claimed, offers, is_short in self._database.execute(_LINES):
            is_as_kept = kept is None or is_short or claimed == offers
            yield raw if is_as_kept else _claiming(raw, offers)

    def twins(self) -> dict[str, list[str]]:
        """The seeds whose picture was searched for another one, by that one."""
        found: dict[str, list[str]] = {}
        for seed_id, raw in self._rows_of("SELECT seed, raw FROM ledger WHERE claimed = 0"):
            line = _line(raw)
            first = None if line is None else searched_for(line.reason, self._knows)
            if first is not None:
                found.setdefault(first, []).append(seed_id)
        return found

    def _knows(self, seed_id: str) -> bool:
        return bool(self._rows_of("SELECT 1 FROM ledger WHERE seed = ?", seed_id))

    def verdict(self, held: Iterable[tuple[str, int]]) -> Verdict:
        """Compares with the number of offers that the feeds hold of each seed."""
        self._insert("INSERT INTO held VALUES (?, ?)", held)
        ((short_seeds, missing),) = self._rows_of(_SHORT)
        ((claimed,),) = self._rows_of("SELECT ifnull(sum(claimed), 0) FROM ledger")
        ((open_seeds,),) = self._rows_of(_OPEN)
        largest = tuple(Shortfall(*row) for row in self._rows_of(_LARGEST, _NAMED_SEEDS))
        return Verdict(self._statuses(), claimed, missing, short_seeds, open_seeds, largest)

    def _statuses(self) -> dict[Status, int]:
        found = dict(self._rows_of("SELECT status, count(*) FROM ledger GROUP BY status"))
        return {status: found.get(status, 0) for status in get_args(Status)}

    def _rows_of(self, query: str, *values: object) -> list[Any]:
        return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        self._database.close()


def _claiming(raw: bytes, offers: int) -> bytes:
    line = msgspec.json.decode(raw, type=dict[str, Any])
    return ENCODER.encode({**line, "offers_new": offers}) + b"\n"


def _line(raw: bytes) -> _Line | None:
    try:
        raw.decode()
        return _LINE.decode(raw)
    except NO_LINE:
        return None
