"""`scrapy pailitao dead`: what was buried, why, and back with it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from pailitao_spider.cluster.admin.command_context import Desk, run_with_redis
from pailitao_spider.cluster.admin.status import Buried, buried_pages

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "pages and lines that are handed out no more, and why; --replay tries the pages again"

_TOGETHER = 500


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replay", action="store_true", help="put the pages back into the queue")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(options: argparse.Namespace) -> int:
    return run_with_redis(options, lambda desk: _run(desk, options))


async def _run(desk: Desk, options: argparse.Namespace) -> int:
    found = await buried_pages(desk.link, desk.keys)
    if not options.replay:
        for each in found:
            sys.stdout.write(f"{json.dumps(asdict(each)) if options.json else _line(each)}\n")
        if not found and not options.json:
            sys.stdout.write(f"run {desk.config.run}: nothing was buried\n")
        return 0
    ids = [each.id for each in found if not each.raw]
    back = 0
    for start in range(0, len(ids), _TOGETHER):
        together = ids[start : start + _TOGETHER]
        back += await desk.link.script("replay", desk.keys.prefix, *together)
    sys.stdout.write(f"run {desk.config.run}: {back} of {len(found)} back in the queue\n")
    for each in found:
        if each.raw:
            sys.stdout.write(f"no seed, push it anew once mended: {each.raw}\n")
    return 0


def _line(each: Buried) -> str:
    at = datetime.fromtimestamp(each.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    what = f"{each.raw!r} " if each.raw else ""
    return f"{at}  {each.id}  {what}{each.why}  (buried by {each.worker})"
