"""The same field of many rows, read in one go.

A `Reader` reads one value (`one`) and many (`many`); many are read as each of them is, and
FieldError says that one of them is odd: then each is read by itself. Where all are as usual, one
look at all stands for a look at each. What has come before is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from decimal import Clamped, Context, Decimal, InvalidOperation, Rounded
from typing import Any

from pailitao_spider.offers.values import lists, numbers
from pailitao_spider.offers.values.links import MAX_LINK, USUAL_ORIGIN, link
from pailitao_spider.offers.values.marks import flag, offer_id
from pailitao_spider.offers.values.moments import USUAL_DAY, USUAL_MOMENT, moment
from pailitao_spider.offers.values.readings import MAX_DIGITS, are_something
from pailitao_spider.offers.values.texts import text, title

__all__ = ["Reader", "reader", "texts"]

Column = Sequence[Any]
Types = Set[type]


@dataclass(frozen=True, slots=True)
class Reader:
    """`one` returns what a value says, None where it says nothing; `many` gets the types too."""

    one: Callable[[Any], Any]
    many: Callable[[Column, Types], Sequence[Any]]


_TEXTS: Types = {str}
_INTEGERS: Types = {int}
_NUMBERS: Types = {int, Decimal}


class _Memory(dict[str, Any]):
    """What a text says, kept for those that come again. By text alone: True, 1 and 1.0 are one
    key, and 1.0 and 1.00 one number.
    """

    _MOST, _LONGEST = 1 << 13, 64

    def __init__(self, one: Callable[[Any], Any]) -> None:
        self._one = one

    def __missing__(self, raw: str) -> Any:
        value = self._one(raw)
        if len(raw) <= self._LONGEST:
            if len(self) >= self._MOST:
                self.clear()
            self[raw] = value
        return value


@dataclass(frozen=True, slots=True)
class _Quick:
    """Values of these types that need no look at their text. FieldError: one of many does."""

    types: Types
    one: Callable[[Any], Any]
    many: Callable[[Column], Sequence[Any]]


def _remembering(slow: Callable[[Any], Any], quick: _Quick | None = None) -> Reader:
    """Texts are looked up."""
    known = _Memory(slow)
    quick = quick or _Quick(frozenset(), slow, list)

    def one(raw: Any) -> Any:
        if raw.__class__ is str:
            return known[raw]
        return (quick.one if raw.__class__ in quick.types else slow)(raw)

    def many(column: Column, types: Types) -> Sequence[Any]:
        if types == _TEXTS:
            return list(map(known.__getitem__, column))
        if types <= quick.types:
            return quick.many(column)
        return _by_type(column, types, many) if len(types) > 1 else list(map(one, column))

    return Reader(one, many)


def _by_type(
    column: Column, types: Types, many: Callable[[Column, Types], Sequence[Any]]
) -> Sequence[Any]:
    read: list[Any] = [None] * len(column)
    for kind in types:
        places = [place for place, raw in enumerate(column) if raw.__class__ is kind]
        values = many([column[place] for place in places], {kind})
        for place, value in zip(places, values, strict=True):
            read[place] = value
    return read


# Without its sign and as it is; a number of more digits, or with an exponent, is trapped.
_exact = Context(
    prec=MAX_DIGITS,
    Emin=-1,
    Emax=MAX_DIGITS - 1,
    clamp=1,
    traps=[Rounded, Clamped, InvalidOperation],
)


def _bounded(
    types: Types, most: int, plain: Callable[[Any], Any], slow: Callable[[Any], Any], least: int = 0
) -> _Quick:
    """Numbers from `least` to `most`, each as `plain` says."""

    def one(raw: Any) -> Any:
        try:
            return plain(raw) if least <= raw <= most else slow(raw)
        except ArithmeticError:
            return slow(raw)

    def many(column: Column) -> Sequence[Any]:
        try:
            if min(column) >= least and max(column) <= most:
                return list(map(plain, column))
        except ArithmeticError:
            pass
        return list(map(one, column))

    return _Quick(types, one, many)


def _decimals(slow: Callable[[Any], Any], most: int) -> Reader:
    return _remembering(slow, _bounded(_NUMBERS, most, _exact.abs, slow))


def _hundredth(fen: int) -> Decimal:
    return _exact.scaleb(fen, -2)


def _weight(number: int | Decimal) -> Decimal | None:
    return _exact.abs(number) or None


def _exactly(count: int) -> tuple[int, bool]:
    return count, False


def _each(one: Callable[[Any], Any]) -> Callable[[Column, Types], Sequence[Any]]:
    return lambda column, types: list(map(one, column))


def _with_lists(texts: Reader) -> Reader:
    """Short lists of texts are looked up as texts are."""
    known: dict[tuple[str, ...], Any] = {}

    def one(raw: Any) -> Any:
        if raw.__class__ is not list or set(map(type, raw)) != _TEXTS or len(raw) > _MOST_WORDS:
            return texts.one(raw)
        key = tuple(raw)
        if key in known:
            return known[key]
        found = texts.one(raw)
        if sum(map(len, key)) <= _LONGEST_LIST:
            if len(known) >= _MOST_LISTS:
                known.clear()
            known[key] = found
        return found

    def many(column: Column, types: Types) -> Sequence[Any]:
        return list(map(one, column)) if list in types else texts.many(column, types)

    return Reader(one, many)


_MOST_LISTS, _MOST_WORDS, _LONGEST_LIST = 1 << 12, 16, 256


def _copying(lists: Reader) -> Reader:
    """Each gets a list of its own."""

    def one(raw: Any) -> Any:
        found = lists.one(raw)
        return found and [*found]

    return Reader(one, _each(one))


_numbered = _remembering(offer_id, _bounded(_INTEGERS, 10**15, str, offer_id, least=1))


def _ids(column: Column, types: Types) -> Sequence[str | None]:
    if types != _TEXTS:
        return _numbered.many(column, types)
    digits = "".join(column)
    if digits.isdigit() and digits.isascii() and min(column) >= "1" and max(map(len, column)) < 20:
        return list(column)
    return list(map(offer_id, column))


def _texts(column: Column, types: Types) -> Sequence[str | None]:
    if types == _TEXTS and _are_usual(column, " ".join(column)):
        return list(column)
    return list(map(text, column))


def _titles(column: Column, types: Types) -> Sequence[str | None]:
    if types == _TEXTS:
        joined = " ".join(column)
        if "<" not in joined and "&" not in joined and _are_usual(column, joined):
            return list(column)
    return list(map(title, column))


def _are_usual(column: Column, joined: str) -> bool:
    """Clean as they are, and each says something; `joined` by single spaces: one more at the edge
    of a value shows as two.
    """
    if not joined.isprintable() or "  " in joined or joined[:1] in ("", " ") or joined[-1] == " ":
        return False
    return are_something(column)


_NEVER_IN_A_LINK = re.compile(r'[ "<>\\]')


def _links(column: Column, types: Types) -> Sequence[str | None]:
    return list(column) if types == _TEXTS and _are_links(column) else list(map(link, column))


def _are_links(column: Column) -> bool:
    """Each as `USUAL_LINK`: the few places they lead to, one by one, and all characters at once."""
    joined = "".join(column)
    if not (joined.isascii() and joined.isprintable()) or _NEVER_IN_A_LINK.search(joined):
        return False
    origin = _origin(column[0])
    if "\n".join(["", *column]).count(f"\n{origin}") == len(column):
        origins = {origin}
    else:
        origins = set(map(_origin, column))
    return all(map(USUAL_ORIGIN.fullmatch, origins)) and max(map(len, column)) <= MAX_LINK


def _origin(address: str) -> str:
    return address[: address.find("/", 8) + 1]


_MOMENTS = re.compile(rf"(?:{USUAL_MOMENT.pattern}\n)+")
_DAYS = re.compile(rf"(?:{USUAL_DAY.pattern}\n)+")
_remembered_moment = _remembering(moment)


def _moments(column: Column, types: Types) -> Sequence[str | None]:
    lines = "\n".join(column) + "\n" if types == _TEXTS else ""
    if lines.count("\n") == len(column):
        if _DAYS.fullmatch(lines):
            return list(column)
        if _MOMENTS.fullmatch(lines):
            return lines.replace(" ", "T").replace("\n", "+08:00\n").split()
    return _remembered_moment.many(column, types)


_READERS: dict[Callable[[Any], Any], Reader] = {
    offer_id: Reader(_numbered.one, _ids),
    title: Reader(title, _titles),
    link: Reader(link, _links),
    moment: Reader(_remembered_moment.one, _moments),
    text: _remembering(text, _bounded(_INTEGERS, 10**15, str, text)),
    numbers.money: _decimals(numbers.money, numbers.MAX_MONEY - 1),
    numbers.fen: _remembering(
        numbers.fen, _bounded(_INTEGERS, numbers.MAX_MONEY - 1, _hundredth, numbers.fen)
    ),
    numbers.rate: _decimals(numbers.rate, 1),
    numbers.score: _decimals(numbers.score, 100),
    numbers.count: _remembering(
        numbers.count, _bounded(_INTEGERS, numbers.MAX_COUNT, _exactly, numbers.count)
    ),
    numbers.whole: _remembering(
        numbers.whole, _bounded(_INTEGERS, numbers.MAX_COUNT, int, numbers.whole)
    ),
    numbers.kilograms: _remembering(
        numbers.kilograms, _bounded(_NUMBERS, 10**6, _weight, numbers.kilograms)
    ),
    flag: _remembering(flag, _Quick({bool}, bool, list)),
    lists.category: _with_lists(
        _remembering(lists.category, _bounded(_INTEGERS, 10**15, str, lists.category, least=1))
    ),
    lists.joined: _with_lists(_remembering(lists.joined)),
    lists.words: _copying(_with_lists(Reader(lists.words, _each(lists.words)))),
    **{
        one: _remembering(one)
        for one in (
            numbers.hours, numbers.currency, lists.steps,
        )
    },
}  # fmt: skip


def reader(one: Callable[[Any], Any]) -> Reader:
    """How a column is read as `one` reads each value."""
    return _READERS.get(one) or Reader(one, _each(one))


texts = Reader(text, _texts)
"""As `text`, for what seldom comes again."""
