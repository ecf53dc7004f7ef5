"""The lane takes items where Scrapy takes them, past everything that hangs on an item."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scrapy import signals
from scrapy.core.scraper import Scraper
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.signal import send_catch_log_async
from scrapy.utils.test import get_crawler

from pailitao_spider.item_fast_path import receivers
from pailitao_spider.item_fast_path.items import Audiences
from pailitao_spider.item_fast_path.receivers import Receivers
from tests.crawling import REPOSITORY
from tests.lane_scenarios import SCENARIOS

_NUMBER = re.compile(r"(?:'number': |Shoe\(number=|no |bad )(\d+)")


def ran(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=kept | env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same scenarios, Scrapy's way and by the lane."""
    folders = tuple(tmp_path_factory.mktemp(name) for name in ("scrapy", "lane"))
    for lane, folder in enumerate(folders):
        done = ran(folder, "-m", "tests.lane_scenarios", str(lane), str(folder))
        assert (folder / "seen.json").exists(), done.stderr[-3000:]
    return folders  # type: ignore[return-value]


def found(folder: Path, scenario: str) -> dict[str, Any]:
    return dict(json.loads((folder / "seen.json").read_text())[scenario])


def by_item(events: list[Any]) -> dict[str, list[Any]]:
    """What happened to each item, in order; which items are under way together is free."""
    grouped: dict[str, list[Any]] = {}
    for event in events:
        number = _NUMBER.search(str(event))
        grouped.setdefault(number[1] if number else "none", []).append(event)
    grouped.get("none", []).sort()
    return grouped


@pytest.mark.parametrize("scenario", SCENARIOS)
class TestTheSameAsScrapy:
    def test_each_item_meets_the_same_parts_in_the_same_order(
        self, both: tuple[Path, Path], scenario: str
    ) -> None:
        scrapys, lanes = (by_item(found(folder, scenario)["seen"]) for folder in both)
        assert lanes == scrapys
        assert lanes, "nothing was seen"

    def test_the_log_says_the_same(self, both: tuple[Path, Path], scenario: str) -> None:
        scrapys, lanes = (by_item(found(folder, scenario)["log"]) for folder in both)
        assert lanes == scrapys
        assert lanes, "nothing was logged"

    def test_the_stats_are_the_same(self, both: tuple[Path, Path], scenario: str) -> None:
        scrapys, lanes = (found(folder, scenario)["stats"] for folder in both)
        assert lanes == scrapys

    def test_the_feeds_hold_the_same(self, both: tuple[Path, Path], scenario: str) -> None:
        scrapys, lanes = (
            {path.name: path.read_bytes() for path in folder.glob(f"{scenario}-*")}
            for folder in both
        )
        assert lanes == scrapys
        assert bool(lanes) == ("FEEDS" in SCENARIOS[scenario][1])


def test_items_that_wait_are_under_way_together(both: tuple[Path, Path]) -> None:
    scrapys, lanes = (found(folder, "async-pipeline")["most at once"] for folder in both)
    assert lanes == scrapys > 10


# when it is on

SPIDER = """
import scrapy

class Custom:
    def __init__(self, crawler):
        from scrapy.pipelines import ItemPipelineManager
        self.inner = ItemPipelineManager.from_crawler(crawler)
    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler)
    async def open_spider_async(self):
        await self.inner.open_spider_async()
    async def close_spider_async(self):
        await self.inner.close_spider_async()
    async def process_item_async(self, item):
        return await self.inner.process_item_async(item)

class Few(scrapy.Spider):
    name = "few"
    custom_settings = {"ADDONS": {"pailitao_spider.Addon": 500}}

    async def start(self):
        yield scrapy.Request("data:,1")
        yield scrapy.Request("data:,2")

    def parse(self, response):
        for number in range(50):
            yield {"number": number}
        print("workers", self.crawler.engine.scraper.concurrent_items)
"""


def few(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "few.py").write_text(SPIDER)
    command = ("-m", "scrapy", "runspider", "few.py", "-O", "out.jsonl", "-L", "INFO", *options)
    done = ran(folder, *command)
    assert len((folder / "out.jsonl").read_text().splitlines()) == 100, done.stderr
    return done


