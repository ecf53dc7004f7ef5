"""A line of a result file as a row of its table. What cannot be read is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from pailitao_spider.offers.values.bounds import is_amount, is_count, is_share
from pailitao_spider.results.feed_files import MARK
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.tables.columns import OFFER_COLUMNS, Kind

__all__ = ["PartialRow", "Row", "RowReader", "match_row", "offer_row", "seed_row", "sighting"]

Row = dict[str, Any]


class PartialRow(dict[str, Any]):
    """A row of which some values could not be read: they are unknown."""


RowReader = Callable[[bytes], Row | None]

_Count = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: dict[Kind, Any] = {
    Kind.MONEY: Decimal,
    Kind.RATE: Decimal,
    Kind.SCORE: Decimal,
    Kind.COUNT: _Count,
    Kind.FLAG: bool,
    Kind.JSON: msgspec.Raw,
}
_MOMENTS = ("fetched_at", "started_at", "finished_at")
_YEARS = range(1970, 2200)
_IDS = ("num_iid", "seed_id", "seller_id")
_DIGITS = 30

_Fields = dict[str, Any]
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY = msgspec.json.Decoder(str | int)
_ID = msgspec.json.Decoder(str | int | None)

_OFFER: _Fields = {each.name: _TYPES.get(each.kind, str) for each in OFFER_COLUMNS}
_OFFER["visual_similarity"] = Decimal
_SHARES = {each.name for each in OFFER_COLUMNS if each.kind is Kind.RATE}
_SHARES |= {"visual_similarity", "coverage"}
_SIGHTED = ("seed_id", "num_iid", "page", "rank", "similarity", "price", "gateway")
_MATCH: _Fields = {name: _OFFER[name] for name in (*_SIGHTED, "fetched_at")}
_SEED: _Fields = {
    **dict.fromkeys(("seed_id", "image", "status", "reason"), str),
    **dict.fromkeys(("pages_expected", "pages_fetched", "rows_seen", "offers_new",
                     "total_reported", "calls", "offers_seen"), _Count),
    "coverage": Decimal,
    "seed_extra": msgspec.Raw,
    **dict.fromkeys(("started_at", "finished_at"), str),
}  # fmt: skip


def _reader(fields: _Fields, keys: tuple[str, ...]) -> RowReader:
    """None where a line lacks one of `keys`, or is no JSON object."""
    line = msgspec.defstruct(
        "Line", [_member(name, kind, name in keys) for name, kind in fields.items()], kw_only=True
    )
    whole = msgspec.json.Decoder(line)
    each = {
        name: msgspec.json.Decoder(_or_unknown(kind), strict=False) for name, kind in fields.items()
    }
    each |= dict.fromkeys(keys, _KEY)
    each |= {name: _ID for name in _IDS if name in fields and name not in keys}

    def read(raw: bytes) -> Row | None:
        try:
            raw = raw.removeprefix(MARK)
            raw.decode()  # the decoder passes over damaged bytes in what it need not read
            row = msgspec.structs.asdict(whole.decode(raw))
        except msgspec.ValidationError:
            row = _odd_row(raw, each)
        except NO_LINE:
            return None
        return _sound(row) if all(row.get(name) for name in keys) else None

    return read


def _member(name: str, kind: Any, is_key: bool) -> tuple[Any, ...]:
    return (name, kind) if is_key else (name, _or_unknown(kind), _UNTOLD.get(name))


_UNTOLD = {"currency": "CNY"}
"""What a line of an earlier version means by not saying it."""


def _or_unknown(kind: Any) -> Any:
    return kind if kind is msgspec.Raw else kind | None


def _odd_row(raw: bytes, readers: Mapping[str, msgspec.json.Decoder[Any]]) -> Row:
    """A line that another program has rewritten with other types: those stand in `extra`."""
    try:
        members = _MEMBERS.decode(raw)
    except NO_LINE:
        return {}
    row: Row = dict.fromkeys(readers)
    odd: dict[str, Any] = {}
    for name in sorted(readers.keys() & members.keys()):
        try:
            row[name] = readers[name].decode(members[name])
        except NO_LINE:
            odd[name] = members[name]
    return _marked(row, odd)


def _marked(row: Row, odd: dict[str, Any]) -> Row:
    """The row as one of which these values could not be read."""
    if odd and "extra" in row:
        row["extra"] = _with(row["extra"], odd)
    return PartialRow(row) if odd else row


def _with(extra: msgspec.Raw | None, odd: dict[str, Any]) -> msgspec.Raw:
    try:
        known = _MEMBERS.decode(extra or b"{}")
    except NO_LINE:
        known = {}
    return msgspec.Raw(msgspec.json.encode({**known, **odd}))


_NUMBERS = {
    name for fields in (_OFFER, _MATCH, _SEED) for name, kind in fields.items()
    if kind is Decimal or kind is _Count
}  # fmt: skip


def _sound(row: Row) -> Row:
    odd = {
        name: str(row[name]) for name in _NUMBERS & row.keys() if not _is_within(name, row[name])
    }
    if odd:
        row = _marked({**row, **dict.fromkeys(odd)}, odd)
    for name, value in row.items():
        if value.__class__ is msgspec.Raw:
            text = bytes(value).decode()
            row[name] = None if text == "null" else text
        elif name in _IDS and value is not None:
            row[name] = _text(str(value))
        elif value.__class__ is str:
            row[name] = _moment(value) if name in _MOMENTS else _text(value)
    return row


def _is_within(name: str, value: Any) -> bool:
    """Also money of 0.000…1 has to be a number that every database knows."""
    if value.__class__ is int:
        return name in _IDS or is_count(value)
    if value.__class__ is not Decimal:
        return True
    is_sound = is_share(value) if name in _SHARES else is_amount(value)
    return is_sound and (not value or value.adjusted() >= -_DIGITS)


def _text(value: str) -> str:
    return value.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL in a text


def _moment(value: str) -> datetime | None:
    """UTC where it does not say."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


offer_row: RowReader = _reader(_OFFER, ("num_iid",))
seed_row: RowReader = _reader(_SEED, ("seed_id",))
_match_line: RowReader = _reader(_MATCH, ("seed_id", "num_iid"))


def match_row(raw: bytes) -> Row | None:
    """A sighting."""
    row = _match_line(raw)
    return None if row is None else sighting(row)


def sighting(row: Row) -> Row | None:
    """The sighting that a row tells of, if it names its seed."""
    if row["seed_id"] is None:
        return None
    return {**{name: row[name] for name in _SIGHTED}, "seen_at": row["fetched_at"]}
