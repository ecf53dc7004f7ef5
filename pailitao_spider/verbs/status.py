"""`scrapy pailitao status`: how a run stands."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pailitao_spider.cluster.desk import Desk, at_desk
from pailitao_spider.cluster.link import AwayError
from pailitao_spider.cluster.quota_seen import QuotaSeen, quota
from pailitao_spider.cluster.standing import Standing, standing

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "how a run stands: seeds, pages, workers, quota"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    parser.add_argument("--watch", action="store_true", help="look again each second, until Ctrl-C")
    parser.add_argument(
        "--until-over", action="store_true", help="with --watch: until every seed has its end"
    )


def run(options: argparse.Namespace) -> int:
    return at_desk(
        options, lambda desk: _watch(desk, options) if options.watch else _once(desk, options)
    )


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

    with Live(refresh_per_second=4) as live:
        while True:
            try:
                seen, paid = await _look(desk)
            except AwayError:
                await asyncio.sleep(1)
                continue
            live.update(_table(seen, paid))
            if options.until_over and seen.is_over:
                return 0
            await asyncio.sleep(1)


async def _follow(desk: Desk, options: argparse.Namespace) -> int:
    """A line each second, for scripts and for output that is no terminal."""
    while True:
        seen, paid = await _look(desk)
        line = _as_json(seen, paid) if options.json else "; ".join(
            f"{name}: {text}" for name, text in _rows(seen, paid)
        )  # fmt: skip
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        if options.until_over and seen.is_over:
            return 0
        await asyncio.sleep(1)


async def _look(desk: Desk) -> tuple[Standing, QuotaSeen | None]:
    seen = await standing(desk.link, desk.keys, desk.config.run)
    return seen, await quota(desk.link, desk.config)


def _as_json(seen: Standing, paid: QuotaSeen | None) -> str:
    return json.dumps({**asdict(seen), "over": seen.is_over, "quota": paid and asdict(paid)})


def _table(seen: Standing, paid: QuotaSeen | None) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"run {seen.run}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _rows(seen, paid):
        table.add_row(name, Text(text))
    return table


def _rows(seen: Standing, paid: QuotaSeen | None) -> Iterator[tuple[str, str]]:
    yield (
        "seeds",
        f"{seen.waiting} waiting, {seen.open} open, {seen.done} done, {seen.empty} empty, "
        f"{seen.partial} partial, {seen.failed} failed",
    )
    yield (
        "pages",
        f"{seen.pages_ready} ready, {seen.pages_leased} leased, {seen.pages_suspect} suspect, "
        f"{seen.buried} buried",
    )
    if seen.unwritten:
        yield "ledger", f"{seen.unwritten} lines to be written"
    if seen.picture_bytes:
        yield "pictures", f"{seen.picture_bytes / 2**20:.1f} MB in Redis"
    if paid is not None:
        yield "quota", str(paid)
    yield "workers", str(len(seen.workers)) if seen.workers else "none"
    for each in seen.workers:
        yield (
            f"  {each.name}",
            f"{each.pages} pages, {each.offers} offers, {each.calls} calls, "
            f"{each.in_hand} in hand, seen {each.silent_seconds:.1f} s ago",
        )
