"""How far this machine's clock and a gateway's are apart."""

from __future__ import annotations

from pailitao_spider.doctor.findings import Finding, note, right, wrong

__all__ = ["apart"]

_NOTED_SECONDS = 60.0
_WRONG_SECONDS = 300.0  # the router allows ten minutes, and nobody promises them
_REMEDY = "set this machine's clock (timedatectl set-ntp true)"


def apart(ahead_seconds: float) -> Finding:
    """`ahead_seconds` is how far the gateway's clock is ahead of this machine's."""
    seconds = abs(ahead_seconds)
    text = f"this machine and the gateway differ by {int(seconds)} s"
    if seconds <= _NOTED_SECONDS:
        return right("clock", text)
    text = f"this machine is {int(seconds)} s {'behind' if ahead_seconds > 0 else 'ahead of'} "
    text += "the gateway"
    return (wrong if seconds > _WRONG_SECONDS else note)("clock", text, _REMEDY)
