"""What a crawl costs that has almost nothing to do: one seed, one page, beside `scrapy list`.

Both are run in turn, whole processes: `scrapy list` in an empty project, and a crawl against a
gateway of canned answers. Medians of wall and CPU time are told; the difference is this project's.

    python -m benchmarks.startup [--runs 15]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cluster import ROOT, canned, picture

LIST = ("list",)
CRAWL = ("crawl", "pailitao", "-a", "seeds=seeds.txt", "-O", "offers.jsonl")


def environment(folder: Path, gateway: str) -> dict[str, str]:
    """Byte code is kept, so that nothing is compiled but in the first run."""
    dropped = ("PAILITAO_", "SCRAPY_", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(dropped)},
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "PAILITAO_URL": f"{gateway}/router/rest",
        "PAILITAO_APP_KEY": "bench",
        "PAILITAO_APP_SECRET": "secret",
        "PAILITAO_RATE": "20000",
    }


def scrapy(folder: Path, env: dict[str, str], *arguments: str) -> tuple[float, float]:
    """Runs a command; returns the wall and the CPU seconds it took."""
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "scrapy", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    user = after.children_user - before.children_user
    return wall, user + after.children_system - before.children_system


def measure(folder: Path, gateway: str, runs: int) -> None:
    env = environment(folder, gateway)
    scrapy(folder, env, "startproject", "empty")
    (folder / "seeds.txt").write_text(f"{picture(1)}\n")
    ours = env | {"SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings"}
    empty, crawl = [], []
    for _ in range(runs + 1):
        empty.append(scrapy(folder / "empty", env, *LIST))
        crawl.append(scrapy(folder, ours, *CRAWL))
    for name, part in (("wall", 0), ("CPU", 1)):  # but for the first of each, which compiles
        base = statistics.median(each[part] for each in empty[1:])
        whole = statistics.median(each[part] for each in crawl[1:])
        print(
            f"{name}: crawl {whole:.3f} s, scrapy list {base:.3f} s, "
            f"difference {whole - base:.3f} s, ratio {whole / base:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    gateway = argparse.Namespace(pages=1, rows=10, seeds=3)
    with tempfile.TemporaryDirectory() as name, canned(gateway) as address:
        measure(Path(name), address, runs)


if __name__ == "__main__":
    main()
