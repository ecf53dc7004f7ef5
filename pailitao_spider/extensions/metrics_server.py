"""The run's metrics over HTTP, for Prometheus to scrape."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from scrapy import signals

from pailitao_spider.crawl.session import session_of
from pailitao_spider.monitoring.prometheus import ProgressCollector
from pailitao_spider.monitoring.snapshot_taker import SnapshotTaker

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["MetricsServer"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0


class MetricsServer:
    """Answers `GET /metrics` on the crawl's own loop, from a look at the crawl as it is then."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._session = session_of(crawler)
        self._counting: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        crawler.signals.connect(self._open, signals.engine_started)
        crawler.signals.connect(self._close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def _open(self) -> None:
        if not self._session.is_open:
            return
        watch = SnapshotTaker(self._crawler, self._session)
        runner = web.AppRunner(_app(watch), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await self._listen(runner)
        except OSError as error:
            await runner.cleanup()
            self._tell(error)
            return
        self._runner = runner
        self._counting = asyncio.ensure_future(watch.count_seeds())

    async def _listen(self, runner: web.AppRunner) -> None:
        config = self._session.config
        await web.TCPSite(runner, config.metrics_host, config.metrics_port).start()
        address = f"{config.metrics_host}:{config.metrics_port}"
        logger.info("metrics on http://%s/metrics", address)

    def _tell(self, error: OSError) -> None:
        config = self._session.config
        logger.warning(
            "PAILITAO_METRICS_PORT=%s cannot be opened on %s (%s): this run goes on without "
            "metrics; each worker on a machine needs a port of its own",
            config.metrics_port,
            config.metrics_host,
            error.strerror or error,
        )

    async def _close(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def _app(watch: SnapshotTaker) -> web.Application:
    registry = CollectorRegistry()
    registry.register(ProgressCollector(watch.progress))

    async def metrics(request: web.Request) -> web.Response:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await watch.look()
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app
