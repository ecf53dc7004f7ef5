"""Offers of written feeds, a line at a time; what cannot be read is counted and told."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec

from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.values.bounds import is_amount, is_count, is_share
from pailitao_spider.offers.values.prices import PriceRange, is_yuan, price_ends
from pailitao_spider.results.feed_files import check_text, is_side_file, mark_bytes, once
from pailitao_spider.results.first_seen import lines_in
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.results.paths import ResultPaths

__all__ = [
    "OFFSET_BITS", "Break", "Feeds", "Line", "OfferLine", "Tally", "check_feeds", "crawled",
    "sides",
]  # fmt: skip

_ENDINGS = (".jsonl", ".jl")
_LOOKED = ".looked"
OFFSET_BITS = 48
_OFFSET_MASK = (1 << OFFSET_BITS) - 1
_NOTHING = msgspec.Raw(b"{}")
_NONE = msgspec.Raw(b"null")


class OfferLine(msgspec.Struct, gc=False):
    """What questions ask of an offer; as in `Offer`, None is unknown."""

    num_iid: str
    title: str | None = None
    price: Decimal | None = None
    promotion_price: Decimal | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    post_fee: Decimal | None = None
    similarity: Decimal | None = None
    visual_similarity: Decimal | None = None
    score: Decimal | None = None
    min_order: int | None = None
    sales: int | None = None
    sales_window: str | None = None
    sales_at_least: bool | None = None
    is_onsale: bool | None = None
    one_stop_service: bool | None = None
    is_ad: bool | None = None
    seller_id: str | None = None
    seller_nick: str | None = None
    area: str | None = None
    shop_type: str | None = None
    unit: str | None = None
    category_name: str | None = None
    property: str | None = None
    freight_template: str | None = None
    currency: str | None = None
    weight_kg: Decimal | None = None
    title_translated: str | None = None
    repurchase_rate: Decimal | None = None
    dropship_price: Decimal | None = None
    is_factory: bool | None = None
    is_patented: bool | None = None
    shop_years: int | None = None
    ship_within_hours: int | None = None
    price_breaks: msgspec.Raw = _NONE
    gateway: str | None = None
    fetched_at: str | None = None
    seed_id: str | None = None
    seed_extra: msgspec.Raw = _NOTHING

    @builtins.property
    def breaks(self) -> list[Break]:
        """Prices by quantity, the fewest pieces first; those that cannot be read are not there."""
        return [] if bytes(self.price_breaks) in (b"null", b"[]") else breaks_in(self.price_breaks)

    @builtins.property
    def is_yuan(self) -> bool:
        return self.currency is None or is_yuan(self.currency)

    @builtins.property
    def ends(self) -> PriceRange:
        """The best and the worst price at any quantity, in the offer's currency."""
        return price_ends(
            self.price, self.price_min, self.price_max, self.promotion_price,
            (each.price for each in self.breaks),
        )  # fmt: skip

    @builtins.property
    def lowest(self) -> Decimal | None:
        """The best price at any quantity in yuan: as the crawl's filters see it."""
        return self.ends.best if self.is_yuan else None

    @builtins.property
    def highest(self) -> Decimal | None:
        """The worst price at any quantity in yuan."""
        return self.ends.worst if self.is_yuan else None

    @builtins.property
    def asked(self) -> Decimal | None:
        """The price that stands on the offer, else the lower end of its range; yuan above 0."""
        return (self.price or self.price_min or None) if self.is_yuan else None


class Break(msgspec.Struct, gc=False):
    """From so many units on, one costs so much."""

    min_quantity: int
    price: Decimal


_BREAKS = msgspec.json.Decoder(list[Break], strict=False)


def breaks_in(raw: msgspec.Raw) -> list[Break]:
    """The fewest first. One that is none makes all unknown: half a ladder misleads."""
    try:
        found = _BREAKS.decode(raw)
    except NO_LINE:
        return []
    if not all(each.min_quantity > 0 and is_amount(each.price) and each.price for each in found):
        return []
    return sorted(found, key=lambda each: each.min_quantity)


class Line(NamedTuple):
    """One offer, its line as it stands, and where that is (for `Feeds.lines_at`)."""

    offer: OfferLine
    raw: bytes
    place: int


@dataclass(slots=True)
class Tally:
    """Lines read. `torn` are no offers; `odd` have a field that cannot be read: unknown."""

    offers: int = 0
    torn: int = 0
    odd: int = 0
    first_torn: str | None = None

    def tear(self, path: Path, number: int) -> None:
        self.torn += 1
        self.first_torn = self.first_torn or f"{path}:{number}"


