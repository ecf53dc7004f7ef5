"""A database that may go away: one transaction at a time, its errors told without secrets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.sql import schema
from pailitao_spider.sql.urls import secrets_of

__all__ = ["Database", "DatabaseAwayError", "LineRefusedError"]

_BUSY_SECONDS = 5.0
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "pailitao_spider",
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
}
_LOCK = 0x7061696C
"""One batch at a time, as in SQLite: writers wait for each other, and never crosswise."""

_TAKE_TURNS = text(
    "SELECT set_config('lock_timeout', '20s', true),"
    " set_config('idle_in_transaction_session_timeout', '60s', true)"
)
_TAKE_LOCK = text(f"SELECT pg_advisory_xact_lock({_LOCK})")
_OF_A_LINE = ("22", "23", "54")
"""Classes of SQLSTATE: data, integrity, size. Another line may well be taken."""

_SQLITE_OF_A_LINE = ("DataError", "IntegrityError", "InterfaceError")


class DatabaseAwayError(ResultsError):
    """The database cannot take anything now; a later try may do."""


class LineRefusedError(ResultsError):
    """The database does not take these lines, whenever they are tried."""


class Database:
    """Opened with its first transaction, and again after it was away."""

    def __init__(self, url: URL) -> None:
        self._secrets = secrets_of(url)
        self._engine = _engine(url)
        self._is_fit = False
        self._socket: int | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing. Raises DatabaseAwayError and LineRefusedError."""
        try:
            with self._engine.begin() as connection:
                self._begin(connection)
                yield connection
            self._is_fit = True
        except SQLAlchemyError as error:
            self._is_fit = False  # its tables may be gone as well
            raise self._told(error) from None
        finally:
            self._socket = None

    def _begin(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            self._socket = _descriptor(connection)
            connection.execute(_TAKE_TURNS)
            connection.execute(_TAKE_LOCK)
        if not self._is_fit:
            _fit(connection)

    def abort(self) -> None:
        """Ends a transaction of another thread that a silent server holds up."""
        with suppress(OSError):
            if self._socket is not None:
                with socket.socket(fileno=os.dup(self._socket)) as line:
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._engine.dispose()

    def _told(self, error: SQLAlchemyError) -> ResultsError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        kind = LineRefusedError if _is_of_a_line(cause) else DatabaseAwayError
        words = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        for secret in self._secrets:
            words = words.replace(secret, "…")
        return kind(words)


def _engine(url: URL) -> Engine:
    # Columns of JSON are given as text already, with every digit that the feed has.
    if url.get_backend_name() == "postgresql":
        return create_engine(url, json_serializer=str, connect_args=_unless_given(url.query))
    # Opened for each batch: a file that was removed meanwhile would take lines for nobody.
    engine = create_engine(
        url, json_serializer=str, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS}
    )
    event.listen(engine, "connect", _open_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _descriptor(connection: Connection) -> int | None:
    """The socket of a connection; None where it is lost, as its next statement will tell."""
    driver: Any = connection.connection.driver_connection
    return None if driver.closed else driver.fileno()


def _unless_given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _POSTGRESQL.items() if name not in query}


def _open_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where they are begun
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _fit(connection: Connection) -> None:
    schema.make(connection)
    lacking = schema.missing(connection)
    if lacking or not _is_given(connection, later := schema.added(connection)):
        lacking = lacking or later
        raise DatabaseAwayError(
            f"its tables are of another version and lack {counted(len(lacking), 'column')}; "
            f"have {'it' if len(lacking) == 1 else 'them'} added: {'; '.join(lacking)}"
        )


def _is_given(connection: Connection, statements: list[str]) -> bool:
    """The tables have these columns now; False where that is not this user's right."""
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.execute(text(statement))
    except DBAPIError:
        return False
    return True


def _is_of_a_line(cause: object) -> bool:
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_OF_A_LINE)
    is_sqlite = type(cause).__module__ == "sqlite3"
    return is_sqlite and type(cause).__name__ in _SQLITE_OF_A_LINE
