"""Lines that are no seeds, told to a person: ten of ten thousand are enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

__all__ = ["BadLines"]

_TOLD = 10


class BadLines:
    """Tells the first ten, and at the end how many more there were and where they all stand."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._codes: Counter[str] = Counter()

    def tell(self, code: str, text: str) -> None:
        self._codes[code] += 1
        number = self._codes.total()
        if number <= _TOLD:
            self._tell(text)
        if number == _TOLD:
            self._tell("of further seeds that cannot be searched only the number is told")

    def end(self) -> None:
        if (more := self._codes.total() - _TOLD) > 0:
            reasons = ", ".join(f"{count} {code}" for code, count in self._codes.most_common(5))
            self._tell(
                f"{more} more seeds cannot be searched ({reasons} in all); each is in the ledger "
                "with its reason, and pailitao failed writes them as a list to mend"
            )
