"""Crawls in which everything that a project may hang on an item is hung on it, all in one process.

    python -m tests.lane_scenarios LANE FOLDER

writes what each scenario's parts saw, in order, as `seen.json`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import scrapy
from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import DropItem
from scrapy.exporters import BaseItemExporter
from scrapy.extensions.feedexport import ItemFilter
from scrapy.utils.misc import load_object
from twisted.internet.defer import succeed

COUNT = 30


@dataclass
class Shoe:
    number: int
    note: str = ""


class Log(logging.Handler):
    """Log records of items and signals, by spider."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[Any]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        spider = getattr(record, "spider", None)
        if spider is None or not record.name.startswith(
            ("scrapy.core.scraper", "scrapy.utils.sig")
        ):
            return
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        text = record.getMessage().split(" at 0x")[0]
        self.lines.setdefault(spider.name, []).append(
            [record.name, record.levelname, text, error, hasattr(record, "item")]
        )


class Recorder:
    """Scenario parts write here what they saw."""

    def __init__(self, crawler: Any) -> None:
        self.crawler = crawler
        self.seen: list[Any] = crawler.spider.seen if crawler.spider else []

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        return cls(crawler)

    def saw(self, *what: Any) -> None:
        self.crawler.spider.seen.append([str(each) for each in what])


class Marking(Recorder):
    def process_item(self, item: Any) -> Any:
        self.saw("marking", item)
        if isinstance(item, dict):
            return {**item, "marked": True}
        item.note = "marked"
        return item


class OldStyle(Recorder):
    def process_item(self, item: Any, spider: Any) -> Any:
        self.saw("old style", spider.name, item)
        return item


class Dropping(Recorder):
    def process_item(self, item: Any) -> Any:
        if number(item) % 5 == 0:
            raise DropItem(f"no {number(item)}", log_level="INFO")
        return item


class Failing(Recorder):
    def process_item(self, item: Any) -> Any:
        if number(item) % 7 == 0:
            raise ValueError(f"bad {number(item)}")
        return item


class Waiting(Recorder):
    under_way = most = 0

    async def process_item(self, item: Any) -> Any:
        self.under_way += 1
        type(self).most = max(self.most, self.under_way)
        await asyncio.sleep(0.001 * (number(item) % 3))
        self.under_way -= 1
        if number(item) % 11 == 0:
            raise DropItem("late")
        if number(item) % 13 == 0:
            raise KeyError("late")
        return item


class Deferring(Recorder):
    def process_item(self, item: Any) -> Any:
        return succeed(item) if number(item) % 2 else item


class Losing(Recorder):
    """Returns None, as a forgotten `return` does."""

    def process_item(self, item: Any) -> Any:
        self.saw("losing", item)


class Late(Recorder):
    """Connects a receiver while items are under way, and takes another away."""

    def process_item(self, item: Any) -> Any:
        if number(item) == 3:
            self.crawler.signals.connect(self.late, signals.item_scraped)
        if number(item) == 20:
            self.crawler.signals.disconnect(self.late, signals.item_scraped)
        return item

    def late(self, item: Any) -> None:
        self.saw("late", item)


class Receivers(Recorder):
    """Receivers of every shape."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        connect = crawler.signals.connect
        for receiver in (self.bare, self.some, self.all, self.failing):
            connect(receiver, signals.item_scraped)
        connect(self.dropped, signals.item_dropped)
        connect(self.error, signals.item_error)
        connect(self.spider_error, signals.spider_error)

    def bare(self) -> None:
        self.saw("bare")

    def some(self, item: Any, spider: Any, response: Any) -> None:
        self.saw("some", item, spider.name, response.url)

    def all(self, **given: Any) -> None:
        self.saw("all", sorted(given), given["item"], given["sender"] is self.crawler)

    def failing(self, item: Any, missing: Any = None) -> None:
        if number(item) == 4:
            raise RuntimeError("receiver")

    def dropped(self, item: Any, exception: Any, response: Any, spider: Any) -> None:
        self.saw("dropped", item, exception, response.url)

    def error(self, item: Any, response: Any, spider: Any, failure: Any) -> None:
        self.saw("error", item, failure.type.__name__, failure.value, response.url)

    def spider_error(self, failure: Any) -> None:
        self.saw("spider error", failure.value)


class AsyncReceivers(Recorder):
    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self.scraped, signals.item_scraped)
        crawler.signals.connect(self.dropped, signals.item_dropped)
        crawler.signals.connect(self.deferred, signals.item_scraped)

    async def scraped(self, item: Any) -> None:
        await asyncio.sleep(0.001)
        self.saw("scraped", item)
        if number(item) == 4:
            raise RuntimeError("async receiver")

    async def dropped(self, item: Any, exception: Any) -> None:
        await asyncio.sleep(0)
        self.saw("dropped", item, exception)

    def deferred(self, item: Any) -> Any:
        self.saw("deferred", item)
        return succeed(None)


class Doubling(Recorder):
    """A spider middleware that sees items, changes them and adds some."""

    async def process_spider_output(self, response: Any, result: Any) -> Any:
        async for each in result:
            self.saw("middleware", each)
            yield each
            if isinstance(each, dict) and each["number"] % 10 == 1:
                yield {"number": each["number"] + 100}


class OddNumbers(ItemFilter):
    def accepts(self, item: Any) -> bool:
        return super().accepts(item) and number(item) % 2 == 1


class Shouting(BaseItemExporter):
    """An exporter of somebody's own."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(**options)
        self.file = file

    def export_item(self, item: Any) -> None:
        self.file.write(f"{dict(self.get_serialized_fields(item))}!\n".encode())


