"""What each field of an offer is, declared once for all table formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

__all__ = ["KINDS", "OFFER_COLUMNS", "Cell", "Column", "Kind", "cell", "columns_of", "json_text"]

Cell = str | bool | int | float | Decimal | None
"""What a table can hold. None is unknown: an empty cell, never zero or false."""


class Kind(Enum):
    """The kinds of columns. Money is in the offer's currency, a rate 0 to 1, a score any number, a
    moment ISO 8601 as it was given.
    """

    TEXT = "text"
    ID = "id"
    MONEY = "money"
    RATE = "rate"
    COUNT = "count"
    SCORE = "score"
    FLAG = "flag"
    LINK = "link"
    MOMENT = "moment"
    JSON = "json"
    OWN = "own"
    """A column of the buyer's that holds numbers alone."""
    ANY = "any"
    """Not an offer's field: each value as it comes."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, under the name that its header shows."""

    name: str
    kind: Kind = Kind.ANY


OFFER_COLUMNS = (
    Column("num_iid", Kind.ID),
    Column("title", Kind.TEXT),
    Column("detail_url", Kind.LINK),
    Column("price", Kind.MONEY),
    Column("promotion_price", Kind.MONEY),
    Column("price_min", Kind.MONEY),
    Column("price_max", Kind.MONEY),
    Column("post_fee", Kind.MONEY),
    Column("min_order", Kind.COUNT),
    Column("sales", Kind.COUNT),
    Column("sales_at_least", Kind.FLAG),
    Column("sales_window", Kind.TEXT),
    Column("trade_num", Kind.COUNT),
    Column("similarity", Kind.RATE),
    Column("feedback_rate", Kind.RATE),
    Column("score", Kind.SCORE),
    Column("is_onsale", Kind.FLAG),
    Column("one_stop_service", Kind.FLAG),
    Column("is_ad", Kind.FLAG),
    Column("seller_id", Kind.ID),
    Column("seller_nick", Kind.TEXT),
    Column("area", Kind.TEXT),
    Column("shop_type", Kind.TEXT),
    Column("unit", Kind.TEXT),
    Column("cid", Kind.ID),
    Column("category_name", Kind.TEXT),
    Column("property", Kind.TEXT),
    Column("freight_template", Kind.TEXT),
    Column("pic_url", Kind.LINK),
    Column("pic_small_url", Kind.LINK),
    Column("create_time", Kind.MOMENT),
    Column("update_time", Kind.MOMENT),
    Column("title_translated", Kind.TEXT),
    Column("repurchase_rate", Kind.RATE),
    Column("dropship_price", Kind.MONEY),
    Column("price_breaks", Kind.JSON),
    Column("seller_badges", Kind.JSON),
    Column("offer_badges", Kind.JSON),
    Column("is_factory", Kind.FLAG),
    Column("shop_years", Kind.COUNT),
    Column("ships_from", Kind.TEXT),
    Column("ship_within_hours", Kind.COUNT),
    Column("weight_kg", Kind.SCORE),
    Column("is_patented", Kind.FLAG),
    Column("currency", Kind.TEXT),
    Column("extra", Kind.JSON),
    Column("seed_id", Kind.ID),
    Column("seed_image", Kind.LINK),
    Column("seed_extra", Kind.JSON),
    Column("page", Kind.COUNT),
    Column("rank", Kind.COUNT),
    Column("gateway", Kind.TEXT),
    Column("request_id", Kind.ID),
    Column("fetched_at", Kind.MOMENT),
)
KINDS = {column.name: column.kind for column in OFFER_COLUMNS}
_ADDED = {"visual_similarity": Kind.RATE}

_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def columns_of(names: Iterable[str]) -> tuple[Column, ...]:
    """The columns for an offer's members; those that are no field of it are of any kind."""
    return tuple(Column(name, KINDS.get(name) or _ADDED.get(name, Kind.ANY)) for name in names)


def cell(value: Any) -> Cell:
    """Any value as a cell: what holds others as JSON text, when it holds any."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, dict | list | tuple | set | frozenset):
        return json_text(value) if value else None
    return str(value)


def json_text(value: Any) -> str:
    """JSON with the digits of money kept. Lone surrogates, which UTF-8 cannot say, are marked."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return _ENCODER.encode(_marked(value)).decode()


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_marked(key): _marked(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_marked(each) for each in value]
    return value
