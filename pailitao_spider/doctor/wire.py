"""Single calls beside a crawl: one form out, one answer in, failures as a person needs them."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.errors import PailitaoError
from pailitao_spider.gateways.calls import Form
from pailitao_spider.gateways.refusals import Cause

__all__ = ["Answer", "WireError", "answered"]

_TIMEOUT_SECONDS = 10.0

_CHECK_ROAD = "check the address, and firewalls and proxies on the way"
# The first that is in the chain of causes counts; {} is the system's word for it.
_FAILURES: tuple[tuple[type[BaseException], Cause, str, str], ...] = (
    (
        aiohttp.ClientProxyConnectionError,
        Cause.NETWORK,
        "the proxy on the way cannot be reached",
        "check HTTPS_PROXY and HTTP_PROXY",
    ),
    (
        aiohttp.ClientHttpProxyError,
        Cause.NETWORK,
        "the proxy on the way refuses",
        "check HTTPS_PROXY and HTTP_PROXY",
    ),
    (
        ssl.SSLCertVerificationError,
        Cause.NETWORK,
        "its certificate is not trusted",
        "check this machine's clock and its certificates, and who stands in between",
    ),
    (ssl.SSLError, Cause.NETWORK, "no TLS with it", "check https:// against http://"),
    (socket.gaierror, Cause.NETWORK, "there is no host of this name", _CHECK_ROAD),
    (ConnectionRefusedError, Cause.NETWORK, "nothing listens there", _CHECK_ROAD),
    (
        aiohttp.InvalidURL,
        Cause.SETTINGS,
        "this is no address",
        "correct PAILITAO_URL or PAILITAO_TOKEN_URL",
    ),
    (TimeoutError, Cause.NETWORK, f"no answer within {_TIMEOUT_SECONDS:.0f} s", _CHECK_ROAD),
    (aiohttp.ClientPayloadError, Cause.NETWORK, "its answer was cut off", "try again"),
    (aiohttp.ServerDisconnectedError, Cause.NETWORK, "it hung up without an answer", "try again"),
    (OSError, Cause.NETWORK, "the line broke ({})", _CHECK_ROAD),
    (aiohttp.ClientError, Cause.NETWORK, "its answer is no HTTP", _CHECK_ROAD),
)


class WireError(PailitaoError):
    """No answer came. The text names the address, and nothing that was sent."""

    def __init__(self, cause: Cause, text: str, remedy: str) -> None:
        super().__init__(f"{text}; {remedy}")
        self.cause, self.what, self.remedy = cause, text, remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and when: halfway between question and answer, unix seconds."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    at: float

    @property
    def date(self) -> float | None:
        """The gateway's time as its `Date` header tells it, whole unix seconds."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return None


async def answered(form: Form, *, is_direct: bool = False) -> Answer:
    """Sends a form, once, by the proxy that a crawl would go by; `is_direct` is for the embedded
    sandbox. Raises WireError where no whole answer comes.
    """
    begun = time.time()
    try:
        status, headers, body = await _sent(form, is_direct=is_direct)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _failure(error, form.url) from error
    return Answer(status, headers, body, (begun + time.time()) / 2)


async def _sent(form: Form, *, is_direct: bool) -> tuple[int, dict[str, str], bytes]:
    async with (
        aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
            trust_env=not is_direct,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session,
        session.request(
            form.method,
            URL(form.url, encoded=True),
            data=form.body or None,
            headers=form.wire_headers,
            allow_redirects=False,
        ) as response,
    ):
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers, await response.read()


def _failure(error: Exception, url: str) -> WireError:
    place = shown_url(url)
    for kind, cause, text, remedy in _FAILURES:
        for each in _chain(error):
            if isinstance(each, kind):
                said = getattr(each, "strerror", None) or type(each).__name__
                return WireError(cause, f"{place}: {text.replace('{}', said)}", remedy)
    return WireError(Cause.SETTINGS, f"{place}: cannot be asked", "correct the address")


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what it wraps, and what it came from."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop(0)
        if each is not None and each not in found:
            found.append(each)
            left += [getattr(each, "os_error", None), each.__cause__, each.__context__]
    return found
