"""A page's rows, as any gateway gives them, to typed offers: a field of all rows at a time.

What cannot be read is null in the offer, kept raw in `extra`, and named to the caller: an odd
value costs its field, never its row. What the schema does not know goes to `extra`. A row without
a usable id is no offer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from operator import eq
from typing import Any, NamedTuple

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, RejectedRow, detail_url
from pailitao_spider.offers.row_fields import Fields, filled
from pailitao_spider.offers.row_shape import COMMON_NAMES, RowShape
from pailitao_spider.offers.row_table import MISSING, NESTED, NOTHING, Table, is_deep

__all__ = ["COMMON_NAMES", "NO_ID", "NO_OBJECT", "RowShape", "RowsToRead", "read_rows"]

NO_ID = "no_id"
NO_OBJECT = "no_object"

Row = Offer | RejectedRow
Column = Sequence[Any]


class RowsToRead(NamedTuple):
    """The rows of a page, to be read when they are asked for."""

    raws: Sequence[Any]
    shape: RowShape

    @property
    def is_empty(self) -> bool:
        """There is no row."""
        return not self.raws

    def read(self, unreadable: list[str], drift: Drift) -> list[Row]:
        """As `read_rows`."""
        return read_rows(self.raws, self.shape, unreadable, drift)


def read_rows(
    raws: Sequence[Any], shape: RowShape, unreadable: list[str], drift: Drift | None = None
) -> list[Row]:
    """An offer for each row, or the row with the reason why it is none. Raises nothing.

    `raws` are decoded JSON values. `unreadable` is appended the name of a field once for each row
    in which it could not be read, `drift` is told what differs from the documented rows.
    """
    if set(map(type, raws)) <= {dict}:
        return _read(raws, shape, unreadable, drift) if raws else []
    objects = [raw for raw in raws if isinstance(raw, dict)]
    read = iter(read_rows(objects, shape, unreadable, drift))
    return [next(read) if isinstance(raw, dict) else _rejected(raw, NO_OBJECT) for raw in raws]


def _rejected(raw: Any, reason: str) -> RejectedRow:
    return RejectedRow(_writable([raw])[0], reason)


def _read(
    rows: Sequence[dict[str, Any]], shape: RowShape, unreadable: list[str], drift: Drift | None
) -> list[Row]:
    table = Table(rows, shape.nested, shape.known)
    if drift is not None and shape.kinds is not None:
        _note(drift, table, shape)
    taken = Fields(table, shape)
    ids = taken.take("num_iid")
    read: list[Row] = _offers(taken, shape, ids)  # type: ignore[assignment]
    if not all(ids):
        read = [
            _rejected(row, NO_ID) if num_iid is None else offer
            for offer, num_iid, row in zip(read, ids, rows, strict=True)
        ]
    faults = sorted(taken.faults, key=lambda fault: fault.place)
    unreadable += [fault.field for fault in faults if ids[fault.place] is not None]
    return read


def _note(drift: Drift, table: Table, shape: RowShape) -> None:
    for name, types in table.types.items():
        allowed = shape.types.get(name)
        if allowed is None:
            drift.note_unknown(name, [each for each in table.columns[name] if each is not MISSING])
        elif not types <= allowed and not types <= allowed | NOTHING:
            odd = types - allowed - NOTHING
            drift.note_flipped(name, [each for each in table.columns[name] if type(each) in odd])
    for members in table.odd.values():
        for name, value in members.items():
            drift.note_unknown(name, [value])


_NAMES = [each.name for each in fields(Offer)]
_NAMES = _NAMES[: _NAMES.index("extra") + 1]  # where a row comes from is written in later
_COUNTS = ("min_order", "trade_num")
_BESIDE = {"num_iid", "sales", "is_ad", "price_range", "currency", *_COUNTS}
_FACTORIES = frozenset({"factory", "super_factory"})


def _offers(taken: Fields, shape: RowShape, ids: Column) -> list[Offer]:
    """One without an id is none."""
    ours = list(map(detail_url, ids))
    columns = dict.fromkeys(_NAMES, taken.nothing)
    columns |= {name: taken.take(name) for name in taken.told if name not in _BESIDE}
    columns |= {name: taken.take_counts(name)[0] for name in _COUNTS}
    columns |= zip(_SALES, taken.take_sales(), strict=True)
    columns |= {"num_iid": ids, "detail_url": ours, "is_ad": _are_ads(taken, shape, ours)}
    columns |= _prices(taken, columns, "price" in shape.readers)
    columns["is_factory"] = _are_factories(columns["is_factory"], columns["seller_badges"])
    columns["currency"] = [shape.currency] * len(ids)
    if "currency" in taken.told:
        columns["currency"] = filled(taken.take("currency"), columns["currency"])
    taken.drop_shared()
    columns["extra"] = _extras(taken, shape)
    return list(map(Offer, *columns.values()))


_SALES = ("sales", "sales_at_least", "sales_window")


def _prices(taken: Fields, columns: Mapping[str, Column], is_own: bool) -> dict[str, Column]:
    """Prices by quantity: what they are from and to, and from how many pieces on they hold."""
    steps = taken.take("price_range")
    ranges = {} if is_own else _prices_as_ranges(taken)
    if ranges:
        steps = [ranges.get(place) or each for place, each in enumerate(steps)]
    if not any(steps):
        return {}
    if not any(each and each.breaks for each in steps):
        return {
            "price_min": filled(columns["price_min"], [each and each.low for each in steps]),
            "price_max": filled(columns["price_max"], [each and each.high for each in steps]),
        }
    low, high, breaks = zip(*[each or _NO_STEPS for each in steps], strict=True)
    least = [each and each[0]["min_quantity"] for each in breaks]
    return {
        "price_min": filled(columns["price_min"], low),
        "price_max": filled(columns["price_max"], high),
        "price_breaks": breaks,
        "min_order": filled(columns["min_order"], least),
    }


def _prices_as_ranges(taken: Fields) -> dict[int, values.Steps]:
    """Ranges where one price was expected, by their rows."""
    ranges: dict[int, values.Steps] = {}
    for fault in [each for each in taken.faults if each.field == "price"]:
        try:
            found = values.steps(fault.raw)
        except FieldError:
            continue
        taken.faults.remove(fault)
        if found is not None:
            ranges[fault.place] = found
    return ranges


_NO_STEPS = values.Steps(None, None)


def _are_factories(told: Column, badges: Column) -> Column:
    if not any(badges):
        return told
    return [
        True if known is None and words and not _FACTORIES.isdisjoint(words) else known
        for known, words in zip(told, badges, strict=True)
    ]


def _are_ads(taken: Fields, shape: RowShape, ours: list[str]) -> Column:
    """Ad links say so; the raw link is kept unless it is an ordinary one, which is rebuilt."""
    seen = taken.take("is_ad")
    for name in shape.names_of("detail_url"):
        if (column := taken.table.columns.get(name)) is not None:
            said: list[bool | None] = [False] * len(ours)
            if all(map(eq, column, ours)):
                taken.table.pop(name)
            else:
                said = [values.is_ad_link(link) for link in column]
                pairs = zip(said, column, strict=True)
                taken.drop(name, [ad is False or link == "" for ad, link in pairs])
            seen = said if seen is taken.nothing else filled(seen, said)
    return seen


def _extras(taken: Fields, shape: RowShape) -> list[dict[str, Any]]:
    """What no field was read from, as it came; what could not be read."""
    table = taken.table
    columns = {
        name: column if table.types[name].isdisjoint(NESTED) else _writable(column)
        for name, column in table.columns.items()
    }
    whole = [name for name in columns if table.types[name].isdisjoint(NOTHING)]
    cells = zip(*[columns[name] for name in whole], strict=True)
    extras: list[dict[str, Any]] = (
        [dict(zip(whole, row, strict=False)) for row in cells]
        if whole
        else [{} for _ in range(table.size)]
    )
    for name in [name for name in columns if name not in whole]:
        silent = NOTHING if name in shape.read_from else {type(MISSING)}
        for extra, raw in zip(extras, columns[name], strict=True):
            if type(raw) not in silent:
                extra[name] = raw
    for place, members in table.odd.items():
        extras[place] |= zip(members, _writable(members.values()), strict=True)
    for fault in taken.faults:
        extras[fault.place][fault.name] = _writable([fault.raw])[0]
    return extras


_DEEPEST = 32


def _writable(column: Collection[Any]) -> Column:
    """What is nested beyond reason could be read, but not written again."""
    if not is_deep([*column], _DEEPEST + 1):
        return [*column]
    return [_TOO_DEEP if is_deep(value, _DEEPEST) else value for value in column]


_TOO_DEEP = f"more than {_DEEPEST} levels of JSON"
