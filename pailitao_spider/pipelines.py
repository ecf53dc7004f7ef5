"""Item pipelines: what may leave (100), and each offer once (200)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from itemadapter import ItemAdapter
from scrapy.exceptions import DropItem

from pailitao_spider import stat_keys
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import FieldError
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.offers.row_reader import NO_ID
from pailitao_spider.offers.values import offer_id
from pailitao_spider.offers.values.prices import PriceRange, is_yuan, price_ends
from pailitao_spider.results.records import Match

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["DedupPipeline", "ValidationPipeline", "fits"]


class _Pipeline:
    def __init__(self, crawler: Crawler) -> None:
        self._session = session_of(crawler)
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def _drop(self, key: str, text: str) -> DropItem:
        self._stats.inc_value(key)
        return DropItem(text, log_level="DEBUG")


class ValidationPipeline(_Pipeline):
    """Rows that are no offer go to the rejected file; offers that the user filters out end here.

    Items that are neither an Offer nor a RejectedRow are somebody else's and pass.
    """

    def process_item(self, item: Any) -> Any:
        if isinstance(item, RejectedRow):
            self._session.books.reject(item)
            raise self._drop(stat_keys.OFFERS_REJECTED, f"rejected: {item.reason}")
        if not isinstance(item, Offer):
            return item
        self._check_id(item)
        arguments = self._session.arguments
        if arguments is not None and arguments.filters and not fits(item, arguments):
            raise self._drop(stat_keys.OFFERS_FILTERED, f"filtered: {item.num_iid}")
        return item

    def _check_id(self, offer: Offer) -> None:
        """An id that a row's reader or another component left unusable."""
        try:
            usable = offer_id(offer.num_iid) == offer.num_iid
        except FieldError:
            usable = False
        if not usable:
            raw = ItemAdapter(offer).asdict()
            self._session.books.reject(RejectedRow(raw, NO_ID, offer.seed_id, offer.page))
            raise self._drop(stat_keys.OFFERS_REJECTED, f"rejected: {NO_ID}")


class DedupPipeline(_Pipeline):
    """Passes each offer once, by num_iid in the scope of PAILITAO_DEDUP; notes every sighting."""

    def process_item(self, item: Any) -> Any:
        if not isinstance(item, Offer) or not self._session.is_open:
            return item
        session = self._session
        if session.keeps_matches:
            session.books.match(_match(item))
        if session.seen.add(item):
            self._stats.inc_value(stat_keys.OFFERS_NEW)
            return item
        if session.written.is_of(item):
            self._count_written(item)
        raise self._drop(stat_keys.OFFERS_DUPLICATE, f"duplicate: {item.num_iid}")

    def _count_written(self, offer: Offer) -> None:
        """Written for this seed by an earlier run: its line claims the offer."""
        search = self._session.frontier.find(offer.seed_id, offer.page)
        if search is not None:
            search.wrote(offer)


def _match(offer: Offer) -> Match:
    return Match(
        offer.seed_id, offer.num_iid, offer.page, offer.rank, offer.similarity, offer.price
    )


def fits(offer: Offer, wanted: Arguments) -> bool:
    """The offer passes the user's filters; what is unknown is kept unless she says otherwise."""
    keeps_unknown = wanted.unknown == "keep"
    is_asked = wanted.min_price is not None or wanted.max_price is not None
    prices = _prices(offer) if is_asked else PriceRange()
    answers = (
        _at_least(offer.similarity, wanted.min_similarity),
        _at_least(prices.worst, wanted.min_price),
        _at_most(prices.best, wanted.max_price),
        offer.one_stop_service if wanted.dropship_only else True,
    )
    return all(keeps_unknown if answer is None else answer for answer in answers)


def _prices(offer: Offer) -> PriceRange:
    """The best and the worst at any quantity, as `find` knows them; of other currencies nothing."""
    if not is_yuan(getattr(offer, "currency", None)):
        return PriceRange()
    if offer.price == 0:  # a value, though no price to compare by
        return PriceRange(offer.price, offer.price)
    breaks = getattr(offer, "price_breaks", None) or ()
    return price_ends(
        offer.price, offer.price_min, offer.price_max, offer.promotion_price,
        (_price_of(each) for each in breaks),
    )  # fmt: skip


def _price_of(price_break: Any) -> Decimal | None:
    found = price_break["price"] if isinstance(price_break, dict) else price_break.price
    return None if found is None else Decimal(found)


def _at_least(value: Decimal | None, limit: Decimal | None) -> bool | None:
    if limit is None:
        return True
    return None if value is None else value >= limit


def _at_most(value: Decimal | None, limit: Decimal | None) -> bool | None:
    if limit is None:
        return True
    return None if value is None else value <= limit
