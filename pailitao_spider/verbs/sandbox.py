"""`scrapy pailitao sandbox`: serves the invented gateway until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shlex
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

from pailitao_spider.errors import ConfigError
from pailitao_spider.sandbox.embedded import sandbox_options
from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import HOMES, Site, serve

__all__ = ["SUMMARY", "add_options", "run", "settings_of"]

KEYLESS = ("tmapi",)
"""Gateways that know a caller by the token alone."""

SUMMARY = "serve a gateway of invented offers, to try and to test against"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8016, help="port, 0 for any free one (8016)")
    parser.add_argument(
        "--options",
        default="1",
        metavar="TEXT",
        help="as in PAILITAO_SANDBOX, e.g. rate=20,burst=5,latency=0.08,token_life=2,fault=500@3",
    )
    parser.add_argument(
        "--gateway",
        default="router",
        choices=list(HOMES),
        help="whose settings to print; it speaks them all (router)",
    )


def run(options: argparse.Namespace) -> int:
    try:
        wanted = replace(sandbox_options(options.options), host=options.host, port=options.port)
    except ConfigError as error:
        sys.stderr.write(f"{str(error).replace('PAILITAO_SANDBOX', '--options')}\n")
        return 2
    return asyncio.run(_serve(wanted, options.gateway))


async def _serve(options: SandboxOptions, spoken: str) -> int:
    try:
        site = await serve(build(options), options.host, options.port)
    except OSError as error:
        sys.stderr.write(
            f"cannot serve at {options.host}:{options.port} ({error.strerror}); "
            "try another --port, or 0 for any free one\n"
        )
        return 1
    sys.stdout.write(_welcome(site, spoken))
    sys.stdout.flush()
    await _until_stopped()
    await site.close()
    return 0


def _welcome(site: Site, spoken: str) -> str:
    lines = [
        f"the sandbox listens at {site.url_of(spoken)} (Ctrl-C ends it); its offers are invented",
        *(f"export {settings}" for settings in settings_of(site, spoken)),
        *([] if site.token_url_of(spoken) else ["unset PAILITAO_TOKEN_URL"]),
    ]
    return "".join(f"{line}\n" for line in lines)


def settings_of(site: Site, spoken: str) -> Iterator[str]:
    """What a crawl in another shell needs, one line for each kind."""
    account = site.gateway.account
    yield f"PAILITAO_GATEWAY={spoken}"
    yield f"PAILITAO_URL={site.url_of(spoken)}"
    if token_url := site.token_url_of(spoken):
        yield f"PAILITAO_TOKEN_URL={shlex.quote(token_url)}"
    if spoken not in KEYLESS:
        yield f"PAILITAO_APP_KEY={account.app_key} PAILITAO_APP_SECRET={account.secret}"
    if token_url:
        yield (
            f"PAILITAO_ACCESS_TOKEN={account.access_token} "
            f"PAILITAO_REFRESH_TOKEN={account.refresh_token}"
        )
    elif spoken in KEYLESS:
        yield f"PAILITAO_ACCESS_TOKEN={account.access_token}"


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
