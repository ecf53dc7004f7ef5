"""What users plug in works the same behind the lane: spidermon, Scrapy's ImagesPipeline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY

Serve = Callable[..., Site]
SEEDS = "".join(
    f"https://sandbox.invalid/{number}/photos/mug-{number % 3 + 1:02d}-1.jpg\n"
    for number in range(6)
)
IMAGES = """
ITEM_PIPELINES = {"tests.plugged_in.OfferImages": 300}
IMAGES_STORE = "images"
"""
SPIDERMON = """
from pailitao_spider.offers.model import Offer

SPIDERMON_ENABLED = True
EXTENSIONS = {"spidermon.contrib.scrapy.extensions.Spidermon": 500}
ITEM_PIPELINES = {"spidermon.contrib.scrapy.pipelines.ItemValidationPipeline": 800}
SPIDERMON_VALIDATION_SCHEMAS = {Offer: "tests.plugged_in.SCHEMA"}
SPIDERMON_SPIDER_CLOSE_MONITORS = ["tests.plugged_in.Closing"]
SPIDERMON_EXPECTED_FINISH_REASONS = ["finished"]
SPIDERMON_MIN_ITEMS = 50
"""


class Run:
    """One crawl with things plugged in, and what it left."""

    def __init__(self, folder: Path, site: Site, lane: str, settings: str, **env: str) -> None:
        folder.mkdir()
        (folder / "seeds.txt").write_text(SEEDS)
        account = site.gateway.account
        arguments = [
            "-a",
            "seeds=seeds.txt",
            "-O",
            "offers.jsonl",
            "-s",
            "STATS_CLASS=tests.stats_file.FileStats",
        ]
        (folder / "mine.py").write_text(f"from pailitao_spider.settings import *\n{settings}")
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "crawl", "pailitao", *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{folder}",
                "SCRAPY_SETTINGS_MODULE": "mine",
                "PAILITAO_URL": site.url,
                "PAILITAO_APP_KEY": account.app_key,
                "PAILITAO_APP_SECRET": account.secret,
                "PAILITAO_ACCESS_TOKEN": account.access_token,
                "PAILITAO_RATE": "100",
                "PAILITAO_LANE": lane,
                "PICTURES": site.url.partition("/router")[0],
                **env,
            },
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        self.log = done.stderr
        self.exit_code = done.returncode
        lines = (folder / "offers.jsonl").read_text().splitlines()
        self.offers = {(offer := json.loads(line))["num_iid"]: offer for line in lines}
        assert len(self.offers) == len(lines), self.log[-3000:]
        assert (folder / "stats.json").exists(), self.log[-3000:]
        self.stats = json.loads((folder / "stats.json").read_text())
        self.images = sorted(path.name for path in folder.glob("images/full/*"))

    def told(self, *beginnings: str) -> dict[str, Any]:
        return {key: value for key, value in self.stats.items() if key.startswith(beginnings)}


@pytest.fixture
def both_ways(tmp_path: Path, serve_sandbox: Serve) -> Callable[..., tuple[Run, Run]]:
    """The same crawl Scrapy's way and by the lane."""

    site = serve_sandbox()

    def run(settings: str, **env: str) -> tuple[Run, Run]:
        scrapys, lane = (
            Run(tmp_path / f"lane-{lane}", site, lane, settings, **env)
            for lane in ("0", "searches")
        )
        return scrapys, lane

    return run


def test_the_images_pipeline_fetches_what_it_fetched_before(
    both_ways: Callable[..., tuple[Run, Run]],
) -> None:
    scrapys, lane = both_ways(IMAGES)

    assert scrapys.exit_code == lane.exit_code == 0, lane.log[-3000:]
    assert len(lane.images) == 5
    assert lane.images == scrapys.images
    pictures = {iid: offer["extra"]["picture"] for iid, offer in lane.offers.items()}
    assert {path is None for path in pictures.values()} == {True, False}
    assert pictures == {iid: each["extra"]["picture"] for iid, each in scrapys.offers.items()}
    names = ("file_", "item_", "pailitao/offers", "pailitao/seeds")
    assert lane.told(*names) == scrapys.told(*names)
    assert lane.stats["file_status_count/downloaded"] == 5


@pytest.mark.parametrize("longest_title", ["1000", "12"])
def test_spidermon_validates_the_same_offers_and_says_the_same_at_the_end(
    both_ways: Callable[..., tuple[Run, Run]], longest_title: str
) -> None:
    scrapys, lane = both_ways(SPIDERMON, LONGEST_TITLE=longest_title)

    assert lane.offers.keys() == scrapys.offers.keys()
    assert lane.told("spidermon", "item_") == scrapys.told("spidermon", "item_")
    assert lane.stats["spidermon/validation/items"] == len(lane.offers)
    errors = lane.stats.get("spidermon/validation/items/errors", 0)
    assert (errors > 0) is (longest_title == "12")
    for run in (scrapys, lane):
        assert "[Spidermon]" in run.log, run.log[-3000:]
        assert "3 monitors in" in run.log
