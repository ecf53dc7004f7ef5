"""Offers as a page's data holds them: rows of plain values, repeated texts once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pailitao_spider.analysis.areas import romanized
from pailitao_spider.analysis.compare import cost_key
from pailitao_spider.analysis.details import Details, details_of
from pailitao_spider.analysis.feed_reader import Line, OfferLine
from pailitao_spider.analysis.landed_cost import Cost, Terms, cost_of
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.postage import basis_of
from pailitao_spider.analysis.suppliers import Suppliers
from pailitao_spider.analysis.terms import OfSeed
from pailitao_spider.analysis.units import measure_of
from pailitao_spider.report.album import EmbeddedImages

__all__ = ["COLUMNS", "Cards", "Pair", "cards_of"]

COLUMNS = (
    "id", "title", "translated", "price", "priceMin", "priceMax", "promotion", "low", "high",
    "currency", "breaks", "postage", "isFree", "moq", "sales", "salesAtLeast", "salesWindow",
    "dropship", "dropshipPrice", "onSale", "isAd", "score", "look", "factory", "years",
    "repurchase", "shipsFrom", "shipHours", "patented", "region", "badges", "seller", "area",
    "shop", "unit", "category", "picture",
)  # fmt: skip
"""The members of a row. Money is text with its digits; the last six are numbers of lists."""

SELLER = COLUMNS.index("seller")


@dataclass(slots=True)
class Pair:
    """An offer under a seed; a larger `key` costs more or is less known."""

    similarity: Decimal | None
    cost: Cost
    key: tuple[Any, ...]


class _Texts(dict[Any, int]):
    """Numbers of texts, in the order of their first appearance."""

    def number(self, text: Any) -> int | None:
        return None if text is None else self.setdefault(text, len(self))


@dataclass(slots=True)
class Cards:
    """Rows, each offer once, and by seed which of them it found, how similar and at what cost."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    offers: list[OfferLine] = field(default_factory=list)
    found: dict[str | None, dict[int, Pair]] = field(default_factory=dict)
    own: dict[str | None, OfSeed] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    regions: dict[str, set[str]] = field(default_factory=dict)
    has_invented: bool = False
    sellers: _Texts = field(default_factory=_Texts)
    areas: _Texts = field(default_factory=_Texts)
    shops: _Texts = field(default_factory=_Texts)
    units: _Texts = field(default_factory=_Texts)
    categories: _Texts = field(default_factory=_Texts)

    @property
    def seller_numbers(self) -> dict[int, int]:
        """By a seller's place among all."""
        return {seller[2]: number for seller, number in self.sellers.items()}

    def name_sellers(self, found: Suppliers) -> None:
        """Each offer's seller, once known who is who: the first told id and name."""
        for number, offer in enumerate(self.offers):
            place = found.place_of(offer)
            if place is not None:
                seller = found.ranked[place]
                told = self.sellers.number((seller.seller_id, seller.seller_nick, place))
                row = self.rows[number]
                self.rows[number] = (*row[:SELLER], told, *row[SELLER + 1 :])

    def texts(self) -> dict[str, list[Any]]:
        """What the numbers in the rows stand for; areas also in letters."""
        names = ("sellers", "areas", "shops", "units", "categories")
        found: dict[str, list[Any]] = {name: list(getattr(self, name)) for name in names}
        found["areasRomanized"] = [romanized(area) for area in self.areas]
        return found

    def used(self) -> tuple[list[str], list[list[Any]]]:
        """The columns that any row fills, and the rows of these."""
        places = [place for place, name in enumerate(COLUMNS)
                  if place == 0 or any(row[place] is not None for row in self.rows)]  # fmt: skip
        return [COLUMNS[place] for place in places], [[row[place] for place in places]
                                                      for row in self.rows]  # fmt: skip


