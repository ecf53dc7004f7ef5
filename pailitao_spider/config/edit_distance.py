"""How far one word is from another."""

from __future__ import annotations

__all__ = ["edit_distance"]


def edit_distance(one: str, other: str) -> int:
    """The fewest letters to add, take away, change or swap with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, each in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != each))
            if min(i, j) > 1 and letter == other[j - 2] and one[i - 2] == each:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
