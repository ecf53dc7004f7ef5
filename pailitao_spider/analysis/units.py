"""What a price is for: a piece, or a pack of which the row says how many pieces it holds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Measure", "measure_of"]

PIECE = "个"
_PIECES = frozenset(
    ("个", "只", "隻", "件", "枚", "支", "台", "pc", "pcs", "piece", "pieces", "ea", "each", "unit")
)
_DOZENS = frozenset(("打", "dozen", "dozens", "doz", "dz"))
_MANY = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_SINGLE = (
    "个|只|隻|件|枚|支|台|条|把|块|张|片|双|对|套|瓶|本|顶|根|粒|包|盒|袋|卷|"
    "pcs?|pieces?|pairs?|sets?"
)
_PACK = (
    "箱|包|盒|袋|打|件|组|套|提|捆|扎|板|筒|罐|桶|"
    "cartons?|ctns?|box(?:es)?|packs?|bags?|sets?|lots?"
)
_PER = re.compile(
    rf"(?<![\d.])(\d{{1,6}})\s*({_SINGLE})\s*(?:装)?\s*[/／]\s*(?:1|一|每)?\s*({_PACK})(?![a-z])",
    re.IGNORECASE,
)
_EACH = re.compile(
    rf"(?:每|一|1|整)\s*({_PACK})\s*(?:=|＝|:|：|装|有|内含|共|含)?\s*(\d{{1,6}})\s*({_SINGLE})",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    rf"^\s*({_PACK})\s*[(（]\s*(\d{{1,6}})\s*({_SINGLE})\s*(?:装)?\s*[)）]", re.IGNORECASE
)
_IS_PACK = re.compile(_PACK, re.IGNORECASE)
_COUNTED = re.compile(rf"^\s*(\d{{1,6}})\s*({_SINGLE})\s*$", re.IGNORECASE)
_SAID_PIECES = re.compile(rf"^\s*([十百千万])\s*({_SINGLE})\s*$")
_PLURALS = {"boxes": "box", "cartons": "carton", "ctn": "carton", "ctns": "carton",
            "packs": "pack", "bags": "bag", "sets": "set", "lots": "lot",
            "pairs": "pair"}  # fmt: skip


class Measure(NamedTuple):
    """`unit` as the row says it, `pieces` in it, and `piece`: what a piece is called.

    Prices of one `piece` can be compared. `pieces` is 1 where the unit is a piece, or nobody knows
    what it holds.
    """

    unit: str | None
    pieces: int
    piece: str | None

    @property
    def is_pack(self) -> bool:
        return self.pieces > 1


@lru_cache(maxsize=4096)
def _of_unit(unit: str) -> tuple[Measure | None, bool]:
    """What the unit says of itself, and whether a text may say that it is a pack."""
    return _said(unit), _IS_PACK.fullmatch(unit.strip()) is not None


def _said(unit: str) -> Measure | None:
    word = _word(unit)
    if word == PIECE:
        return Measure(unit, 1, PIECE)
    if unit.strip().casefold() in _DOZENS:
        return Measure(unit, 12, PIECE)
    if found := _HOLDS.match(unit):
        return _pack(unit, found[2], found[3])
    if found := _PER.search(unit):
        return _pack(unit, found[1], found[2])
    if found := _COUNTED.match(unit):
        return _pack(unit, found[1], found[2])
    if found := _SAID_PIECES.match(unit):
        return Measure(unit, _MANY[found[1]], _word(found[2]))
    return None


def measure_of(unit: str | None, *texts: str | None) -> Measure:
    """`texts`: title and properties, which may say `48个/箱`. Two answers are none."""
    if not unit or not unit.strip():
        return Measure(None, 1, None)
    own, may_be_pack = _of_unit(unit)
    if own is not None and (own.is_pack or not may_be_pack):
        return own
    word = _word(unit)
    if not may_be_pack:
        return Measure(unit, 1, word)
    found = {
        (int(count), _word(piece))
        for text in texts
        if text and _may_hold(text)
        for count, piece, pack in _packs(text)
        if _word(pack, of_pack=True) == _word(unit, of_pack=True) and int(count) > 1
    }
    if len(found) == 1:
        ((count, piece),) = found
        return Measure(unit, count, piece)
    return own or Measure(unit, 1, word)


def _may_hold(text: str) -> bool:
    """A cheap look before the patterns."""
    return any(sign in text for sign in "/／每一1整")


def _packs(text: str) -> list[tuple[str, str, str]]:
    return [
        *((found[1], found[2], found[3]) for found in _PER.finditer(text)),
        *((found[2], found[3], found[1]) for found in _EACH.finditer(text)),
    ]


def _pack(unit: str, count: str, piece: str) -> Measure:
    return Measure(unit, max(int(count), 1), _word(piece))


def _word(unit: str, *, of_pack: bool = False) -> str:
    """One word for all that count single things; others stand for themselves."""
    word = unit.strip().casefold()
    word = _PLURALS.get(word, word)
    return PIECE if word in _PIECES and not of_pack else word
