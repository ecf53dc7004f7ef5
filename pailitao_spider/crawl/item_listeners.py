"""Who else listens to the items of a crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["takes_items"]


def takes_items(crawler: Crawler) -> bool:
    """Somebody beyond Scrapy and this project listens to the items of a crawl."""
    heard = liveReceivers(getAllReceivers(crawler.signals.sender, signals.item_scraped))
    modules = (getattr(each, "__module__", None) or "" for each in heard)
    return any(not module.startswith(("scrapy.", "pailitao_spider.")) for module in modules)
