"""JOBDIR in a spider of one's own: what waited for its turn at a stop comes in the next run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY
from tests.test_crawl import PHOTOS, truth

SPIDER = """
from pathlib import Path
from scrapy import Spider
from pailitao_spider import ImageSearch

class Job(Spider):
    name = "job"
    custom_settings = {"ADDONS": {"pailitao_spider.Addon": 500}, "CONCURRENT_REQUESTS": 7}

    async def start(self):
        for path in sorted(Path("photos").iterdir()):
            yield ImageSearch(str(path), page_size=20).request(self.parse, self.failed)

    def parse(self, response):
        yield from response.offers
        yield from response.next_pages()

    def failed(self, failure):
        self.logger.error("failed: %r", failure.value)
"""


class Job:
    def __init__(self, folder: Path, site: Site) -> None:
        (folder / "job.py").write_text(SPIDER)
        (folder / "photos").symlink_to(PHOTOS)
        account = site.gateway.account
        self.folder = folder
        self.log = site.gateway.log
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(REPOSITORY),
            "PAILITAO_URL": site.url,
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
        }

    def start(self, feed: str, *options: str, rate: int = 200) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scrapy", "runspider", "job.py", "-L", "INFO", *options]
        return subprocess.Popen(
            [*command, "-o", feed, "-s", f"PAILITAO_RATE={rate}"],
            cwd=self.folder, env=self.env, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> str:
        _, log = process.communicate(timeout=60)
        assert "failed:" not in log, log[-3000:]
        assert "Traceback" not in log, log[-3000:]
        return log

    def ids(self, feed: str) -> list[str]:
        path = self.folder / feed
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["num_iid"] for line in lines]


@pytest.fixture
def job(tmp_path: Path, serve_sandbox: Callable[..., Site]) -> Job:
    return Job(tmp_path, serve_sandbox())


def interrupted(job: Job) -> str:
    process, calls = job.start("part.jsonl", "-s", "JOBDIR=jd", rate=15), job.log.calls
    deadline = time.monotonic() + 30
    while job.log.calls < calls + 16:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return job.end(process)


def limited(job: Job) -> str:
    options = ("-s", "JOBDIR=jd", "-s", "CLOSESPIDER_PAGECOUNT=8")
    return job.end(job.start("part.jsonl", *options, rate=15))


@pytest.mark.parametrize("stopped", [interrupted, limited])
def test_as_many_offers_after_a_stop_as_without(job: Job, stopped: Callable[[Job], Any]) -> None:
    stopped(job)
    before = job.ids("part.jsonl")
    log = job.end(job.start("part.jsonl", "-s", "JOBDIR=jd"))

    whole = truth(*(path.stem for path in PHOTOS.iterdir()))
    assert 0 < len(before) < len(whole)
    assert "Resuming crawl" in log
    assert sorted(job.ids("part.jsonl")) == sorted(whole)
