"""Seeds whose picture was searched for another seed: what their ledger lines say of it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["cause_of", "is_twin", "searched_for", "twin_reason"]

_SAME_PICTURE = "same_picture: searched once, for "


def twin_reason(seed_id: str, reason: str | None) -> str:
    """Why a seed has no rows of its own: `seed_id` has them, and how its search ended."""
    text = f"{_SAME_PICTURE}{seed_id}"
    return f"{text}; {reason}" if reason else text


def is_twin(reason: str | None) -> bool:
    return (reason or "").startswith(_SAME_PICTURE)


def searched_for(reason: str | None, is_known: Callable[[str], bool]) -> str | None:
    """The seed that has the rows; `is_known` tells a seed_id, which may hold any character."""
    if not is_twin(reason):
        return None
    text = (reason or "").removeprefix(_SAME_PICTURE)
    while not is_known(text):
        text, cut, _ = text.rpartition("; ")
        if not cut:
            return None
    return text


def cause_of(reason: str | None) -> str:
    """The first word of what came of a search; of a twin that of the search for the other."""
    text = reason or ""
    return (text.rpartition("; ")[2] if is_twin(text) else text).partition(":")[0]
