"""`scrapy pailitao clear`: all that Redis holds of a run, away."""

from __future__ import annotations

import argparse
import sys

from pailitao_spider.cluster.admin.command_context import Desk, run_with_redis
from pailitao_spider.cluster.admin.status import RunStatus, standing
from pailitao_spider.errors import ConfigError

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "remove a run from Redis; files, tokens and the quota's memory stay"

_AT_WORK_SECONDS = 10.0
_TOGETHER = 500


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(options: argparse.Namespace) -> int:
    return run_with_redis(options, lambda desk: _run(desk, options))


async def _run(desk: Desk, options: argparse.Namespace) -> int:
    seen = await standing(desk.link, desk.keys, desk.config.run)
    silent_seconds = max(_AT_WORK_SECONDS, desk.config.lease_seconds)
    at_work = [each for each in seen.workers if each.silent_seconds < silent_seconds]
    if at_work:
        raise ConfigError(
            f"run {seen.run}: {len(at_work)} workers are at work, or were in the last "
            f"{silent_seconds:.0f} s; stop them first"
        )
    if not options.yes and not _agrees(seen):
        sys.stderr.write("nothing was removed; --yes removes without asking\n")
        return 2
    number = await _removed(desk)
    sys.stdout.write(f"run {seen.run}: {number} keys removed\n")
    return 0


def _agrees(seen: RunStatus) -> bool:
    lost = seen.waiting + seen.open
    sys.stderr.write(
        f"run {seen.run}: {lost} seeds are not searched yet, {seen.unwritten} ledger lines not "
        f"written, {seen.buried} dead letters kept, and would be forgotten\n"
    )
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("remove it? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _removed(desk: Desk) -> int:
    number, together = 0, []
    async for key in desk.link.client.scan_iter(match=_pattern(desk.keys.prefix), count=1000):
        together.append(key)
        if len(together) >= _TOGETHER:
            number += await desk.link.client.unlink(*together)
            together = []
    return number + (await desk.link.client.unlink(*together) if together else 0)


def _pattern(prefix: str) -> str:
    return f"{prefix}*"
