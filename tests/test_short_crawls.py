"""Many short crawls, each a process of its own, on a machine that has more to do than it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crawling import REPOSITORY, Crawled
from tests.test_crawl import truth

PHOTOS = sorted((REPOSITORY / "examples" / "photos").iterdir())
AT_ONCE, BUSY = 6, 2


@pytest.fixture
def busy() -> Iterator[None]:
    """Both cores have something else to do all the time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    yield
    for each in loops:
        each.kill()
        each.wait()


def crawled(folder: Path, photo: Path) -> Crawled:
    """As `make demo` does it, with one photo."""
    home = folder / "home"
    home.mkdir(parents=True)
    shutil.copy(photo, folder)
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "pailitao",
         "-a", f"seeds={photo.name}", "-O", "offers.jsonl"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": str(REPOSITORY),
            "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
            "PAILITAO_SANDBOX": "1",
            "PAILITAO_RATE": "20",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )  # fmt: skip
    return Crawled(done.returncode, done.stdout, folder)


@pytest.mark.parametrize("number", [6, pytest.param(500, marks=pytest.mark.soak)])
@pytest.mark.usefixtures("busy")
def test_each_short_crawl_beside_others_leaves_its_feed_its_ledger_and_its_table(
    tmp_path: Path, number: int
) -> None:
    def crawl(place: int) -> str | None:
        photo = PHOTOS[place % len(PHOTOS)]
        done = crawled(tmp_path / str(place), photo)
        is_whole = (
            done.exit_code == 0
            and set(done.ids) == truth(photo.stem)
            and done.statuses == {"done": 1}
            and " seeds " in done.log
        )
        shutil.rmtree(done.folder)
        return None if is_whole else f"{place}: exit {done.exit_code}\n{done.log}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [told for told in pool.map(crawl, range(number)) if told]
    assert not wrong, "\n".join(wrong[:3])
