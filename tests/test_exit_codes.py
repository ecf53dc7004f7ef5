"""Exit codes of `scrapy crawl` and `scrapy runspider` in somebody's own project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY
from tests.test_crawl import photo

SETTINGS = """
BOT_NAME = "shop"
SPIDER_MODULES = ["spiders"]
ADDONS = {"pailitao_spider.Addon": 500}
"""
SPIDERS = """
from scrapy import Request, Spider
from pailitao_spider import PailitaoSpider

class Own(PailitaoSpider):
    name = "own"

class Other(Spider):
    name = "other"

    async def start(self):
        yield Request("data:,x")

    def parse(self, response):
        raise ValueError("hers")
"""


@pytest.fixture
def run(tmp_path: Path, serve_sandbox: Callable[..., Site]) -> Callable[..., tuple[int, str]]:
    site = serve_sandbox()
    account = site.gateway.account
    (tmp_path / "shop.py").write_text(SETTINGS)
    (tmp_path / "spiders.py").write_text(SPIDERS)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{tmp_path}",
        "SCRAPY_SETTINGS_MODULE": "shop",
        "PAILITAO_URL": site.url,
        "PAILITAO_APP_KEY": account.app_key,
        "PAILITAO_APP_SECRET": account.secret,
        "PAILITAO_ACCESS_TOKEN": account.access_token,
        "PAILITAO_RATE": "100",
    }

    def run(command: str, *arguments: str, **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", command, *arguments], cwd=tmp_path, env=env | more,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    return run


OWN = ("own", "-O", "offers.jsonl", "-a")


@pytest.mark.parametrize(
    ("arguments", "env", "code", "words"),
    [
        ((*OWN, f"seeds={photo('mug-01')}", "-a", "_job=7"), {}, 0, "1 done"),
        ((*OWN, "seeds=https://sandbox.invalid/unknown.png"), {}, 1, "1 failed"),
        ((*OWN, f"seeds={photo('mug-01')}"), {"PAILITAO_APP_KEY": ""}, 2, "PAILITAO_APP_KEY"),
        ((*OWN, f"seeds={photo('mug-01')}"), {"PAILITAO_LANE": "fast"}, 2, "PAILITAO_LANE"),
        ((*OWN, "seeds=nothing.txt"), {}, 2, "nothing.txt"),
        (("other",), {}, 0, "ValueError: hers"),
    ],
    ids=["all done", "a bad seed", "no key", "bad setting", "no source", "another's"],
)
def test_a_crawl_says_how_it_ended(
    run: Callable[..., tuple[int, str]],
    arguments: tuple[str, ...],
    env: dict[str, str],
    code: int,
    words: str,
) -> None:
    found, log = run("crawl", *arguments, **env)
    assert found == code, log
    assert words in log
    assert ("Traceback" in log) is (arguments == ("other",)), log


def test_runspider_says_it_too(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "alone.py").write_text(SPIDERS.partition("class Other")[0])
    seeds = ("-O", "x.jsonl", "-a", "seeds=https://sandbox.invalid/unknown.png")
    assert run("runspider", "alone.py", *seeds)[0] == 1


def test_crawl_outside_a_project_names_the_command_that_works_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "own"], cwd=tmp_path, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not available from this location" in done.stderr
    assert "pailitao search" in done.stderr
