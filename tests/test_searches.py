"""The searches under way: what is kept of one that has ended."""

from __future__ import annotations

import gc
import weakref

from pailitao_spider.crawl.paging import Paging
from pailitao_spider.crawl.searches import Search, Searches
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.pages import Page
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.seeds.model import Seed, UrlImage


def test_a_search_that_has_ended_is_let_go_without_the_collector() -> None:
    """It knows the ids of all its offers; many searches end before garbage is looked for."""
    lines: list[LedgerLine] = []
    searches = Searches(lambda search, line: lines.append(line))
    picture = PictureRef(url="https://a.test/1.jpg")
    search = Search(Seed("1.jpg", UrlImage(picture.url or "")), picture, Paging(100), "2026-01-01")
    searches.open(search)
    searches.add(search, Paging(100), "0,1,0,1")
    for part in list(search.parts):
        part.take_in(1, Page([Offer("7")], 1, 1))
    gone = weakref.ref(search)
    gc.disable()
    try:
        for part in list(search.parts):
            searches.settle(part.key, 1)
        assert [line.pages_fetched for line in lines] == [2]
        assert len(searches) == 0
        del search, part
        assert gone() is None
    finally:
        gc.enable()
