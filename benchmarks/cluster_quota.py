"""How much of one quota many workers use together, and how evenly.

Real workers, a real Redis and a sandbox gateway with a quota, which notes when it answered whom.
The first seconds, in which the workers start, are left out.

    python -m benchmarks.cluster_quota [--workers 8] [--rate 50] [--burst 5] [--seconds 30]
        [--latency 0.08] [--unknown]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site, serve

ROOT = Path(__file__).parent.parent
START_SECONDS = 8.0


def environment(
    folder: Path, site: Site, server: LocalServer, rate: float | None
) -> dict[str, str]:
    account = site.gateway.account
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAILITAO_")}
    env = {
        **kept,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
        "REDIS_URL": server.url,
        "PAILITAO_CLUSTER": "1",
        "PAILITAO_URL": site.url,
        "PAILITAO_APP_KEY": account.app_key,
        "PAILITAO_APP_SECRET": account.secret,
        "PAILITAO_ACCESS_TOKEN": account.access_token,
    }
    return env | ({} if rate is None else {"PAILITAO_RATE": str(rate)})


async def scrapy(folder: Path, env: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scrapy", *arguments, cwd=folder, env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def measure(options: argparse.Namespace, folder: Path, server: LocalServer) -> None:
    gateway = build(SandboxOptions(rate_per_second=options.rate, burst=options.burst,
                                   latency_seconds=options.latency))  # fmt: skip
    site = await serve(gateway)
    designs = gateway.catalogue.designs
    number = int(options.rate * (options.seconds + START_SECONDS) * 1.3) + 100
    (folder / "seeds.txt").write_text("".join(
        f"https://sandbox.invalid/{n}/photos/{designs[n % 96].name}-1.jpg\n" for n in range(number)
    ))  # fmt: skip
    env = environment(folder, site, server, None if options.unknown else options.rate)
    pushed = await scrapy(folder, env, "pailitao", "push", "seeds.txt")
    await pushed.wait()
    workers = [
        await scrapy(
            folder, env, "crawl", "pailitao", "-s", "STATS_CLASS=tests.stats_file.WorkerStats"
        )
        for _ in range(options.workers)
    ]
    await asyncio.sleep(START_SECONDS)
    before = await _pages(folder, env)
    start = asyncio.get_running_loop().time()
    log = gateway.log
    good, throttled = len(log.good_at), len(log.throttled_at)
    await asyncio.sleep(options.seconds)
    seconds = asyncio.get_running_loop().time() - start
    good_at = sorted(log.good_at)[good:]
    refused = len(log.throttled_at) - throttled
    after = await _pages(folder, env)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    await asyncio.gather(*(worker.wait() for worker in workers))
    await site.close()
    shares = sorted(after[name] - before.get(name, 0) for name in after)
    _tell(options, good_at, refused, seconds, shares)


async def _pages(folder: Path, env: dict[str, str]) -> dict[str, int]:
    """Calls of each worker, as `status` tells them."""
    import json

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scrapy", "pailitao", "status", "--json", cwd=folder, env=env,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    return {each["name"]: each["calls"] for each in json.loads(told)["workers"]}


def _tell(
    options: argparse.Namespace,
    good_at: list[float],
    refused: int,
    seconds: float,
    shares: list[int],
) -> None:
    most = max(bisect_left(good_at, at + 1.0) - n for n, at in enumerate(good_at))
    even = sum(shares) / len(shares)
    print(
        f"{len(shares)} workers, {options.rate:g}/s, burst {options.burst}, "
        f"{'to be found' if options.unknown else 'known'}: "
        f"{100 * len(good_at) / (options.rate * seconds):.1f} % used over {seconds:.0f} s, "
        f"{refused} 429s, at most {most} answers in any second, "
        f"shares {100 * (shares[0] / even - 1):+.0f} to {100 * (shares[-1] / even - 1):+.0f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--burst", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--latency", type=float, default=0.08)
    parser.add_argument("--unknown", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = LocalServer(Path(name) / "redis").start()
        try:
            asyncio.run(measure(options, Path(name), server))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
