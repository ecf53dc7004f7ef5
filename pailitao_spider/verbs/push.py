"""`scrapy pailitao push SOURCE`: seeds into the run that workers share."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

from pailitao_spider.cluster.admin.command_context import Desk, run_with_redis
from pailitao_spider.cluster.admin.push import Pushed, SeedPusher
from pailitao_spider.config.capability_checks import upload_limits
from pailitao_spider.seeds.model import BadLine, Seed
from pailitao_spider.seeds.sources import open_source

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "give seeds to the workers of a cluster; can be repeated, doubles nothing"

_PROGRESS_SECONDS = 10.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="as in `scrapy crawl pailitao -a seeds=SOURCE`"
    )
    parser.add_argument("--sheet", metavar="NAME", help="of a workbook, by name or number")
    parser.add_argument(
        "--again", action="store_true", help="search seeds anew that ended partial or failed"
    )
    parser.add_argument(
        "--room",
        type=int,
        default=512,
        metavar="MB",
        help="how much of pictures from this machine may lie in Redis at once (512)",
    )
    parser.add_argument("--json", action="store_true", help="tell the outcome as a JSON object")


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when all are pushed, 1 when some lines are no seeds, 2 for a mistake."""
    return run_with_redis(options, lambda desk: _push(desk, options))


async def _push(desk: Desk, options: argparse.Namespace) -> int:
    progress = _Progress()
    pusher = SeedPusher(
        desk.link,
        desk.keys,
        upload_limits(desk.config),
        options.room * 2**20,
        again=options.again,
        tell=_tell,
    )
    progress.pushed = pusher.pushed
    await pusher.push(progress.watched(open_source(options.source, sheet=options.sheet)))
    told = json.dumps(asdict(pusher.pushed)) if options.json else _story(pusher.pushed, desk)
    sys.stdout.write(f"{told}\n")
    return 1 if pusher.pushed.bad else 0


class _Progress:
    """A line every ten seconds."""

    def __init__(self) -> None:
        self.pushed = Pushed()

    def watched(self, seeds: Iterator[Seed | BadLine]) -> Iterator[Seed | BadLine]:
        told_at = time.monotonic()
        for seed in seeds:
            yield seed
            if time.monotonic() - told_at > _PROGRESS_SECONDS:
                told_at = time.monotonic()
                _tell(f"{self.pushed.number} pushed")


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _story(pushed: Pushed, desk: Desk) -> str:
    text = f"run {desk.config.run}: {pushed.new} new seeds, {pushed.known} known already"
    if pushed.renamed:
        text += f", {pushed.renamed} renamed since their seed_id was another picture's"
    if pushed.bad:
        text += f"; {pushed.bad} of all cannot be searched and end in the ledger as failed"
    return text
