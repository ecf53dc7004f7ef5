"""The cluster's queue, acknowledgements and shared duplicates against scrapy-redis as shipped.

Both search the same seeds with one worker, on the same Redis (every write synced) and the same
gateway of canned answers, in turn; the ratio of the medians is what travels between machines. Also
told: Redis calls a page, and the gateway's own pace, which must be far above both.

    python benchmarks/cluster.py [--seeds 60] [--pages 5] [--rows 100] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from pailitao_spider.cluster.redis.local_server import LocalServer

ROOT = Path(__file__).parent.parent


def picture(number: int) -> str:
    return f"https://pictures.invalid/{number}.jpg"


@contextmanager
def canned(options: argparse.Namespace) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.canned", "--pages", str(options.pages)]
    command += ["--rows", str(options.rows), "--pictures", str(options.seeds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def environment(folder: Path, gateway: str, server: LocalServer) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PAILITAO_")},
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
        "REDIS_URL": server.url,
        "PAILITAO_URL": f"{gateway}/router/rest",
        "PAILITAO_APP_KEY": "bench",
        "PAILITAO_APP_SECRET": "secret",
        "PAILITAO_RATE": "20000",
    }


def scrapy(folder: Path, env: dict[str, str], *arguments: str) -> float:
    """Runs a command; returns the seconds it took."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


class Round:
    """One measured crawl: pages a second between first and last answer, Redis calls a page."""

    def __init__(self, options: argparse.Namespace, gateway: str, server: LocalServer) -> None:
        self.options = options
        self.gateway = gateway
        self.server = server
        self.client = redis.Redis(port=server.port)

    def ours(self, dedup: bool) -> tuple[float, dict[str, float]]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            env = environment(folder, self.gateway, self.server)
            env |= {"PAILITAO_CLUSTER": "1", "PAILITAO_DEDUP": "crawl" if dedup else "off"}
            self.client.flushall()
            (folder / "seeds.txt").write_text(self._seeds())
            scrapy(folder, env, "pailitao", "push", "seeds.txt")
            return self._measured(folder, env, "crawl", "pailitao", "-a", "until_empty=1")

    def plain(self, dedup: bool) -> tuple[float, dict[str, float]]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            env = environment(folder, self.gateway, self.server)
            self.client.flushall()
            self.client.rpush("plain:start_urls", *self._seeds().split())
            settings = [
                "-s", "SCHEDULER=scrapy_redis.scheduler.Scheduler",
                "-s", "DUPEFILTER_CLASS=scrapy_redis.dupefilter.RFPDupeFilter",
                "-s", "PAILITAO_DEDUP=off", "-s", "SPIDER_MODULES=benchmarks.plain_redis",
                "-s", "LOG_LEVEL=ERROR", "-s", f"REDIS_URL={self.server.url}",
            ]  # fmt: skip
            if dedup:
                settings += ["-s", "ITEM_PIPELINES=" + json.dumps(
                    {"benchmarks.plain_redis.RedisDedup": 300})]  # fmt: skip
            return self._measured(folder, env, "crawl", "plain", "-O", "plain.jsonl", *settings)

    def _seeds(self) -> str:
        return "".join(f"{picture(number)}\n" for number in range(self.options.seeds))

    def _measured(
        self, folder: Path, env: dict[str, str], *arguments: str
    ) -> tuple[float, dict[str, float]]:
        env["BENCH_STATS"] = str(folder / "stats.json")
        calls = self._calls()
        scrapy(folder, env, *arguments, "-s", "EXTENSIONS=" + json.dumps(
            {"benchmarks.stopwatch.Stopwatch": 900}))  # fmt: skip
        seen = json.loads((folder / "stats.json").read_text())
        pages = self._calls() - calls
        wanted = self.options.seeds * self.options.pages
        if pages != wanted:
            raise SystemExit(f"{pages} pages were asked for, not {wanted}")
        return pages / seen["seconds"], {
            name: number / pages for name, number in seen["redis_calls"].items()
        }

    def _calls(self) -> int:
        with urllib.request.urlopen(f"{self.gateway}/calls") as answer:
            return int(json.load(answer)["calls"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, canned(options) as gateway:
        server = LocalServer(Path(name)).start()
        try:
            measure(Round(options, gateway, server), options)
        finally:
            server.kill()


def measure(bench: Round, options: argparse.Namespace) -> None:
    for dedup in (False, True):
        ours, plain, calls = [], [], []
        for _ in range(options.rounds):
            plain.append(bench.plain(dedup)[0])
            pace, calls_a_page = bench.ours(dedup)
            ours.append(pace)
            calls.append(calls_a_page)
        ratio = statistics.median(ours) / statistics.median(plain)
        print(
            f"{'with' if dedup else 'without'} deduplication: "
            f"{statistics.median(ours):.1f} pages/s against {statistics.median(plain):.1f}, "
            f"{ratio:.2f}x; Redis calls a page: {_medians(calls)}"
        )


def _medians(calls: list[dict[str, float]]) -> str:
    names = ("exchange", "seen", "gate")
    return ", ".join(
        f"{name} {statistics.median(each.get(name, 0.0) for each in calls):.3f}" for name in names
    )


if __name__ == "__main__":
    main()
