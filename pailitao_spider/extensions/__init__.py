"""Scrapy extensions: the summary at the end, progress, metrics, the database that follows."""

from __future__ import annotations

from pailitao_spider.extensions.summary import Summary

__all__ = ["Summary"]
