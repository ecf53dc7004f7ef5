"""The database after the feed: batches of its lines, each with its new position or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.sql.connection import Database, LineRefusedError
from pailitao_spider.sql.lines import (
    PartialRow,
    Row,
    RowReader,
    match_row,
    offer_row,
    seed_row,
    sighting,
)
from pailitao_spider.sql.reading import (
    START,
    Batch,
    Position,
    beginning_of,
    lines_after,
    position_after,
    read,
    stands,
)
from pailitao_spider.sql.schema import POSITIONS
from pailitao_spider.sql.tally import Backlog, Tally
from pailitao_spider.sql.writing import upsert, write_matches, write_offers, write_seeds

__all__ = ["Follower"]


@dataclass(slots=True)
class _File:
    """One followed file, and where the database stands in it as far as is known."""

    path: Path
    kind: str
    beginning: str | None = None
    position: Position | None = None


class _MovedError(Exception):
    """Somebody else has put in lines of the same file."""


class Follower:
    """Brings a database up to what some files hold. Not for two threads at once."""

    def __init__(self, database: Database, feeds: Iterable[ResultPaths]) -> None:
        self.tally = Tally()
        self._database = database
        self._files = [
            _File(path, kind)
            for paths in feeds
            for kind, path in (("offers", paths.feed), ("matches", paths.matches),
                               ("seeds", paths.seeds))
        ]  # fmt: skip

    def reach(self) -> None:
        """Raises DatabaseAwayError where the database cannot be used."""
        with self._database.transaction():
            pass

    def step(self) -> bool:
        """Puts in one batch; False when all complete lines are in.

        Raises DatabaseAwayError, after which it can be called again, and ResultsError when a file
        cannot be read.
        """
        return any(self._advance(file) for file in self._files)

    def behind(self) -> Backlog:
        """What is there and not known to be in the database."""
        found = Backlog()
        for file in self._files:
            position = self._standing(file)
            lines, is_torn = lines_after(file.path, position or START)
            is_offers = file.kind == "offers"
            found = Backlog(
                found.offers + (lines if is_offers else 0),
                found.others + (0 if is_offers else lines),
                found.torn + ((file.path,) if is_torn else ()),
                found.is_known and (position is not None or not lines),
            )
        return found

    def _advance(self, file: _File) -> bool:
        if beginning_of(file.path) is None:
            return False
        position = self._standing(file) or self._looked_up(file)
        batch = read(file.path, position)
        if not batch.lines:
            return False
        try:
            self._put(file, batch)
        except _MovedError:
            file.position = None
        return True

    def _standing(self, file: _File) -> Position | None:
        """Where the database stands, if that is known and the file is still the same."""
        if file.position is None or file.beginning != beginning_of(file.path):
            return None
        return file.position if stands(file.path, file.position) else None

    def _looked_up(self, file: _File) -> Position:
        file.beginning, file.position = beginning_of(file.path), None
        with self._database.transaction() as connection:
            found = self._position(connection, file)
        file.position = found if stands(file.path, found) else START
        return file.position

    def _position(self, connection: Connection, file: _File) -> Position:
        key = (POSITIONS.c.path == _name(file)) & (POSITIONS.c.beginning == file.beginning)
        columns = (POSITIONS.c.bytes, POSITIONS.c.lines, POSITIONS.c.mark)
        found = connection.execute(select(*columns).where(key)).one_or_none()
        return START if found is None else Position(*found)

    def _put(self, file: _File, batch: Batch) -> None:
        tally = Tally()
        rows = _rows(file, batch, tally)
        try:
            self._write(file, batch, rows, tally)
        except LineRefusedError:
            self._put_in_parts(file, batch)

    def _put_in_parts(self, file: _File, batch: Batch) -> None:
        """Finds the line that the database does not take, and leaves it out."""
        if len(batch.lines) == 1:
            tally = Tally(refused=1, first_left_out=_place(file, batch, 0))
            self._write(file, batch, [], tally)
            return
        for lines in batch.halves:
            assert file.position is not None
            self._put(file, Batch(file.position, lines))

    def _write(self, file: _File, batch: Batch, rows: Sequence[Row], tally: Tally) -> None:
        end = position_after(file.path, batch)
        with self._database.transaction() as connection:
            known = self._position(connection, file)
            if known != batch.start and stands(file.path, known):
                raise _MovedError
            _WRITERS[file.kind](connection, rows, tally)
            row = {"path": _name(file), "beginning": file.beginning, **asdict(end)}
            upsert(connection, POSITIONS, [row])
        file.position = end
        self.tally.add(tally)


def _rows(file: _File, batch: Batch, tally: Tally) -> list[Row]:
    read_row, rows = _READERS[file.kind], []
    for number, raw in enumerate(batch.lines):
        row = read_row(raw)
        if row is not None:
            rows.append(row)
            tally.odd += isinstance(row, PartialRow)
        elif not raw.isspace():
            tally.unread += 1
            tally.first_left_out = tally.first_left_out or _place(file, batch, number)
    return rows


def _put_offers(connection: Connection, rows: Sequence[Row], tally: Tally) -> None:
    tally.offers, tally.history = write_offers(connection, rows)
    tally.matches = write_matches(connection, [*filter(None, map(sighting, rows))])


def _put_matches(connection: Connection, rows: Sequence[Row], tally: Tally) -> None:
    tally.matches = write_matches(connection, rows)


def _put_seeds(connection: Connection, rows: Sequence[Row], tally: Tally) -> None:
    tally.seeds = write_seeds(connection, rows)


_READERS: dict[str, RowReader] = {"offers": offer_row, "matches": match_row, "seeds": seed_row}
_WRITERS: dict[str, Callable[[Connection, Sequence[Row], Tally], None]] = {
    "offers": _put_offers,
    "matches": _put_matches,
    "seeds": _put_seeds,
}


def _place(file: _File, batch: Batch, number: int) -> str:
    return f"{file.path}:{batch.start.lines + number + 1}"


def _name(file: _File) -> str:
    return str(file.path.resolve())
