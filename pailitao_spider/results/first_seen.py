"""Of the lines of many files one a key: the first sighting.

A private temporary SQLite database sorts them on disk, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.feed_files import mark_bytes
from pailitao_spider.results.line_keys import LineKey
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["FirstSeenIndex", "lines_in"]

_BUFFER_BYTES = 1 << 20
_SCHEMA = "CREATE TABLE sightings (number INTEGER PRIMARY KEY, moment REAL, key, seed TEXT)"
_FIRST = """
SELECT number FROM (
    SELECT number, row_number() OVER (PARTITION BY key ORDER BY moment, number) AS place
    FROM sightings
) WHERE place = 1 ORDER BY number
"""
_KEPT = """
SELECT seed, count(*) FROM (
    SELECT seed, row_number() OVER (PARTITION BY key ORDER BY moment, number) AS place
    FROM sightings
) WHERE place = 1 AND seed IS NOT NULL GROUP BY seed
"""
_HELD = "SELECT seed, count(DISTINCT key) FROM sightings WHERE seed IS NOT NULL GROUP BY seed"


def lines_in(path: Path) -> Iterator[bytes]:
    """The lines of a file, without a byte order mark. May raise ResultsError."""
    try:
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            file.seek(mark_bytes(path))
            yield from file
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be read ({error.strerror or error}); mend it or leave it out"
        ) from error


class FirstSeenIndex:
    """What some files hold. A torn line is one that is neither blank nor a sighting."""

    def __init__(
        self, files: Sequence[Path], sighting_of: Callable[[bytes], LineKey | None]
    ) -> None:
        self.lines = 0
        self.torn = 0
        self._files = files
        self._sighting_of = sighting_of
        self._line_counts: list[int] = []
        self._database = scratch_database(_SCHEMA)

    def read(self) -> None:
        """Reads all files, as long as they are now: workers may still be writing."""
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO sightings VALUES (?, ?, ?, ?)", self._rows())
        self._database.execute("COMMIT")

    def _rows(self) -> Iterator[tuple[int, float, str | bytes, str | None]]:
        last = 0
        for path in self._files:
            first = last
            for last, raw in enumerate(lines_in(path), first + 1):
                sighting = self._sighting_of(raw)
                if sighting is not None:
                    self.lines += 1
                    yield last, *sighting
                elif not raw.isspace():
                    self.lines += 1
                    self.torn += 1
            self._line_counts.append(last - first)

    def held(self) -> Iterator[tuple[str, int]]:
        """How many offers each seed has in the files, also those first seen under another."""
        yield from self._database.execute(_HELD)

    def kept(self) -> Iterator[tuple[str, int]]:
        """How many of the first sightings are each seed's."""
        yield from self._database.execute(_KEPT)

    def first(self) -> Iterator[bytes]:
        """The first sighting of each key, byte for byte, in the order of the files."""
        wanted = (number for (number,) in self._database.execute(_FIRST))
        number = next(wanted, None)
        for place, raw in self._numbered():
            if place == number:
                yield raw
                number = next(wanted, None)
        if number is not None:
            raise ResultsError("the files to merge were changed meanwhile; merge again")

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        first = 1
        for path, count in zip(self._files, self._line_counts, strict=True):
            yield from enumerate(islice(lines_in(path), count), first)
            first += count

    def close(self) -> None:
        self._database.close()
