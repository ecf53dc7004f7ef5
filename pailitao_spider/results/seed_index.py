"""What this run and the one before it know of seeds and pictures, in flat memory.

A private temporary SQLite database: exact, on disk when it grows, gone with the process.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from pailitao_spider.storage.scratch import scratch_database

__all__ = ["KnownSeed", "PageStore", "SeedIndex"]

_CACHE_KIB = 2000
_SCHEMA = """
CREATE TABLE ledger (
    seed_id TEXT PRIMARY KEY, image TEXT, status TEXT, reason TEXT, sha256 TEXT, claimed INT
) WITHOUT ROWID;
CREATE TABLE pictures (key TEXT PRIMARY KEY, seed_id TEXT, line BLOB);
CREATE INDEX pictures_by_seed ON pictures (seed_id);
"""
_PAGES = """
CREATE TABLE pages (
    key TEXT, page INT, answered INT, gateway TEXT, body BLOB, PRIMARY KEY (key, page, answered)
)
"""
_SHORT = """
SELECT ledger.seed_id, claimed - ifnull(number, 0) AS missing FROM ledger LEFT JOIN (
    SELECT seed_id, count(DISTINCT key) AS number FROM held GROUP BY seed_id
) AS found ON found.seed_id = ledger.seed_id
WHERE missing > 0
"""
_OF_NO_SEED = "SELECT count(DISTINCT key) FROM held WHERE seed_id IS NULL"


class KnownSeed(NamedTuple):
    """How a seed ended, as its last line says; `sha256` is that of a picture not on the web."""

    image: str
    status: str
    reason: str | None = None
    sha256: str | None = None
    claimed: int = 0


class SeedIndex:
    """Final seeds by id, and finished searches by picture."""

    def __init__(self) -> None:
        self._database = scratch_database(_SCHEMA, cache_kib=_CACHE_KIB)

    def note_seed(self, seed_id: str, known: KnownSeed) -> bool:
        """Remembers a seed's final state, the last one wins; True when there was one before."""
        had = self.seed(seed_id) is not None
        self._database.execute(
            "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, ?, ?)", (seed_id, *known)
        )
        return had

    def seed(self, seed_id: str) -> KnownSeed | None:
        """How a final seed ended."""
        found = self._database.execute(
            "SELECT image, status, reason, sha256, claimed FROM ledger WHERE seed_id = ?",
            (seed_id,),
        ).fetchone()
        return None if found is None else KnownSeed(*found)

    def short_of(self, offers: Iterable[tuple[str | None, str]]) -> dict[str, int]:
        """By seed: how many of the offers that it claims are not among these.

        Offers are pairs of a seed and what tells them apart, as often as one likes. Those of no
        seed may be anybody's: as long as they are enough for all, nobody lacks any.
        """
        self._database.execute("CREATE TABLE held (seed_id TEXT, key TEXT)")
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO held VALUES (?, ?)", offers)
        self._database.execute("COMMIT")
        short = dict(self._database.execute(_SHORT).fetchall())
        ((of_no_seed,),) = self._database.execute(_OF_NO_SEED).fetchall()
        self._database.execute("DROP TABLE held")
        return {} if sum(short.values()) <= of_no_seed else short

    def note_picture(self, key: str, seed_id: str, line: bytes) -> None:
        """Remembers the ledger line of the seed that was searched for this picture."""
        self._database.execute(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)", (key, seed_id, line)
        )

    def forget_pictures_of(self, seed_id: str) -> None:
        """The search for this seed is to be made again."""
        self._database.execute("DELETE FROM pictures WHERE seed_id = ?", (seed_id,))

    def picture(self, key: str) -> bytes | None:
        """The ledger line of the finished search for this picture."""
        found = self._database.execute("SELECT line FROM pictures WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def close(self) -> None:
        self._database.close()


class PageStore:
    """Answers kept for other seeds with the same picture, when each needs rows of its own."""

    def __init__(self) -> None:
        self._database = scratch_database(_PAGES, cache_kib=_CACHE_KIB)

    def keep(self, key: str, page: int, answered: int, gateway: str, body: bytes) -> None:
        """`answered` tells the answers to one page apart: how many there were before this one."""
        packed = zlib.compress(body, level=1)
        self._database.execute(
            "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)",
            (key, page, answered, gateway, packed),
        )

    def find(self, key: str, page: int, answered: int) -> tuple[str, bytes] | None:
        """The gateway that gave the answer, and its body."""
        found = self._database.execute(
            "SELECT gateway, body FROM pages WHERE key = ? AND page = ? AND answered = ?",
            (key, page, answered),
        ).fetchone()
        return (found[0], zlib.decompress(found[1])) if found else None

    def close(self) -> None:
        self._database.close()
