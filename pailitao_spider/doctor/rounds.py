"""All that the doctor looks at, in order, told as it is found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pailitao_spider.config.credentials import keys_of
from pailitao_spider.config.setting_table import Config
from pailitao_spider.doctor.findings import Finding, wrong
from pailitao_spider.doctor.keys import Newest, examine
from pailitao_spider.doctor.surroundings import (
    folder_findings,
    key_finding,
    misspelt,
    seed_findings,
)
from pailitao_spider.doctor.vectors import self_test
from pailitao_spider.errors import ConfigError
from pailitao_spider.keys.accounts import accounts_of

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from pailitao_spider.sandbox.server import Site

__all__ = ["OpenRedis", "findings"]

OpenRedis = Callable[[], AbstractAsyncContextManager[tuple[list[Finding], Newest]]]
"""What is to be said of the workers' Redis, and who knows the newest tokens there."""


async def findings(
    settings: BaseSettings,
    environ: Mapping[str, str],
    seeds: str | None,
    open_redis: OpenRedis,
) -> AsyncIterator[Finding]:
    """Settings that cannot be used leave nothing more to be asked of a gateway."""
    for finding in misspelt(settings, environ):
        yield finding
    yield self_test()
    try:
        config = Config.read(settings, environ, needs_key=False)
        config = replace(config, keys=keys_of(config))
        async for finding in _configured(config, seeds, open_redis):
            yield finding
    except ConfigError as error:
        yield wrong("settings", str(error), "")


async def _configured(
    config: Config, seeds: str | None, open_redis: OpenRedis
) -> AsyncIterator[Finding]:
    for finding in folder_findings(config):
        yield finding
    for finding in seed_findings(seeds, config) if seeds is not None else ():
        yield finding
    if not config.cluster:
        async for finding in _keys(config, None):
            yield finding
        return
    async with open_redis() as (told, newest):
        for finding in told:
            yield finding
        async for finding in _keys(config, newest):
            yield finding


async def _keys(config: Config, newest: Newest | None) -> AsyncIterator[Finding]:
    async with _sandbox(config) as site:
        for account in accounts_of(config, site):
            yield key_finding(account)
            for finding in await examine(account, config, None if site else newest):
                yield finding


@asynccontextmanager
async def _sandbox(config: Config) -> AsyncIterator[Site | None]:
    """The embedded sandbox, where it is on."""
    if config.sandbox is None:
        yield None
        return
    from pailitao_spider.sandbox.embedded import start_embedded

    site, _ = await start_embedded(config.sandbox)
    try:
        yield site
    finally:
        await site.close()
