"""Feed formats with the digits of money kept: JSON Lines, JSON, CSV.

Items that are no Offer are exported as Scrapy does it.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from scrapy.exporters import CsvItemExporter, JsonItemExporter, JsonLinesItemExporter

from pailitao_spider.offers import Offer
from pailitao_spider.results.lines import ENCODER

__all__ = ["CsvExporter", "JsonExporter", "JsonLinesExporter"]


class JsonLinesExporter(JsonLinesItemExporter):
    """An offer a line, every field present, UTF-8."""

    def export_item(self, item: Any) -> None:
        if not isinstance(item, Offer):
            super().export_item(item)
            return
        value = item if self.fields_to_export is None else dict(self.get_serialized_fields(item))
        self.file.write(ENCODER.encode(value) + b"\n")


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
        self.encoder = self._encoders[isinstance(item, Offer)]
        super().export_item(item)


class CsvExporter(CsvItemExporter):
    """A column a field; objects stand as JSON text, unknown is an empty cell."""

    _is_offer = False

    def export_item(self, item: Any) -> None:
        self._is_offer = isinstance(item, Offer)
        super().export_item(item)

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        if not self._is_offer:
            return super().serialize_field(field, name, value)
        if isinstance(value, dict):
            return ENCODER.encode(value).decode() if value else ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return super().serialize_field(field, name, value)
