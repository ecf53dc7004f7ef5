"""A cluster on one machine, to look at: Redis, a gateway, three workers, one merged feed.

Every command is shown before it runs; on many machines they are the same. The offers are invented.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Any

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.errors import ConfigError
from pailitao_spider.sandbox.catalogue.market import Catalogue

PHOTOS = Path(__file__).parent / "photos"
WORKERS = 3
CALLS_PER_SECOND = 50
SANDBOX_LINES = 6  # what it says of itself
SANDBOX = f"rate={CALLS_PER_SECOND},burst=25,latency=0.08"
STOP_SECONDS = 15


class Scrapy:
    """`scrapy` with the settings in `env`; whatever it starts ends with `stack`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        own = ("PAILITAO_", "REDIS_", "SCRAPY_")  # nobody's key is used up by a demonstration
        self.env = {name: text for name, text in os.environ.items() if not name.startswith(own)}
        self.env |= {"SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings", "PAILITAO_RUN": "demo"}

    def start(self, *arguments: str, **given: Any) -> Popen[str]:
        command = [sys.executable, "-m", "scrapy", *arguments]
        process = self._stack.enter_context(Popen(command, env=self.env, text=True, **given))
        self._stack.callback(stop, process)
        return process

    def start_behind(self, *arguments: str, log: str, **given: Any) -> Popen[str]:
        """In the background, with its output in the folder."""
        with (self._folder / log).open("w", encoding="utf-8") as file, out_of_reach():
            given = {"stdin": DEVNULL, "stdout": file, "stderr": file, **given}
            return self.start(*arguments, cwd=self._folder, **given)

    def run(self, *arguments: str) -> int:
        """In the terminal, to its end; returns its exit code."""
        show(*arguments)
        return self.start(*arguments).wait()

    def watch(self, workers: list[Popen[str]]) -> None:
        """How the run stands, until it is over or no worker is left."""
        watching = ("pailitao", "status", "--watch", "--until-over")
        show(*watching)
        status = self.start(*watching)
        while status.poll() is None and any(worker.poll() is None for worker in workers):
            time.sleep(0.1)
        with suppress(TimeoutExpired):
            status.wait(3)  # it looks once a second
        stop(status)


@contextmanager
def out_of_reach() -> Iterator[None]:
    """Ctrl-C goes to every process of a terminal; Redis is to outlive the workers all the same."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop(process: Popen[str]) -> None:
    process.terminate()
    with suppress(TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()


def show(*arguments: str, more: str = "") -> None:
    print(f"\n$ scrapy {shlex.join(arguments)}{more}", flush=True)


def start_gateway(scrapy: Scrapy) -> dict[str, str]:
    """The settings that the sandbox prints: its address and its key."""
    serve = ("pailitao", "sandbox", "--port=0", f"--options={SANDBOX}")
    process = scrapy.start_behind(*serve, log="sandbox.log", stdout=PIPE)
    lines = islice(process.stdout or (), SANDBOX_LINES)
    words = [word for line in lines for word in shlex.split(line)]
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    print(f"A gateway of invented offers is at {settings['PAILITAO_URL']}")
    return {**settings, "PAILITAO_RATE": str(CALLS_PER_SECOND)}


def write_seeds(path: Path, number: int) -> None:
    """Addresses of so many pictures; the designs that are sold take turns."""
    names = islice(cycle(design.name for design in Catalogue().designs), number)
    urls = (f"https://sandbox.invalid/{i}/photos/{name}-1.jpg\n" for i, name in enumerate(names))
    path.write_text("".join(urls), encoding="utf-8")


def run(folder: Path, number: int, stack: ExitStack) -> int:
    redis, scrapy = LocalServer(folder / "redis"), Scrapy(folder, stack)
    stack.callback(redis.stop)
    with out_of_reach():
        scrapy.env["REDIS_URL"] = redis.start().url
    print(f"Redis, which all share, is at {redis.url}; its files are in {redis.folder}")
    scrapy.env |= start_gateway(scrapy)
    write_seeds(folder / "urls.txt", number)
    for source in (os.path.relpath(PHOTOS), f"{folder}/urls.txt"):
        scrapy.run("pailitao", "push", source)

    crawl = ("crawl", "pailitao", "-s", "PAILITAO_CLUSTER=1", "-a", "until_empty=1")
    show(*crawl, more=f"  # {WORKERS} workers; see {folder}/worker-*.log")
    workers = [scrapy.start_behind(*crawl, log=f"worker-{i}.log") for i in range(1, WORKERS + 1)]
    scrapy.watch(workers)
    codes = [worker.wait(STOP_SECONDS) for worker in workers]
    merged = scrapy.run("pailitao", "merge", f"{folder}/results", "-O", f"{folder}/offers.jsonl")
    print("These offers are invented: they come from the sandbox.")
    return merged or int(any(codes))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a new one, for everything that is written")
    parser.add_argument("--seeds", type=int, default=400, help="picture URLs beside the photos")
    given = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a terminal that is closed ends all, too
        signal.signal(ending, signal.default_int_handler)
    try:
        given.folder.mkdir(parents=True)
        with ExitStack() as stack:
            return run(given.folder, given.seeds, stack)
    except (FileExistsError, ConfigError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
