"""Log lines for a table of offers: none for each item."""

from __future__ import annotations

import logging
from typing import Any

from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.statscollectors import MemoryStatsCollector

__all__ = ["QuickStats", "QuietLogFormatter"]

_SCRAPER = logging.getLogger("scrapy.core.scraper")  # Scrapy tells of items there


class QuietLogFormatter(LogFormatter):
    """Scrapy's, without "Scraped from": thousands of offers are in the feed, not in the log."""

    def scraped(self, item: Any, response: Any, spider: Any) -> None:  # type: ignore[override]
        """No line; a record that nobody reads costs a quarter of an item's time."""

    def dropped(  # type: ignore[override]
        self, item: Any, exception: Any, response: Any, spider: Any
    ) -> LogFormatterResult | None:
        """Duplicates come by the hundred; at a higher log level nothing is made of them."""
        is_quiet = getattr(exception, "log_level", None) == "DEBUG"
        if is_quiet and not _SCRAPER.isEnabledFor(logging.DEBUG):
            return None
        return super().dropped(item, exception, response, spider)


class QuickStats(MemoryStatsCollector):
    """Scrapy's; a deprecated `spider` argument is taken without a warning."""

    __getattribute__ = object.__getattribute__
