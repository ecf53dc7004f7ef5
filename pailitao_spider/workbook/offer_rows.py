"""The columns of the sheet of offers: what stands in each, as a value or as a formula."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pailitao_spider.analysis.terms import Sums, Terms
from pailitao_spider.offers.model import detail_url
from pailitao_spider.offers.values.own_numbers import own_number
from pailitao_spider.workbook.contents import Row
from pailitao_spider.workbook.formulas import FORMULAS, price_formula
from pailitao_spider.workbook.words import Say

__all__ = [
    "COLUMNS", "LAST_PRINTED", "Column", "Formula", "Link", "own_columns", "own_values",
    "values_of",
]  # fmt: skip


class Formula(NamedTuple):
    """`text` has `{name}` for cells of the same row; `value` is what it comes to now."""

    text: str
    value: Any


class Link(NamedTuple):
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """`form` names a number format. `is_helper`: folded away, for formulas."""

    name: str
    width: float
    form: str = "text"
    is_helper: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("photo", 11), Column("picture", 11), Column("place", 6, "count"),
    Column("seed_id", 14, "wrap"), Column("title", 30, "wrap"),
    Column("title_translated", 26, "wrap"), Column("supplier", 20, "wrap"),
    Column("price_low", 9, "money"), Column("price_high", 9, "money"),
    Column("offer_currency", 7), Column("unit", 5), Column("pieces", 7, "count"),
    Column("moq", 6, "count"), Column("similarity", 8, "percent"), Column("look", 8, "percent"),
    Column("postage", 8, "money"), Column("postage_basis", 9, "wrap"),
    Column("landed_low", 9, "cost"), Column("landed_high", 9, "strong"),
    Column("vat_high", 8, "cost"), Column("total_high", 10, "cost"),
    Column("sell_price", 8, "money"), Column("margin", 8, "cost"),
    Column("margin_percent", 8, "percent"), Column("lacks", 16, "wrap"),
    Column("area", 10, "wrap"), Column("shop_type", 9, "wrap"), Column("is_factory", 7),
    Column("shop_years", 6, "count"), Column("repurchase_rate", 8, "percent"),
    Column("badges", 16, "wrap"), Column("sales", 9, "count"), Column("sales_window", 9),
    Column("dropship", 8), Column("dropship_price", 9, "money"), Column("ships_from", 10),
    Column("ship_within_hours", 8, "count"), Column("category", 12, "wrap"),
    Column("weight_kg", 9, "kilograms"), Column("fetched_at", 15, "moment"),
    Column("gateway", 10), Column("offer", 17),
    Column("duty_percent", 8, "percent", is_helper=True),
    Column("units", 8, "count", is_helper=True),
    *(Column(name, 10, "cost", is_helper=True)
      for name in ("post_low", "post_high", "fob_low", "fob_high", "freight_sum", "cif_low",
                   "cif_high", "total_low")),
)  # fmt: skip
LAST_PRINTED = "lacks"
"""Columns behind it are for the screen: what is printed stays legible."""


def values_of(row: Row, terms: Terms, say: Say) -> dict[str, Any]:
    """By column; None is an empty cell."""
    return {**_said(row, say), **_reckoned(row, terms, say), **_own(row)}


def _said(row: Row, say: Say) -> dict[str, Any]:
    offer, details = row.choice.offer, row.details
    url = detail_url(offer.num_iid) if offer.num_iid.isdigit() else None
    title = offer.title or offer.num_iid
    return {
        "place": row.rank,
        "seed_id": row.seed.seed_id or "?",
        "title": title if url is None else Link(url, title),
        "title_translated": details.title_translated,
        "offer_currency": None if offer.is_yuan else offer.currency,
        "unit": offer.unit,
        "moq": offer.min_order,
        "similarity": row.choice.similarity,
        "look": offer.visual_similarity,
        "supplier": offer.seller_nick or offer.seller_id,
        "area": offer.area,
        "shop_type": offer.shop_type,
        "is_factory": _yes(details.is_factory, say),
        "shop_years": details.shop_years,
        "repurchase_rate": details.repurchase_rate,
        "badges": ", ".join(details.badges) or None,
        "sales": offer.sales,
        "sales_window": _window(offer.sales_window, say),
        "dropship": _yes(offer.one_stop_service, say),
        "dropship_price": details.dropship_price,
        "ships_from": details.ships_from,
        "ship_within_hours": details.ship_within_hours,
        "category": details.category_name,
        "fetched_at": _moment(details.fetched_at),
        "gateway": details.gateway,
        "offer": offer.num_iid,
    }


def _yes(value: bool | None, say: Say) -> str | None:
    return None if value is None else say("yes" if value else "no")


def _window(window: str | None, say: Say) -> str | None:
    if window == "total":
        return say("window_total")
    days = (window or "").removesuffix("d")
    return say("window_days").format(n=days) if days.isdecimal() else window


def _moment(text: str | None) -> datetime | None:
    """In the time of this place, without a zone: as a spreadsheet has dates."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment.astimezone() if moment.tzinfo else moment).replace(tzinfo=None)


# what is reckoned


