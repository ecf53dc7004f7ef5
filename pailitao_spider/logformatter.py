"""Log lines for a table of offers: none for each item."""

from __future__ import annotations

from typing import Any

from scrapy.logformatter import LogFormatter

__all__ = ["QuietLogFormatter"]


class QuietLogFormatter(LogFormatter):
    """Scrapy's, without "Scraped from": thousands of offers are in the feed, not in the log."""

    def scraped(self, item: Any, response: Any, spider: Any) -> None:  # type: ignore[override]
        """No line; a record that nobody reads costs a quarter of an item's time."""
