"""Parquet files, in row groups of bounded size: memory stays flat.

Money is decimal128(38, 8), a score too, a rate decimal128(38, 18), a buyer's own numbers
decimal128(38, 12): exact, as long as a value has no more digits behind the point; `rounded` counts
those that have. Counts are int64, flags bool. Moments are timestamps in UTC, to the microsecond;
one that names no zone is held to be UTC, and what is no time is null and counted in `untimed`. All
else is text.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import IO, TYPE_CHECKING, Any

from pailitao_spider.errors import FieldError
from pailitao_spider.tables.columns import Cell, Column, Kind, json_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SCALES", "ParquetTable"]

SCALES = {Kind.MONEY: 8, Kind.RATE: 18, Kind.SCORE: 8, Kind.OWN: 12}
"""Digits behind the point."""
_PRECISION = 38
_CONTEXT = Context(prec=_PRECISION)
_UNITS = {kind: Decimal(1).scaleb(-scale) for kind, scale in SCALES.items()}
_MAX_COUNT = 2**63
_GROUP_ROWS = 1 << 14
_GROUP_CHARACTERS = 1 << 25


class ParquetTable:
    """One table in one file, which is whole once it is closed."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        import pyarrow.parquet

        self.rows = 0
        self.rounded = 0
        self.untimed = 0
        self._columns = columns
        self._schema = _schema(columns)
        self._writer = pyarrow.parquet.ParquetWriter(_Sink(file), self._schema, compression="zstd")
        self._group: list[list[Any]] = []
        self._characters = 0

    def append(self, cells: Sequence[Cell]) -> None:
        """Adds a row, a cell a column. Raises FieldError for a value that is none of its kind."""
        row = [
            None if cell is None else self._value(column, cell)
            for column, cell in zip(self._columns, cells, strict=True)
        ]
        self._group.append(row)
        self._characters += sum(len(value) for value in row if isinstance(value, str))
        self.rows += 1
        if len(self._group) >= _GROUP_ROWS or self._characters >= _GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        """Writes the rest and the footer. Raises OSError."""
        if self._group:
            self._flush()
        self._writer.close()

    def _value(self, column: Column, cell: Any) -> Any:
        kind = column.kind
        if kind in SCALES:
            return self._decimal(column, cell)
        if kind is Kind.COUNT or kind is Kind.FLAG:
            return _checked(column, cell)
        if kind is Kind.MOMENT:
            return self._moment(cell)
        if isinstance(cell, str):
            return cell
        return json_text(cell) if kind is Kind.ANY else str(cell)

    def _moment(self, cell: Any) -> datetime | None:
        try:
            moment = datetime.fromisoformat(str(cell))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.untimed += 1
            return None

    def _decimal(self, column: Column, cell: Any) -> Decimal:
        try:
            number = cell if isinstance(cell, Decimal) else Decimal(str(cell))
            fitted = number.quantize(_UNITS[column.kind], context=_CONTEXT)
        except InvalidOperation as error:
            raise _none_of_its_kind(column, cell) from error
        if not fitted.is_finite():
            raise _none_of_its_kind(column, cell)
        self.rounded += fitted != number
        return fitted

    def _flush(self) -> None:
        import pyarrow as pa

        arrays = [
            pa.array(values, field.type)
            for values, field in zip(zip(*self._group, strict=True), self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._group.clear()
        self._characters = 0


def _checked(column: Column, cell: Any) -> int | bool:
    is_count = isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < _MAX_COUNT
    if is_count if column.kind is Kind.COUNT else isinstance(cell, bool):
        return cell  # type: ignore[no-any-return]
    raise _none_of_its_kind(column, cell)


def _none_of_its_kind(column: Column, cell: Any) -> FieldError:
    return FieldError(f"{column.name}: {str(cell)[:40]!r} is no {column.kind.value}")


def _schema(columns: Sequence[Column]) -> pa.Schema:
    import pyarrow as pa

    types = {
        Kind.COUNT: pa.int64(),
        Kind.FLAG: pa.bool_(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
    } | {kind: pa.decimal128(_PRECISION, scale) for kind, scale in SCALES.items()}
    return pa.schema([(column.name, types.get(column.kind, pa.string())) for column in columns])


class _Sink(io.RawIOBase):
    """Writes on, wherever the file stands and whether or not it can tell.

    A writer that is given up still writes its footer, when the file has been closed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if not self._file.closed:
            self._file.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written
