"""Photos in, a trustworthy table of 1688 offers out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pailitao_spider.addon import Addon
    from pailitao_spider.crawl.requests import ImageSearch, PageResponse
    from pailitao_spider.errors import (
        BadSeedError,
        ConfigError,
        PailitaoError,
        PictureError,
        RefusedError,
        ResultsError,
        SourceError,
    )
    from pailitao_spider.offers.model import Offer, RejectedRow
    from pailitao_spider.spiders.pailitao import PailitaoSpider

    __version__: str

__all__ = [
    "Addon",
    "BadSeedError",
    "ConfigError",
    "ImageSearch",
    "Offer",
    "PageResponse",
    "PailitaoError",
    "PailitaoSpider",
    "PictureError",
    "RefusedError",
    "RejectedRow",
    "ResultsError",
    "SourceError",
    "__version__",
]

_PLACES = {
    "Addon": "addon",
    "ImageSearch": "crawl.requests",
    "PageResponse": "crawl.requests",
    "Offer": "offers.model",
    "RejectedRow": "offers.model",
    "PailitaoSpider": "spiders.pailitao",
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for: each command of Scrapy comes by here."""
    if name == "__version__":
        from importlib.metadata import version

        return version("pailitao-spider")
    if name in __all__:
        return getattr(import_module(f"pailitao_spider.{_PLACES.get(name, 'errors')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
