"""Our fields out of a table of rows: each from the members that tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.row_shape import RowShape
from pailitao_spider.offers.row_table import MISSING, NOTHING, Table
from pailitao_spider.offers.values.columns import Reader, reader

__all__ = ["Fault", "Fields", "filled"]

Column = Sequence[Any]


class Fault(NamedTuple):
    """A value that has no known reading: its row's place, our field, the member's name."""

    place: int
    field: str
    name: str
    raw: Any


class Fields:
    """The fields of a page's rows. Members are out of `table` once a field is read from them; what
    could not be read is in `faults`.
    """

    def __init__(self, table: Table, shape: RowShape) -> None:
        self.table = table
        self.faults: list[Fault] = []
        self._shape = shape
        self._rows = range(table.size)
        self.told = shape.told_by(table.columns)
        self.nothing: Column = (None,) * table.size
        """A column that says nothing."""

    def take(self, field: str) -> Column:
        """What the field is in each row."""
        if field not in self.told:
            return self.nothing
        found: Column | None = None
        for name in self._shape.names_of(field):
            found = self._taken(field, name, found)
        if field in self._shape.joins:
            found = self._joined(field, found)
        if field in self._shape.marked:
            found = self._marked(field, list(found or self.nothing))
        return found or self.nothing

    def drop_shared(self) -> None:
        """Takes out what several fields have been read from."""
        for name in self._shape.shared:
            if name in self.table.columns:
                self.table.pop(name)

    def drop(self, name: str, gone: Sequence[bool]) -> None:
        """Takes a member out of the rows where it says no more than is known."""
        column = self.table.columns[name]
        self._consume(name, column, [place for place, is_gone in enumerate(gone) if is_gone])

    def take_counts(self, field: str) -> tuple[Column, Column]:
        """The numbers, and whether they are lower bounds."""
        return self._parts(self.take(field))

    def _parts(self, counts: Column) -> tuple[Column, Column]:
        if counts is self.nothing:
            return counts, counts
        return [each and each[0] for each in counts], [each and each[1] for each in counts]

    def take_sales(self) -> tuple[Column, Column, Column]:
        """The counts, whether they are lower bounds, and what each of them counts."""
        found: Column | None = None
        windows: Column = self.nothing
        for name in self._shape.names_of("sales"):
            before, found = found, self._taken("sales", name, found)
            if found is not before and found is not None:
                window = self._shape.sales_windows.get(name, self._shape.sales_window)
                known = before or self.nothing
                windows = [
                    window if old is None and new is not None else kept
                    for kept, old, new in zip(windows, known, found, strict=True)
                ]
        return *self._parts(found or self.nothing), windows

    def _taken(self, field: str, name: str, found: Column | None) -> Column | None:
        """`found`, and where that is None what the member `name` says."""
        column = self.table.columns.get(name)
        if column is None:
            return found
        reading, types = self._shape.columns[field], self.table.types[name]
        if found is None and types.isdisjoint(NOTHING):
            self._consume(name, column, None)
            return self._read(field, name, reading, column, types, self._rows)
        known = self.nothing if found is None else found
        places = [
            place
            for place, (value, raw) in enumerate(zip(known, column, strict=True))
            if value is None and raw is not None and raw is not MISSING
        ]
        if not places:
            return found
        gaps = [column[place] for place in places]
        self._consume(name, column, places)
        read = self._read(field, name, reading, gaps, set(map(type, gaps)), places)
        return _with(known, places, read)

    def _consume(self, name: str, column: Column, places: Sequence[int] | None) -> None:
        """Takes the member out of these rows, or of all."""
        if name in self._shape.kept or name in self._shape.shared:
            return
        self.table.pop(name)
        if places is not None:
            left = _with(column, places, [MISSING] * len(places))
            if not all(raw is MISSING or raw is None for raw in left):
                self.table.put(name, left)

    def _read(
        self,
        field: str,
        name: str,
        reading: Reader,
        column: Column,
        types: Set[type],
        places: Sequence[int],
    ) -> Column:
        try:
            return reading.many(column, types)
        except FieldError:
            return list(self._each(field, name, reading, column, places))

    def _each(
        self, field: str, name: str, reading: Reader, column: Column, places: Sequence[int]
    ) -> Iterator[Any]:
        for place, raw in zip(places, column, strict=True):
            try:
                yield reading.one(raw)
            except FieldError:
                self.faults.append(Fault(place, field, name, raw))
                yield None

    def _joined(self, field: str, found: Column | None) -> Column:
        names = [name for name in self._shape.joins[field] if name in self.table.columns]
        known = found and [None if value is None else "" for value in found]
        parts = [self._taken(field, name, known) or self.nothing for name in names]
        if not parts:
            return found or self.nothing
        if all(map(all, parts)):
            told: Column = list(map(" ".join, zip(*parts, strict=True)))
        else:
            told = [" ".join(filter(None, each)) or None for each in zip(*parts, strict=True)]
        return told if found is None else filled(found, told)

    def _marked(self, field: str, found: list[Any]) -> Column:
        is_word = field in _LISTS
        for name, said in self._shape.marked[field]:
            flags = self._flags(field, name)
            if any(flags) or (is_word and False in flags):
                found = [_WITH[is_word](*each, said) for each in zip(found, flags, strict=True)]
                self.drop(name, [flag is not None if is_word else bool(flag) for flag in flags])
        return found

    def _flags(self, field: str, name: str) -> Column:
        column = self.table.columns.get(name)
        if column is None:
            return ()
        places, raws = self._told(name, column)
        types = self.table.types[name] - NOTHING
        read = self._read(field, name, _FLAG, raws, types, places) if raws else ()
        return _with(self.nothing, places, read)

    def _told(self, name: str, column: Column) -> tuple[Sequence[int], Column]:
        if self.table.types[name].isdisjoint(NOTHING):
            return self._rows, column
        places = [i for i, raw in enumerate(column) if raw is not None and raw is not MISSING]
        return places, [column[place] for place in places]


def _with_word(words: list[str] | None, flag: bool | None, word: str) -> list[str] | None:
    if flag is None:
        return words
    return [*(words or ()), word] if flag else words or []


def _with_value(known: Any, flag: bool | None, value: Any) -> Any:
    return value if flag and known is None else known


_WITH = {True: _with_word, False: _with_value}
_LISTS = ("seller_badges", "offer_badges")
_FLAG = reader(values.flag)


def filled(column: Column, other: Column) -> Column:
    """The other one's values where the column has none."""
    return [
        value if value is not None else spare for value, spare in zip(column, other, strict=True)
    ]


def _with(column: Column, places: Iterable[int], values: Column) -> list[Any]:
    """The column with other values in these rows."""
    changed = list(column)
    for place, value in zip(places, values, strict=True):
        changed[place] = value
    return changed
