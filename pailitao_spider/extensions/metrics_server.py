"""The run over HTTP: metrics for Prometheus to scrape, and a live page for a browser."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from scrapy import signals
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider.config.feeds import local_feeds
from pailitao_spider.crawl.session import session_of
from pailitao_spider.monitoring.live.figures import of_progress
from pailitao_spider.monitoring.live.server import LivePage, Look
from pailitao_spider.monitoring.live.tails import Tails
from pailitao_spider.monitoring.prometheus import ProgressCollector
from pailitao_spider.monitoring.snapshot_taker import SnapshotTaker

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["MetricsServer"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0


class MetricsServer:
    """Answers `GET /metrics` and the live page on the crawl's own loop, as the crawl is then."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._session = session_of(crawler)
        self._tasks: list[asyncio.Future[None]] = []
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
        feeds = [target.path for target in local_feeds(self._crawler.settings)]
        page = LivePage(_look(watch, Tails(lambda: feeds)), self._session.config.metrics_host)
        app = _app(watch)
        page.add_to(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await self._listen(runner, page)
        except OSError as error:
            await runner.cleanup()
            self._tell(error)
            return
        self._runner = runner
        self._tasks = [asyncio.ensure_future(each) for each in (watch.count_seeds(), _note(watch))]

    async def _listen(self, runner: web.AppRunner, page: LivePage) -> None:
        config = self._session.config
        await web.TCPSite(runner, config.metrics_host, config.metrics_port).start()
        address = f"{config.metrics_host}:{config.metrics_port}"
        logger.info("metrics on http://%s/metrics", address)
        logger.info("live page on %s", page.address(config.metrics_host, config.metrics_port))

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
        for task in self._tasks:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


async def _note(watch: SnapshotTaker) -> None:
    """Rates and the time that is left are made from looks a second apart."""
    while True:
        watch.note()
        await asyncio.sleep(1)


def _look(watch: SnapshotTaker, tails: Tails) -> Look:
    async def look() -> dict[str, Any]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await watch.look()
        written = await run_in_thread(tails.look)
        recent = written.pop("offers")
        return {**of_progress(watch.progress()), **written, "recent": recent}

    return look


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