class Feeds:
    """Some feeds as one stream of offers, in the order given."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.tally = Tally()
        self._paths = tuple(paths)

    def __iter__(self) -> Iterator[Line]:
        for index, path in enumerate(self._paths):
            place = (index << OFFSET_BITS) + mark_bytes(path)
            for number, raw in enumerate(lines_in(path), 1):
                offer = self._offer(raw)
                if offer is not None:
                    self.tally.offers += 1
                    yield Line(offer, raw, place)
                elif not (raw.isspace() or _is_summary(raw)):
                    self.tally.tear(path, number)
                place += len(raw)

    def raw_lines(self) -> Iterator[tuple[int, bytes]]:
        """All lines with their places, unread."""
        for index, path in enumerate(self._paths):
            place = (index << OFFSET_BITS) + mark_bytes(path)
            for raw in lines_in(path):
                yield place, raw
                place += len(raw)

    def _offer(self, raw: bytes) -> OfferLine | None:
        try:
            raw.decode()  # the decoder passes over damaged bytes in what it need not read
            offer = _OFFER.decode(raw)
        except msgspec.ValidationError:
            return self._odd_offer(raw)
        except NO_LINE:
            return None
        self.tally.odd += not _is_sound(offer)
        return offer if offer.num_iid else None

    def _odd_offer(self, raw: bytes) -> OfferLine | None:
        """An offer that another program has rewritten: what has no known type is unknown."""
        try:
            members = _MEMBERS.decode(raw)
            num_iid = str(_ODD_ID.decode(members.pop("num_iid")))
        except (*NO_LINE, KeyError):
            return None
        self.tally.odd += 1
        values = {
            name: _read(_FIELDS[name], value) for name, value in members.items() if name in _FIELDS
        }
        offer = OfferLine(num_iid, **values)
        _is_sound(offer)
        return offer if num_iid else None

    def lines_at(self, places: Iterable[int]) -> Iterator[Line]:
        """Lines that were read before. Raises ResultsError when they have changed meanwhile."""
        files: dict[int, BinaryIO] = {}
        with ExitStack() as stack:
            for place in places:
                index, offset = place >> OFFSET_BITS, place & _OFFSET_MASK
                path = self._paths[index]
                try:
                    if index not in files:
                        files[index] = stack.enter_context(path.open("rb"))
                    files[index].seek(offset)
                    raw = files[index].readline()
                except OSError as error:
                    raise ResultsError(
                        f"{path} cannot be read ({error.strerror or error})"
                    ) from error
                yield self._line_again(path, raw, place)

    def _line_again(self, path: Path, raw: bytes, place: int) -> Line:
        odd = self.tally.odd
        offer = self._offer(raw)
        self.tally.odd = odd
        if offer is None:
            raise ResultsError(f"{path} was changed meanwhile; ask again")
        return Line(offer, raw, place)


class _Summary(msgspec.Struct):
    """The last line of `find --json`."""

    kind: Literal["summary"]


_SUMMARY = msgspec.json.Decoder(_Summary)


def _is_summary(raw: bytes) -> bool:
    try:
        _SUMMARY.decode(raw)
    except NO_LINE:
        return False
    return True


_OFFER = msgspec.json.Decoder(OfferLine)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ODD_ID = msgspec.json.Decoder(str | int)
_FIELDS: dict[str, msgspec.json.Decoder[Any]] = {
    field.name: msgspec.json.Decoder(field.type, strict=False)
    for field in msgspec.structs.fields(OfferLine)
    if field.name not in ("num_iid", "seed_extra", "price_breaks")
} | {
    **dict.fromkeys(("seed_extra", "price_breaks"), msgspec.json.Decoder(msgspec.Raw)),
    **dict.fromkeys(("seller_id", "seed_id"), msgspec.json.Decoder(str | int | None)),
}


def _read(decoder: msgspec.json.Decoder[Any], raw: msgspec.Raw) -> Any:
    try:
        value = decoder.decode(raw)
    except NO_LINE:
        return None
    return str(value) if decoder is _FIELDS["seller_id"] and value is not None else value


_SHARES = ("similarity", "visual_similarity", "repurchase_rate")
_BOUNDS: dict[str, Callable[[Any], bool]] = {
    field.name: is_count if field.type == int | None
    else is_share if field.name in _SHARES else is_amount
    for field in msgspec.structs.fields(OfferLine)
    if field.type in (Decimal | None, int | None)
}  # fmt: skip


def _is_sound(offer: OfferLine) -> bool:
    """Numbers that are none (NaN, 1e99999, below 0, a similarity of 7) become unknown."""
    is_sound = True
    for name, is_within in _BOUNDS.items():
        number = getattr(offer, name)
        if number is not None and not is_within(number):
            setattr(offer, name, None)
            is_sound = False
    return is_sound


def check_feeds(given: Sequence[Path], *, may_be_empty: bool = False) -> list[Path]:
    """Raises ResultsError for what cannot be asked, in one line with the remedy."""
    if not given:
        raise ResultsError("no feed; give a crawl's offers.jsonl")
    for path in given:
        _check_feed(path)
        if not may_be_empty and path.stat().st_size == 0:
            raise ResultsError(f"{path} is empty: {_why_empty(path)}")
    return once(given)


def _why_empty(path: Path) -> str:
    if path.with_suffix(".seeds.jsonl").exists():
        return "its crawl found no offer, its filters left none, or it has not begun"
    return "what wrote it, such as a filter, left no offer"


def _check_feed(path: Path) -> None:
    if path.is_dir():
        raise ResultsError(f"{path} is a folder; give the feed in it, such as offers.jsonl")
    if not path.is_file():
        why = "is no file" if path.exists() else "does not exist"
        raise ResultsError(f"{path} {why}; give a crawl's offers.jsonl")
    if path.suffix not in _ENDINGS:
        raise ResultsError(f"{path} is no .jsonl file, and only those can be asked: crawl with "
                           "-O offers.jsonl")  # fmt: skip
    if is_side_file(path):
        raise ResultsError(f"{path} lies beside a feed and is found by itself; give the feed")
    if path.stat().st_size:
        check_text(path)


def sides(paths: Sequence[Path], kind: str) -> list[Path]:
    """The ledgers (`seeds`), `matches` or others that lie beside the feeds, each once."""
    beside = (getattr(ResultPaths.beside(crawled(path)), kind) for path in paths)
    return [path for path in dict.fromkeys(beside) if path.is_file()]


def crawled(path: Path) -> Path:
    """The feed that a crawl wrote: `offers.looked.jsonl` has what lies beside `offers.jsonl`."""
    stem = path.name.removesuffix(path.suffix)
    first = path.with_name(f"{stem.removesuffix(_LOOKED)}{path.suffix}")
    is_looked = stem.endswith(_LOOKED) and stem != _LOOKED
    return first if is_looked and not ResultPaths.beside(path).seeds.exists() else path
