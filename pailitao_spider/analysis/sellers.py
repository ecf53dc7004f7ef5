"""Who a seller is, whichever gateway tells of him: by id, by name where that is unique."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pailitao_spider.analysis.feed_reader import OfferLine

__all__ = ["Sellers", "bare_id"]

_PREFIX = re.compile(r"^b2b-(?=\d)")


class _Identity(NamedTuple):
    """What a line says: an id, in the way its gateway writes ids; a name; an area."""

    seller_id: str | None
    dialect: str
    name: str | None
    area: str | None


@lru_cache(maxsize=65536)
def bare_id(seller_id: str) -> str:
    """`b2b-2212` and `2212` are one account, as two gateways write it."""
    return _PREFIX.sub("", seller_id.strip().casefold())


@lru_cache(maxsize=65536)
def _name(nick: str) -> str | None:
    return " ".join(unicodedata.normalize("NFKC", nick).casefold().split()) or None


class Sellers:
    """Numbers for what lines say of sellers; `resolved` joins those that are one.

    The same id is one seller. A line without an id belongs to the one seller of its name (or of its
    name and area, where several bear the name). Ids of different gateways are joined by a name that
    only one seller of each bears. `ambiguous` counts lines' identities that fit several: they stay
    alone, so that a set of suppliers may be smaller than it looks.
    """

    def __init__(self) -> None:
        self._numbers: dict[_Identity, int] = {}
        self.ambiguous = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, offer: OfferLine) -> int | None:
        """None where the line names nobody."""
        seller_id = bare_id(offer.seller_id) if offer.seller_id else None
        name = _name(offer.seller_nick) if offer.seller_nick else None
        if not (seller_id or name):
            return None
        dialect = f"{offer.gateway or ''}:{_shape(offer.seller_id or '')}" if seller_id else ""
        identity = _Identity(seller_id or None, dialect, name, offer.area or None)
        return self._numbers.setdefault(identity, len(self._numbers))

    def resolved(self) -> list[int]:
        """For each number that of its seller: the least of those that are one."""
        joined = _Joined(len(self._numbers))
        _join_ids(self._numbers.items(), joined)
        by_name: dict[str, list[tuple[_Identity, int]]] = defaultdict(list)
        for identity, number in self._numbers.items():
            if identity.name:
                by_name[identity.name].append((identity, number))
        self.ambiguous = sum(_join_name(namesakes, joined) for namesakes in by_name.values())
        return [joined.root(number) for number in range(len(self._numbers))]


class _Joined:
    """Numbers in sets; the least of each stands for it."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parents[high] = low


def _shape(seller_id: str) -> str:
    return "b2b" if _PREFIX.match(seller_id.casefold()) else "" if seller_id.isdigit() else "text"


def _join_ids(identities: Iterable[tuple[_Identity, int]], joined: _Joined) -> None:
    first: dict[str, int] = {}
    for identity, number in identities:
        if identity.seller_id:
            joined.join(number, first.setdefault(identity.seller_id, number))


def _join_name(namesakes: list[tuple[_Identity, int]], joined: _Joined) -> int:
    """Joins those of one name; returns how many fit several sellers and stay alone."""
    if _join_if_one(namesakes, joined):
        return 0
    by_area: dict[str | None, list[tuple[_Identity, int]]] = defaultdict(list)
    for each in namesakes:
        by_area[each[0].area and _place(each[0].area)].append(each)
    unsure = by_area.pop(None, [])
    several = [some for some in by_area.values() if not _join_if_one(some, joined)]
    left = [number for some in (*several, unsure) for identity, number in some
            if identity.seller_id is None]  # fmt: skip
    alone = {joined.root(number) for number in left}
    return len(alone) + sum(len({joined.root(number) for identity, number in some
                                 if identity.seller_id}) > 1 and _has_dialects(some)
                            for some in several)  # fmt: skip


def _has_dialects(some: list[tuple[_Identity, int]]) -> bool:
    return len({identity.dialect for identity, _ in some if identity.seller_id}) > 1


def _join_if_one(some: list[tuple[_Identity, int]], joined: _Joined) -> bool:
    """One seller in each dialect, in one place: all are one. False where there are several."""
    ids: dict[str, set[int]] = defaultdict(set)
    for identity, number in some:
        if identity.seller_id:
            ids[identity.dialect].add(joined.root(number))
    if any(len(each) > 1 for each in ids.values()) or not _is_one_place(some):
        return False
    for _, number in some:
        joined.join(some[0][1], number)
    return True


def _is_one_place(some: list[tuple[_Identity, int]]) -> bool:
    """`台州` is `浙江省台州市`, as far as it goes."""
    places = sorted({_place(each.area) for each, _ in some if each.area}, key=len)
    return all(each in places[-1] for each in places)


@lru_cache(maxsize=8192)
def _place(area: str) -> str:
    return re.sub(r"[\s省市区]", "", area)
