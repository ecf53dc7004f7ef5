"""Scrapy's own tests, with the add-on and its lane in every crawler: none may fail that holds
without them.

    python tests/scrapys_own/run.py FOLDER

Its source distribution, which brings them, is unpacked into FOLDER. Nothing of it is kept here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import scrapy

HERE = Path(__file__).parent
FILES = (
    "test_addons.py", "test_closespider.py", "test_core_*.py", "test_crawl.py", "test_crawler.py",
    "test_downloadermiddleware*.py", "test_downloaderslotssettings.py", "test_dupefilters.py",
    "test_engine*.py", "test_exporters.py", "test_extension_*.py", "test_feedexport*.py",
    "test_logformatter.py", "test_logstats.py", "test_pipeline*.py", "test_request_*.py",
    "test_scheduler*.py", "test_settings", "test_signal*.py", "test_spider*.py", "test_stats.py",
)  # fmt: skip


def unpacked(folder: Path) -> Path:
    """The source of the installed Scrapy."""
    root = folder / f"scrapy-{scrapy.__version__}"
    if not root.exists():
        folder.mkdir(parents=True, exist_ok=True)
        asked = ["--no-binary", ":all:", "--no-deps", f"scrapy=={scrapy.__version__}"]
        command = [sys.executable, "-m", "pip", "download", "-q", *asked, "-d", str(folder)]
        subprocess.run(command, check=True)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
    return root


def outcomes(root: Path, name: str, *options: str) -> dict[str, str]:
    """What became of each test: passed, failed or skipped."""
    files = sorted(path for each in FILES for path in (root / "tests").glob(each))
    if (root / "tests" / "test_spiderloader") in files:  # runs commands, no crawls
        files.remove(root / "tests" / "test_spiderloader")
    report = root / f"{name}.xml"
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", "2", "--reactor=asyncio", "--no-header",
        "-p", "no:cacheprovider", f"--junit-xml={report}", *options, *map(str, files),
    ]  # fmt: skip
    paths = os.pathsep.join((str(HERE), str(HERE.parent.parent)))
    subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": paths}, check=False)
    return {
        f"{case.get('classname')}::{case.get('name')}": _outcome(case)
        for case in ET.parse(report).iter("testcase")
    }


def _outcome(case: ET.Element) -> str:
    ends = {each.tag for each in case}
    return "failed" if ends & {"failure", "error"} else "skipped" if ends else "passed"


def main(folder: Path) -> int:
    root = unpacked(folder)
    without = outcomes(root, "without")
    with_addon = outcomes(root, "with", "-p", "with_addon")
    for name, found in (("without", without), ("with", with_addon)):
        print(f"{name} the add-on: {dict(Counter(found.values()))}")
    lost = [
        test
        for test, outcome in without.items()
        if outcome == "passed" and with_addon.get(test, "missing") in ("failed", "missing")
    ]
    print("\n".join([f"{len(lost)} fail only with it", *lost]))
    return 1 if lost or not any(each == "passed" for each in with_addon.values()) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
