"""What the filter of seen offers takes for each id: memory and time, beside a plain set of strings.

    python -m benchmarks.seen --ids 10000000

Each line is a process of its own that is given all ids page by page, as a crawl does it: a page is
asked for, then its offers are added. Memory is what the process grew by, `peak` at its highest;
the ids of one page are made at a time and are in neither. Time is the processor's: of all ids, and
of the last tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.offers.dedup import DEDUP_KEYS, LocalSeen, SeenOffers, Sighted

_PAGE = 100
_ROW = "{:12} {:10} {:>10} {:>8} {:>8} {:>10} {:>12}"
_HEADINGS = ("filter", "ids", "resident B", "peak B", "µs an id", "last tenth", "slowest page")


@dataclass(frozen=True, slots=True)
class Sight:
    num_iid: str
    seed_id: str | None = None
    page: int | None = None
    rank: int | None = None


class PlainSeen:
    """A plain set of strings, for comparison."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    async def ask(self, offers: Sequence[Sighted]) -> None: ...

    def add(self, offer: Sighted) -> bool:
        before = len(self._keys)
        self._keys.add(offer.num_iid)
        return len(self._keys) > before


def canned(number: int) -> int:
    """As benchmarks/canned.py draws them."""
    return 600_000_000_000 + number * 7919 % 300_000_000_000


def drawn(_: int, chance: random.Random = random.Random(1)) -> int:  # noqa: B008
    """Any number of 12 digits."""
    return chance.randrange(10**11, 10**12)


FILTERS: dict[str, Callable[[], SeenOffers]] = {
    "LocalSeen": lambda: LocalSeen(DEDUP_KEYS["crawl"]),
    "set of str": PlainSeen,
}
DRAWS: dict[str, Callable[[int], int]] = {"canned": canned, "random": drawn}


def memory(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def fill(seen: SeenOffers, draw: Callable[[int], int], ids: int) -> array[float]:
    """Seconds of each page."""
    took = array("d")
    for first in range(0, ids, _PAGE):
        page = [Sight(str(draw(number))) for number in range(first, min(first + _PAGE, ids))]
        start = time.thread_time()
        await seen.ask(page)
        for offer in page:
            seen.add(offer)
        took.append(time.thread_time() - start)
    return took


def measure(kind: str, draw: str, ids: int) -> str:
    """One line of the table; this process is used for nothing else."""
    seen = FILTERS[kind]()
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts at what is resident now
    before = memory("VmRSS")
    took = asyncio.run(fill(seen, DRAWS[draw], ids))
    resident, peak = memory("VmRSS") - before, memory("VmHWM") - before
    last = took[-(len(took) // 10 or 1) :]
    return _ROW.format(
        kind,
        draw,
        f"{resident / ids:.1f}",
        f"{peak / ids:.1f}",
        f"{sum(took) / ids * 1e6:.2f}",
        f"{sum(last) / len(last) / _PAGE * 1e6:.2f}",
        f"{max(took) * 1e3:.0f} ms",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--only", nargs=2, metavar=("FILTER", "DRAW"), help="this line, right here")
    given = parser.parse_args()
    if given.only:
        print(measure(given.only[0], given.only[1], given.ids))
        return
    print(_ROW.format(*_HEADINGS), flush=True)
    for draw in DRAWS:
        for kind in FILTERS:
            command = [sys.executable, "-m", "benchmarks.seen", "--ids", str(given.ids)]
            subprocess.run([*command, "--only", kind, draw], check=True)


if __name__ == "__main__":
    main()
