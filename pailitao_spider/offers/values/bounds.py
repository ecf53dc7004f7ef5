"""What a known number may be; beyond these bounds it is none, wherever an offer is read again."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["is_amount", "is_count", "is_share"]

_MOST = Decimal(10) ** 12
_MOST_COUNT = 2**63
_ONE = Decimal(1)


def is_amount(value: Decimal) -> bool:
    """Money or a score: finite, not below 0, below a million million."""
    return value.is_finite() and 0 <= value < _MOST


def is_share(value: Decimal) -> bool:
    """A similarity or a rate: 0 to 1."""
    return value.is_finite() and 0 <= value <= _ONE


def is_count(value: int) -> bool:
    """A whole number, not below 0, that a database's integer holds."""
    return 0 <= value < _MOST_COUNT
