"""Leaves a crawl's stats beside its results, for tests that compare them exactly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scrapy.statscollectors import StatsCollector


class FileStats(StatsCollector):
    """Writes the stats to `stats.json` in the working folder when the spider closes."""

    def _persist_stats(self, stats: dict[str, Any]) -> None:
        Path("stats.json").write_text(json.dumps(stats, default=str))


class WorkerStats(StatsCollector):
    """The same for workers that share a folder: `stats-<pid>.json`."""

    def _persist_stats(self, stats: dict[str, Any]) -> None:
        Path(f"stats-{os.getpid()}.json").write_text(json.dumps(stats, default=str))
