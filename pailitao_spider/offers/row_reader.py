"""A raw row, as any gateway gives it, to a typed offer: the tolerant path.

What cannot be read is null in the offer, kept raw in `extra`, and named to the caller.
What the schema does not know goes to `extra`. A row without a usable id is no offer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, RejectedRow, detail_url

__all__ = ["COMMON_NAMES", "NO_ID", "NO_OBJECT", "RowShape", "read_row"]

NO_ID = "no_id"
NO_OBJECT = "no_object"


COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "num_iid": ("num_iid", "offerId", "item_id"),
    "similarity": ("similarity", "rankScore", "similarity_score"),
}
"""Our field to the names it goes by; a field that is not listed goes by its own name."""

Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShape:
    """How one gateway writes a row.

    `names` says by which names our fields go there, the first that says something counts.
    `nested` are members whose own members are read as if they stood in the row itself, under
    `outer.inner`. `readers` stand in for the usual ones, for instance where money comes in fen.
    `sales_window` is what its sales count: `total`, `30d`, `90d`, `7d`. `kinds` are the documented
    members with their JSON types (`drift.kind_of`; several are separated by spaces), nested ones
    as `outer.inner`; None: nobody watches them. `always` are our fields that every search brings:
    that one is gone is told.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMMON_NAMES)
    nested: tuple[str, ...] = ()
    readers: Mapping[str, Reader] = field(default_factory=dict)
    sales_window: str | None = None
    kinds: Mapping[str, str] | None = None
    always: tuple[str, ...] = ()


_READERS: dict[str, Reader] = {
    "title": values.title,
    "price": values.money,
    "promotion_price": values.money,
    "price_min": values.money,
    "price_max": values.money,
    "post_fee": values.money,
    "min_order": values.count,
    "sales": values.count,
    "trade_num": values.count,
    "similarity": values.rate,
    "feedback_rate": values.rate,
    "score": values.score,
    "is_onsale": values.flag,
    "one_stop_service": values.flag,
    "is_ad": values.flag,
    "seller_id": values.text,
    "seller_nick": values.text,
    "area": values.text,
    "shop_type": values.text,
    "unit": values.text,
    "cid": values.text,
    "category_name": values.text,
    "property": values.text,
    "freight_template": values.text,
    "pic_url": values.link,
    "pic_small_url": values.link,
    "create_time": values.moment,
    "update_time": values.moment,
}


class _RowReader:
    """Reads one row; state is the raw members not yet used and what could not be read."""

    def __init__(self, raw: Mapping[str, Any], shape: RowShape) -> None:
        self.left = dict(raw)
        self.shape = shape
        self.unreadable: list[str] = []

    def take(self, field_name: str, reader: Reader) -> Any:
        reader = self.shape.readers.get(field_name, reader)
        for name in self.shape.names.get(field_name, (field_name,)):
            if name in self.left and (value := self.read(field_name, name, reader)) is not None:
                return value
        return None

    def read(self, field_name: str, name: str, reader: Reader) -> Any:
        raw = self.left.pop(name)
        try:
            return reader(raw)
        except FieldError:
            self.left[name] = raw
            self.unreadable.append(field_name)
            return None


def read_row(
    raw: Any,
    unreadable: list[str],
    shape: RowShape,
    drift: Drift | None = None,
) -> Offer | RejectedRow:
    """One offer, or the row with the reason why it is none.

    `unreadable` is appended the names of the fields that could not be read, `drift` is told what
    differs from the documented row.
    """
    if not isinstance(raw, dict):
        return RejectedRow(raw, NO_OBJECT)
    flat = _lifted(raw, shape.nested) if shape.nested else raw
    if drift is not None and shape.kinds is not None:
        drift.note(flat, shape.kinds)
    reader = _RowReader(flat, shape)
    num_iid = reader.take("num_iid", values.offer_id)
    if num_iid is None:
        return RejectedRow(raw, NO_ID)
    offer = Offer(num_iid, detail_url=detail_url(num_iid))
    for name, read in _READERS.items():
        setattr(offer, name, reader.take(name, read))
    _settle_counts(offer, shape.sales_window)
    _settle_prices(offer, reader)
    offer.is_ad = _is_ad(offer, reader)
    offer.extra = reader.left
    unreadable.extend(reader.unreadable)
    return offer


def _lifted(raw: Mapping[str, Any], nested: tuple[str, ...]) -> dict[str, Any]:
    """The row with the members of its inner objects beside the others, as `outer.inner`."""
    flat: dict[str, Any] = {}
    for name, value in raw.items():
        if name in nested and isinstance(value, dict):
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _settle_counts(offer: Offer, sales_window: str | None) -> None:
    for name in ("min_order", "sales", "trade_num"):
        counted = getattr(offer, name)
        if not isinstance(counted, values.Count):
            continue
        setattr(offer, name, counted.value)
        if name == "sales":
            offer.sales_at_least, offer.sales_window = counted.at_least, sales_window


def _settle_prices(offer: Offer, reader: _RowReader) -> None:
    """Prices by quantity: `price_range`, or a range where one price was expected."""
    low, high = reader.take("price_range", values.money_range) or (None, None)
    if "price" in reader.unreadable:
        low, high = _price_as_range(reader) or (low, high)
    offer.price_min = low if offer.price_min is None else offer.price_min
    offer.price_max = high if offer.price_max is None else offer.price_max


def _price_as_range(reader: _RowReader) -> Any:
    try:
        ends = values.money_range(reader.left["price"])
    except (FieldError, KeyError):
        return None
    reader.unreadable.remove("price")
    del reader.left["price"]
    return ends


def _is_ad(offer: Offer, reader: _RowReader) -> bool | None:
    """Ad links say so; the raw link is kept unless it is an ordinary one, which is rebuilt."""
    seen = None
    for name in reader.shape.names.get("detail_url", ("detail_url",)):
        raw = reader.left.get(name)
        said = values.is_ad_link(raw)
        if said is False or raw in (None, ""):
            reader.left.pop(name, None)
        seen = said if seen is None else seen
    return seen if offer.is_ad is None else offer.is_ad
