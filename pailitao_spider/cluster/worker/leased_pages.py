"""The pages in this worker's hands: from the queue, through the crawl, to what became of them.

No I/O. To the other parts of the crawl they are its open searches; here a search is one page.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from itemadapter import ItemAdapter
from scrapy import Request

from pailitao_spider.cluster.worker.messages import Ack, GiveBack, Hold
from pailitao_spider.crawl.frontier import OpenSearch
from pailitao_spider.crawl.requests import META, PageResponse, call_of
from pailitao_spider.gateways.calls import SearchCall
from pailitao_spider.gateways.pages import Page, rank
from pailitao_spider.offers.model import Offer
from pailitao_spider.seeds.model import Seed

__all__ = ["Hand", "PageInHand"]

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class PageInHand:
    """One page of a seed's search. `call` is what is asked, `size` the page size once learnt."""

    seed: Seed
    call: SearchCall
    delivery: int
    size: int | None = None
    last: int | None = None
    answered: int = 0
    """How many answers there were before."""
    request: Request | None = None
    calls: int = 0
    came: Page | None = None
    written: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Offers on the page that are safe in some feed."""
    added: list[str] = field(default_factory=list)
    """Offers that were let through as new."""
    is_settled: bool = False
    given_up: str | None = None
    after_local: int = 0
    """The last request of the spider's own that had been made when the page was through."""

    @property
    def page(self) -> int:
        return self.call.page

    @property
    def id(self) -> str:
        return f"{self.seed.seed_id}/{self.call.page}"

    def needs(self, page: int) -> bool:
        return self.last is None or page <= self.last

    def take_in(self, number: int, page: Page) -> list[int]:
        """The pages that follow are asked for by the exchange, when this one is acknowledged."""
        self.came = page
        if number > 1 and self.size is not None:
            rank(page, number, self.size)
        return []

    def wrote(self, item: Any) -> None:
        if isinstance(item, Offer):
            self.written.append(item.num_iid)
        elif ItemAdapter.is_item(item) and (num_iid := ItemAdapter(item).get("num_iid")):
            self.written.append(str(num_iid))

    def ack(self, offers: Callable[[PageInHand], dict[str, Any]]) -> Ack:
        """What became of the page; `offers` says which were written, in the scope of the run."""
        facts: dict[str, Any] = {}
        if self.given_up is not None:
            facts = {"gone": self.given_up[:500], "delivery": self.delivery}
        elif self.came is None:
            facts = {"unneeded": True, "delivery": self.delivery}
        else:
            rows = self.came.rows
            ids = [row.num_iid for row in rows if isinstance(row, Offer)]
            total, count = _capped(self.came.total), _capped(self.came.page_count)
            facts = {"rows": len(rows), "ids": ids, "total": total, "page_count": count}
            facts |= {"has_next": self.came.has_next, "gateway": self.came.gateway}
            facts["next_cursor"] = self.came.next_cursor
        facts["answered"] = self.answered
        return Ack(self.seed.seed_id, self.page, self.calls, **facts, **offers(self))

    def give_back(self) -> GiveBack:
        """Back to the queue, with the failures it has been through."""
        meta = self.request.meta[META] if self.request is not None else {}
        failures = int(meta.get("attempt", {}).get("failures", 0))
        return GiveBack(self.id, self.delivery, failures)


def _capped(claimed: int | None) -> int | None:
    """As a script of Redis can count."""
    return None if claimed is None else min(claimed, 2**53)


class Hand:
    """All pages in hand: queued for the engine, out in it, finished."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, int], PageInHand] = {}
        self._queued: deque[PageInHand] = deque()
        self._out: dict[PageInHand, None] = {}
        self.finished: dict[PageInHand, None] = {}
        self.left: dict[PageInHand, None] = {}
        """Pages that came out of the crawl without an end: they go back."""

    def __len__(self) -> int:
        """Pages that are not finished."""
        return len(self._queued) + len(self._out)

    @property
    def is_empty(self) -> bool:
        return not self._pages

    def find(self, seed_id: str | None, page: int | None) -> PageInHand | None:
        return self._pages.get((seed_id or "", page or 0))

    async def requests(self) -> AsyncIterator[Request]:
        """None: the scheduler hands out what was leased."""
        nothing: list[Request] = []
        for request in nothing:
            yield request

    def came(self, search: OpenSearch, response: PageResponse) -> Iterator[Request]:
        """The pages that follow are asked for by the exchange, when this one is acknowledged."""
        search.take_in(call_of(response.request).page, response.page)  # type: ignore[arg-type]
        return iter(())

    def lost(self, request: Request, given_up: str | None) -> None:
        self.settle(request.meta[META]["seed_id"], call_of(request).page, given_up)

    def moved(self, request: Request) -> None:
        """A worker cannot begin a search anew: others have pages of it."""
        why = (
            f"moved: no key of {request.meta[META]['gateway']} is left, which gave the first page; "
            "another gateway searches it anew after scrapy pailitao push --again"
        )
        seed_id, page = request.meta[META]["seed_id"], call_of(request).page
        logger.warning("%s: page %d given up: %s", seed_id, page, why)
        self.settle(seed_id, page, why)

    def idle(self) -> None:
        """What came out of the crawl without an end goes back to the queue."""

    def settle(self, seed_id: str, page: int, given_up: str | None = None) -> None:
        found = self.find(seed_id, page)
        if found is not None:
            found.is_settled, found.given_up = True, given_up

    def take(self, page: PageInHand, request: Request) -> None:
        """A page from the queue; one that is here already keeps its way, under the new delivery."""
        held = self._pages.get((page.seed.seed_id, page.page))
        if held is not None:
            held.delivery = page.delivery
            return
        page.request = request
        self._pages[(page.seed.seed_id, page.page)] = page
        self._queued.append(page)

    def again(self, request: Request) -> bool:
        """Another try of a page in hand, ahead of others unless its priority says behind them;
        False when it is not in hand.
        """
        page = self.find(request.meta[META].get("seed_id"), call_of(request).page)
        if page is None:
            return False
        page.request, page.is_settled, page.given_up = request, False, None
        self._out.pop(page, None)
        if request.priority < 0:
            self._queued.append(page)
        else:
            self._queued.appendleft(page)
        return True

    def next_request(self) -> Request | None:
        if not self._queued:
            return None
        page = self._queued.popleft()
        self._out[page] = None
        return page.request

    def collect(self, in_progress: Collection[Request], local: int) -> None:
        """Notes which pages have left the engine. `local` numbers the spider's own requests."""
        for page in [page for page in self._out if page.request not in in_progress]:
            del self._out[page]
            page.after_local = local
            (self.finished if page.is_settled else self.left)[page] = None

    def holds(self) -> Iterator[Hold]:
        """All pages, to have their leases renewed."""
        return (Hold(page.id, page.delivery) for page in self._pages.values())

    def release(self, page: PageInHand) -> None:
        """The page is no longer this worker's."""
        if self._pages.pop((page.seed.seed_id, page.page), None) is None:
            return
        for pages in (self._out, self.finished, self.left):
            pages.pop(page, None)
        if page in self._queued:
            self._queued.remove(page)

    def queued_among(self, ids: Collection[str]) -> list[PageInHand]:
        """Those of the pages that the engine has not seen."""
        return [page for page in self._queued if page.id in ids]

    def drop_queued(self) -> None:
        """What the engine has not seen goes back."""
        self.left.update(dict.fromkeys(self._queued))
        self._queued.clear()

    def drop_out(self) -> None:
        """What the engine does not finish in time goes back."""
        self.left.update(self._out)
        self._out.clear()
