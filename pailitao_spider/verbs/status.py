"""`scrapy pailitao status`: how a run stands."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from pailitao_spider.analysis import output
from pailitao_spider.cluster.admin.command_context import Desk, run_with_redis
from pailitao_spider.cluster.admin.pace import AdaptiveRate
from pailitao_spider.cluster.admin.quota_status import QuotaStatus, quotas
from pailitao_spider.cluster.admin.status import RunStatus, standing
from pailitao_spider.cluster.redis.client import RedisUnavailableError
from pailitao_spider.config import parsers
from pailitao_spider.offers.values.texts import counted

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "how a run stands: seeds, pages, workers, quota"

Quotas = Mapping[str, QuotaStatus]

_SILENT_SECONDS = 10.0  # more than a worker with a default lease needs


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    parser.add_argument("--watch", action="store_true", help="look again each second, until Ctrl-C")
    parser.add_argument(
        "--until-over", action="store_true", help="with --watch: until every seed has its end"
    )
    parser.add_argument("--serve", metavar="PORT", help="a live page of the run for a browser")
    parser.add_argument(
        "--host", default="127.0.0.1",
        help="of --serve (127.0.0.1; on another the address has a token)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    return run_with_redis(options, lambda desk: _chosen(options)(desk, options))


def _chosen(options: argparse.Namespace) -> Callable[[Desk, argparse.Namespace], Awaitable[int]]:
    if options.serve is not None:
        return _serve
    return _watch if options.watch else _once


async def _serve(desk: Desk, options: argparse.Namespace) -> int:
    """Until Ctrl-C. Raises ConfigError where the port cannot be had."""
    from pailitao_spider.verbs.shared.live_status import serve

    port = output.typed(options, {"serve": parsers.whole(0, 65535)})["serve"]
    await serve(desk, options.host, port, lambda: _look(desk))
    return 0


async def _once(desk: Desk, options: argparse.Namespace) -> int:
    seen, paid = await _look(desk)
    if options.json:
        sys.stdout.write(f"{_as_json(seen, paid)}\n")
        return 0
    from rich.console import Console

    Console(highlight=False).print(_table(seen, paid))
    return 0


async def _watch(desk: Desk, options: argparse.Namespace) -> int:
    if options.json or not sys.stdout.isatty():
        return await _follow(desk, options)
    from rich.live import Live

    pace = AdaptiveRate()
    with Live(refresh_per_second=4) as live:
        async for seen, paid in _looks(desk, options):
            pace.note(seen)
            live.update(_table(seen, paid, pace))
    return 0


async def _follow(desk: Desk, options: argparse.Namespace) -> int:
    """A line each second, for scripts and for output that is no terminal."""
    async for seen, paid in _looks(desk, options):
        line = _as_json(seen, paid) if options.json else "; ".join(
            f"{name}: {text}" for name, text in _rows(seen, paid)
        )  # fmt: skip
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


async def _looks(
    desk: Desk, options: argparse.Namespace
) -> AsyncIterator[tuple[RunStatus, Quotas]]:
    """One a second, none while Redis is away."""
    while True:
        with contextlib.suppress(RedisUnavailableError):
            seen, paid = await _look(desk)
            yield seen, paid
            if options.until_over and seen.is_over:
                return
        await asyncio.sleep(1)


async def _look(desk: Desk) -> tuple[RunStatus, Quotas]:
    seen = await standing(desk.link, desk.keys, desk.config.run)
    return seen, await quotas(desk.link, desk.config)


def _as_json(seen: RunStatus, paid: Quotas) -> str:
    told = {name: asdict(each) for name, each in paid.items()}
    return json.dumps({**asdict(seen), "over": seen.is_over, "quota": told})


def _table(seen: RunStatus, paid: Quotas, pace: AdaptiveRate | None = None) -> Table:
    from rich.table import Table
    from rich.text import Text

    has_ended = seen.is_over and seen.done + seen.empty + seen.partial + seen.failed > 0
    title = f"run {seen.run}{': over' * has_ended}"
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    if pace is not None and seen.has_seeds:
        table.add_row(Text("run"), Text(pace.told(seen)))
    for name, text in (*_rows(seen, paid), *_worker_rows(seen)):
        table.add_row(Text(name), Text(text))
    return table


def _rows(seen: RunStatus, paid: Quotas) -> Iterator[tuple[str, str]]:
    yield (
        "seeds",
        _numbers(
            waiting=seen.waiting,
            open=seen.open,
            done=seen.done,
            empty=seen.empty,
            partial=seen.partial,
            failed=seen.failed,
        ),
    )
    pages = _numbers(ready=seen.pages_ready, leased=seen.pages_leased, suspect=seen.pages_suspect)
    yield "pages", pages
    if (short := seen.short).seeds:
        of = f"{short.offers_seen} of {short.offers_expected} offers"
        yield "coverage", f"{counted(short.seeds, 'seed')}: {of}"
    if seen.buried:
        yield "buried", f"{seen.buried}; scrapy pailitao dead tells why"
    if seen.unwritten:
        yield "ledger", f"{counted(seen.unwritten, 'line')} to be written"
    if seen.picture_bytes:
        yield "pictures", f"{seen.picture_bytes / 2**20:.1f} MB in Redis"
    for name, each in paid.items():
        yield ("quota" if len(paid) == 1 else f"quota {name}"), str(each)
    silent = sum(each.silent_seconds >= _SILENT_SECONDS for each in seen.workers)
    yield "workers", _numbers(**{"at work": len(seen.workers) - silent, "silent": silent})


def _numbers(**numbers: int) -> str:
    """Those that are not 0."""
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "none"


def _worker_rows(seen: RunStatus) -> Iterator[tuple[str, str]]:
    for each in seen.workers:
        text = (
            f"{each.pages} pages, {each.offers} offers, {each.calls} calls, {each.in_hand} in hand"
        )
        if each.silent_seconds >= _SILENT_SECONDS:
            text += f", silent for {each.silent_seconds:.0f} s"
        yield each.name, text
