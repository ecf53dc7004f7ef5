"""Offers a second: this project beside what else one would write, on one gateway of canned answers.

    python -m benchmarks.throughput [--pictures 200] [--rounds 5] [--only ours,bare] [--json FILE]

Every client has a core, the gateway and Redis another (on two cores a second process shares that).
In each round all take turns; each runs twice, with two pictures a process and with all of its own.
The difference of the two medians counts, so starting costs nothing. Rows received are counted, new
or not. Only ratios travel between machines. A client whose calls or offers are not complete ends
the benchmark with a line.

This project's cluster works on a Redis that syncs every write, the others on one that keeps nothing
on disk, in their favour.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.contestants import CONTESTANTS, OUT, Contestant, Job
from benchmarks.running import Gateway, Spent, cores, gateway, machine, run
from pailitao_spider.cluster.redis.local_server import LocalServer

_FEW = 2
_SHARED = 50
_ID = re.compile(rb'"num_iid": ?"(\d+)"')


@dataclass(frozen=True)
class Bench:
    """Where the clients run, and against what."""

    options: argparse.Namespace
    folder: Path
    cores: tuple[int, int]
    gateway: Gateway
    servers: dict[str, str]

    def spent(self, who: Contestant, pictures: int) -> Spent:
        """Lets a client search the first `pictures`; checks what it did."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            jobs = self._jobs(who, pictures, Path(name))
            if who.server:
                self._fill(who, pictures, Path(name))
            commands = [
                job.command(who.words(job), core, who.more)
                for job, core in zip(jobs, self.cores, strict=False)
            ]
            calls, cpu = self.gateway.calls(), self.gateway.cpu_seconds()
            taken = run(commands)
            used = self.gateway.cpu_seconds() - cpu
            self._check(who, jobs, self.gateway.calls() - calls, pictures)
        return Spent(taken.wall, taken.cpu, used)

    def _jobs(self, who: Contestant, pictures: int, folder: Path) -> list[Job]:
        part = pictures // who.processes
        url = self.servers.get(who.server)
        jobs = []
        for place in range(who.processes):
            own = folder / f"process{place}"
            own.mkdir()
            jobs.append(Job(own, self.gateway.address, place * part, (place + 1) * part, url))
        return jobs

    def _fill(self, who: Contestant, pictures: int, folder: Path) -> None:
        """Empties Redis, then pushes the seeds where they come from there."""
        url = self.servers[who.server]
        with redis.Redis.from_url(url) as client:
            client.flushall()
        if who.push:
            who.push(Job(folder, self.gateway.address, 0, pictures, url))

    def _check(self, who: Contestant, jobs: list[Job], calls: int, pictures: int) -> None:
        found = [_ID.findall((job.folder / OUT).read_bytes()) for job in jobs]
        kept = sum(len(each) for each in found)
        distinct = len({number for each in found for number in each})
        pages = self.options.pages
        if calls != pictures * pages:
            raise SystemExit(f"{who.name}: {calls} calls came, not {pictures * pages}")
        if distinct != (there := self._distinct(pictures)):
            raise SystemExit(f"{who.name}: {distinct} offers in its output, not {there}")
        if who.once and kept != sum(self._distinct(job.end - job.first) for job in jobs):
            raise SystemExit(f"{who.name}: {kept} lines in its output for {distinct} offers")

    def _distinct(self, pictures: int) -> int:
        """Offers on the pages of pictures that follow each other: neighbouring pages share some."""
        rows = self.options.rows
        step = rows - rows * _SHARED // 100
        return (pictures * self.options.pages - 1) * step + rows


@dataclass(frozen=True)
class Turn:
    """One client's part of a round: a run with few pictures, one with all, and the rows between."""

    few: Spent
    all: Spent
    rows: int


def turn(bench: Bench, who: Contestant) -> Turn:
    few = _FEW * who.processes
    wanted = int(bench.options.pictures * who.share)
    many = max(2 * few, wanted - wanted % who.processes)
    rows = (many - few) * bench.options.pages * bench.options.rows
    return Turn(bench.spent(who, few), bench.spent(who, many), rows)


@dataclass(frozen=True)
class Figures:
    """Medians of one client, per offer received."""

    name: str
    title: str
    offers_a_second: float
    wall_us: float
    cpu_us: float
    gateway_us: float
    start_seconds: float
    turns: list[Turn]

    @property
    def gateway_share(self) -> float:
        return self.gateway_us / self.wall_us


def figures(who: Contestant, turns: list[Turn]) -> Figures:
    def median(what: str) -> float:
        few = statistics.median(getattr(each.few, what) for each in turns)
        return statistics.median(getattr(each.all, what) for each in turns) - few

    wall, cpu, gateway = (median(what) / turns[0].rows * 1e6 for what in ("wall", "cpu", "gateway"))
    start = statistics.median(each.few.wall for each in turns)
    return Figures(who.name, who.title, 1e6 / wall, wall, cpu, gateway, start, turns)


