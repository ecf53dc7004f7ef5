"""The crawl frontier: which request is next, and what became of it.

One protocol, two implementations: `local_frontier` searches the seeds of a source in one process,
`cluster.worker.leased_pages` holds the pages that a worker has on lease.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from pailitao_spider.crawl.requests import PageResponse
from pailitao_spider.gateways.pages import Page
from pailitao_spider.seeds.model import Seed

if TYPE_CHECKING:
    from scrapy import Request

__all__ = ["Frontier", "OpenSearch"]


class OpenSearch(Protocol):
    """A search under way, as the parts of a crawl see it."""

    calls: int

    @property
    def seed(self) -> Seed: ...
    def needs(self, page: int) -> bool:
        """A call for the page is still worth making."""

    def take_in(self, number: int, page: Page) -> list[int]:
        """Takes in a page that came; returns the pages to ask for now, some once more."""

    def wrote(self, item: Any) -> None:
        """One item of the search has gone through all pipelines to the feeds."""


class Frontier(Protocol):
    """All searches under way. A key is a seed's id, or that of a further part of its search."""

    def __len__(self) -> int: ...
    def requests(self) -> AsyncIterator[Request]:
        """First pages, as seeds come and room is for them. None where a scheduler hands pages out.

        Raises SourceError where the seeds cannot be read any further.
        """

    def find(self, key: str | None, page: int | None) -> OpenSearch | None: ...
    def came(self, search: OpenSearch, response: PageResponse) -> Iterator[Request]:
        """Takes in a page; the requests that follow from it."""

    def settle(self, key: str, page: int, given_up: str | None = None) -> None:
        """What a call for a page brought is through all pipelines; `given_up` says why not all."""

    def lost(self, request: Request, given_up: str | None) -> None:
        """A page that will not come; None: nobody wanted it when its turn came."""

    def moved(self, request: Request) -> None:
        """The gateway that gave the pages before has no key left."""

    def idle(self) -> None:
        """Nothing is under way any more, and more may be expected."""
