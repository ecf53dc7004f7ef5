"""What becomes of a call that is not made: the run ends, or nobody is left to make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest

from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.requests import META, again
from pailitao_spider.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from scrapy import Request

    from pailitao_spider.crawl.session import Session

__all__ = [
    "TOO_LARGE",
    "AccessLostError",
    "GatewayGoneError",
    "PageNotNeededError",
    "RunEndsError",
    "UnusableError",
    "not_made",
]


TOO_LARGE = (
    "too_large: an answer above 8 MiB, which no further try makes smaller; ask for less with "
    "-a page_size="
)


class RunEndsError(IgnoreRequest):
    """The run ends; this request is left for the next one."""


class PageNotNeededError(IgnoreRequest):
    """Nobody waits for this page: its search ends before it, or has ended."""


class GatewayGoneError(IgnoreRequest):
    """The gateway that gave the pages before has no key left; another may begin anew."""


class UnusableError(ConfigError, IgnoreRequest):
    """No call can be made with these settings. Told in the log once, so Scrapy ignores it."""


class AccessLostError(RefusedError, IgnoreRequest):
    """No key is left that makes calls. Told in the log once, so Scrapy ignores it."""


def not_made(session: Session, request: Request) -> Request:
    """The request, to be scheduled again: who keeps its scheduler's queue has it in the next run.

    Raises RunEndsError where the books know what is left, AccessLostError where the spider goes
    on without its searches.
    """
    if session.keeps_ledger:
        raise RunEndsError
    if not scrapy_internals.is_closing(session.crawler.engine):
        raise AccessLostError(session.why_stopped)
    if request.meta[META]["kind"] != "search":
        raise RunEndsError
    return again(request)
