"""How much of a quota a crawl uses, and how many refusals it draws.

A sandbox gateway with a quota runs in one process, `scrapy crawl pailitao` in another. Known: the
rate is given in PAILITAO_RATE. Unknown: it is found; then the first ten seconds are told apart
from the rest.

    python benchmarks/quota.py [--seconds 40] [--rate 20] [--burst 5] [--latency 0.08]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site, serve

FINDING_SECONDS = 10.0


@dataclass(frozen=True)
class Seen:
    """What the gateway saw in one run: seconds since its first call."""

    good: list[float]
    throttled: list[float]

    def share_used(self, rate: float, burst: int, start: float, end: float) -> float:
        """Good answers over what the quota allows; the first window also holds the burst."""
        allowed = rate * (end - start) + (burst if start == 0 else 0)
        return sum(start <= at < end for at in self.good) / allowed

    def refusals_per_answer(self, start: float, end: float) -> float:
        refused = sum(start <= at < end for at in self.throttled)
        return refused / max(1, sum(start <= at < end for at in self.good))


async def measure(options: argparse.Namespace, known: bool) -> Seen:
    gateway = build(
        SandboxOptions(
            rate_per_second=options.rate, burst=options.burst, latency_seconds=options.latency
        )
    )
    site = await serve(gateway)
    with tempfile.TemporaryDirectory() as folder:
        crawl = await _start(Path(folder), site, options.rate if known else None)
        await asyncio.sleep(options.seconds + 3)
        crawl.send_signal(signal.SIGKILL)
        await crawl.wait()
    await site.close()
    log = gateway.log.as_json()
    first = min(log["good_at"] + log["throttled_at"])
    return Seen([at - first for at in log["good_at"]], [at - first for at in log["throttled_at"]])


async def _start(folder: Path, site: Site, rate: float | None) -> asyncio.subprocess.Process:
    designs = site.gateway.catalogue.designs
    lines = (
        f"https://sandbox.invalid/{n}/photos/{designs[n % 96].name}-1.jpg" for n in range(9999)
    )
    (folder / "seeds.txt").write_text("\n".join(lines))
    account = site.gateway.account
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PAILITAO_")},
        "HOME": str(folder),
        "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
        "PAILITAO_URL": site.url,
        "PAILITAO_APP_KEY": account.app_key,
        "PAILITAO_APP_SECRET": account.secret,
        "PAILITAO_ACCESS_TOKEN": account.access_token,
    }
    if rate is not None:
        env["PAILITAO_RATE"] = str(rate)
    command = [sys.executable, "-m", "scrapy", "crawl", "pailitao", "-a", "seeds=seeds.txt"]
    return await asyncio.create_subprocess_exec(
        *command, "-O", "offers.jsonl", cwd=folder, env=env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--burst", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.08)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for known in (True, False):
        seen = asyncio.run(measure(options, known))
        windows = [(0.0, options.seconds)] if known else [
            (0.0, FINDING_SECONDS), (FINDING_SECONDS, options.seconds)
        ]  # fmt: skip
        rows += [
            {
                "rate": "known" if known else "unknown",
                "from_s": start,
                "to_s": end,
                "used": round(seen.share_used(options.rate, options.burst, start, end), 4),
                "429s_per_answer": round(seen.refusals_per_answer(start, end), 4),
            }
            for start, end in windows
        ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"quota {options.rate:g}/s, burst {options.burst}, latency {options.latency:g} s")
    for row in rows:
        print(
            f"{row['rate']:8} {row['from_s']:4.0f}-{row['to_s']:.0f} s: "
            f"{row['used']:7.1%} used, {row['429s_per_answer']:.2%} 429s per good answer"
        )


if __name__ == "__main__":
    main()