def measure(bench: Bench, contestants: list[Contestant]) -> dict[str, Figures]:
    seen: dict[str, list[Turn]] = {who.name: [] for who in contestants}
    for who in contestants:
        bench.spent(who, _FEW * who.processes)  # compiles, and is not counted
    for number in range(bench.options.rounds):
        for who in contestants:
            one = turn(bench, who)
            seen[who.name].append(one)
            told = f"{one.few.wall:.2f} s to start, {one.all.wall:.2f} s in all"
            print(f"round {number + 1}: {who.name} {told}", file=sys.stderr, flush=True)
    return {who.name: figures(who, seen[who.name]) for who in contestants}


def table(made: dict[str, Figures]) -> Iterator[str]:
    yield "| client | offers/s | µs wall an offer | µs CPU an offer | to by_hand | to bare Scrapy |"
    yield "|---|---:|---:|---:|---:|---:|"
    for each in made.values():
        yield (
            f"| {each.title} | {each.offers_a_second:,.0f} | {each.wall_us:.1f} | "
            f"{each.cpu_us:.1f} | {ratio(made, each.name, 'by_hand')} | "
            f"{ratio(made, each.name, 'bare')} |"
        )


def ratio(made: dict[str, Figures], name: str, base: str) -> str:
    if name not in made or base not in made:
        return "-"
    return f"{made[base].wall_us / made[name].wall_us:.2f}x"


_ASKED = (
    ("ours", "bare", "this project to bare Scrapy"),
    ("ours", "by_hand", "this project to aiohttp by hand"),
    ("pair", "half", "two processes to one with half of the pictures"),
    ("worker", "naive", "one worker to the tutorials' scrapy-redis"),
    ("worker", "by_hand_redis", "one worker to aiohttp by hand with Redis"),
    ("workers", "worker", "two workers to one"),
)


def summary(made: dict[str, Figures]) -> Iterator[str]:
    for name, base, words in _ASKED:
        if name in made and base in made:
            cpu = made[base].cpu_us / made[name].cpu_us
            yield f"{words}: {ratio(made, name, base)}, by CPU {cpu:.2f}x"
    fastest = max(made.values(), key=lambda each: each.offers_a_second)
    yield (
        f"the gateway was busy for {fastest.gateway_share:.0%} of its core during the fastest "
        f"client ({fastest.title})"
    )


@contextmanager
def servers(folder: Path, contestants: list[Contestant]) -> Iterator[dict[str, str]]:
    """Addresses of the Redis servers that are needed: one syncs each write, one keeps nothing."""
    kept = {"synced": "yes", "plain": "no"}
    with ExitStack() as stack:
        made = {}
        for name in sorted({who.server for who in contestants} - {""}):
            (folder / name).mkdir()
            server = LocalServer(folder / name, appendonly=kept[name]).start()
            stack.callback(server.kill)
            made[name] = server.url
        yield made


def chosen(only: str) -> list[Contestant]:
    names = only.split(",") if only else [who.name for who in CONTESTANTS]
    if unknown := set(names) - {who.name for who in CONTESTANTS}:
        raise SystemExit(f"no client is called {', '.join(sorted(unknown))}")
    return [who for who in CONTESTANTS if who.name in names]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help=", ".join(who.name for who in CONTESTANTS))
    parser.add_argument("--json", type=Path, help="where to write the figures for plot.py")
    return parser.parse_args()


def write(options: argparse.Namespace, made: dict[str, Figures], on: dict[str, str]) -> None:
    given: dict[str, Any] = {name: getattr(options, name) for name in ("pictures", "pages", "rows")}
    given["rounds"] = options.rounds
    whole = {"machine": on, "options": given, "clients": [asdict(each) for each in made.values()]}
    options.json.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")


def main() -> None:
    options = parsed()
    contestants = chosen(options.only)
    on = machine()
    first, second, last = cores()
    os.sched_setaffinity(0, {last})  # and so for the servers that are started here
    sizes = {name: getattr(options, name) for name in ("pictures", "pages", "rows")}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = stack.enter_context(servers(folder, contestants))
        site = stack.enter_context(gateway(last, **sizes, shared=_SHARED))
        made = measure(Bench(options, folder, (first, second), site, urls), contestants)
    print(", ".join(f"{name} {value}" for name, value in on.items()), end="\n\n")
    print("\n".join(table(made)), end="\n\n")
    print("\n".join(summary(made)))
    if options.json:
        write(options, made, on)


if __name__ == "__main__":
    main()
