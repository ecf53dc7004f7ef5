"""A response's items through the item pipelines and item signals in one loop.

Scrapy starts a task for every item and one for every receiver of its signal. Where nobody awaits
anything these tasks are most of an item's time. Here the same pipelines and the same receivers are
called one after the other, and only what is awaited becomes a task.
"""

from __future__ import annotations

from pailitao_spider.item_fast_path.middleware import LaneMiddleware

__all__ = ["LaneMiddleware"]