def _reckoned(row: Row, terms: Terms, say: Say) -> dict[str, Any]:
    cost, offer = row.choice.cost, row.choice.offer
    low, high = cost.sums
    own = row.seed.own.terms
    margin = row.choice.margin.worst
    share = row.choice.margin_percent.worst
    values: dict[str, Any] = {
        "pieces": cost.measure.pieces,
        "postage": cost.postage.fee,
        "postage_basis": say(f"basis_{cost.postage.basis}"),
        "weight_kg": own.weight_kg or (offer.weight_kg and offer.weight_kg / cost.measure.pieces),
        "duty_percent": _duty(own.duty, terms.duty),
        "sell_price": row.seed.sell_price,
        "price_low": _price(row, cost.unit.best, is_low=True),
        "price_high": _price(row, cost.unit.worst, is_low=False),
        "units": cost.units,
        "post_low": cost.postage.order.best if _is_sold(row) else None,
        "post_high": cost.postage.order.worst if _is_sold(row) else None,
        "fob_low": _fob(low),
        "fob_high": _fob(high),
        "freight_sum": _freight(low or high),
        "cif_low": _cif(low),
        "cif_high": _cif(high),
        "total_low": low and low.total,
        "total_high": high and high.total,
        "landed_low": cost.landed.best,
        "landed_high": cost.landed.worst,
        "vat_high": cost.vat.worst,
        "margin": margin,
        "margin_percent": None if share is None else share / 100,
        "lacks": _lacks(row, say),
    }  # fmt: skip
    for name, text in _formulas(row).items():
        values[name] = Formula(text, values[name])
    return values


def _duty(own: Decimal, of_all: Decimal) -> Any:
    """A seed's own, or what the terms say."""
    return own / 100 if own != of_all else Formula("=t_duty", own / 100)


def _is_sold(row: Row) -> bool:
    return "quantity" not in row.choice.cost.lacks


def _fob(sums: Sums | None) -> Decimal | None:
    return sums and sums.goods + sums.postage


def _freight(sums: Sums | None) -> Decimal | None:
    return sums and sums.freight


def _cif(sums: Sums | None) -> Decimal | None:
    return sums and sums.goods + sums.postage + sums.freight + sums.insurance


def _price(row: Row, now: Decimal | None, *, is_low: bool) -> Any:
    """A number where it is one at any quantity, else a formula over units and MOQ."""
    offer = row.choice.offer
    if offer.is_onsale is False:
        return None
    ends = offer.ends
    otherwise = ends.best if is_low else ends.worst
    promotion = offer.promotion_price
    if offer.breaks:
        steps = offer.breaks
        if is_low and promotion:
            steps = [type(each)(each.min_quantity, min(each.price, promotion)) for each in steps]
        return Formula(price_formula(steps, None, "{units}", "{moq}", ""), now)
    high = ends.worst
    if not is_low or high is None or otherwise == high:
        return otherwise
    paid = min(high, promotion) if promotion else high
    value = otherwise if now is None else now
    return Formula(f"=IF({{units}}={{moq}},{paid},{otherwise})", value)


def _lacks(row: Row, say: Say) -> Any:
    words = [say(f"lack_{each}") for each in row.choice.cost.lacks if each != "quantity"]
    told = ", ".join(words)
    if not row.choice.offer.min_order:
        return told or None
    now = ", ".join([say("lack_quantity")] * (not _is_sold(row)) + words)
    after = f", {told}" if told else ""
    return Formula(f'=IF({{units}}<{{moq}},"{say("lack_quantity")}{after}","{told}")', now)


def _formulas(row: Row) -> Mapping[str, str]:
    """Which cells are formulas: those that the terms change."""
    cost, terms = row.choice.cost, row.seed.own.terms
    offer = row.choice.offer
    rate = "t_rate" if offer.is_yuan else str(terms.rate_of(offer.currency) or 0)
    low, high = _postage_formulas(row)
    meant = {"{rate}": rate, "{fee_low}": low, "{fee_high}": high, "{fee}": "{postage}",
             "{weight}": "{weight_kg}", "{duty}": "{duty_percent}"}  # fmt: skip
    filled = {name: _replaced(text, meant) for name, text in FORMULAS.items()}
    if "currency" in cost.lacks or offer.is_onsale is False:
        filled = {name: text for name, text in filled.items() if name == "units"}
    return filled


def _replaced(text: str, meant: Mapping[str, str]) -> str:
    for name, meaning in meant.items():
        text = text.replace(name, meaning)
    return text


def _postage_formulas(row: Row) -> tuple[str, str]:
    basis = row.choice.cost.postage.basis
    if row.seed.own.terms.postage_per_piece and basis == "unknown":
        basis = "piece"
    weight = row.choice.offer.weight_kg
    steps = 1 if weight is None else max(1, -int(-weight // 1))
    high = {
        "piece": "{postage}*{units}", "free_from": "{postage}*{units}",
        "weight": f"{{postage}}*{{units}}*{steps}", "volume": f"{{postage}}*{{units}}*{steps}",
    }.get(basis, "{postage}")  # fmt: skip
    return "0" if basis == "free_from" else "{postage}", high


# the buyer's own columns


def own_columns(extras: Sequence[bytes]) -> list[Column]:
    """One for each name in the seeds' columns, besides those that are reckoned with."""
    names = dict.fromkeys(name for extra in extras for name in _members(extra))
    known = ("sell_price", "duty", "weight_kg", "image", "seed_id")
    return [Column(f"own {name}", 12, "own") for name in names if name not in known]


def _own(row: Row) -> dict[str, Any]:
    return own_values(row.seed.own_extra)


def own_values(extra: bytes) -> dict[str, Any]:
    """Numbers as numbers, where all their digits fit and none is lost."""
    found = {}
    for name, value in _members(extra).items():
        number = own_number(value)
        found[f"own {name}"] = number if number is not None else _text(value)
    return found


def _members(extra: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(extra or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, ensure_ascii=False)
