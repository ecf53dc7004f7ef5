"""When a worker talks to its run, and how much work it holds. No I/O; times are monotonic seconds.

What is in hand is redone when the worker dies, so it holds about three seconds of its share of the
quota; what is finished waits for company, since a call for sixteen pages costs little more than
one for a single page.
"""

from __future__ import annotations

from math import ceil

from pailitao_spider.cluster.worker.messages import Answer

__all__ = ["Polling"]

_SHARE_SECONDS = 3.0
_FEWEST_IN_HAND = 16
_MOST_IN_HAND = 96
_MOST_TOGETHER = 32
_LEAST_GAP_SECONDS = 0.01
_ACK_SECONDS = 0.5
_LINE_SECONDS = 0.2
_EMPTY_HANDED_SECONDS = 0.05
_IDLE_SECONDS = (0.25, 0.5)  # a new seed is taken within a second
_IDLE_ROUNDS = 20


class Polling:
    """Decides from what the last answer said."""

    def __init__(self, lease_seconds: float) -> None:
        self.in_hand = _FEWEST_IN_HAND
        self._renew_seconds = lease_seconds / 3
        self._last_at = float("-inf")
        self._gave = True
        self._is_alone = False
        self._has_suspects = False
        self._idle_rounds = 0

    @property
    def together(self) -> int:
        """So many finished pages make a call worth while."""
        return min(self.in_hand // 2, _MOST_TOGETHER)

    @property
    def seeds_ahead(self) -> int:
        """Fewer pages than this in the queue, and new seeds are let in."""
        return max(2 * self.in_hand, 64)

    def room(self, held: int) -> int:
        """How many pages to ask for; a suspect must be the only one in hand."""
        if self._is_alone and held:
            return 0
        return max(0, self.in_hand - held)

    def is_due(
        self, now: float, *, unfinished: int, finished: int, has_words: bool, has_lines: bool
    ) -> bool:
        elapsed = now - self._last_at
        if elapsed < _LEAST_GAP_SECONDS:
            return False
        return (
            has_words
            or finished >= self.together
            or (finished > 0 and (elapsed >= _ACK_SECONDS or unfinished == 0))
            or (has_lines and elapsed >= _LINE_SECONDS)
            or elapsed >= self._renew_seconds
            or (self._is_hungry(unfinished) and elapsed >= self._gap(unfinished))
        )

    def answered(self, now: float, answer: Answer, per_second: float) -> None:
        self._last_at = now
        self._gave = bool(answer.pages)
        self._idle_rounds = 0 if answer.pages else self._idle_rounds + 1
        if answer.pages:  # one that brings none, as a renewal, leaves the page alone
            self._is_alone = answer.alone
        self._has_suspects = answer.suspects > 0
        share = per_second / max(1, answer.workers)
        self.in_hand = min(max(ceil(share * _SHARE_SECONDS), _FEWEST_IN_HAND), _MOST_IN_HAND)

    def _is_hungry(self, unfinished: int) -> bool:
        if self._is_alone:
            return unfinished == 0
        return self.in_hand - unfinished >= self.together

    def _gap(self, unfinished: int) -> float:
        if self._gave:
            return _LEAST_GAP_SECONDS
        if self._has_suspects and unfinished == 0:
            return _EMPTY_HANDED_SECONDS
        return _IDLE_SECONDS[self._idle_rounds > _IDLE_ROUNDS]
