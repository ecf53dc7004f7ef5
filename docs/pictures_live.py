"""The live page as a picture: `make pictures` takes it of a crawl of the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

__all__ = ["main"]

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PORT = 9479
SEEN_SECONDS = 14


def main(folder: Path) -> None:
    """A crawl at one call a second, seen when it is half through."""
    settings = {"PAILITAO_SANDBOX": "rate=2", "PAILITAO_RATE": "1",
                "PAILITAO_METRICS_PORT": str(PORT)}  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        photos = ["-a", "seeds=examples/photos", "-O", f"{scratch}/offers.jsonl"]
        crawl = subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", "pailitao", *photos],
            env={**os.environ, **settings}, cwd=HERE.parent,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            take(folder / "live.png")
        finally:
            crawl.kill()
            crawl.wait()


def take(path: Path) -> None:
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"no browser; install one of {', '.join(BROWSERS)}")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        opened(page)
        page.wait_for_timeout(1000 * SEEN_SECONDS)
        page.screenshot(path=path)
        browser.close()


def opened(page: Page) -> None:
    for _ in range(100):
        try:
            page.goto(f"http://127.0.0.1:{PORT}/")
        except Error:
            time.sleep(0.2)
        else:
            return
    sys.exit("the crawl does not answer")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "pictures")
