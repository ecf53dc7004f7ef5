"""`scrapy pailitao doctor`: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pailitao_spider.doctor.findings import Finding, Verdict, note, right, wrong
from pailitao_spider.doctor.keys import Newest
from pailitao_spider.doctor.rounds import findings
from pailitao_spider.doctor.vectors import mismatches, read_vectors
from pailitao_spider.errors import PailitaoError
from pailitao_spider.keys.accounts import Account

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from pailitao_spider.cluster.redis.client import Link
    from pailitao_spider.keys.tokens import Token

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "tell what is right and wrong with settings, keys, clock and seeds; pays for no search"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", metavar="SOURCE", help="look at the first 1000 of these, too")
    parser.add_argument(
        "--vectors",
        type=Path,
        metavar="FILE",
        help="only compare signatures with a file's: a JSON list of objects with dialect (router, "
        "aop), sign_method, path, params, secret, expected",
    )
    parser.add_argument("--json", action="store_true", help="as a JSON object")


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when all is right, 1 when something is wrong, 2 for a usage mistake."""
    try:
        if options.vectors is not None:
            return _compared(options)
        return asyncio.run(_examined(options))
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _compared(options: argparse.Namespace) -> int:
    vectors = read_vectors(options.vectors)
    wrongs = mismatches(vectors)
    if options.json:
        told = {"right": not wrongs, "total": len(vectors), "mismatches": wrongs}
        sys.stdout.write(f"{json.dumps(told, ensure_ascii=False)}\n")
    else:
        for line in wrongs:
            sys.stdout.write(f"{wrong('signatures', line, '')}\n")
        sys.stdout.write(f"{len(vectors) - len(wrongs)} of {len(vectors)} signatures are right\n")
    return 1 if wrongs else 0


async def _examined(options: argparse.Namespace) -> int:
    settings, found = options.settings, list[Finding]()
    async for finding in findings(settings, os.environ, options.seeds, lambda: _redis(settings)):
        found.append(finding)
        if not options.json:
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
    is_right = all(each.verdict is not Verdict.WRONG for each in found)
    if options.json:
        told = {"right": is_right, "findings": [asdict(each) for each in found]}
        sys.stdout.write(f"{json.dumps(told, ensure_ascii=False)}\n")
    return 0 if is_right else 1


@asynccontextmanager
async def _redis(settings: BaseSettings) -> AsyncIterator[tuple[list[Finding], Newest]]:
    from pailitao_spider.cluster.redis.client import Link
    from pailitao_spider.cluster.redis.server_checks import open_client
    from pailitao_spider.cluster.shared.tokens import newest_login

    try:
        link = Link(await open_client(settings))
    except PailitaoError as error:
        yield [wrong("redis", str(error), "")], _configured
        return

    async def newest(account: Account) -> Token:
        return await newest_login(link, account)

    try:
        told = await _fitness(settings, link)
        is_wrong = any(each.verdict is Verdict.WRONG for each in told)
        yield told, _configured if is_wrong else newest
    finally:
        await link.close()


async def _fitness(settings: BaseSettings, link: Link) -> list[Finding]:
    from redis.exceptions import RedisError

    from pailitao_spider.cluster.redis.connection import shown_address
    from pailitao_spider.cluster.redis.server_checks import check_server

    place = shown_address(settings)
    try:
        told = [note("redis", line) for line in await check_server(link.client)]
    except (RedisError, OSError) as error:
        why = str(error).partition("\n")[0]
        return [wrong("redis", f"{place}: {why}", "try again, or correct REDIS_URL")]
    return told or [right("redis", f"{place} answers, and is fit for work")]


async def _configured(account: Account) -> Token:
    """What is set, where Redis does not tell of anything newer."""
    return account.configured
