"""Which addresses of the web may be asked at all, before any name is looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from yarl import URL

from pailitao_spider.errors import ConfigError, PictureError
from pailitao_spider.offer_pictures.addresses import is_public, private_address

__all__ = ["HTTPS_PORT", "NO_URL", "TrustedHosts", "checked_url"]

HTTPS_PORT = 443
NO_URL = (ValueError, IndexError)
"""What yarl raises for a text that is no URL; IndexError for `https://[]@`."""

_MAX_URL = 8192
# Systems read a name that ends so as an IPv4 address in another dress: 2130706433, 0x7f.1
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrustedHosts:
    """Hosts and ports whose addresses may be private."""

    places: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def read(cls, given: Iterable[str]) -> TrustedHosts:
        """From `HOST` or `HOST:PORT`. Raises ConfigError."""
        return cls(frozenset(map(_place, given)))

    def has(self, host: str, port: int) -> bool:
        return (_plain(host), port) in self.places


def _place(given: str) -> tuple[str, int]:
    text = f"[{given}]" if given.count(":") > 1 and not given.startswith("[") else given
    try:
        url = URL(f"https://{text}")
        is_place = url.host and url == url.origin() and not re.search(r"[/?#@]", given)
        port = url.port or 0
    except NO_URL:
        is_place, port = False, 0
    if not is_place or not port:
        raise ConfigError(f"--trust-host {given}: give a host, such as pictures.example.com:8443")
    return _plain(url.raw_host or ""), port


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def checked_url(text: str, trusted: TrustedHosts) -> URL:
    """An https address that may be asked for. Raises PictureError."""
    try:
        url = URL(text if len(text) <= _MAX_URL else "https:")
        host, port = url.raw_host, url.port
    except NO_URL:
        raise PictureError("bad_url", "no address of the web") from None
    if url.scheme != "https":
        raise PictureError("not_https", "only https is fetched")
    if not host or url.user is not None or url.password is not None:
        raise PictureError("bad_url", "no host, or a password in the address")
    if not trusted.has(host, port or 0):
        _check_port(host, port)
        _check_literal(host)
    return url


def _check_port(host: str, port: int | None) -> None:
    if port != HTTPS_PORT:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        text = f"port {port} is not https' own; if it is yours: --trust-host {place}"
        raise PictureError("other_port", text)


def _check_literal(host: str) -> None:
    """A host that is an address goes past the resolver, so it is looked at here."""
    try:
        address = str(ip_address(host))
    except ValueError:
        if ":" in host or _ENDS_IN_NUMBER.fullmatch(host):
            raise PictureError("bad_address", f"{host} is no plain address") from None
        return
    if not is_public(address):
        raise private_address(host, address)
