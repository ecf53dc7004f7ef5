"""One line in a Scrapy project switches everything on: `ADDONS = {"pailitao_spider.Addon": 500}`.

What the user has configured stays: components are added where they are not named, settings are
written at the add-on's priority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.extensions.feedexport import FeedExporter
from scrapy.settings import get_settings_priority
from scrapy.utils.misc import load_object

from pailitao_spider.config.feeds import local_feeds
from pailitao_spider.config.setting_table import Config, is_worker, serves_metrics, sql_url_of
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.output_checks import FORMATS
from pailitao_spider.crawl.requests import SLOT
from pailitao_spider.crawl.session import keeps_ledger

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import Settings

    from pailitao_spider.crawl.session import Session

__all__ = ["Addon"]

_CALLS_AT_ONCE = 64
_SCRAPY_REDIS = "scrapy_redis.scheduler.Scheduler"

_OUTERMOST = -1_000_000
"""Before every order that a project gives: items must have passed all its spider middlewares."""

_COMPONENTS: dict[str, dict[str, int]] = {
    "DOWNLOADER_MIDDLEWARES": {
        "pailitao_spider.middlewares.addressing.AddressMiddleware": _OUTERMOST,
        "pailitao_spider.middlewares.answers.AnswerMiddleware": 555,
        "pailitao_spider.middlewares.signing.SigningMiddleware": 950,
    },
    "SPIDER_MIDDLEWARES": {
        "pailitao_spider.middlewares.page_settlement.SettlingMiddleware": _OUTERMOST,
        "pailitao_spider.item_fast_path.LaneMiddleware": _OUTERMOST + 1,
    },
    "ITEM_PIPELINES": {
        "pailitao_spider.pipelines.ValidationPipeline": 100,
        "pailitao_spider.pipelines.DedupPipeline": 200,
    },
}

_HANDLER = "pailitao_spider.download_handler.SignedCallHandler"

_LOCAL = "crawl.local_session.LocalSession"


class Addon:
    """Wires the plug-in into a crawl, and holds the crawl's session."""

    def __init__(self, crawler: Crawler) -> None:
        self._keeps_ledger = keeps_ledger(crawler)
        self.session: Session = _session(crawler)
        crawler.signals.connect(self.session.opened, signals.spider_opened)
        crawler.signals.connect(self.session.close, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def update_settings(self, settings: Settings) -> None:
        for name, components in _COMPONENTS.items():
            for path, order in components.items():
                settings.setdefault_in_component_priority_dict(name, load_object(path), order)
        if self._keeps_ledger:
            _add_run(settings)
        handlers = {
            scrapy_internals.signed_address(scheme): _HANDLER for scheme in ("http", "https")
        }
        _set_members(settings, "DOWNLOAD_HANDLERS", handlers)
        _set_members(settings, "FEED_EXPORTERS", FORMATS)
        slot = {"concurrency": _CALLS_AT_ONCE, "delay": 0, "jitter": 0}
        _set_members(settings, "DOWNLOAD_SLOTS", {SLOT: slot})


def _add_run(settings: Settings) -> None:
    """What a spider that keeps a ledger has besides: of no other is anything of this changed."""
    _add_extension(settings, "pailitao_spider.extensions.Summary", 500)
    if serves_metrics(settings):
        _add_extension(settings, "pailitao_spider.extensions.metrics_server.MetricsServer", 510)
    if sql_url_of(settings) is not None:
        _add_extension(settings, "pailitao_spider.extensions.sql_follower.SqlFollower", 520)
    if is_worker(settings):
        _join_cluster(settings)
    _replace_feed_exporter(settings)
    settings.set("FEED_EXPORT_ENCODING", "utf-8", "addon")


def _add_extension(settings: Settings, path: str, order: int) -> None:
    settings.setdefault_in_component_priority_dict("EXTENSIONS", load_object(path), order)


def _join_cluster(settings: Settings) -> None:
    from pailitao_spider.cluster.worker.identity import feed_of_worker

    priority = get_settings_priority("addon")
    if str(settings["SCHEDULER"]) == _SCRAPY_REDIS:  # the project's other spiders keep it
        priority = max(priority, settings.getpriority("SCHEDULER") or 0)
    scheduler = "pailitao_spider.cluster.worker.scheduler.LeasingScheduler"
    settings.set("SCHEDULER", scheduler, priority)
    if not local_feeds(settings):
        path = feed_of_worker(Config.read(settings, needs_key=False).run)
        _set_members(settings, "FEEDS", {path: {"format": "jsonlines"}})


def _session(crawler: Crawler) -> Session:
    is_shared = is_worker(crawler.settings) and keeps_ledger(crawler)
    path = "cluster.worker.session.ClusterSession" if is_shared else _LOCAL
    made: Session = load_object(f"pailitao_spider.{path}")(crawler)
    return made


def _set_members(settings: Settings, name: str, ours: dict[str, Any]) -> None:
    """Adds members to a dictionary setting, below those that the user has named."""
    priority = max(settings.getpriority(name) or 0, get_settings_priority("addon"))
    settings.set(name, {**ours, **settings.getdict(name)}, priority)


def _replace_feed_exporter(settings: Settings) -> None:
    """Ours stands where Scrapy's stood; one that the user has placed or switched off stays."""
    if any(load_object(each) is FeedExporter for each in settings.getdict("EXTENSIONS")):
        return
    durable = load_object("pailitao_spider.exporters.feed_exporter.DurableFeedExporter")
    settings.setdefault_in_component_priority_dict("EXTENSIONS", FeedExporter, None)
    settings.setdefault_in_component_priority_dict("EXTENSIONS", durable, 0)
