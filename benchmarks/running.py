"""What the benchmarks of whole crawls share: a gateway of canned answers, commands on cores of
their own, and what they cost.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import scrapy

from benchmarks.cluster import ROOT

__all__ = ["Command", "Gateway", "Spent", "cores", "environment", "gateway", "machine", "run"]

_LIMIT_SECONDS = 900


@dataclass(frozen=True)
class Command:
    """A process to be run in `folder`; what it prints goes to `log.txt` there."""

    folder: Path
    words: Sequence[str]
    environment: dict[str, str]
    core: int

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log.txt").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *self.words],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, {self.core}),
            )


@dataclass(frozen=True)
class Spent:
    """Seconds: on the clock, of the client's processors, and of the gateway's."""

    wall: float
    cpu: float
    gateway: float = 0.0

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu, self.gateway - other.gateway)


def run(commands: Sequence[Command]) -> Spent:
    """Runs all of them at once; ends with a line and what was printed if one of them fails."""
    started = time.perf_counter()
    processes = [command.start() for command in commands]
    cpu = sum(_ended(each, command) for each, command in zip(processes, commands, strict=True))
    return Spent(time.perf_counter() - started, cpu)


def _ended(process: subprocess.Popen[bytes], command: Command) -> float:
    """Waits for a process; returns its CPU seconds, of all threads, user and system."""
    watchdog = threading.Timer(_LIMIT_SECONDS, process.kill)
    watchdog.start()
    _, status, used = os.wait4(process.pid, 0)
    watchdog.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        printed = (command.folder / "log.txt").read_text(errors="replace")[-3000:]
        raise SystemExit(f"{printed}\n{' '.join(command.words)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def cores() -> tuple[int, int, int]:
    """The first and the second client's core, and the gateway's: the second client's when the
    machine has only two.
    """
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        raise SystemExit("a core for the client and one for the gateway are needed")
    return there[0], there[1], there[-1]


class Gateway:
    """The process of benchmarks/canned.py."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self._pid = pid

    def calls(self) -> int:
        with urllib.request.urlopen(f"{self.address}/calls") as answer:
            return int(json.load(answer)["calls"])

    def cpu_seconds(self) -> float:
        return int(Path(f"/proc/{self._pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def gateway(
    core: int, *, pictures: int, pages: int, rows: int, shared: int, made_first: bool = True
) -> Iterator[Gateway]:
    """Runs a gateway; if not `made_first`, it makes each answer when that is asked for."""
    command = [sys.executable, "-m", "benchmarks.canned", "--shared", str(shared)]
    command += ["--pages", str(pages), "--rows", str(rows)]
    command += ["--pictures", str(pictures if made_first else 0)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        assert process.stdout is not None
        yield Gateway(process.stdout.readline().strip(), process.pid)
    finally:
        process.kill()
        process.wait()


def environment(home: Path, address: str, redis_url: str | None = None) -> dict[str, str]:
    """No setting of the user's own; byte code may be kept, so that only a first run compiles."""
    dropped = ("PAILITAO_", "SCRAPY_", "REDIS_", "PYTHONDONTWRITEBYTECODE")
    made = {
        **{name: value for name, value in os.environ.items() if not name.startswith(dropped)},
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PAILITAO_URL": f"{address}/router/rest",
        "PAILITAO_APP_KEY": "bench",
        "PAILITAO_APP_SECRET": "secret",
        "PAILITAO_RATE": "20000",
        "PAILITAO_BURST": "64",
    }
    return made | ({"REDIS_URL": redis_url} if redis_url else {})


def machine() -> dict[str, str]:
    """What the figures were made on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": models[0] if models else platform.machine(),
        "python": platform.python_version(),
        "scrapy": scrapy.__version__,
        "date": date.today().isoformat(),
    }
