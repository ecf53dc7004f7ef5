"""Feed formats with the digits of money kept: JSON Lines, JSON, CSV, Excel, Parquet.

Items that are no Offer are exported to the first three as Scrapy does it.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from itemadapter import ItemAdapter
from scrapy.exporters import (
    BaseItemExporter,
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
)

from pailitao_spider.config.feeds import csv_has_bom
from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.lines import ENCODER
from pailitao_spider.tables.columns import Cell, Column, cell, columns_of
from pailitao_spider.tables.csv_cells import BOM, csv_text
from pailitao_spider.tables.registry import check_library

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.tables.xlsx import XlsxSheet

__all__ = [
    "CsvExporter",
    "JsonExporter",
    "JsonLinesExporter",
    "ParquetExporter",
    "XlsxExporter",
]

logger = logging.getLogger(__name__)

_WRITTEN_AT_ONCE = 1 << 16  # bytes


def _holds_offer(item: Any) -> bool:
    """An offer, or one that a spider has made a dict of: its money stays numbers there as well."""
    return isinstance(item, Offer) or (type(item) is dict and "num_iid" in item)


class JsonLinesExporter(JsonLinesItemExporter):
    """An offer a line, every field present, UTF-8. Lines are gathered and written many at once."""

    def __init__(self, file: BytesIO, **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self._lines = bytearray()

    def export_item(self, item: Any) -> None:
        if not _holds_offer(item):
            self.flush()
            super().export_item(item)
            return
        value = item if self.fields_to_export is None else dict(self.get_serialized_fields(item))
        ENCODER.encode_into(value, self._lines, -1)
        self._lines += b"\n"
        if len(self._lines) > _WRITTEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hands the gathered lines to the file. Raises OSError."""
        lines, self._lines = self._lines, bytearray()
        self.file.write(lines)

    def finish_exporting(self) -> None:
        self.flush()


class _OfferEncoder:
    """Stands where Scrapy keeps a `json.JSONEncoder`."""

    def encode(self, value: Any) -> str:
        return ENCODER.encode(value).decode()


class JsonExporter(JsonItemExporter):
    """One JSON list."""

    def __init__(self, file: BytesIO, **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self._encoders: dict[bool, Any] = {True: _OfferEncoder(), False: self.encoder}

    def export_item(self, item: Any) -> None:
        self.encoder = self._encoders[_holds_offer(item)]
        super().export_item(item)


class CsvExporter(CsvItemExporter):
    """A column a field; objects stand as JSON text, unknown is an empty cell, no text of an offer
    is a formula.
    """

    _is_offer = False
    _lacks_bom = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, file: BytesIO, **kwargs: Any) -> Self:
        exporter = cls(file, **kwargs)
        is_utf8 = codecs.lookup(exporter.encoding or "utf-8").name == "utf-8"
        begins = exporter.include_headers_line and is_utf8
        exporter._lacks_bom = begins and csv_has_bom(crawler.settings)
        return exporter

    def export_item(self, item: Any) -> None:
        if self._lacks_bom:
            self._lacks_bom = False
            self.stream.write(BOM)
        self._is_offer = isinstance(item, Offer)
        super().export_item(item)

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        serialized = super().serialize_field(field, name, value)
        return csv_text(cell(serialized)) if self._is_offer else serialized


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the items of one class become rows."""

    columns: tuple[Column, ...]
    row: Callable[[Any], list[Cell]]


class _TableExporter(BaseItemExporter):
    """Items as rows; `dict`s have no declared fields, so what their first one lacks is kept as
    JSON in `other_fields`.
    """

    table_format: str

    def __init__(self, file: BytesIO, **kwargs: Any) -> None:
        super().__init__(dont_fail=True, **kwargs)
        check_library(self.table_format)

    def _shape(self, item: Any) -> _Shape:
        chosen = self.fields_to_export
        names = list(ItemAdapter(item).field_names() if chosen is None else chosen)
        columns = columns_of(names) if isinstance(item, Offer) else tuple(map(Column, names))
        if chosen is None:
            if type(item) is Offer:
                values = attrgetter(*names)
                return _Shape(columns, lambda offer: [cell(value) for value in values(offer)])
            if isinstance(item, dict):
                return _Shape((*columns, Column("other_fields")), self._rows_and_rest(names))
        if isinstance(chosen, Mapping):
            columns = tuple(Column(chosen[column.name], column.kind) for column in columns)
        return _Shape(columns, self._row)

    def _row(self, item: Any) -> list[Cell]:
        fields = self.get_serialized_fields(item, include_empty=True)
        return [cell(value) for _, value in fields]

    def _rows_and_rest(self, names: list[str]) -> Callable[[Any], list[Cell]]:
        def row(item: Any) -> list[Cell]:
            values = dict(self.get_serialized_fields(item, include_empty=True))
            return [*(cell(values.pop(name, None)) for name in names), cell(values)]

        return row


class XlsxExporter(_TableExporter):
    """A sheet for each class of items; the file is written at the end."""

    table_format = "xlsx"

    def __init__(self, file: BytesIO, **kwargs: Any) -> None:
        from pailitao_spider.tables.xlsx import Workbook

        super().__init__(file, **kwargs)
        self._book = Workbook(file)
        self._sheets: dict[type, tuple[_Shape, XlsxSheet]] = {}

    def export_item(self, item: Any) -> None:
        shape, sheet = self._sheets.get(type(item)) or self._begin(item)
        sheet.append(shape.row(item))

    def finish_exporting(self) -> None:
        if not self._sheets:
            self._begin(Offer(""))
        for _, sheet in self._sheets.values():
            sheet.finish()
        self._book.close()

    def _begin(self, item: Any) -> tuple[_Shape, XlsxSheet]:
        shape = self._shape(item)
        kind = type(item)
        name = {Offer: "offers", dict: "items"}.get(kind, kind.__name__)
        self._sheets[kind] = begun = shape, self._book.sheet(name, shape.columns)
        return begun


class ParquetExporter(_TableExporter):
    """One table of one class of items, whole at the end."""

    table_format = "parquet"

    def __init__(self, file: BytesIO, **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self._file = file
        self._kind: type | None = None

    def export_item(self, item: Any) -> None:
        kind = self._kind or self._begin(item)
        if type(item) is not kind:
            raise ResultsError(
                f"a .parquet file holds one class of items, {kind.__name__} or "
                f"{type(item).__name__}: give the feed item_classes"
            )
        self._table.append(self._row_of(item))

    def finish_exporting(self) -> None:
        if self._kind is None:
            self._begin(Offer(""))
        self._table.close()
        if self._table.rounded:
            logger.warning(
                "%d numbers with more digits than the .parquet columns have were rounded",
                self._table.rounded,
            )

    def _begin(self, item: Any) -> type:
        from pailitao_spider.tables.parquet import ParquetTable

        shape = self._shape(item)
        self._kind, self._row_of = type(item), shape.row
        self._table = ParquetTable(self._file, shape.columns)
        return self._kind