def cards_of(
    lines: Iterable[Line],
    relations: Relations,
    album: EmbeddedImages,
    terms: Terms | None = None,
    extras: Mapping[str, bytes] | None = None,
) -> Cards:
    """The lines are held while their pictures are made. `extras`: the seeds' columns, as JSON."""
    held = [(line.offer, details_of(line.raw)) for line in lines]
    for invented in (False, True):
        album.take(_addresses(held, invented=invented), invented=invented)
    cards, reckoner = Cards(), _Reckoner(terms, extras or {})
    numbers: dict[str, int] = {}
    for offer, seen in held:
        number = numbers.setdefault(offer.num_iid, len(cards.rows))
        if number == len(cards.rows):
            cards.rows.append(_row(cards, offer, seen, album))
            cards.offers.append(offer)
        _relate(cards, number, offer, seen, relations.of(offer), reckoner)
    return cards


class _Reckoner:
    """What offers cost with each seed's own terms."""

    def __init__(self, terms: Terms | None, extras: Mapping[str, bytes]) -> None:
        self._terms, self._extras = terms or Terms(), extras
        self._has_quantity = terms is not None and terms != Terms()
        self._costs: dict[str, Cost] = {}

    def own(self, seed_id: str | None) -> OfSeed:
        return self._terms.of_seed(self._extras.get(seed_id or "", b""))

    def cost(self, offer: OfferLine, own: OfSeed) -> Cost:
        """Where nobody says how many are bought, it is each offer's least."""
        if not self._has_quantity:
            measure = measure_of(offer.unit, offer.title, offer.property)
            least = (offer.min_order or 1) * measure.pieces
            return cost_of(offer, replace(own.terms, quantity=min(max(least, 1), 10**9)))
        if own.terms is not self._terms:
            return cost_of(offer, own.terms)
        if offer.num_iid not in self._costs:
            self._costs[offer.num_iid] = cost_of(offer, self._terms)
        return self._costs[offer.num_iid]


def _addresses(held: Iterable[tuple[OfferLine, Details]], *, invented: bool) -> Iterator[str]:
    for _, seen in held:
        if seen.picture and seen.is_invented == invented:
            yield seen.picture


def _relate(
    cards: Cards,
    number: int,
    offer: OfferLine,
    seen: Details,
    seeds: Mapping[str | None, Decimal | None],
    reckoner: _Reckoner,
) -> None:
    cards.has_invented |= seen.is_invented
    if offer.seed_id and seen.seed_image:
        cards.images.setdefault(offer.seed_id, seen.seed_image)
    if offer.seed_id and seen.region:
        cards.regions.setdefault(offer.seed_id, set()).add(seen.region)
    for seed_id, similarity in seeds.items():
        if seed_id not in cards.own:
            cards.own[seed_id] = reckoner.own(seed_id)
        found = cards.found.setdefault(seed_id, {})
        if number not in found:
            cost = reckoner.cost(offer, cards.own[seed_id])
            found[number] = Pair(similarity, cost, cost_key(cost, number))
        elif found[number].similarity is None:
            found[number].similarity = similarity


def _row(cards: Cards, offer: OfferLine, seen: Details, album: EmbeddedImages) -> tuple[Any, ...]:
    ends = offer.ends
    return (
        offer.num_iid,
        offer.title,
        seen.title_translated or None,
        *map(_money, (offer.price, offer.price_min, offer.price_max, offer.promotion_price)),
        *map(_money, (ends.best, ends.worst)),
        None if offer.is_yuan else offer.currency,
        [[each.min_quantity, _money(each.price)] for each in offer.breaks] or None,
        _money(offer.post_fee),
        True if basis_of(offer.freight_template) == "free" else None,
        offer.min_order,
        offer.sales,
        offer.sales_at_least,
        offer.sales_window,
        offer.one_stop_service,
        _money(seen.dropship_price),
        offer.is_onsale,
        offer.is_ad,
        _money(offer.score),
        offer.visual_similarity,
        seen.is_factory,
        seen.shop_years,
        seen.repurchase_rate,
        seen.ships_from,
        seen.ship_within_hours,
        seen.is_patented or None,
        seen.region,
        seen.badges or None,
        None,
        cards.areas.number(offer.area),
        cards.shops.number(offer.shop_type),
        cards.units.number(offer.unit),
        cards.categories.number(offer.category_name),
        album.number(seen.picture, invented=seen.is_invented),
    )


def _money(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
