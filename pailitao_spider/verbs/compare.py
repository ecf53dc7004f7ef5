"""`scrapy pailitao compare`: what a seed's offers cost to the door, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pailitao_spider.analysis import output, terminal_table
from pailitao_spider.analysis.compare import Choice, SeedChoices, compare
from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.feed_reader import Tally, check_feeds, sides
from pailitao_spider.analysis.landed_cost import LACKS
from pailitao_spider.analysis.ledgers import elsewhere_told, extras_of, seed_ends
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.terms import Terms
from pailitao_spider.analysis.unfinished import unfinished
from pailitao_spider.analysis.units import Measure
from pailitao_spider.config import parsers
from pailitao_spider.offers.model import detail_url
from pailitao_spider.offers.values.prices import YUAN, PriceRange
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.verbs.shared.term_options import add_term_options, terms_of

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "what each seed's offers cost to the door at a quantity, side by side"

_OPTIONS: dict[str, tuple[Any, str, str]] = {
    "top": (parsers.whole(), "N", "offers a seed (10)"),
    "min_similarity": (parsers.share, "0-1", "leave out what is known to be less similar"),
}
_HEADS = {"offer": "right", "seller": "left", "sim.": "right", "MOQ": "right",
          "price": "right", "unit": "left", "postage": "right", "landed": "right",
          "VAT": "right", "margin": "right", "not known": "left"}  # fmt: skip
_SPARE = ("seller", "sim.", "not known", "VAT", "postage", "MOQ")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    add_term_options(parser)
    for name, (_, metavar, text) in _OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument("--json", action="store_true", help="a JSON object an offer, then one")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return output.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = output.typed(options, {name: read for name, (read, _, _) in _OPTIONS.items()})
    terms = terms_of(options)
    paths = check_feeds(options.feeds, may_be_empty=True)
    feeds, beside, totals = Current(paths), Tally(), _Totals()
    ends = {end.seed_id: end for end in seed_ends(sides(paths, "seeds"), beside)}
    matches = sides(paths, "matches")
    with closing(Relations(matches, beside, feeds.sightings())) as relations:
        extras = {**extras_of(ends.values()), **feeds.extras}
        for seed in compare(feeds, relations, terms, extras=extras, **given):
            totals.count(seed)
            (_write if options.json else _show)(seed)
    code = output.tell_unread(feeds.tally, beside)
    elsewhere = [seed_id for seed_id, end in ends.items()
                 if end.is_elsewhere and seed_id not in totals.found]  # fmt: skip
    if options.json:
        output.json_line({"kind": "summary", **_summary(totals, terms, elsewhere)})
    for line in elsewhere_told(elsewhere, has_matches=bool(matches)):
        output.say(line)
    if open_run := unfinished(paths, totals.found, ends):
        output.say(open_run.told)
    return code


class _Totals:
    """What is told at the end."""

    def __init__(self) -> None:
        self.found: set[str | None] = set()
        self.offers = self.landed = self.others = 0

    def count(self, seed: SeedChoices) -> None:
        self.found.add(seed.seed_id)
        self.offers += seed.offers
        self.landed += seed.landed
        self.others += seed.others


def _summary(totals: _Totals, terms: Terms, elsewhere: Sequence[str]) -> dict[str, Any]:
    return {
        "seeds": len(totals.found),
        "offers": totals.offers,
        "landed_unknown": totals.offers - totals.landed,
        "other_units": totals.others,
        "elsewhere_count": len(elsewhere),
        "elsewhere": list(elsewhere[:20]),
        "terms": {name: dict(value) if isinstance(value, tuple) else value
                  for name, value in asdict(terms).items()},
    }  # fmt: skip


def _write(seed: SeedChoices) -> None:
    for rank, choice in enumerate(seed.choices, 1):
        output.json_line(_facts(seed, choice, rank))


def _facts(seed: SeedChoices, choice: Choice, rank: int) -> dict[str, Any]:
    offer, cost = choice.offer, choice.cost
    return {
        "kind": "choice",
        "seed_id": seed.seed_id,
        "rank": rank,
        "num_iid": offer.num_iid,
        "title": offer.title,
        "detail_url": detail_url(offer.num_iid),
        "gateway": offer.gateway,
        "fetched_at": offer.fetched_at,
        "seller_id": offer.seller_id,
        "seller_nick": offer.seller_nick,
        "area": offer.area,
        "similarity": choice.similarity,
        "min_order": offer.min_order,
        "quantity": seed.own.terms.quantity,
        "unit": offer.unit,
        "pieces_per_unit": cost.measure.pieces,
        "landed_per": cost.measure.piece,
        "pieces": cost.pieces,
        "currency": offer.currency or YUAN,
        "unit_best": cost.unit.best,
        "unit_worst": cost.unit.worst,
        "postage": cost.postage.fee,
        "postage_basis": cost.postage.basis,
        **_ends("postage", cost.postage.order),
        **_ends("landed", cost.landed),
        **_ends("vat", cost.vat),
        **_ends("total", cost.total),
        "sell_price": seed.sell_price,
        **_ends("margin", choice.margin),
        **_ends("margin_percent", choice.margin_percent),
        "unknown": list(cost.lacks),
    }


def _ends(name: str, span: PriceRange) -> dict[str, Any]:
    return {f"{name}_best": _short(span.best), f"{name}_worst": _short(span.worst)}


def _short(value: Any) -> Any:
    return None if value is None else round(value, 4)


def _show(seed: SeedChoices) -> None:
    terms = seed.own.terms
    title = f"{seed.seed_id or 'seed unknown'}: quantity {terms.quantity}"
    if seed.sell_price is not None:
        title += f", sold at {output.money(seed.sell_price)}"
    if terms.currency:
        title += f" ({terms.currency})"
    terminal_table.show(title, _HEADS, map(_row, seed.choices), list(_foot(seed)), _SPARE)


def _row(choice: Choice) -> tuple[str, ...]:
    offer, cost = choice.offer, choice.cost
    is_taxed = any(sums is not None and sums.vat for sums in cost.sums)
    return (
        offer.num_iid,
        offer.seller_nick or offer.seller_id or "?",
        *("?" if value is None else str(value) for value in (choice.similarity, offer.min_order)),
        f"{output.span(cost.unit)}{'' if offer.is_yuan else f' {offer.currency}'}",
        _unit(cost.measure),
        output.span(cost.postage.order),
        output.span(cost.landed),
        output.span(cost.vat) if is_taxed else "",
        _margin(choice),
        ", ".join(LACKS[each] for each in cost.lacks),
    )


def _unit(measure: Measure) -> str:
    if measure.unit is None:
        return "?"
    return f"{measure.unit} = {measure.pieces} {measure.piece}" if measure.is_pack else measure.unit


def _margin(choice: Choice) -> str:
    best, worst = choice.margin
    if best is None and worst is None:
        return ""
    percents = [f"{end:.0f}" for end in choice.margin_percent[::-1] if end is not None]
    return f"{output.span(PriceRange(worst, best))} ({'–'.join(dict.fromkeys(percents))}%)"


def _foot(seed: SeedChoices) -> Iterator[str]:
    lacking = seed.offers - seed.landed
    offers = counted(seed.offers, "offer")
    yield f"{len(seed.choices)} of {offers}; of {lacking} the landed cost is unknown"
    if any("postage" in choice.cost.lacks for choice in seed.choices):
        yield "postage is not told: --postage YUAN says what an order's may be"
    if seed.others:
        yield (f"{counted(seed.others, 'offer')} sold by another unit than {seed.unit}: ranked "
               "after the others, not against them")  # fmt: skip
    for name, text in seed.own.unread.items():
        without = "margin unknown" if name == "sell_price" else "that of the terms is taken"
        yield f"{name} {text!r} of this seed is no number: {without}"
