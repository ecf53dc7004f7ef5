"""`make cluster`: it ends well with every offer, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from tests.crawling import REPOSITORY, Crawled

PHOTOS = REPOSITORY / "examples" / "photos"
CATALOGUE = Catalogue()
URLS = 20

Example = subprocess.Popen[str]
Start = Callable[..., Example]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the example as `make cluster` does, in a process group as a terminal's."""
    started: list[Example] = []

    def begin(*arguments: str) -> Example:
        example = subprocess.Popen(
            [sys.executable, "examples/cluster.py", str(tmp_path / "demo"), *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error",
                 "PAILITAO_APP_KEY": "not to be used", "DEMO": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )  # fmt: skip
        started.append(example)
        return example

    yield begin
    for example in started:
        example.terminate()
        example.communicate(timeout=240)


def processes_of(folder: Path) -> list[str]:
    """All processes that the example has started: by a mark in their environment, which Redis
    overwrites, or by their working folder.
    """
    mark = f"DEMO={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            place = (process / "cwd").readlink()
            if mark in (process / "environ").read_bytes() or place.is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def expected() -> set[str]:
    designs = [path.stem for path in PHOTOS.iterdir()]
    designs += [CATALOGUE.designs[number % 96].name for number in range(URLS)]
    return {iid for name in designs for iid in CATALOGUE.truth(name, 1, "sale_desc")}


def test_the_example_merges_every_offer_and_leaves_nothing_running(
    start: Start, tmp_path: Path
) -> None:
    example = start("--seeds", str(URLS))

    told, _ = example.communicate(timeout=240)

    assert example.returncode == 0, told
    merged = Crawled(0, told, tmp_path / "demo")
    assert sorted(merged.ids) == sorted(expected())
    assert merged.statuses == {"done": URLS + len(list(PHOTOS.iterdir()))}
    assert f"{len(merged.ids)} in {tmp_path}/demo/offers.jsonl" in told
    assert "Traceback" not in told
    assert processes_of(tmp_path) == []


def test_ctrl_c_ends_all_of_it(start: Start, tmp_path: Path) -> None:
    example = start("--seeds", "2000")
    assert example.stdout is not None
    next(line for line in example.stdout if "workers: 3" in line)
    assert len(processes_of(tmp_path)) == 7 or not Path("/proc").exists()

    os.killpg(example.pid, signal.SIGINT)

    began = time.monotonic()
    told, _ = example.communicate(timeout=240)
    print(f"ended in {time.monotonic() - began:.1f} s")
    assert example.returncode == 130, told
    assert "Traceback" not in told
    assert processes_of(tmp_path) == []
