"""Photos in, a trustworthy table of 1688 offers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pailitao_spider.addon import Addon
    from pailitao_spider.crawl.requests import ImageSearch

__all__ = ["Addon", "ImageSearch"]


def __getattr__(name: str) -> Any:
    """Loads the two when they are asked for: each command of Scrapy comes by here."""
    if name == "Addon":
        from pailitao_spider.addon import Addon

        return Addon
    if name == "ImageSearch":
        from pailitao_spider.crawl.requests import ImageSearch

        return ImageSearch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
