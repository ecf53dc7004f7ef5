"""What happens after a refusal: data and one pure function."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from pailitao_spider.gateways.refusals import Refusal, RefusalClass

__all__ = ["Action", "Attempt", "RetryPolicy"]


class Action(Enum):
    """What the caller does next."""

    WAIT_AT_GATE = "send again; the gate knows when"
    BACK_OFF = "send again after a wait"
    RENEW = "renew the token, then send again"
    GIVE_UP = "this call is over, the run goes on"
    STOP = "the run is over"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a call has been through: plain numbers that travel with it."""

    failures: int = 0
    renewals: int = 0
    uploads: int = 0
    unknown: int = 0
    """Refusals that nobody understood; those of a worker are none of the next one's."""

    @property
    def tries(self) -> int:
        """What was tried in vain."""
        return self.failures + self.unknown


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter (Brooker, "Exponential backoff and jitter"): a random share of the step."""

    tries: int = 8
    step_seconds: float = 0.5
    most_seconds: float = 30.0
    renewals: int = 5
    longest_ban_seconds: float = 600.0

    def action(self, refusal: Refusal, attempt: Attempt) -> Action:
        """The next step for a call that was refused after `attempt`."""
        is_ban = (refusal.wait_seconds or 0.0) > self.longest_ban_seconds
        match refusal.kind:
            case RefusalClass.THROTTLED:
                return Action.STOP if is_ban else Action.WAIT_AT_GATE
            case RefusalClass.TRANSIENT if is_ban:
                return Action.STOP
            case RefusalClass.TRANSIENT:
                return Action.BACK_OFF if attempt.tries + 1 < self.tries else Action.GIVE_UP
            case RefusalClass.TOKEN:
                return Action.RENEW if attempt.renewals < self.renewals else Action.STOP
            case RefusalClass.BAD_SEED:
                return Action.GIVE_UP
            case RefusalClass.SPENT | RefusalClass.DENIED:
                return Action.STOP

    def backoff_seconds(
        self, attempt: Attempt, share: Callable[[], float] = random.random
    ) -> float:
        """The wait before the next try; `share` gives a random number in [0, 1)."""
        step = self.step_seconds * 2.0 ** min(attempt.tries, 20)
        return min(step, self.most_seconds) * share()

    def after(self, refusal: Refusal, attempt: Attempt) -> Attempt:
        """The attempt as the next try carries it."""
        if not refusal.is_known:
            return replace(attempt, unknown=attempt.unknown + 1)
        if refusal.kind is RefusalClass.TRANSIENT:
            return replace(attempt, failures=attempt.failures + 1)
        if refusal.kind is RefusalClass.TOKEN:
            return replace(attempt, renewals=attempt.renewals + 1)
        return attempt
