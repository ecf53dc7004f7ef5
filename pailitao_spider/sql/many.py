"""One statement for many rows, as fast as the driver takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.sql import ClauseElement

from pailitao_spider.sql.lines import Row

__all__ = ["run_many"]

_OPTIONS = {"preserve_rowcount": True}

_Convert = Callable[[Any], Any] | None


def run_many(connection: Connection, statement: Executable, rows: Sequence[Row]) -> int:
    """Runs it for each row; returns how many rows of the table it touched.

    SQLAlchemy makes a dictionary of parameters for each row twice; SQLite's driver is given tuples.
    """
    if connection.dialect.name != "sqlite" or not isinstance(statement, ClauseElement):
        return connection.execute(statement, rows, execution_options=_OPTIONS).rowcount
    compiled: Any = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names: list[str] = compiled.positiontup
    converts = [_convert(compiled.binds[name].type, connection.dialect) for name in names]
    columns = [
        [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]
        for name, convert in zip(names, converts, strict=True)
    ]
    values = list(zip(*columns, strict=True))
    done = connection.exec_driver_sql(str(compiled), values, execution_options=_OPTIONS)
    return done.rowcount


def _convert(kind: Any, dialect: Dialect) -> _Convert:
    convert: _Convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert
