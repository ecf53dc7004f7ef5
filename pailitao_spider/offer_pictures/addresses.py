"""Where a connection may go: addresses of the public internet."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address

from pailitao_spider.errors import PictureError

__all__ = ["is_public", "private_address"]

# All that is routed in IPv6 today. NAT64, IPv4-mapped, unique local, link-local and multicast
# addresses lie outside.
_ROUTED = IPv6Network("2000::/3")
# They carry an IPv4 address to somewhere else: Teredo, 6to4.
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))


def is_public(address: str) -> bool:
    """Anybody's address in the internet: none of this machine, this network, or a tunnel."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6:
        is_routed = parsed in _ROUTED and not any(parsed in net for net in _TUNNELS)
        return is_routed and parsed.is_global
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved)


def private_address(host: str, address: str) -> PictureError:
    name = host if host == address else f"{host} ({address})"
    text = f"{name} is no public address; if it is yours: --trust-host {host}"
    return PictureError("private_address", text)
