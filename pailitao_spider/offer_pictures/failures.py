"""Why pictures could not be had: counted by reason, told at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pailitao_spider.errors import BadSeedError

__all__ = ["Failures"]

_MOST_SHOWN = 200


class Failures:
    """Counts by reason code; of each reason the first is kept in full."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def count(self, error: BadSeedError, what: str) -> None:
        """`what` is the picture: its URL or path."""
        self.counts[error.code] += 1
        self._first.setdefault(error.code, f"{_plain(what)}: {_plain(str(error))}")

    def told(self, most: int = 5) -> Iterator[str]:
        """The commonest reasons, a line each: `12 timeout, the first: https://…: …`."""
        for code, times in self.counts.most_common(most):
            yield f"{times} {code}, the first: {self._first[code]}"
        rest = len(self.counts) - most
        if rest > 0:
            others = sum(times for _, times in self.counts.most_common()[most:])
            yield f"{others} for {rest} other reasons"


def _plain(text: str) -> str:
    """What comes of the network does not command the terminal."""
    return "".join(each if each.isprintable() else " " for each in text[:_MOST_SHOWN])
