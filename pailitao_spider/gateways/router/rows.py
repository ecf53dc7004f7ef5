"""Rows of the router dialect: a typed fast path for rows as documented, the tolerant one else.

The fast path gives a row up (None) whenever it could differ from the tolerant one;
`tests/test_rows.py` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, cast

import msgspec
from msgspec.structs import astuple

from pailitao_spider.errors import AnswerError, FieldError
from pailitao_spider.gateways.json_bodies import decode, raw_rows
from pailitao_spider.gateways.pages import Row
from pailitao_spider.offers import values
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, detail_url
from pailitao_spider.offers.row_reader import RowShape, read_row

__all__ = ["SHAPE", "RouterRows", "offer_of"]

_SALES_WINDOW = "total"
_TEXT, _NUMBER_OR_TEXT = "text", "number text"
SHAPE = RowShape(
    sales_window=_SALES_WINDOW,
    always=(
        "title", "price", "promotion_price", "price_min", "price_max", "post_fee", "min_order",
        "sales", "trade_num", "similarity", "feedback_rate", "score", "is_onsale",
        "one_stop_service", "seller_id", "seller_nick", "area", "shop_type", "unit", "cid",
        "category_name", "property", "freight_template", "pic_url", "pic_small_url",
        "create_time", "update_time",
    ),
    kinds={
        **dict.fromkeys(
            (
                "num_iid", "detail_url", "title", "seller_id", "unit", "price_range", "pic_url",
                "pic_small_url", "cid", "category_name", "property", "seller_nick", "area",
                "shop_type", "freight_template", "create_time", "update_time", "feedback_rate",
            ),
            _TEXT,
        ),
        **dict.fromkeys(("price", "promotion_price", "post_fee", "similarity", "score"),
                        _NUMBER_OR_TEXT),
        **dict.fromkeys(("min_order", "sales", "trade_num"), "number"),
        **dict.fromkeys(("is_onsale", "one_stop_service"), "flag"),
    },
)  # fmt: skip
"""The 28 documented members of a row."""
# Stricter than Decimal(), which also takes "+5", "5." and "1_000".
_MONEY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_NUMBER = re.compile(rb'"?([0-9]{1,12}(?:\.[0-9]{1,6})?)"?')
_NULL = msgspec.Raw(b"null")
_MOST_SHARE = Decimal(1)
_MOST_SCORE = Decimal(100)

# The same prices, places and shop types come again and again.
_text = lru_cache(maxsize=1 << 10)(values.text)
_rate = lru_cache(maxsize=1 << 10)(values.rate)
_money_range = lru_cache(maxsize=1 << 13)(values.money_range)


_Count = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]


class _Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The 28 documented fields; another type or name sends a row to the tolerant path."""

    num_iid: str
    detail_url: str | None = None
    title: str | None = None
    similarity: msgspec.Raw = _NULL
    seller_id: str | None = None
    price: str | None = None
    promotion_price: str | None = None
    min_order: _Count | None = None
    sales: _Count | None = None
    unit: str | None = None
    price_range: str | None = None
    pic_url: str | None = None
    pic_small_url: str | None = None
    cid: str | None = None
    category_name: str | None = None
    property: str | None = None
    seller_nick: str | None = None
    area: str | None = None
    shop_type: str | None = None
    post_fee: str | None = None
    freight_template: str | None = None
    is_onsale: bool | None = None
    one_stop_service: bool | None = None
    create_time: str | None = None
    update_time: str | None = None
    score: msgspec.Raw = _NULL
    trade_num: _Count | None = None
    feedback_rate: str | None = None


_DECODER = msgspec.json.Decoder(_Row)
_ALL = msgspec.json.Decoder(list[_Row])
_EACH = msgspec.json.Decoder(list[msgspec.Raw])
_ODD = (
    msgspec.DecodeError, RecursionError, UnicodeDecodeError, FieldError, ArithmeticError,
)  # fmt: skip
_EMPTY = re.compile(rb"\[\s*\]")


@dataclass(frozen=True, slots=True)
class RouterRows:
    """The JSON list of a page's rows."""

    raw: msgspec.Raw

    @property
    def is_empty(self) -> bool:
        return _EMPTY.fullmatch(self.raw) is not None

    def read(self, unreadable: list[str], drift: Drift) -> list[Row]:
        """Typed; `unreadable` and `drift` are told what was not as documented."""
        try:
            return list(_offers(_ALL.decode(self.raw)))
        except _ODD:
            return self._read_each(unreadable, drift)

    def _read_each(self, unreadable: list[str], drift: Drift) -> list[Row]:
        try:
            raws = _EACH.decode(self.raw)
        except _ODD:  # half a surrogate pair spoils the list for this decoder, not for the other
            found = raw_rows(_value(self.raw))
            return [read_row(value, unreadable, SHAPE, drift) for value in found]
        known = zip(raws, _offers_where_plain([_typed(raw) for raw in raws]), strict=True)
        return [
            read_row(_value(raw), unreadable, SHAPE, drift) if offer is None else offer
            for raw, offer in known
        ]


