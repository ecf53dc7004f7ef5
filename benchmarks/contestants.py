"""The clients that benchmarks/throughput.py compares: how each is started, and what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from benchmarks.clients.naive_redis import SEEDS
from benchmarks.cluster import ROOT, picture
from benchmarks.running import Command, environment, run

__all__ = ["CONTESTANTS", "OUT", "Contestant", "Job"]

OUT = "out.jsonl"
_CLIENTS = ROOT / "benchmarks" / "clients"
_SETTINGS = {"SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings"}
_WORKER = _SETTINGS | {"PAILITAO_CLUSTER": "1"}


@dataclass(frozen=True)
class Job:
    """What one process is to do, in an empty folder: the pictures `first` up to `end`."""

    folder: Path
    address: str
    first: int
    end: int
    redis_url: str | None = None

    def seeds(self) -> list[str]:
        return [picture(number) for number in range(self.first, self.end)]

    def write_seeds(self) -> None:
        (self.folder / "seeds.txt").write_text("".join(f"{seed}\n" for seed in self.seeds()))

    def command(self, words: list[str], core: int, more: dict[str, str]) -> Command:
        made = environment(self.folder, self.address, self.redis_url)
        return Command(self.folder, words, made | more, core)


@dataclass(frozen=True)
class Contestant:
    """`words` are what follows `python -m`. It searches `share` of the pictures, in `processes` of
    its own, which are given equal parts, or, once `push` (unmeasured) has filled the queue, take
    what is there. `server`: the Redis it needs. `once`: no offer may stand twice in an output.
    """

    name: str
    title: str
    words: Callable[[Job], list[str]]
    more: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    processes: int = 1
    server: str = ""
    push: Callable[[Job], None] | None = None
    once: bool = True


def _ours(job: Job) -> list[str]:
    job.write_seeds()
    return ["scrapy", "crawl", "pailitao", "-a", "seeds=seeds.txt", "-O", OUT]


def _worker(_: Job) -> list[str]:
    return ["scrapy", "crawl", "pailitao", "-a", "until_empty=1", "-o", OUT]


def _push(job: Job) -> None:
    job.write_seeds()
    words = ["scrapy", "pailitao", "push", "seeds.txt"]
    run([job.command(words, min(os.sched_getaffinity(0)), _WORKER)])


def _bare(job: Job) -> list[str]:
    arguments = ["-a", f"gateway={job.address}", "-a", f"pictures={job.end}", "-O", OUT]
    return ["scrapy", "runspider", str(_CLIENTS / "bare_scrapy.py"), *arguments]


def _lean(job: Job) -> list[str]:
    arguments = ["-a", f"gateway={job.address}", "-a", f"pictures={job.end}", "-a", f"out={OUT}"]
    return ["scrapy", "runspider", str(_CLIENTS / "lean_scrapy.py"), *arguments]


def _naive(job: Job) -> list[str]:
    arguments = ["-a", f"gateway={job.address}", "-O", OUT]
    return ["scrapy", "runspider", str(_CLIENTS / "naive_redis.py"), *arguments]


def _push_plainly(job: Job) -> None:
    assert job.redis_url is not None
    with redis.Redis.from_url(job.redis_url) as client:
        client.rpush(SEEDS, *job.seeds())


def _module(name: str) -> Callable[[Job], list[str]]:
    return lambda job: [f"benchmarks.clients.{name}", job.address, str(job.end), OUT]


def _by_hand_redis(job: Job) -> list[str]:
    return [*_module("by_hand")(job), "--redis", str(job.redis_url)]


CONTESTANTS = (
    Contestant("ours", "this project", _ours, _SETTINGS),
    Contestant("ours_aiohttp", "this project, PAILITAO_HTTP=aiohttp", _ours,
               _SETTINGS | {"PAILITAO_HTTP": "aiohttp"}),
    Contestant("half", "this project, half of the pictures", _ours, _SETTINGS, share=0.5),
    Contestant("pair", "this project, two processes", _ours, _SETTINGS, processes=2),
    Contestant("worker", "this project's cluster, one worker", _worker, _WORKER,
               server="synced", push=_push),
    Contestant("workers", "this project's cluster, two workers", _worker, _WORKER, processes=2,
               server="synced", push=_push, once=False),
    Contestant("by_hand", "aiohttp + orjson, the same checks", _module("by_hand")),
    Contestant("by_hand_redis", "aiohttp + orjson, dedup in Redis", _by_hand_redis,
               server="plain"),
    Contestant("threads", "requests, 16 threads, no checks", _module("threads")),
    Contestant("article", "the articles' loop, 11 fields", _module("article"), once=False),
    Contestant("lean", "the least of Scrapy, the same checks", _lean),
    Contestant("bare", "bare Scrapy", _bare, share=0.25, once=False),
    Contestant("naive", "scrapy-redis as in the tutorials", _naive, share=0.25,
               server="plain", push=_push_plainly),
)  # fmt: skip
