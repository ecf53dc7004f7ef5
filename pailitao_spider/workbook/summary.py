"""The first sheet: what was found, the terms as cells to change, the best three of each photo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pailitao_spider.analysis.terms import Terms
from pailitao_spider.workbook.contents import Contents
from pailitao_spider.workbook.offer_rows import Formula
from pailitao_spider.workbook.sheet import Formats, Sheet
from pailitao_spider.workbook.words import Say

__all__ = ["write_summary"]

_BEST = 3
_PERCENTS = ("insurance", "duty", "vat", "agent")
_LINKED = ("price_high", "moq", "landed_high", "sell_price", "margin", "margin_percent")


def write_summary(
    book: Any,
    sheet: Sheet,
    formats: Formats,
    contents: Contents,
    offers: Sheet,
    rows: Sequence[dict[str, Any]],
    say: Say,
) -> None:
    """`rows` are the values of `contents.rows`, which stand below the head of `offers`."""
    for place, column in enumerate(sheet.columns):
        sheet.sheet.set_column(place, place, column.width)
    sheet.sheet.write_string(0, 0, say("title_of_book"), formats.of("title"))
    sheet.sheet.set_row(0, 26)
    below = max(_facts(sheet, formats, contents, say), _terms(book, sheet, formats, contents, say))
    _best(sheet, formats, contents, offers, rows, say, below + 1)
    sheet.print_setup()


def _facts(sheet: Sheet, formats: Formats, contents: Contents, say: Say) -> int:
    row = 1
    for name, value, form in _told(contents, say):
        sheet.sheet.merge_range(row, 0, row, 1, name, formats.of("quiet"))
        sheet.sheet.merge_range(row, 2, row, 3, value, formats.of(form))
        row += 1
    return row


def _told(contents: Contents, say: Say) -> Iterator[tuple[str, Any, str]]:
    yield say("made"), contents.made, "text"
    yield say("feeds"), contents.name, "wrap"
    yield (
        say("photos"),
        len({*contents.entries, *(each.seed_id for each in contents.seeds)}),
        "count",
    )
    for status, count in _statuses(contents).items():
        yield f"  {say(f'status_{status}')}", count, "count"
    yield say("offers"), contents.offers, "count"
    yield say("suppliers"), len(contents.found.ranked), "count"
    cover = contents.found.cover
    if cover.picks:
        yield (
            say("best_set"),
            f"{len(cover.picks)}: {cover.covered} / {contents.found.seeds}",
            "text",
        )
    if contents.left_out:
        yield say("limited"), contents.left_out, "count"
    if contents.pictures.missing:
        yield say("pictures_missing"), contents.pictures.missing, "count"
    if others := sum(each.others for each in contents.seeds):
        yield say("other_units"), others, "count"
    if contents.is_invented:
        yield say("invented"), "!", "warning"


def _statuses(contents: Contents) -> Counter[str]:
    names = {each.seed_id for each in contents.seeds} | set(contents.entries)
    found = (contents.entries.get(name or "") for name in names)
    return Counter(entry.status if entry else "open" for entry in found)


def _terms(book: Any, sheet: Sheet, formats: Formats, contents: Contents, say: Say) -> int:
    """Cells with names, which the formulas of all rows read."""
    row = 1
    sheet.sheet.merge_range(row, 4, row, 5, say("terms"), formats.of("subtitle"))
    for name, value, form in _cells(contents.terms):
        row += 1
        sheet.sheet.write_string(row, 4, say(name), formats.of("quiet"))
        write = sheet.sheet.write_string if isinstance(value, str) else sheet.sheet.write_number
        write(row, 5, value, formats.of(form))
        where = f"'{say('summary')}'!$F${row + 1}"
        book.define_name(f"t_{name}", f"={where}")
    return row + 1


def _cells(terms: Terms) -> Iterator[tuple[str, Any, str]]:
    for name in ("quantity", "rate", "freight", "freight_kg", "freight_order"):
        yield name, getattr(terms, name), "input"
    for name in _PERCENTS:
        yield name, getattr(terms, name) / 100, "input_percent"
    yield "duty_on", terms.duty_on, "input"
    yield "fixed", terms.fixed_sum, "input"
    for name in ("currency", "rate_date", "rate_source"):
        if getattr(terms, name):
            yield name, getattr(terms, name), "text"


def _best(
    sheet: Sheet,
    formats: Formats,
    contents: Contents,
    offers: Sheet,
    rows: Sequence[dict[str, Any]],
    say: Say,
    top: int,
) -> None:
    """Those cells that the terms change are those of the sheet of offers."""
    last = len(sheet.columns) - 1
    sheet.sheet.merge_range(top, 0, top, last, say("best"), formats.of("subtitle"))
    sheet.row = top + 1
    for place, column in enumerate(sheet.columns):
        sheet.sheet.write_string(sheet.row, place, say(column.name), formats.of("head"))
    sheet.sheet.set_row(sheet.row, 32)
    sheet.sheet.repeat_rows(sheet.row)
    sheet.row += 1
    for number, (row, values) in enumerate(zip(contents.rows, rows, strict=True)):
        if row.rank <= _BEST:
            shown = {**values, **_linked(values, offers, say, number)}
            pictures = {"picture": contents.pictures.of(row.details.picture)}
            if row.rank == 1:
                pictures["photo"] = contents.pictures.of(row.photo)
            sheet.append(shown, pictures, is_best=row.rank == 1)
    if not contents.rows:
        sheet.sheet.write_string(sheet.row, 0, say("no_offers"), formats.of("quiet"))


def _linked(values: dict[str, Any], offers: Sheet, say: Say, number: int) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_LINKED)
    for name in _LINKED:
        if name in values and offers.has(name):
            cell = f"'{say('offers')}'!{offers.letters(name)}{number + 2}"
            value = values[name]
            now = value.value if isinstance(value, Formula) else value
            found[name] = Formula(f'=IF({cell}="","",{cell})', now)
    return found