def _value(raw: msgspec.Raw) -> Any:
    try:
        return decode(bytes(raw))
    except AnswerError:  # text that is no row, or a number beyond all bounds
        return bytes(raw).decode(errors="replace")


def offer_of(raw: msgspec.Raw | bytes) -> Offer | None:
    """The fast path: an offer when every field is as documented, else None."""
    [offer] = _offers_where_plain([_typed(raw)])
    return offer


def _typed(raw: msgspec.Raw | bytes) -> _Row | None:
    try:
        return _DECODER.decode(raw)
    except _ODD:
        return None


def _offers_where_plain(rows: list[_Row | None]) -> list[Offer | None]:
    """None for a row that the other path has to read. An odd row sends its half of the rows to be
    looked at again, in halves.
    """
    try:
        if None not in rows:
            return list(_offers(cast("list[_Row]", rows)))
    except _ODD:
        pass
    if len(rows) == 1:
        return [None]
    half = len(rows) // 2
    return _offers_where_plain(rows[:half]) + _offers_where_plain(rows[half:])


def _offers(rows: list[_Row]) -> Iterator[Offer]:
    """A field of all rows at a time. Raises one of `_ODD` when the other path has to read a row."""
    if not rows:
        return iter(())
    (
        ids, addresses, titles, similarities, seller_ids, prices, promotion_prices, min_orders,
        sales, units, price_ranges, pictures, small_pictures, cids, categories, properties,
        seller_nicks, areas, shop_types, post_fees, templates, on_sale, one_stop, created, updated,
        scores, trades, feedback_rates,
    ) = zip(*map(astuple, rows), strict=True)  # fmt: skip
    num_iids = _ids(ids)
    ours = list(map(detail_url, num_iids))
    low, high = zip(*map(_money_range, price_ranges), strict=True)
    return map(
        Offer,
        num_iids,
        values.columns.titles(titles),
        ours,
        map(_money, prices),
        map(_money, promotion_prices),
        low,
        high,
        map(_money, post_fees),
        min_orders,
        sales,
        [None if count is None else False for count in sales],
        [None if count is None else _SALES_WINDOW for count in sales],
        trades,
        map(_share, map(bytes, similarities)),
        map(_rate, feedback_rates),
        map(_score, map(bytes, scores)),
        on_sale,
        one_stop,
        _are_ads(addresses, ours),
        values.columns.texts(seller_ids),
        values.columns.texts(seller_nicks),
        map(_text, areas),
        map(_text, shop_types),
        map(_text, units),
        map(_text, cids),
        map(_text, categories),
        values.columns.texts(properties),
        map(_text, templates),
        values.columns.links(pictures),
        values.columns.links(small_pictures),
        values.columns.moments(created),
        values.columns.moments(updated),
    )


def _ids(column: Sequence[str]) -> list[str]:
    ids = values.columns.offer_ids(column)
    if None in ids:
        raise FieldError("no id")
    return cast("list[str]", ids)


def _are_ads(addresses: Sequence[str | None], ours: list[str]) -> list[bool | None]:
    """An advert's link, or one that is none of an offer, is for the other path to keep."""
    if list(addresses) == ours:
        return [False] * len(ours)
    ads = [values.is_ad_link(address) for address in addresses]
    if any(ad is not False and address for ad, address in zip(ads, addresses, strict=True)):
        raise FieldError("not plain")
    return ads


@lru_cache(maxsize=1 << 10)
def _share(value: bytes) -> Decimal | None:
    return _below(_MOST_SHARE, _number(value))


@lru_cache(maxsize=1 << 10)
def _score(value: bytes) -> Decimal | None:
    return _below(_MOST_SCORE, _number(value))


def _below(most: Decimal, number: Decimal | None) -> Decimal | None:
    if number is not None and number >= most:
        raise FieldError("not plain")
    return number


@lru_cache(maxsize=1 << 13)
def _money(value: str | None) -> Decimal | None:
    """As `_number`; a price that is no text goes the other way."""
    if value is None:
        return None
    if _MONEY.fullmatch(value) is None:
        raise FieldError("not plain")
    return Decimal(value)


def _number(value: bytes) -> Decimal | None:
    """The number as it is when it needs no reading; FieldError sends the row to the other path."""
    if value == b"null":
        return None
    found = _NUMBER.fullmatch(value)
    if found is None:
        raise FieldError("not plain")
    return Decimal(found[1].decode())
