"""The rows of a page as columns: one member of all rows beside the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, cast

__all__ = ["MISSING", "NESTED", "NOTHING", "Table", "is_deep"]


class _Missing:
    """A member that a row does not have; null is a member."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
NOTHING: Set[type] = {type(None), _Missing}
"""The types of values that say nothing."""

NESTED: Set[type] = {dict, list}

Row = Mapping[str, Any]


def is_deep(value: Any, most: int, longest: int | None = None) -> bool:
    """Nested in more than `most` levels, not counting objects in lists longer than `longest`."""
    level = [value]
    for _ in range(most):
        level = [
            child
            for each in level
            for child in _members(each, longest)
            if child.__class__ in NESTED
        ]
        if not level:
            return False
    return True


def _members(value: Any, longest: int | None) -> Iterable[Any]:
    if value.__class__ is dict:
        return cast("dict[str, Any]", value).values()
    if value.__class__ is not list:
        return ()
    if longest is None or len(value) <= longest:
        return cast("Iterable[Any]", value)
    return [child for child in value if child.__class__ is list]


class Table:
    """`columns` by name, a value a row, and their `types`; the members of the objects in `nested`
    stand there as `outer.inner`.

    Members that few rows have, and that are not in `known`, are in `odd` by the row's place: so
    a page takes no more memory here than it has members, whatever names it makes up.
    """

    def __init__(self, rows: Sequence[Row], nested: Iterable[str] = (), known: Set[str] = set()):
        self.size = len(rows)
        self.columns: dict[str, Sequence[Any]] = {}
        self.types: dict[str, Set[type]] = {}
        self.odd: dict[int, dict[str, Any]] = {}
        self._known = known
        self._take_in(rows, "")
        for outer in nested:
            if dict in self.types.get(outer, ()):
                self._flatten(outer)

    def _take_in(self, rows: Sequence[Row], prefix: str) -> None:
        for name, column in self._usual(rows, prefix):
            self.put(prefix + name, column)

    def _usual(self, rows: Sequence[Row], prefix: str) -> Iterable[tuple[str, Sequence[Any]]]:
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        names = [known.setdefault(own, own) for own in map(tuple, rows)]
        if len(known) <= 1:
            cells = [row.values() for row in rows]
            usual = next(iter(known), ())
            return zip(usual, zip(*cells, strict=True), strict=True) if usual else ()
        [(at, times)] = Counter(map(id, names)).most_common(1)
        usual = next(own for own in known if id(own) == at) if 2 * times >= len(rows) else ()
        return self._mixed(rows, names, usual, prefix)

    def _mixed(
        self, rows: Sequence[Row], names: list[tuple[str, ...]], usual: tuple[str, ...], prefix: str
    ) -> Iterable[tuple[str, Sequence[Any]]]:
        """Rows of different members: columns for the usual and for the known ones."""
        cells = [
            row.values() if own is usual else [row.get(name, MISSING) for name in usual]
            for row, own in zip(rows, names, strict=True)
        ]
        columns = dict(zip(usual, zip(*cells, strict=True), strict=True)) if usual else {}
        for place, own in enumerate(names):
            if own is not usual:
                self._take_odd(place, rows[place], own, columns, prefix)
        return columns.items()

    def _take_odd(
        self,
        place: int,
        row: Row,
        names: tuple[str, ...],
        columns: dict[str, Any],
        prefix: str,
    ) -> None:
        for name in names:
            ours = columns.get(name)
            if ours is None and prefix + name in self._known:
                ours = columns[name] = [MISSING] * self.size
            if ours is None:
                self.odd.setdefault(place, {})[prefix + name] = row[name]
            elif ours.__class__ is list:  # else it is one of the usual
                ours[place] = row[name]

    def _flatten(self, outer: str) -> None:
        """What is no object stays where it is."""
        column = self.pop(outer)
        inner = [value if value.__class__ is dict else {} for value in column]
        others = [MISSING if value.__class__ is dict else value for value in column]
        if any(value is not MISSING for value in others):
            self.put(outer, others)
        self._take_in(inner, f"{outer}.")

    def put(self, name: str, column: Sequence[Any]) -> None:
        self.columns[name] = column
        self.types[name] = set(map(type, column))

    def pop(self, name: str) -> Sequence[Any]:
        del self.types[name]
        return self.columns.pop(name)