def number(item: Any) -> int:
    return int(item["number"] if isinstance(item, dict) else item.number)


class Items(scrapy.Spider):
    """Thirty items of one answer, then one more answer."""

    name = "items"
    seen: list[Any]
    custom_settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.seen = []

    async def start(self) -> Any:
        yield scrapy.Request("data:,first", callback=self.parse)

    def parse(self, response: Any) -> Iterator[Any]:
        for each in range(1, COUNT + 1):
            yield {"number": each} if each % 3 else Shoe(each)
            if each == 10:
                yield None
                yield scrapy.Request("data:,second", callback=self.more)

    def more(self, response: Any) -> Iterator[Any]:
        yield {"number": 200}


class OneAnswer(Items):
    def parse(self, response: Any) -> Iterator[Any]:
        yield from ({"number": each} for each in range(1, COUNT + 1))


class Breaking(Items):
    def parse(self, response: Any) -> Iterator[Any]:
        for each in range(1, 6):
            yield {"number": each}
        raise LookupError("half-way")


class AsyncCallback(Items):
    async def parse(self, response: Any) -> Any:
        for each in range(1, 6):
            await asyncio.sleep(0)
            yield {"number": each}


class Errback(Items):
    """Items of an errback do not pass a spider middleware."""

    async def start(self) -> Any:
        yield scrapy.Request("nowhere://x", callback=self.parse, errback=self.failed)

    def failed(self, failure: Any) -> Iterator[Any]:
        for each in range(1, 6):
            yield {"number": each}


HERE = "tests.lane_scenarios."


def with_parts(*pipelines: type, **settings: Any) -> dict[str, Any]:
    names = {HERE + each.__name__: 300 + place for place, each in enumerate(pipelines)}
    return {"ITEM_PIPELINES": names, "EXTENSIONS": {HERE + "Receivers": 1}, **settings}


FEEDS = {
    "all.jsonl": {"format": "jsonlines"},
    "shoes.csv": {"format": "csv", "item_classes": [HERE + "Shoe"]},
    "odd.json": {"format": "json", "item_filter": HERE + "OddNumbers"},
    "loud.txt": {"format": "loud", "fields": ["number"]},
    "part-%(batch_id)d.jsonl": {"format": "jsonlines", "batch_item_count": 8},
}

SCENARIOS: dict[str, tuple[type[Items], dict[str, Any]]] = {
    "plain": (Items, with_parts(Marking)),
    "drops-and-errors": (Items, with_parts(Dropping, Failing, Marking)),
    "old-style": (Items, with_parts(OldStyle)),
    "late-receivers": (Items, with_parts(Late, Marking)),
    "nothing-returned": (Items, {"ITEM_PIPELINES": {HERE + "Losing": 1}}),
    "async-pipeline": (Items, with_parts(Marking, Waiting, Failing)),
    "one-at-once": (Items, with_parts(Waiting, CONCURRENT_ITEMS=1)),
    "deferred-pipeline": (Items, with_parts(Deferring)),
    "async-receivers": (Items, with_parts(Dropping) | {"EXTENSIONS": {HERE + "AsyncReceivers": 1}}),
    "middleware": (Items, with_parts(Marking, SPIDER_MIDDLEWARES={HERE + "Doubling": 543})),
    "closed-by-count": (OneAnswer, with_parts(Marking, CLOSESPIDER_ITEMCOUNT=12)),
    "broken-callback": (Breaking, with_parts(Marking)),
    "async-callback": (AsyncCallback, with_parts(Marking, Dropping)),
    "errback": (Errback, with_parts(Marking)),
    "feeds": (Items, with_parts(Marking, FEEDS=FEEDS, FEED_EXPORTERS={"loud": HERE + "Shouting"})),
}  # fmt: skip

_UNSTEADY = ("time", "memusage", "log_count", "elapsed", "_per_minute")


def main(lane: str, folder: Path) -> None:
    process = AsyncCrawlerProcess(
        {"ADDONS": {"pailitao_spider.Addon": 500}, "PAILITAO_LANE": lane, "LOG_LEVEL": "DEBUG",
         "TELNETCONSOLE_ENABLED": False},
        install_root_handler=False,
    )  # fmt: skip
    log = Log()
    logging.getLogger().addHandler(log)
    logging.getLogger().setLevel(logging.DEBUG)
    crawlers = {}
    for name, (spider, settings) in SCENARIOS.items():
        feeds = {f"{folder}/{name}-{path}": how for path, how in settings.get("FEEDS", {}).items()}
        own = {**settings, "FEEDS": feeds} if feeds else settings
        made = type(spider.__name__, (spider,), {"name": name, "custom_settings": own})
        crawlers[name] = process.create_crawler(made)
        process.crawl(crawlers[name])
    process.start()
    found = {name: _found(crawler, log.lines.get(name, [])) for name, crawler in crawlers.items()}
    found["async-pipeline"]["most at once"] = load_object(HERE + "Waiting").most
    (folder / "seen.json").write_text(json.dumps(found, ensure_ascii=False, indent=1))


def _found(crawler: Any, lines: list[Any]) -> dict[str, Any]:
    stats = {
        key: str(value)
        for key, value in crawler.stats.get_stats().items()
        if not any(word in key for word in _UNSTEADY)
    }
    return {"seen": crawler.spider.seen, "stats": stats, "log": lines}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
