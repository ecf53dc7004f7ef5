"""The sandbox inside a crawl: served in the crawler's own loop, on 127.0.0.1."""

from __future__ import annotations

from pailitao_spider.errors import ConfigError
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site, serve

__all__ = ["sandbox_options", "start_embedded"]


def sandbox_options(text: str) -> SandboxOptions:
    """The options that PAILITAO_SANDBOX gives. Raises ConfigError."""
    try:
        return SandboxOptions.from_text(text)
    except ValueError as error:
        raise ConfigError(f"PAILITAO_SANDBOX={text!r}: {error}") from error


async def start_embedded(text: str) -> tuple[Site, Account]:
    """Serves the sandbox that PAILITAO_SANDBOX describes, for a crawl in the same process."""
    options = sandbox_options(text)
    gateway = build(options)
    return await serve(gateway, options.host, options.port), gateway.account
