"""One picture of the web: https, public hosts, few hops, few bytes, in time."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from pailitao_spider.errors import PictureError
from pailitao_spider.offer_pictures.host_throttle import HostThrottle
from pailitao_spider.offer_pictures.hosts import NO_URL, TrustedHosts, checked_url
from pailitao_spider.offer_pictures.resolving import CheckedResolver
from pailitao_spider.pictures.formats import format_of
from pailitao_spider.pictures.limits import sized

__all__ = ["FetchLimits", "WebPictures"]

_HEADERS = {
    "User-Agent": "pailitao_spider (compares pictures of offers)",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
}
_FAREWELL_SECONDS = 0.1
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """`seconds` is for one request from its connection to its last byte."""

    bytes: int = 5_000_000
    seconds: float = 20
    redirects: int = 3
    at_once_a_host: int = 4
    spacing_seconds: float = 0.05


class WebPictures:
    """Fetches pictures; an async context. No cookies, no proxy, no robots.txt, no second try.

    `ssl_context` is for certificates of a company's own; `resolver` looks up names.
    """

    def __init__(
        self,
        trusted: TrustedHosts | None = None,
        limits: FetchLimits | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._trusted = trusted or TrustedHosts()
        self._limits = limits or FetchLimits()
        self._ssl = ssl_context
        self._resolver = resolver
        self._turns = HostThrottle(self._limits.at_once_a_host, self._limits.spacing_seconds)
        self._opened: aiohttp.ClientSession | None = None
        self._was_kept_waiting = False

    async def picture(self, url: str) -> bytes:
        """The bytes, which begin like a picture's. Raises PictureError."""
        for _ in range(self._limits.redirects + 1):
            target = checked_url(url, self._trusted)
            async with self._turns.turn(target.host or ""):
                found = await self._answer(target)
            if isinstance(found, bytes):
                format_of(sized(found))
                return found
            url = str(found)
        raise PictureError("too_many_redirects", f"over {self._limits.redirects} redirections")

    async def _answer(self, url: URL) -> bytes | URL:
        """The picture, or where to look instead."""
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status in _REDIRECTS:
                    return _target(response)
                if response.status != 200:
                    raise PictureError(f"http_{response.status}", f"HTTP {response.status}")
                return await self._body(response)
        except TimeoutError as error:
            self._was_kept_waiting = True
            text = f"no whole answer in {self._limits.seconds:g} seconds"
            raise PictureError("timeout", text) from error
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise PictureError("bad_certificate", "its certificate cannot be trusted") from error
        except aiohttp.ClientConnectorDNSError as error:
            raise PictureError("unknown_host", f"{url.host} is not found") from error
        except aiohttp.ClientPayloadError as error:
            raise PictureError("cut_off", "the answer was cut off") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PictureError("unreachable", type(error).__name__) from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The answer's bytes; what its head claims of their number is not believed."""
        most, body = self._limits.bytes, bytearray()
        try:
            if (response.content_length or 0) <= most:
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > most:
                        break
                else:
                    return bytes(body)
            raise PictureError("too_many_bytes", f"over {most} bytes")
        except (PictureError, TimeoutError):
            _hang_up(response)
            raise

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(
                resolver=CheckedResolver(self._trusted, self._resolver),
                ssl=self._ssl or True,
            )
            self._opened = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._limits.seconds),
                auto_decompress=False,
                headers=_HEADERS,
            )
        return self._opened

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            await self._opened.close()
        if self._was_kept_waiting:  # aiohttp leaves TLS to say farewell to who was silent
            await asyncio.sleep(_FAREWELL_SECONDS)


def _target(response: aiohttp.ClientResponse) -> URL:
    place = response.headers.get("Location", "")
    try:
        return response.url.join(URL(place))
    except NO_URL:
        raise PictureError("bad_url", "redirected to no address of the web") from None


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """At once: a farewell over TLS waits for an answer, and who sends without end gives none."""
    if response.connection and response.connection.transport:
        response.connection.transport.abort()