def test_answers_of_somebody_elses_spider_are_left_alone(tmp_path: Path) -> None:
    assert "workers 100" in few(tmp_path).stdout


def test_all_answers_take_the_lane_when_it_is_set(tmp_path: Path) -> None:
    assert "workers 1\n" in few(tmp_path, "-s", "PAILITAO_LANE=1").stdout


def test_a_part_that_is_not_scrapys_own_makes_it_step_aside_with_one_line(tmp_path: Path) -> None:
    done = few(tmp_path, "-s", "PAILITAO_LANE=1", "-s", "ITEM_PROCESSOR=few.Custom")
    assert done.stderr.count("PAILITAO_LANE steps aside") == 1
    assert "workers 100" in done.stdout


def test_a_value_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text(SPIDER)
    done = ran(tmp_path, "-m", "scrapy", "runspider", "few.py", "-s", "PAILITAO_LANE=fast")
    assert "PAILITAO_LANE: 'fast' is not searches, 1 (all responses) or 0" in done.stderr


KEEPS_NOTHING = """
import gc, weakref
import scrapy
from scrapy.exceptions import DropItem

gc.disable()
pages = []

class Drop:
    def process_item(self, item):
        raise DropItem("no", log_level="DEBUG")

class Fail:
    def process_item(self, item):
        raise ValueError("no")

class Pages(scrapy.Spider):
    name = "pages"
    custom_settings = {"ADDONS": {"pailitao_spider.Addon": 500}, "CONCURRENT_REQUESTS": 1}

    async def start(self):
        for number in range(6):
            yield scrapy.Request(f"data:,{number}")

    def parse(self, response):
        print("alive", sum(page() is not None for page in pages))
        pages.append(weakref.ref(response))
        yield {"number": 1}
"""


@pytest.mark.parametrize("pipeline", ["Drop", "Fail"])
def test_a_page_whose_items_ended_early_is_let_go_without_the_collector(
    tmp_path: Path, pipeline: str
) -> None:
    (tmp_path / "few.py").write_text(KEEPS_NOTHING)
    pipelines = json.dumps({f"few.{pipeline}": 1})
    options = ("-L", "INFO", "-s", "PAILITAO_LANE=1", "-s", f"ITEM_PIPELINES={pipelines}")
    done = ran(tmp_path, "-m", "scrapy", "runspider", "few.py", *options)
    alive = [int(count) for count in re.findall(r"alive (\d+)", done.stdout)]
    assert len(alive) == 6, done.stderr
    assert max(alive) <= 2, "pages are held by the exceptions of their items"


# what it touches of Scrapy


def test_an_items_way_in_scrapy_is_the_one_that_was_copied() -> None:
    """When one of these changes, read it again and compare."""
    names = Counter(
        name
        for part in (Scraper.start_itemproc_async, ItemPipelineManager.process_item_async)
        for name in part.__code__.co_names
    )
    assert set(names) == {
        "slot", "crawler", "spider", "itemproc_size", "_itemproc_has_async", "itemproc",
        "process_item_async", "maybe_deferred_to_future", "process_item", "DropItem",
        "logformatter", "dropped", "logger", "log", "logformatter_adapter", "signals",
        "send_catch_log_async", "item_dropped", "Exception", "item_error", "Failure", "scraped",
        "item_scraped", "_process_chain",
    }  # fmt: skip
    assert "_send_catch_log_asyncio" in send_catch_log_async.__code__.co_names


def test_an_audience_that_could_not_be_looked_up_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else items would go to nobody, feeds included, and their seeds be done."""
    crawler = get_crawler()
    heard: list[int] = []

    def listens(item: int) -> None:
        heard.append(item)

    crawler.signals.connect(listens, signals.item_scraped)
    audience = Audiences(crawler).scraped

    def fails(found: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(receivers, "function", fails)
        with pytest.raises(MemoryError):
            audience.listeners()

    Receivers(audience, {"response": None, "spider": None}).send({"item": 7})

    assert heard == [7]
