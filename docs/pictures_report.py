"""The pictures of the README: `make pictures` takes them of the demo's report."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

__all__ = ["Shot", "main"]

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
COLOURS = 256


@dataclass(frozen=True)
class Shot:
    """One picture: its window in pixels, and what is clicked before."""

    name: str
    width: int
    height: int
    is_dark: bool = False
    clicks: tuple[str, ...] = ()


TICKS = tuple(f".card:nth-child({place}) .tick" for place in (1, 3, 4))
SHOTS = (
    Shot("report-wide", 1400, 900, clicks=TICKS),
    Shot("report-narrow", 390, 844),
    Shot("report-dark", 1400, 900, is_dark=True, clicks=("[data-view=overview]",)),
    Shot("report-chinese", 1400, 900, clicks=("#seeds [data-seed='4']", "#language")),
    Shot("report-table", 1400, 900, clicks=("[data-layout=table]",)),
    Shot("report-best", 1400, 900, clicks=("#seeds [data-seed='-1']", "[data-layout=best]")),
    Shot("report-beside", 1400, 900, clicks=(*TICKS, "#compare")),
)


def main(report: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        with opened(report, shot) as page:
            for each in shot.clicks:
                page.click(each)
            page.mouse.move(0, 0)
            page.wait_for_timeout(200)
            save(page.screenshot(), folder / f"{shot.name}.png")


@contextmanager
def opened(report: Path, shot: Shot) -> Iterator[Page]:
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"no browser; install one of {', '.join(BROWSERS)}")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=browser_path, args=list(QUIET))
        page = browser.new_page(
            viewport={"width": shot.width, "height": shot.height},
            color_scheme="dark" if shot.is_dark else "light",
            locale="en-GB",
        )
        page.goto(report.resolve().as_uri())
        yield page
        browser.close()


def save(png: bytes, path: Path) -> None:
    """With fewer colours a picture takes a third of the space."""
    image = Image.open(BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "pictures")
