"""A circuit breaker for one key: the same refusal for picture after picture is no picture's fault.

What nobody understands is tried again. But a wrong secret, a clock that is off or an API that
changed is told for every picture in the same words, and would cost a call and a `failed` line for
each of them. No I/O; times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Breaker"]

_PICTURES_AT_FIRST = 5
_PICTURES = 20
_LEAST_SECONDS = 60.0  # a gateway may be out of order for a while
_PICTURES_AT_FAULT = 50  # refused for themselves, as they are told
_MOST_STREAKS = 100  # different words


@dataclass(slots=True)
class _Streak:
    """Pictures refused with the same words, and no good answer since."""

    since: float
    pictures: set[str] = field(default_factory=set)


class Breaker:
    """Counts a key's refusals between two good answers; an empty page is a good one.

    Only first pages are to be counted: a further page may be refused for being one too many.
    """

    def __init__(self) -> None:
        self.has_been_good = False
        self._streaks: dict[tuple[bool, str], _Streak] = {}

    def good(self) -> None:
        """The gateway answered a search."""
        self.has_been_good = True
        self._streaks.clear()

    def refused(self, words: str, picture: str, *, is_known: bool, now: float) -> bool:
        """Counts a picture; True when the key is not to be used any more. `is_known` says that the
        words are about the picture.
        """
        streak = self._streaks.setdefault((is_known, words), _Streak(now))
        if len(self._streaks) > _MOST_STREAKS:
            del self._streaks[next(iter(self._streaks))]
        streak.pictures.add(picture)
        return self._is_open(streak, is_known=is_known, now=now)

    def is_undecided(self, words: str, now: float) -> bool:
        """It may still be the run's fault: no picture is to be given up for it yet."""
        streak = self._streaks.get((False, words))
        if streak is None or len(streak.pictures) < _PICTURES_AT_FIRST:
            return False
        return now - streak.since < _LEAST_SECONDS

    def needs_others(self, words: str) -> bool:
        """Without more pictures time alone decides nothing."""
        streak = self._streaks.get((False, words))
        return streak is not None and len(streak.pictures) < _PICTURES

    def _is_open(self, streak: _Streak, *, is_known: bool, now: float) -> bool:
        pictures = len(streak.pictures)
        if is_known:
            return pictures >= _PICTURES_AT_FAULT
        if not self.has_been_good:
            return pictures >= _PICTURES_AT_FIRST
        return pictures >= _PICTURES and now - streak.since >= _LEAST_SECONDS
