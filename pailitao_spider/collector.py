"""Scrapy's stats, without a look-up in Python for each count."""

from __future__ import annotations

from scrapy.statscollectors import MemoryStatsCollector

__all__ = ["QuickStats"]


class QuickStats(MemoryStatsCollector):
    """Scrapy's; a deprecated `spider` argument is taken without a warning."""

    __getattribute__ = object.__getattribute__
