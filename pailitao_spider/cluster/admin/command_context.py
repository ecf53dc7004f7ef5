"""What the commands beside a crawl share: a line to Redis, and errors as one line each."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.cluster.redis.server_checks import open_client
from pailitao_spider.config.setting_table import Config
from pailitao_spider.errors import PailitaoError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["Desk", "run_with_redis"]


class Desk:
    """One command's settings and its line to the run."""

    def __init__(self, settings: BaseSettings, config: Config, link: Link) -> None:
        self.settings = settings
        self.config = config
        self.link = link
        self.keys = RunKeys(config.run)


def run_with_redis(options: argparse.Namespace, work: Callable[[Desk], Awaitable[int]]) -> int:
    """Runs `work` and returns its exit code; 2 for a mistake, 130 for Ctrl-C."""
    handler = logging.StreamHandler(sys.stderr)  # Redis going away is told while one waits
    logging.getLogger("pailitao_spider").addHandler(handler)
    try:
        return asyncio.run(_opened(options.settings, work))
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except RedisError as error:
        sys.stderr.write(f"Redis refuses: {str(error).partition(chr(10))[0]}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        logging.getLogger("pailitao_spider").removeHandler(handler)


async def _opened(settings: BaseSettings, work: Callable[[Desk], Awaitable[int]]) -> int:
    config = Config.read(settings, needs_key=False)
    link = Link(await open_client(settings))
    try:
        return await work(Desk(settings, config, link))
    finally:
        await link.close()
