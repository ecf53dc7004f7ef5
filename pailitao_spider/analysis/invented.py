"""Offers that the sandbox invented, whichever gateway's name they bear."""

from __future__ import annotations

import re

__all__ = ["SANDBOX", "is_invented"]

SANDBOX = "sandbox"

_OF_SANDBOX = re.compile(
    r"https?://(?:(?:[^/?#@]*\.)?sandbox\.invalid(?:[:/?#]|$)|cbu01\.alicdn\.com/sandbox/)",
    re.IGNORECASE,
)


def is_invented(gateway: str | None, *addresses: str | None) -> bool:
    """A worker that is given a sandbox's address names the gateway that it speaks like; only the
    addresses of the pictures tell then.
    """
    return gateway == SANDBOX or any(
        _OF_SANDBOX.match(address) is not None for address in addresses if address
    )
