"""Rows into their tables. An older row never replaces a newer one.

All of it runs in `Database.transaction`, where no other writer changes what was looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pailitao_spider.sql.lines import Row
from pailitao_spider.sql.many import run_many
from pailitao_spider.sql.schema import HISTORY, MATCHES, OFFERS, SEEDS, WATCHED

__all__ = ["upsert", "write_matches", "write_offers", "write_seeds"]

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_KNOWN = select(
    OFFERS.c.num_iid,
    OFFERS.c.fetched_at,
    OFFERS.c.first_seen_at,
    OFFERS.c.visual_similarity,
    *(OFFERS.c[name] for name in WATCHED),
)
_FIRST_SEEN = (
    update(OFFERS).where(OFFERS.c.num_iid == bindparam("of")).values(first_seen_at=bindparam("at"))
)
_LOOKED = (
    update(OFFERS)
    .where(OFFERS.c.num_iid == bindparam("of"))
    .values(visual_similarity=bindparam("look"))
)
_LOOK = "visual_similarity"
_HISTORY_NAMES = ("num_iid", "gateway", *WATCHED)


@dataclass(slots=True)
class _Changes:
    """What a batch makes of the offers that are known."""

    newest: dict[str, Row] = field(default_factory=dict)
    first_seen: dict[str, datetime | None] = field(default_factory=dict)
    looked: dict[str, Any] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)

    def take(self, row: Row, known: Row | None) -> Row:
        """Returns what is known from now on."""
        seen_at = row["fetched_at"]
        if known is None:
            self._note(row)
            return self._replace(row, seen_at)
        first = _earliest(known["first_seen_at"], seen_at)
        if _is_later(seen_at, known["fetched_at"]):
            if any(row[name] != known[name] for name in WATCHED):
                self._note(row)
            return self._replace(row, first)
        if first != known["first_seen_at"]:
            self.first_seen[row["num_iid"]] = first
        if seen_at == known["fetched_at"] and row[_LOOK] not in (None, known[_LOOK]):
            known = {**known, _LOOK: self._look(row)}
        return {**known, "first_seen_at": first}

    def _look(self, row: Row) -> Any:
        """The same sighting, but its picture has been looked at since."""
        if row["num_iid"] in self.newest:
            self.newest[row["num_iid"]][_LOOK] = row[_LOOK]
        else:
            self.looked[row["num_iid"]] = row[_LOOK]
        return row[_LOOK]

    def _note(self, row: Row) -> None:
        if row["fetched_at"] is not None:
            found = {name: row[name] for name in _HISTORY_NAMES}
            self.history.append({**found, "seen_at": row["fetched_at"]})

    def _replace(self, row: Row, first_seen: datetime | None) -> Row:
        self.looked.pop(row["num_iid"], None)
        made = {**row, "first_seen_at": first_seen, "last_seen_at": row["fetched_at"]}
        self.newest[row["num_iid"]] = made
        return made


def write_offers(connection: Connection, rows: Sequence[Row]) -> tuple[int, int]:
    """Returns how many offers are new, newer than what was known, or looked at since, and how many
    rows of history were made.
    """
    known = _known(connection, {row["num_iid"] for row in rows})
    changes = _Changes()
    for row in rows:
        known[row["num_iid"]] = changes.take(row, known.get(row["num_iid"]))
    upsert(connection, OFFERS, _sorted(changes.newest.values(), OFFERS))
    older = sorted(changes.first_seen.keys() - changes.newest.keys())
    _many(connection, _FIRST_SEEN, [{"of": key, "at": changes.first_seen[key]} for key in older])
    looked = sorted(changes.looked.items())
    _many(connection, _LOOKED, [{"of": key, "look": value} for key, value in looked])
    _many(connection, _new(connection, HISTORY), _sorted(changes.history, HISTORY))
    return len(changes.newest) + len(looked), len(changes.history)


def _known(connection: Connection, keys: Iterable[str]) -> dict[str, Row]:
    found = connection.execute(_KNOWN.where(OFFERS.c.num_iid.in_(sorted(keys))))
    return {row["num_iid"]: dict(row) for row in found.mappings()}


def write_matches(connection: Connection, rows: Sequence[Row]) -> int:
    """Returns how many are new or newer; one without a time replaces none that has one."""
    newest = _newest(rows, MATCHES, "seen_at")
    return upsert(connection, MATCHES, newest, newer_by="seen_at")


def write_seeds(connection: Connection, rows: Sequence[Row]) -> int:
    """Returns how many are new or newer."""
    newest = _newest(rows, SEEDS, "finished_at")
    return upsert(connection, SEEDS, newest, newer_by="finished_at")


def upsert(
    connection: Connection, table: Table, rows: Sequence[Row], newer_by: str | None = None
) -> int:
    """Inserts or replaces rows, with `newer_by` only those that are newer; returns how many."""
    if not rows:
        return 0
    new = _INSERT[connection.dialect.name](table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: new.excluded[column.name] for column in table.columns}
    where = None
    if newer_by is not None:
        known = table.c[newer_by]
        where = known.is_(None) | (new.excluded[newer_by] > known)
    statement = new.on_conflict_do_update(index_elements=keys, set_=values, where=where)
    return run_many(connection, statement, rows)


def _newest(rows: Iterable[Row], table: Table, by: str) -> list[Row]:
    keys = [column.name for column in table.primary_key]
    newest: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key not in newest or not _is_later(newest[key][by], row[by]):
            newest[key] = row
    return _sorted(newest.values(), table)


def _new(connection: Connection, table: Table) -> Executable:
    made: Executable = _INSERT[connection.dialect.name](table).on_conflict_do_nothing()
    return made


def _many(connection: Connection, statement: Executable, rows: Sequence[Row]) -> None:
    if rows:
        run_many(connection, statement, rows)


def _sorted(rows: Iterable[Row], table: Table) -> list[Row]:
    """By their keys: whoever writes the same ones goes the same way."""
    keys = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: [row[key] for key in keys])


def _is_later(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and (than is None or moment > than)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)
