"""Which seed has been under way the longest, seen from what the engine has in progress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pailitao_spider.crawl.frontier import Frontier, OpenSearch
from pailitao_spider.crawl.requests import META
from pailitao_spider.crawl.searches import Part
from pailitao_spider.monitoring.snapshot import OpenSeed

if TYPE_CHECKING:
    from scrapy import Request

__all__ = ["SlowestSeed"]


@dataclass(frozen=True, slots=True)
class _Seen:
    since: float
    key: str
    page: int


class SlowestSeed:
    """Seeds by when they were first seen at work. Times are monotonic seconds."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._seen: dict[str, _Seen] = {}

    def note(self, requests: Iterable[Request], now: float) -> None:
        """One look at the requests in progress; who has ended since the last one goes."""
        over = [name for name, seen in self._seen.items() if self._search(seen) is None]
        for name in over:
            del self._seen[name]
        for request in requests:
            meta = request.meta.get(META, {})
            seen = _Seen(now, meta.get("seed_id") or "", meta.get("page") or 0)
            search = self._search(seen)
            if search is not None:
                self._seen.setdefault(_name(search, seen.page), seen)

    def slowest(self, now: float) -> OpenSeed | None:
        """The one seen first among those that are still open."""
        for seen in self._seen.values():
            search = self._search(seen)
            if search is not None:
                return _open_seed(search, seen, now)
        return None

    def _search(self, seen: _Seen) -> OpenSearch | None:
        return self._frontier.find(seen.key, seen.page)


def _name(search: OpenSearch, page: int) -> str:
    """A worker's pages are open each by itself, the parts of a search together."""
    return search.seed.seed_id if isinstance(search, Part) else f"{search.seed.seed_id}\0{page}"


def _open_seed(search: OpenSearch, seen: _Seen, now: float) -> OpenSeed:
    seconds, name = now - seen.since, search.seed.seed_id
    if not isinstance(search, Part):
        return OpenSeed(name, seconds, page=seen.page)
    expected = sum(part.expected for part in search.search.parts)
    return OpenSeed(name, seconds, search.search.fetched, expected)
