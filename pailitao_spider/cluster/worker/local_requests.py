"""Requests of a user's spider that are no searches: they live in this worker's memory only.

A page is acknowledged after those that it had given rise to, so a kill brings them back with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from scrapy import Request

__all__ = ["OwnRequests"]


class OwnRequests:
    """Numbered as they come; `oldest` is the first one not yet through."""

    def __init__(self) -> None:
        self.last = 0
        self._queued: deque[Request] = deque()
        self._open: dict[Request, int] = {}

    @property
    def oldest(self) -> int:
        """The number of the first that is not through; beyond the last when all are."""
        return min(self._open.values(), default=self.last + 1)

    @property
    def is_empty(self) -> bool:
        return not self._open

    def add(self, request: Request) -> None:
        self.last += 1
        self._open[request] = self.last
        self._queued.append(request)

    def next_request(self) -> Request | None:
        return self._queued.popleft() if self._queued else None

    def collect(self, in_progress: Collection[Request]) -> None:
        """Forgets those that the engine has finished."""
        if not self._open:
            return
        queued = set(self._queued)
        for request in [each for each in self._open if each not in in_progress]:
            if request not in queued:
                del self._open[request]
