"""Who a worker is, and where it writes."""

from __future__ import annotations

import os
import re
import socket
import time
from functools import cache

__all__ = ["feed_of_worker", "worker_name"]

_ODD = re.compile(r"[^A-Za-z0-9.-]+")


@cache
def worker_name() -> str:
    """`<host>-<pid>-<start>`: no two starts of workers share it."""
    host = _ODD.sub("-", socket.gethostname())[:40] or "host"
    started = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return f"{host}-{os.getpid()}-{started}.{time.time_ns() // 1_000_000 % 1000:03d}"


def feed_of_worker(run: str) -> str:
    """A feed of this worker start's own, below the working folder."""
    return f"results/{run}/offers-{worker_name()}.jsonl"
