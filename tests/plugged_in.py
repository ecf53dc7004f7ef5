"""What users plug in behind the offers: ImagesPipeline; a schema and monitors of spidermon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from scrapy import Request
from scrapy.pipelines.images import ImagesPipeline
from spidermon import Monitor, MonitorSuite
from spidermon.contrib.scrapy.monitors import FinishReasonMonitor, ItemCountMonitor

SCHEMA = {
    "type": "object",
    "required": ["num_iid", "title", "gateway"],
    "properties": {
        "num_iid": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "title": {"type": "string", "maxLength": int(os.environ.get("LONGEST_TITLE", "1000"))},
        "page": {"type": "integer", "minimum": 1},
    },
}


class OfferImages(ImagesPipeline):
    """Fetches one picture for each offer, and writes where it lies into the offer."""

    def get_media_requests(self, item: Any, info: Any) -> Iterator[Request]:
        number = int(item.num_iid) % 6 + 1
        name = f"mug-{number:02d}-1" if number < 6 else "none-of-these"
        yield Request(f"{os.environ['PICTURES']}/photos/{name}.jpg")

    def item_completed(self, results: Any, item: Any, info: Any) -> Any:
        item.extra["picture"] = next((found["path"] for ok, found in results if ok), None)
        return item


class EachOfferOnce(Monitor):
    def test_what_was_scraped_is_what_was_new(self) -> None:
        stats = self.data.stats
        assert stats["item_scraped_count"] == stats["pailitao/offers/new"]


class Closing(MonitorSuite):
    monitors = [ItemCountMonitor, FinishReasonMonitor, EachOfferOnce]  # noqa: RUF012
