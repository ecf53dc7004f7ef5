"""How much of each quota a run over three keys of three gateways uses.

A sandbox serves router, imagequery and onebound, each key with a rate of its own, the third with so
many calls a day that it is spent half-way; `scrapy crawl pailitao` runs in another process, first
with the rates given, then finding them. Told is, for each key, what it was used of what its rate
allows between its first and its last good answer, after two seconds (ten when the rate has to be
found), and the refusals it drew.

    python benchmarks/keys.py [--seconds 20] [--latency 0.08]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site, serve

BURST = 5
FOLDER = Path(__file__).parent.parent


@dataclass(frozen=True)
class Terms:
    """One key: its gateway, calls a second, and calls a day."""

    gateway: str
    rate: float
    daily_calls: int | None = None

    @property
    def option(self) -> str:
        return f"key={self.gateway}:{self.rate:g}:{BURST}:{self.daily_calls or ''}"

    def table(self, site: Site, known: bool) -> str:
        name = self.gateway
        token_url = (site.token_url_of(name) or "").replace("{app_key}", name)
        lines = [
            "[[key]]",
            f'gateway = "{name}"',
            f'url = "{site.url_of(name)}"',
            f'app_key = "{name}"',
            f'app_secret = "{name}-secret"',
            f'access_token = "{name}-token"',
            *([f'token_url = "{token_url}"'] if token_url else []),
            *([f"rate = {self.rate}"] if known else []),
        ]
        return "\n".join(lines)


def keys(seconds: float) -> list[Terms]:
    return [
        Terms("router", 30),
        Terms("imagequery", 12),
        Terms("onebound", 20, daily_calls=int(20 * seconds / 2)),
    ]


async def measure(options: argparse.Namespace, known: bool) -> None:
    terms = keys(options.seconds)
    text = ",".join([f"latency={options.latency}", *(each.option for each in terms)])
    site = await serve(build(SandboxOptions.from_text(text)))
    with tempfile.TemporaryDirectory() as folder:
        crawl = await start(Path(folder), site, terms, known)
        await asyncio.sleep(options.seconds + 3)
        crawl.send_signal(signal.SIGKILL)
        await crawl.wait()
    await site.close()
    tell(site, terms, known)


async def start(
    folder: Path, site: Site, terms: list[Terms], known: bool
) -> asyncio.subprocess.Process:
    names = [design.name for design in site.gateway.catalogue.designs]
    seeds = [f"https://cbu01.alicdn.com/{n}/{names[n % len(names)]}-1.jpg\n" for n in range(20_000)]
    (folder / "seeds.txt").write_text("".join(seeds))
    (folder / "keys.toml").write_text("\n\n".join(each.table(site, known) for each in terms))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PAILITAO_")}
    env |= {
        "HOME": str(folder),
        "PYTHONPATH": str(FOLDER),
        "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
        "PAILITAO_CREDENTIALS": "keys.toml",
    }
    command = ["-m", "scrapy", "crawl", "pailitao", "-a", "seeds=seeds.txt", "-O", "offers.jsonl"]
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=folder, env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


def tell(site: Site, terms: list[Terms], known: bool) -> None:
    print("rates given" if known else "rates to be found")
    after = 2.0 if known else 10.0
    for each in terms:
        log = site.gateway.log.by_key[each.gateway]
        good = [at - log.good_at[0] for at in log.good_at]
        steady = [at for at in good if at >= after]
        spent = "" if each.daily_calls is None else f", {log.good} of {each.daily_calls} a day"
        used = "too few to tell"
        if len(steady) > each.rate:
            used = f"{(len(steady) - 1) / (steady[-1] - steady[0]) / each.rate:6.1%} used"
        print(
            f"  {each.gateway:10} {each.rate:3g}/s: {used}, {log.good} good, "
            f"{log.throttled} 429s, {log.spent} after it was spent{spent}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--latency", type=float, default=0.08)
    options = parser.parse_args()
    for known in (True, False):
        asyncio.run(measure(options, known))


if __name__ == "__main__":
    main()
