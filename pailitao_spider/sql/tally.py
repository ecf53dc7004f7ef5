"""What was put into a database, and what was not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.offers.values.texts import counted

__all__ = ["Backlog", "Tally"]


@dataclass(slots=True)
class Tally:
    """What was put in. `unread` lines are none of their kind, `refused` ones not taken; `odd` ones
    have a value that could not be read.
    """

    offers: int = 0
    matches: int = 0
    history: int = 0
    seeds: int = 0
    odd: int = 0
    unread: int = 0
    refused: int = 0
    first_left_out: str | None = None

    @property
    def left_out(self) -> int:
        return self.unread + self.refused

    def add(self, other: Tally) -> None:
        for name in ("offers", "matches", "history", "seeds", "odd", "unread", "refused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_left_out = self.first_left_out or other.first_left_out


@dataclass(frozen=True, slots=True)
class Backlog:
    """Lines that are not in the database. `torn` files end in half a line."""

    offers: int = 0
    others: int = 0
    torn: tuple[Path, ...] = ()
    is_known: bool = True
    """The database has said how far it is; else they are at most so many."""

    @property
    def lines(self) -> int:
        return self.offers + self.others

    @property
    def words(self) -> str:
        most = "" if self.is_known else "up to "
        if self.offers:
            return f"{most}{counted(self.offers, 'offer')}"
        return f"{most}{counted(self.others, 'line')} beside the feed"

    @property
    def are(self) -> str:
        return "is" if (self.offers or self.others) == 1 else "are"
