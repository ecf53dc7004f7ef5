"""The scheduler of a worker: what it hands out is leased, what it takes is never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy.utils.defer import deferred_from_coro
from scrapy_redis.scheduler import Scheduler

from pailitao_spider.crawl.session import session_of

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

    from pailitao_spider.cluster.worker.exchange import Worker
    from pailitao_spider.cluster.worker.session import ClusterSession

__all__ = ["LeasingScheduler"]


class LeasingScheduler(Scheduler):  # type: ignore[misc]
    """Stands where scrapy-redis' own stands. The queue is talked to by the worker's own task, so
    nothing here waits or fails while Redis is away; no closing worker touches what is shared.
    """

    def __init__(self, session: ClusterSession) -> None:
        super().__init__(server=None, persist=True)
        self._session = session

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(session_of(crawler))  # type: ignore[arg-type]

    @property
    def _worker(self) -> Worker | None:
        return self._session.worker

    def __len__(self) -> int:
        return 0 if self._worker is None else len(self._worker.hand)

    def open(self, spider: Spider) -> None:
        """The session opens the queue, once the spider is there."""

    def close(self, reason: str) -> Deferred[None] | None:
        if self._worker is None:
            return None
        return deferred_from_coro(self._worker.finish())

    def enqueue_request(self, request: Request) -> bool:
        if self._worker is not None:
            self._worker.enqueue(request)
        return True

    def next_request(self) -> Request | None:
        return None if self._worker is None else self._worker.next_request()

    def has_pending_requests(self) -> bool:
        """A worker waits for seeds until its run is over."""
        return self._worker is not None and not self._worker.is_over
