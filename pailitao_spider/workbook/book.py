"""The workbook as a file: summary, offers, suppliers, photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from pailitao_spider.workbook.contents import Contents, Row
from pailitao_spider.workbook.offer_rows import (
    COLUMNS,
    LAST_PRINTED,
    Column,
    Formula,
    own_columns,
    own_values,
    values_of,
)
from pailitao_spider.workbook.sheet import Formats, Sheet
from pailitao_spider.workbook.summary import write_summary
from pailitao_spider.workbook.words import Say, speaker

__all__ = ["written"]

_BEST = 3
_PHOTOS = (
    Column("photo", 13), Column("seed_id", 18), Column("status", 12), Column("reason", 40, "wrap"),
    Column("count", 9, "count"), Column("best_landed", 12, "strong"),
    Column("reported", 9, "count"), Column("pages", 7, "count"), Column("calls", 7, "count"),
    Column("sell_price", 10, "money"),
)  # fmt: skip
_SUPPLIERS = (
    Column("supplier", 30, "wrap"), Column("covers", 8, "count"), Column("in_set", 9, "count"),
    Column("count", 8, "count"), Column("price_level", 9, "percent"),
    Column("dropship", 9, "count"), Column("score", 7, "money"), Column("area", 16),
    Column("shop_type", 12), Column("seller_id", 18), Column("which", 50, "wrap"),
)  # fmt: skip


def written(contents: Contents, language: str) -> bytes:
    """The whole .xlsx file."""
    import xlsxwriter

    say, file = speaker(language), BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties(
        {"title": f"{say('title_of_book')}: {contents.name}", "author": "pailitao_spider",
         "subject": say("title_of_book")}
    )  # fmt: skip
    book.set_calc_mode("auto")
    formats = Formats(book)
    summary = Sheet(book, formats, say("summary"), _summary_columns(contents), say)
    rows = [values_of(row, contents.terms, say) for row in contents.rows]
    offers = _offers(book, formats, contents, rows, say)
    _suppliers(book, formats, contents, say)
    _photos(book, formats, contents, say)
    write_summary(book, summary, formats, contents, offers, rows, say)
    summary.sheet.activate()
    book.close()
    return file.getvalue()


_SUMMARY = (
    Column("photo", 12), Column("seed_id", 22, "wrap"), Column("place", 6, "count"),
    Column("picture", 12), Column("title", 40, "wrap"), Column("supplier", 26, "wrap"),
    Column("price_high", 10, "money"), Column("moq", 8, "count"),
    Column("landed_high", 11, "strong"),
    Column("sell_price", 10, "money"), Column("margin", 10, "cost"),
    Column("margin_percent", 9, "percent"),
)  # fmt: skip
_IF_SOLD = ("sell_price", "margin", "margin_percent")


def _summary_columns(contents: Contents) -> Sequence[Column]:
    """Without a price to sell at there is no margin."""
    is_sold = any(row.seed.sell_price is not None for row in contents.rows)
    return [column for column in _SUMMARY if is_sold or column.name not in _IF_SOLD]


def _offers(
    book: Any, formats: Formats, contents: Contents, rows: Sequence[dict[str, Any]], say: Say
) -> Sheet:
    own = own_columns([row.seed.own_extra for row in contents.rows])
    columns = [column for column in (*COLUMNS, *own) if _is_used(column, contents, rows)]
    sheet = Sheet(book, formats, say("offers"), columns, say)
    sheet.head()
    for row, values in zip(contents.rows, rows, strict=True):
        sheet.append(values, _pictures(row, contents), is_best=_is_best(row))
    sheet.finish(LAST_PRINTED)
    return sheet


_FOR_FORMULAS = ("photo", "picture", "price_low", "price_high", "pieces", "moq", "postage",
                 "sell_price", "weight_kg")  # fmt: skip


def _is_used(column: Column, contents: Contents, rows: Sequence[dict[str, Any]]) -> bool:
    """A column that no row fills is not shown, but for those that formulas look at."""
    if column.name in _FOR_FORMULAS or column.is_helper:
        return True
    if column.name == "vat_high" and not contents.terms.vat:
        return False
    return any(_is_filled(values.get(column.name)) for values in rows)


def _is_filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, Formula) and value.value is None)


def _is_best(row: Row) -> bool:
    return row.rank <= _BEST and row.choice.cost.landed.worst is not None


def _pictures(row: Row, contents: Contents) -> dict[str, bytes | None]:
    return {
        "photo": contents.pictures.of(row.photo),
        "picture": contents.pictures.of(row.details.picture),
    }


def _suppliers(book: Any, formats: Formats, contents: Contents, say: Say) -> None:
    sheet = Sheet(book, formats, say("suppliers"), _SUPPLIERS, say)
    sheet.head()
    places = {index: place for place, index in enumerate(contents.found.cover.picks, 1)}
    for index, each in enumerate(contents.found.ranked):
        sheet.append({
            "supplier": each.name, "covers": each.seeds, "in_set": places.get(index),
            "count": each.offers, "price_level": each.price_level, "dropship": each.dropship,
            "score": each.score, "area": each.area, "shop_type": each.shop_type,
            "seller_id": each.seller_id, "which": _names(contents.covered.get(index, ())),
        }, is_best=index in places)  # fmt: skip
    sheet.finish()


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _photos(book: Any, formats: Formats, contents: Contents, say: Say) -> None:
    names = dict.fromkeys((*(each.seed_id for each in contents.seeds), *contents.entries))
    of_seed = {each.seed_id: each for each in contents.seeds}
    own = own_columns(list(contents.extras.values()))
    sheet = Sheet(book, formats, say("photos"), (*_PHOTOS, *own), say)
    sheet.head()
    for name in names:
        entry, seed = contents.entries.get(name or ""), of_seed.get(name)
        landed = [each.cost.landed.worst for each in seed.choices] if seed else []
        extra = contents.extras.get(name or "", b"")
        sheet.append({
            "seed_id": name or "?",
            "status": say(f"status_{entry.status if entry else 'open'}"),
            "reason": entry and entry.reason,
            "count": seed.offers if seed else 0,
            "best_landed": min((each for each in landed if each is not None), default=None),
            "reported": entry and entry.total_reported,
            "pages": entry and entry.pages_fetched,
            "calls": entry and entry.calls,
            "sell_price": seed and seed.sell_price,
            **own_values(extra),
        }, {"photo": contents.pictures.of(contents.photo_of(name))})  # fmt: skip
    sheet.finish()
