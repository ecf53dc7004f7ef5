"""The plug-in in somebody else's Scrapy project: one ADDONS line, and her settings stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY
from tests.test_crawl import PHOTOS, photo, truth

SPIDER = """
import scrapy
from pailitao_spider import ImageSearch

class Shoes(scrapy.Spider):
    name = "shoes"
    custom_settings = {settings}

    async def start(self):
        for image in {images}:
            yield ImageSearch(image).request(callback=self.parse_page, errback=self.failed)

    def parse_page(self, response):
        yield from response.rows
        yield {{"title": "an item of her own", "page": response.page.total}}

    def failed(self, failure):
        yield {{"failed": str(failure.value)}}
"""


class Project:
    """A Scrapy project of one file, run by `scrapy runspider`."""

    def __init__(self, folder: Path, site: Site) -> None:
        account = site.gateway.account
        self.folder = folder
        self.options: list[str] = []
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(REPOSITORY),
            "PAILITAO_URL": site.url,
            "PAILITAO_TOKEN_URL": site.token_url,
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
            "PAILITAO_REFRESH_TOKEN": account.refresh_token,
            "PAILITAO_RATE": "100",
        }

    def run(self, *images: str, **settings: object) -> tuple[list[dict[str, object]], str]:
        wanted = {"ADDONS": {"pailitao_spider.Addon": 500}, **settings}
        source = SPIDER.format(settings=repr(wanted), images=repr(list(images)))
        (self.folder / "shoes.py").write_text(textwrap.dedent(source))
        command = [
            sys.executable,
            "-m",
            "scrapy",
            "runspider",
            "shoes.py",
            "-O",
            "out.jsonl",
            *self.options,
        ]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        lines = (self.folder / "out.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines], done.stderr


@pytest.fixture
def project(serve_sandbox: Callable[..., Site], tmp_path: Path) -> Project:
    return Project(tmp_path, serve_sandbox())


def test_a_spider_of_her_own_gets_pages_of_offers(project: Project) -> None:
    items, log = project.run(photo("mug-01"), str(PHOTOS / "mug-06.jpg"))

    ids = {item["num_iid"] for item in items if "num_iid" in item}
    assert ids == truth("mug-01", "mug-06"), log
    assert sum(item.get("title") == "an item of her own" for item in items) == 2
    assert not (project.folder / "out.seeds.jsonl").exists(), "the ledger is the spider's"


def test_what_she_has_configured_stays(project: Project) -> None:
    items, log = project.run(
        photo("mug-01"),
        ITEM_PIPELINES={"pailitao_spider.pipelines.DedupPipeline": None},
        DOWNLOADER_MIDDLEWARES={"pailitao_spider.middlewares.answers.AnswerMiddleware": 560},
        ROBOTSTXT_OBEY=True,
        DOWNLOAD_DELAY=5,
        USER_AGENT="hers",
        FEED_EXPORT_FIELDS=["title", "num_iid"],
    )

    assert {item["num_iid"] for item in items if "num_iid" in item} == truth("mug-01"), log
    assert all(set(item) <= {"title", "num_iid"} for item in items)
    assert "pailitao_spider.pipelines.DedupPipeline" not in log
    assert "robots" not in log.lower().replace("robotstxt_obey", "").replace(
        "robotstxtmiddleware", ""
    ).replace("downloadermiddlewares.robotstxt", "")


def test_another_reactor_is_refused_with_one_line(project: Project) -> None:
    reactor = "twisted.internet.selectreactor.SelectReactor"
    project.options = ["-s", f"TWISTED_REACTOR={reactor}"]
    _, log = project.run(photo("mug-01"))
    assert "pailitao_spider needs asyncio" in log
    assert "Traceback" not in log


def test_a_refusal_reaches_her_errback(project: Project) -> None:
    items, log = project.run("https://sandbox.invalid/unknown.png")
    assert items == [{"failed": "bad_seed: 400 imgid can not be fetched"}], log


def test_without_a_key_her_errback_and_one_line_of_the_log_say_so(project: Project) -> None:
    del project.env["PAILITAO_APP_KEY"]
    items, log = project.run(photo("mug-01"), photo("mug-02"))
    assert log.count("ERROR: PAILITAO_APP_KEY not set") == 1, log
    assert "Traceback" not in log
    assert "(finished)" in log, "her spider is hers"
    assert len(items) == 2
    assert all("PAILITAO_APP_KEY not set" in str(item["failed"]) for item in items)
