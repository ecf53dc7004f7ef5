"""How one gateway writes a row: names, nesting, units, and what it documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from pailitao_spider.offers import values
from pailitao_spider.offers.values.columns import Reader, reader, texts

__all__ = ["COMMON_NAMES", "RowShape"]

COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "num_iid": ("num_iid", "offerId", "item_id"),
    "similarity": ("similarity", "rankScore", "similarity_score"),
}
"""Our field to the names it goes by; a field that is not listed goes by its own name."""

_READERS: dict[str, Callable[[Any], Any]] = {
    "num_iid": values.offer_id,
    "title": values.title,
    "title_translated": values.title,
    "price": values.money,
    "promotion_price": values.money,
    "price_min": values.money,
    "price_max": values.money,
    "price_range": values.steps,
    "dropship_price": values.money,
    "post_fee": values.money,
    "min_order": values.count,
    "sales": values.count,
    "trade_num": values.count,
    "similarity": values.rate,
    "feedback_rate": values.rate,
    "repurchase_rate": values.rate,
    "score": values.score,
    "is_onsale": values.flag,
    "one_stop_service": values.flag,
    "is_ad": values.flag,
    "is_factory": values.flag,
    "is_patented": values.flag,
    "seller_id": values.text,
    "seller_nick": values.text,
    "area": values.joined,
    "ships_from": values.joined,
    "shop_type": values.text,
    "unit": values.text,
    "cid": values.category,
    "category_name": values.text,
    "property": values.text,
    "freight_template": values.text,
    "pic_url": values.link,
    "pic_small_url": values.link,
    "create_time": values.moment,
    "update_time": values.moment,
    "seller_badges": values.words,
    "offer_badges": values.words,
    "shop_years": values.whole,
    "ship_within_hours": values.hours,
    "weight_kg": values.kilograms,
    "currency": values.currency,
}
_TYPES: dict[str, tuple[type, ...]] = {
    "flag": (bool,),
    "number": (int, float, Decimal),
    "text": (str,),
    "list": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, kw_only=True)
class RowShape:
    """How one gateway writes a row.

    `names` says by which names our fields go there, the first that says something counts;
    `price_range` is one of our fields: a range, or prices by quantity. `nested` are members whose
    own members are read as if they stood in the row itself, under `outer.inner`, outer ones first.
    `readers` stand in for the usual ones, for instance `values.fen` for money in fen: functions of
    one value that raise FieldError and nothing else. `joins` are fields that several members tell
    together, with spaces between. `marks` are members that, where they are true, add a word to a
    list of ours, or say what a field is that nothing else tells: `{"is_super_factory":
    ("seller_badges", "super_factory"), "free_postage": ("post_fee", Decimal(0))}`.
    `kept` members stay in `extra` though a field is read from them; `shared` ones tell more than
    one field.

    `sales_window` is what its sales count: `total`, `30d`, `90d`, `7d`; `sales_windows` says so for
    a member of another window (None: nobody tells). `currency` is that of all amounts where a row
    does not tell.

    `kinds` are the documented members with their JSON types (flag, number, text, list, object;
    several with spaces between; null is always allowed), nested ones as `outer.inner`; None:
    nobody watches them. `always` are our fields
    that every search brings: that one is gone is told.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMMON_NAMES)
    nested: tuple[str, ...] = ()
    readers: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    joins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    sales_window: str | None = None
    sales_windows: Mapping[str, str | None] = field(default_factory=dict)
    currency: str = "CNY"
    kinds: Mapping[str, str] | None = None
    always: tuple[str, ...] = ()

    def names_of(self, name: str) -> tuple[str, ...]:
        """The members that our field is read from, the most trusted first."""
        return self.names.get(name, (name,))

    @cached_property
    def tells(self) -> frozenset[str]:
        """Our fields that documented members tell; a mark alone does not."""
        documented = frozenset(self.kinds or ())
        told = {
            ours
            for ours in _READERS
            if not documented.isdisjoint((*self.names_of(ours), *self.joins.get(ours, ())))
        }
        return frozenset(told | ({"price_min", "price_max"} if "price_range" in told else set()))

    @cached_property
    def columns(self) -> Mapping[str, Reader]:
        """How each of our fields is read."""
        usual = {name: reader(one) for name, one in _READERS.items()}
        own = {name: reader(one) for name, one in self.readers.items()}
        return {**usual, "property": texts, **own}

    @cached_property
    def marked(self) -> Mapping[str, list[tuple[str, Any]]]:
        """The marks of each of our fields: the member, and what it adds."""
        marked: dict[str, list[tuple[str, Any]]] = {}
        for name, (ours, said) in self.marks.items():
            marked.setdefault(ours, []).append((name, said))
        return marked

    @cached_property
    def _fields(self) -> Mapping[str, frozenset[str]]:
        """A member's name to the fields that it may tell."""
        told: dict[str, set[str]] = {}
        for ours in _READERS:
            for name in (*self.names_of(ours), *self.joins.get(ours, ())):
                told.setdefault(name, set()).add(ours)
        for name, (ours, _) in self.marks.items():
            told.setdefault(name, set()).add(ours)
        return {name: frozenset(ours) for name, ours in told.items()}

    def told_by(self, names: Iterable[str]) -> list[str]:
        """Those of our fields that these members may tell, in the order in which they are read."""
        told = set[str]().union(*[self._fields[name] for name in names if name in self._fields])
        return [ours for ours in _READERS if ours in told]

    @cached_property
    def read_from(self) -> frozenset[str]:
        """The members that a field is read from."""
        return frozenset(self._fields).union(self.names_of("detail_url"))

    @cached_property
    def known(self) -> frozenset[str]:
        """The members that are read or documented."""
        return self.read_from.union(self.kinds or (), self.nested)

    @cached_property
    def types(self) -> Mapping[str, frozenset[type]]:
        """The types that a documented member may have, after decoding."""
        return {
            name: frozenset(each for kind in kinds.split() for each in _TYPES[kind])
            for name, kinds in (self.kinds or {}).items()
        }
