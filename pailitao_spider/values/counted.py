"""Numbers with what they count: one line, two lines."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str = "") -> str:
    """`1 line`, `2 lines`; `many` where it is more than an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
