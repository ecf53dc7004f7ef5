"""What a line of a result file is told apart by, so that the same one is kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any, NamedTuple

import msgspec

from pailitao_spider.offers.dedup import DEDUP_KEYS
from pailitao_spider.results.lines import NO_LINE
from pailitao_spider.results.resume import WrittenOffer

__all__ = [
    "NO_LINE",
    "LineKey",
    "match_sighting",
    "moment_of",
    "offer_sighting",
    "rejected_sighting",
]


class LineKey(NamedTuple):
    """What decides about a line: of one key the smallest moment (unix seconds) is kept."""

    moment: float
    key: str | bytes
    seed_id: str | None


class _OfferLine(WrittenOffer):
    fetched_at: str | None = None


class _OddLine(msgspec.Struct):
    """An offer that another program has rewritten with other types."""

    num_iid: str | int
    seed_id: Any = None
    page: Any = None
    rank: Any = None
    fetched_at: Any = None


class _RejectedLine(msgspec.Struct):
    raw: msgspec.Raw
    seed_id: str | None = None
    page: int | None = None


_OFFER = msgspec.json.Decoder(_OfferLine)
_ODD = msgspec.json.Decoder(_OddLine)
_REJECTED = msgspec.json.Decoder(_RejectedLine)


def offer_sighting(scope: str) -> Callable[[bytes], LineKey | None]:
    """A reader of feed lines; None where a line is no offer."""
    key_of = DEDUP_KEYS[scope]

    def read(raw: bytes) -> LineKey | None:
        line = _offer_line(raw)
        if line is None:
            return None
        return LineKey(moment_of(line.fetched_at, inf), key_of(line), line.seed_id)

    return read


def match_sighting(raw: bytes) -> LineKey | None:
    """Reads a line of matches: there, only the same place is the same."""
    line = _offer_line(raw)
    return None if line is None else LineKey(0, DEDUP_KEYS["off"](line), line.seed_id)


def rejected_sighting(raw: bytes) -> LineKey | None:
    """Reads a rejected line: the same raw row of the same page is the same."""
    try:
        raw.decode()
        line = _REJECTED.decode(raw)
    except NO_LINE:
        return None
    place = f"{line.seed_id} {line.page} ".encode()
    return LineKey(0, hashlib.sha256(place + bytes(line.raw)).digest(), line.seed_id)


def _offer_line(raw: bytes) -> _OfferLine | None:
    try:
        raw.decode()  # the decoder passes over damaged bytes in what it need not read
        line = _OFFER.decode(raw)
    except msgspec.ValidationError:
        return _odd_line(raw)
    except NO_LINE:
        return None
    return line if line.num_iid else None


def _odd_line(raw: bytes) -> _OfferLine | None:
    try:
        odd = _ODD.decode(raw)
    except NO_LINE:
        return None
    seed_id, fetched_at = (
        None if value is None else str(value) for value in (odd.seed_id, odd.fetched_at)
    )
    return _OfferLine(str(odd.num_iid), seed_id, odd.page, odd.rank, fetched_at)


def moment_of(text: str | None, unknown: float) -> float:
    """ISO 8601 to unix seconds; UTC where it does not say."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return unknown
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
