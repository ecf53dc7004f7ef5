"""All that can be checked before a crawl begins, so that a mistake costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scrapy.crawler import Crawler
from scrapy.utils.misc import load_object

from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.capability_checks import check_abilities
from pailitao_spider.config.database_feed import checked_url, followed_feed
from pailitao_spider.config.feeds import check_apart, csv_has_bom, local_feeds
from pailitao_spider.config.setting_table import Config, goes_by_aiohttp, lane_of, unknown_names
from pailitao_spider.crawl.output_checks import check_has_output, check_outputs
from pailitao_spider.errors import ConfigError
from pailitao_spider.seeds.sources import open_source, unheard

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["check"]

_SPIDER = "pailitao_spider.spiders.pailitao.PailitaoSpider"


def check(settings: BaseSettings, given: Mapping[str, Any]) -> Config:
    """What the settings say. Nothing is written but an empty feed where there was none.

    Raises the PailitaoError whose text is the one line to show.
    """
    unknown_names(settings)
    config = Config.read(settings)
    if config.sandbox is not None:
        from pailitao_spider.sandbox.embedded import sandbox_options

        sandbox_options(config.sandbox)
    _check_scheduler(settings, is_worker=config.cluster)
    arguments = Arguments.read(given, is_worker=config.cluster)
    check_abilities(config.keys, arguments, given)
    if arguments.seeds not in (None, "-"):
        open_source(arguments.seeds, sheet=arguments.sheet, tell=unheard)
    csv_has_bom(settings)
    goes_by_aiohttp(settings)
    lane_of(settings)
    check_outputs(settings, Crawler(load_object(_SPIDER), settings))  # type: ignore[arg-type]
    if not config.cluster:
        check_has_output(settings)
    feeds = local_feeds(settings)
    check_apart(feeds, arguments.seeds)
    if config.sql_url is not None:
        url = checked_url(config.sql_url)
        if feeds or not config.cluster:  # a worker is given a feed of its own
            followed_feed(settings, url)
    for feed in feeds:
        feed.check_writable()
        if not feed.overwrite:
            feed.written()
    return config


def _check_scheduler(settings: BaseSettings, *, is_worker: bool) -> None:
    name = str(settings["SCHEDULER"])
    is_replaced = name == "scrapy_redis.scheduler.Scheduler"
    if is_worker and (settings.getpriority("SCHEDULER") or 0) > 0 and not is_replaced:
        raise ConfigError(
            f"SCHEDULER={name} does not go with PAILITAO_CLUSTER, which brings its own; remove "
            "that setting"
        )
    if not is_worker and "scrapy_redis" in name:
        raise ConfigError(
            f"SCHEDULER={name} is for spiders of scrapy-redis; remove that setting, and set "
            "PAILITAO_CLUSTER=1 to work on several machines"
        )
