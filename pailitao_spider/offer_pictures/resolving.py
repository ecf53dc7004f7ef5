"""Names looked up once, and every address checked before anything connects to it."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from pailitao_spider.offer_pictures.addresses import is_public, private_address
from pailitao_spider.offer_pictures.hosts import TrustedHosts

__all__ = ["CheckedResolver"]


class CheckedResolver(AbstractResolver):
    """Gives only what was checked, and the connection goes there: no second look-up, no rebinding.

    A name with one address that is not public is refused as a whole.
    """

    def __init__(self, trusted: TrustedHosts, resolver: AbstractResolver | None = None) -> None:
        self._trusted = trusted
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises PictureError for a host that may not be asked, OSError for one not found."""
        found = await self._resolver.resolve(host, port, family)
        if not self._trusted.has(host, port):
            for each in found:
                if not is_public(each["host"]):
                    raise private_address(host, each["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()
