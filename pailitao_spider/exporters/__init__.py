"""Item exporters of all formats, and the feed exporter that keeps feeds whole."""

from __future__ import annotations

from pailitao_spider.exporters.item_exporters import (
    CsvExporter,
    JsonExporter,
    JsonLinesExporter,
    ParquetExporter,
    XlsxExporter,
)

__all__ = ["CsvExporter", "JsonExporter", "JsonLinesExporter", "ParquetExporter", "XlsxExporter"]
