"""A cluster as users run it: a real Redis, `scrapy pailitao push`, workers in subprocesses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY, Crawled
from tests.warm import SCRAPY, start

Worker = subprocess.Popen[str]


class Unserved:
    """In a cluster's place of a sandbox, where its settings say whom to ask."""

    class gateway:  # noqa: N801
        class account:  # noqa: N801
            app_key = secret = access_token = refresh_token = "x"

    url = token_url = "http://127.0.0.1:9/"


class Cluster:
    """One run in one folder. `env` holds the settings, given by environment to all commands."""

    def __init__(
        self, folder: Path, server: LocalServer, site: Site | type[Unserved], **settings: object
    ) -> None:
        account = site.gateway.account
        self.folder = folder
        self.server = server
        self.site = site
        self.workers: list[Worker] = []
        self.env = {
            "REDIS_URL": server.url,
            "PAILITAO_CLUSTER": "1",
            "PAILITAO_LEASE_SECONDS": "2",
            "PAILITAO_URL": site.url,
            "PAILITAO_TOKEN_URL": site.token_url,
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
            "PAILITAO_REFRESH_TOKEN": account.refresh_token,
        }
        self.set(**settings)

    def set(self, **settings: object) -> None:
        self.env |= {f"PAILITAO_{name.upper()}": str(value) for name, value in settings.items()}

    # commands

    def command(self, *arguments: str, timeout_seconds: float = 240) -> Crawled:
        """`scrapy <arguments>` from start to end."""
        process = start(
            [*SCRAPY, *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        with process:
            try:
                said, _ = process.communicate(timeout=timeout_seconds)
            except BaseException:
                process.kill()
                raise
        return Crawled(process.returncode, said, self.folder)

    def push(self, *seeds: str, name: str = "seeds.txt", options: tuple[str, ...] = ()) -> Crawled:
        """Writes a seed list and pushes it."""
        path = self.folder / name
        path.write_text("".join(f"{seed}\n" for seed in seeds), encoding="utf-8")
        pushed = self.command("pailitao", "push", name, *options)
        assert pushed.exit_code in (0, 1), pushed.log
        return pushed

    def status(self) -> dict[str, Any]:
        told = self.command("pailitao", "status", "--json")
        assert told.exit_code == 0, told.log
        found: dict[str, Any] = json.loads(told.log)
        return found

    def merge(self, *options: str) -> Crawled:
        return self.command("pailitao", "merge", "results", "-O", "offers.jsonl", *options)

    # workers

    def start(
        self, *arguments: str, preexec: Callable[[], None] | None = None, **env: str
    ) -> Worker:
        """A worker under way; its output goes to `worker-<n>.log`."""
        log = (self.folder / f"worker-{len(self.workers)}.log").open("w", encoding="utf-8")
        worker = start(
            [*SCRAPY, "crawl", "pailitao",
             "-s", "STATS_CLASS=tests.stats_file.WorkerStats", *arguments],
            cwd=self.folder,
            env={**self.environment(), **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=preexec,
        )  # fmt: skip
        log.close()
        self.workers.append(worker)
        return worker

    def crawl(self, *arguments: str, workers: int = 3, timeout_seconds: float = 240) -> list[int]:
        """Workers until the run is empty; returns their exit codes."""
        started = [self.start("-a", "until_empty=1", *arguments) for _ in range(workers)]
        return [self.wait(each, timeout_seconds) for each in started]

    def wait(self, worker: Worker, timeout_seconds: float = 240) -> int:
        try:
            return worker.wait(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            self.close()
            raise AssertionError(f"a worker did not end:\n{self.log(worker)[-4000:]}") from None

    def kill(self, worker: Worker) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=240)

    def log(self, worker: Worker) -> str:
        name = f"worker-{self.workers.index(worker)}.log"
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def logs(self) -> str:
        return "".join(self.log(worker) for worker in self.workers)

    def until(self, holds: Callable[[], bool], timeout_seconds: float = 240) -> None:
        """Waits until something is so; looks ten times a second."""
        end = time.monotonic() + timeout_seconds
        while not holds():
            assert time.monotonic() < end, f"it did not come about:\n{self.logs[-4000:]}"
            time.sleep(0.1)

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(timeout=240)

    # what came of it

    def lines(self, pattern: str) -> list[dict[str, Any]]:
        """Whole lines of all files of that name; a torn last line is left out."""
        paths = sorted(self.folder.glob(pattern))
        whole = [line for path in paths for line in path.read_bytes().split(b"\n")[:-1]]
        return [json.loads(line, parse_float=Decimal) for line in whole]

    @property
    def feed_ids(self) -> Counter[str]:
        """Offers in all workers' feeds, with how often each stands there."""
        side = ([".seeds"], [".rejected"], [".matches"])
        found = self.folder.glob("results/*/offers-*.jsonl")
        feeds = [path for path in found if path.suffixes[-2:-1] not in side]
        ids: Counter[str] = Counter()
        for path in feeds:
            whole = path.read_bytes().split(b"\n")[:-1]
            ids.update(json.loads(line)["num_iid"] for line in whole)
        return ids

    @property
    def stats(self) -> Counter[str]:
        """This project's stats, summed over the workers that ended in order."""
        total: Counter[str] = Counter()
        for path in self.folder.glob("stats-*.json"):
            values = json.loads(path.read_text())
            total.update({key: value for key, value in values.items()
                          if key.startswith("pailitao/") and isinstance(value, int)})  # fmt: skip
        return total

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            **kept,
            "HOME": str(home),
            "PYTHONPATH": str(REPOSITORY),
            "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
            "COLUMNS": "100",
            **self.env,
        }
