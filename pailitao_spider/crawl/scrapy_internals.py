"""The parts of Scrapy that are not public and that this project touches: all of them, here.

`check` is called when a crawl opens, so that another Scrapy fails with one clear line;
`tests/test_inner.py` holds the contract.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial, update_wrapper
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scrapy import Request, __version__
from scrapy.core.scraper import Scraper
from scrapy.http import Response
from scrapy.pipelines import ItemPipelineManager
from scrapy.signalmanager import SignalManager
from scrapy.utils.asyncio import is_asyncio_available
from scrapy.utils.httpobj import _urlparse_cache
from scrapy.utils.request import _fingerprint_cache

from pailitao_spider.errors import ConfigError

if TYPE_CHECKING:
    from scrapy.core.engine import ExecutionEngine
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

__all__ = [
    "check",
    "has_known_item_path",
    "hide_addresses",
    "in_progress",
    "is_closing",
    "item_steps",
    "load_tls",
    "plain_address",
    "readdress",
    "set_workers",
    "signed_address",
    "wake",
]

_HANDLER_LOGGERS = ("http11", "http2", "_aiohttp", "_httpx", "_base_streaming", "_base_http")
_SIGNED = "pailitao+"
_QUERY = re.compile(r"\?[^\s>\"']+")


def check(engine: ExecutionEngine) -> None:
    """Raises ConfigError when Scrapy's inner parts are not as expected, or asyncio is off."""
    if not is_asyncio_available():
        raise ConfigError("pailitao_spider needs asyncio: leave TWISTED_REACTOR at its default")
    slot = getattr(engine, "_slot", None)
    parts = ("closing", "inprogress", "nextcall")
    request = Request("https://pailitao.invalid")
    is_known = all(hasattr(slot, name) for name in parts)
    if not is_known or not hasattr(request, "_url"):
        raise ConfigError(
            f"Scrapy {__version__} is built differently inside; use one from 2.19 on "
            "that this version was tested with"
        )


def load_tls(settings: BaseSettings) -> None:
    """Loads what Scrapy's usual download handler needs. These modules read all frames of the call
    stack as they load: the fewer there are, the sooner it is done.
    """
    if "http11" not in str(settings.getwithbase("DOWNLOAD_HANDLERS").get("https")):
        return
    with suppress(ImportError):  # another Scrapy may have others
        for name in ("tls", "contextfactory"):
            import_module(f"scrapy.core.downloader.{name}")


def hide_addresses() -> None:
    """What Scrapy's download handlers log of a request is its address as it stands, which for some
    gateways holds a secret: nothing after its question mark is written.
    """
    for name in _HANDLER_LOGGERS:
        handler = logging.getLogger(f"scrapy.core.downloader.handlers.{name}")
        handler.removeFilter(_without_query)
        handler.addFilter(_without_query)


def _without_query(record: logging.LogRecord) -> bool:
    record.msg, record.args = _QUERY.sub("?…", record.getMessage()), None
    return True


def is_closing(engine: ExecutionEngine) -> bool:
    """The spider is being closed, by whatever: Ctrl-C, a limit, this project."""
    slot = engine._slot
    return slot is None or slot.closing is not None


def in_progress(engine: ExecutionEngine) -> Collection[Request]:
    """The requests that the engine has not finished: from the scheduler's hands until callback,
    item pipelines and all that they awaited are through.
    """
    slot = engine._slot
    return () if slot is None else slot.inprogress


def wake(engine: ExecutionEngine) -> None:
    """Makes the engine ask its scheduler now, not at its next heartbeat."""
    if engine._slot is not None:
        engine._slot.nextcall.schedule()


def has_known_item_path(crawler: Crawler) -> bool:
    """An item is taken through its pipelines and signals by Scrapy's own parts, built as known."""
    try:
        scraper = crawler.engine.scraper
    except (RuntimeError, AttributeError):  # where a middleware is tried without a crawl
        return False
    pipelines = getattr(scraper, "itemproc", None)
    if type(scraper) is not Scraper or type(crawler.signals) is not SignalManager:
        return False
    return (
        is_asyncio_available()
        and type(pipelines) is ItemPipelineManager
        and isinstance(getattr(scraper, "concurrent_items", None), int)
        and hasattr(pipelines, "methods")
        and hasattr(pipelines, "_mw_methods_requiring_spider")
    )


def item_steps(scraper: Scraper) -> list[Callable[[Any], Any]]:
    """The `process_item` of each item pipeline, to be called with the item alone."""
    pipelines = scraper.itemproc
    old = pipelines._mw_methods_requiring_spider
    return [
        _given_spider(method, scraper.crawler) if method in old else method
        for method in pipelines.methods["process_item"]
        if method is not None
    ]


def _given_spider(method: Callable[..., Any], crawler: Crawler) -> Callable[[Any], Any]:
    """A method of the signature `process_item(item, spider)`, under its own name."""
    return update_wrapper(partial(_with_spider, method, crawler), method)


def _with_spider(method: Callable[..., Any], crawler: Crawler, item: Any) -> Any:
    return method(item, crawler.spider)


def set_workers(scraper: Scraper, tasks: int) -> None:
    """Has Scrapy start so many tasks for a response's output: one where no item goes that way."""
    scraper.concurrent_items = tasks


def readdress(target: Request | Response, url: str) -> None:
    """Gives a request or response another address; what Scrapy has read of the old is forgotten."""
    target._url = url
    _urlparse_cache.pop(target, None)
    if isinstance(target, Request):
        _fingerprint_cache.pop(target, None)


def signed_address(url: str) -> str:
    """The same under the scheme whose download handler sends signed forms."""
    return f"{_SIGNED}{url}"


def plain_address(url: str) -> str:
    """The address of before."""
    return url.removeprefix(_SIGNED)
