"""The SQL type of each kind of column, alike in SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, DateTime, Dialect, Numeric, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine, UserDefinedType

from pailitao_spider.tables.columns import Kind

__all__ = ["ExactDecimal", "Moment", "type_of"]


class _SqliteNumber(UserDefinedType[str]):
    """A column that SQLite keeps as number: 15 digits."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "NUMERIC"


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal number; PostgreSQL keeps every digit."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteNumber())
        return dialect.type_descriptor(Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(str(value))


class Moment(TypeDecorator[datetime]):
    """A time with its zone; SQLite, which knows no zones, keeps it in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class JsonText(TypeDecorator[str]):
    """JSON that comes as text, with every digit; in PostgreSQL it can be searched and indexed.

    What `jsonb` cannot hold (NUL, half a surrogate, a number of 100 000 digits) stands there as a
    JSON text of the whole.
    """

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and dialect.name == "postgresql" and _NO_JSONB.search(value):
            return json.dumps(value)
        return value


_NO_JSONB = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|[eE][+-]?\d{5}")
_JSON = JsonText()
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.MONEY: ExactDecimal(),
    Kind.RATE: ExactDecimal(),
    Kind.SCORE: ExactDecimal(),
    Kind.COUNT: BigInteger(),
    Kind.FLAG: Boolean(),
    Kind.JSON: _JSON,
    Kind.ANY: _JSON,
}


def type_of(kind: Kind) -> TypeEngine[Any]:
    """Texts, ids, links and the shop's own times are text."""
    return _TYPES.get(kind, Text())
