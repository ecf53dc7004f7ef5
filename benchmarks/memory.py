"""Resident memory of a crawl from its first offers to its last: does it grow with what it has seen?

    python -m benchmarks.memory [--few 200000 --many 2000000] [--json FILE]

Two crawls in fresh processes, all offers new, into a JSON Lines file in the temporary folder. What
is resident is told at parts of each crawl, and its peak; between the two ends, bytes an offer. Here
the gateway makes its answers while it is asked, so the seconds are no measure of speed. The
duplicate filter is the one thing that may grow; benchmarks/seen.py, where it is there, is run last
to tell what that takes by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.contestants import CONTESTANTS, Job
from benchmarks.running import Gateway, cores, gateway, machine

_PARTS = (0.1, 0.25, 0.5, 0.75, 1.0)
_PAGES, _ROWS = 5, 100
_LINE_BYTES = 1300
_PAUSE_SECONDS = 0.05
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True)
class Sample:
    """Bytes of the process when so many offers had been sent to it."""

    offers: int
    resident: int
    peak: int


@dataclass(frozen=True)
class Crawl:
    """Resident bytes at each of _PARTS of a crawl."""

    offers: int
    seconds: float
    resident: list[int]
    peak: int


def crawl(offers: int, folder: Path, core: int, site: Gateway) -> Crawl:
    job = Job(folder, site.address, 0, offers // _ROWS // _PAGES)
    ours = CONTESTANTS[0]
    started = time.perf_counter()
    command = job.command(ours.words(job), core, ours.more)
    process = command.start()
    samples = list(_samples(process, site))
    if process.returncode:
        raise SystemExit((folder / "log.txt").read_text(errors="replace")[-3000:])
    if samples[-1].offers != offers:
        raise SystemExit(f"{samples[-1].offers} offers were sent, not {offers}")
    seconds = time.perf_counter() - started
    resident = [_at(samples, part * offers) for part in _PARTS]
    return Crawl(offers, seconds, resident, max(*resident, samples[-1].peak))


def _samples(process: subprocess.Popen[bytes], site: Gateway) -> Iterator[Sample]:
    before = site.calls()
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        offers = (site.calls() - before) * _ROWS
        text = status.read_text()
        resident, peak = _RESIDENT.search(text), _PEAK.search(text)
        if resident and peak:  # a process that ends has neither
            yield Sample(offers, int(resident[1]) * 1024, int(peak[1]) * 1024)
        time.sleep(_PAUSE_SECONDS)


def _at(samples: list[Sample], offers: float) -> int:
    return next(each.resident for each in samples if each.offers >= offers)


def measure(sizes: list[int], site_core: int, core: int) -> Iterator[Crawl]:
    for offers in sizes:
        pictures = offers // _ROWS // _PAGES
        with (
            tempfile.TemporaryDirectory() as name,
            gateway(
                site_core, pictures=pictures, pages=_PAGES, rows=_ROWS, shared=0, made_first=False
            ) as site,
        ):
            folder = Path(name) / "crawl"
            folder.mkdir()
            yield crawl(offers, folder, core, site)


def _megabytes(number: int) -> str:
    return f"{number / 2**20:.1f}"


def table(crawls: list[Crawl]) -> Iterator[str]:
    parts = " | ".join(f"{part:.0%}" for part in _PARTS)
    yield f"| MiB resident at | {parts} | peak |"
    yield "|---|" + "---:|" * (len(_PARTS) + 1)
    for each in crawls:
        cells = " | ".join(_megabytes(number) for number in [*each.resident, each.peak])
        yield f"| {each.offers:,} offers ({each.seconds:.0f} s) | {cells} |"


def growth(few: Crawl, many: Crawl) -> str:
    between = many.offers - few.offers
    ends = (many.resident[-1] - few.resident[-1]) / between
    peaks = (many.peak - few.peak) / between
    return f"between the two: {ends:.1f} bytes an offer at the end, {peaks:.1f} at the peak"


def tell_filter_alone(ids: int) -> None:
    if find_spec("benchmarks.seen"):
        print("\nthe duplicate filter alone, bytes an id:", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.seen", "--ids", str(ids)], check=False)


def require_disk(offers: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < (needed := offers * _LINE_BYTES):
        raise SystemExit(
            f"{tempfile.gettempdir()} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are "
            "needed; name a larger folder in TMPDIR"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=200_000)
    parser.add_argument("--many", type=int, default=2_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    require_disk(given.many)
    on = machine()
    first, _, last = cores()
    os.sched_setaffinity(0, {last})
    crawls = list(measure([given.few, given.many], last, first))
    print(", ".join(f"{name} {value}" for name, value in on.items()), end="\n\n")
    print("\n".join(table(crawls)), end="\n\n")
    print(growth(*crawls))
    tell_filter_alone(given.many)
    if given.json:
        whole = {"machine": on, "crawls": [asdict(each) for each in crawls]}
        given.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
