"""Seconds between a crawl's first answer and its last item, and its line's calls to Redis."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from scrapy import signals

from pailitao_spider.crawl.session import session_of


class Stopwatch:
    """Writes BENCH_STATS when the spider is closed."""

    def __init__(self, crawler: Any) -> None:
        self._crawler = crawler
        self._first = self._last = 0.0
        crawler.signals.connect(self._came, signals.response_received)
        crawler.signals.connect(self._scraped, signals.item_scraped)
        crawler.signals.connect(self._scraped, signals.item_dropped)
        crawler.signals.connect(self._write, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Any) -> Stopwatch:
        return cls(crawler)

    def _came(self) -> None:
        self._first = self._first or time.perf_counter()

    def _scraped(self) -> None:
        self._last = time.perf_counter()

    def _write(self) -> None:
        link = getattr(session_of(self._crawler), "link", None)
        calls = dict(link.script_calls) if link else {}
        seen = {"seconds": self._last - self._first, "redis_calls": calls}
        Path(os.environ["BENCH_STATS"]).write_text(json.dumps(seen))
