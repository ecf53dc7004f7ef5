"""How fast a run goes, from looks at it: seeds, pages, offers a second, and the time left."""

from __future__ import annotations

import time

from pailitao_spider.cluster.admin.status import RunStatus
from pailitao_spider.monitoring.sliding_rates import SlidingRates
from pailitao_spider.monitoring.text import duration

__all__ = ["AdaptiveRate"]

_BAR = 24


class AdaptiveRate:
    """Made from a look a second; nothing is known after the first."""

    def __init__(self) -> None:
        self._recent = SlidingRates()
        self._most: dict[str, int] = {}

    def note(self, seen: RunStatus) -> None:
        """A worker that leaves takes its numbers along: sums never go down here."""
        sums = {"pages": sum(each.pages for each in seen.workers),
                "offers": sum(each.offers for each in seen.workers),
                "ended": seen.ended}  # fmt: skip
        self._most = {name: max(count, self._most.get(name, 0)) for name, count in sums.items()}
        self._recent.note(time.monotonic(), self._most)

    def per_second(self, name: str) -> float | None:
        return self._recent.per_second(name)

    def left_seconds(self, seen: RunStatus) -> float | None:
        return self._recent.seconds_for("ended", seen.waiting + seen.open)

    def told(self, seen: RunStatus) -> str:
        """A bar and what goes with it."""
        share = seen.ended / seen.seeds if seen.seeds else 0.0
        full = int(_BAR * share)
        words = [f"{'━' * full}{'─' * (_BAR - full)}  {seen.ended} of {seen.seeds}  {share:.0%}"]
        for name in ("offers", "pages"):
            rate = self.per_second(name)
            if rate is not None:
                words.append(f"{rate:.1f} {name}/s")
        left = self.left_seconds(seen)
        if left is not None and not seen.is_over:
            words.append(f"about {duration(left)} left")
        return "  ".join(words)
