"""Crawls inside the test's own process, on Twisted's asyncio reactor by pytest-twisted:

    python -m pytest --reactor=asyncio tests/in_process

Its loop runs beside each test, so tests that bring a loop of their own cannot be in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.test import get_crawler

collect_ignore_glob: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("reactor", "default") != "asyncio":
        collect_ignore_glob.append("test_*.py")


class Ran:
    """A crawl: its items as they left the pipelines, those that failed and why, and its stats."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.items: list[Any] = []
        self.failed: list[tuple[Any, BaseException]] = []
        crawler.signals.connect(self._scraped, signals.item_scraped)
        crawler.signals.connect(self._failed, signals.item_error)

    def _scraped(self, item: Any) -> None:
        self.items.append(item)

    def _failed(self, item: Any, failure: Any) -> None:
        self.failed.append((item, failure.value))

    @property
    def stats(self) -> dict[str, Any]:
        return self.crawler.stats.get_stats()

    @property
    def ids(self) -> list[str]:
        return [item.num_iid for item in self.items if hasattr(item, "num_iid")]


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a spider with the add-on, in an empty folder and with an empty home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    async def run(spider: type[Spider], settings: dict[str, Any], **given: Any) -> Ran:
        base = {
            "ADDONS": {"pailitao_spider.Addon": 500},
            "PAILITAO_SANDBOX": "1",
            "PAILITAO_RATE": 1000,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "LOG_LEVEL": "INFO",
        }
        crawler = get_crawler(spider, base | settings)
        ran = Ran(crawler)
        await crawler.crawl_async(**given)
        return ran

    return lambda *args, **given: deferred_from_coro(run(*args, **given))
