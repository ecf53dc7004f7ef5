"""`scrapy pailitao compare`: what a seed's offers cost to the door, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pailitao_spider import typed_text
from pailitao_spider.questions import showing, telling
from pailitao_spider.questions.comparing import Choice, SeedChoices, compare
from pailitao_spider.questions.ledgers import seed_ends
from pailitao_spider.questions.prices import LACKS, Terms
from pailitao_spider.questions.reading import Feeds, Tally, check_feeds, sides
from pailitao_spider.questions.relations import Relations
from pailitao_spider.questions.unfinished import unfinished
from pailitao_spider.values.counted import counted

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "what each seed's offers cost to the door at a quantity, side by side"

_TERMS: dict[str, tuple[Any, str, str]] = {
    "quantity": (typed_text.whole(), "N", "pieces in an order (1)"),
    "rate": (telling.number("a number above 0 such as 0.14", above_zero=True), "R",
             "your currency for a yuan (1: all in yuan)"),
    "freight": (telling.number("an amount a unit such as 1.20"), "F",
                "to you, a unit, in your currency (0)"),
    "duty": (telling.number("percent such as 12"), "P",
             "percent on goods, postage and freight together (0)"),
    "postage": (telling.number("yuan an order such as 8"), "YUAN",
                "an order's, where the offer does not say (unknown)"),
}  # fmt: skip
_OTHERS: dict[str, tuple[Any, str, str]] = {
    "top": (typed_text.whole(), "N", "offers a seed (10)"),
    "min_similarity": (typed_text.share, "0-1", "leave out what is known to be less similar"),
}
_OPTIONS = {**_TERMS, **_OTHERS}
_HEADS = {"offer": "right", "seller": "left", "sim.": "right", "MOQ": "right",
          "unit, yuan": "right", "postage": "right", "landed": "right", "margin": "right",
          "not known": "left"}  # fmt: skip
_SPARE = ("seller", "sim.", "not known", "postage", "MOQ")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    for name, (_, metavar, text) in _OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument("--json", action="store_true", help="a JSON object an offer")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = telling.typed(options, {name: read for name, (read, _, _) in _OPTIONS.items()})
    paths = check_feeds(options.feeds)
    terms = Terms(**{name: value for name, value in given.items() if name in _TERMS})
    others = {name: value for name, value in given.items() if name in _OTHERS}
    feeds, beside, found = Feeds(paths), Tally(), set()
    with closing(Relations(sides(paths, "matches"), beside)) as relations:
        for seed in compare(feeds, relations, terms, **others):
            found.add(seed.seed_id)
            (_write if options.json else _show)(seed, terms)
    code = telling.tell_unread(feeds.tally, beside)
    ended = {end.seed_id for end in seed_ends(sides(paths, "seeds"), beside)}
    if open_run := unfinished(paths, found, ended):
        telling.say(open_run.told)
    return code


def _write(seed: SeedChoices, terms: Terms) -> None:
    for rank, choice in enumerate(seed.choices, 1):
        telling.json_line(_facts(seed, choice, rank, terms))


def _facts(seed: SeedChoices, choice: Choice, rank: int, terms: Terms) -> dict[str, Any]:
    offer, cost = choice.offer, choice.cost
    return {
        "seed_id": seed.seed_id,
        "rank": rank,
        "num_iid": offer.num_iid,
        "title": offer.title,
        "seller_id": offer.seller_id,
        "seller_nick": offer.seller_nick,
        "similarity": choice.similarity,
        "min_order": offer.min_order,
        "quantity": terms.quantity,
        "unit_best": cost.unit.best,
        "unit_worst": cost.unit.worst,
        "postage": cost.postage,
        **{f"landed_{end}": _short(value) for end, value in cost.landed._asdict().items()},
        "sell_price": seed.sell_price,
        **{f"margin_{end}": _short(value) for end, value in choice.margin._asdict().items()},
        "unknown": list(cost.lacks),
    }


def _short(value: Any) -> Any:
    return None if value is None else round(value, 4)


def _show(seed: SeedChoices, terms: Terms) -> None:
    title = f"{seed.seed_id or 'seed unknown'}: quantity {terms.quantity}"
    if seed.sell_price is not None:
        title += f", sold at {telling.money(seed.sell_price)}"
    showing.show(title, _HEADS, map(_row, seed.choices), list(_foot(seed)), _SPARE)


def _row(choice: Choice) -> tuple[str, ...]:
    offer, cost = choice.offer, choice.cost
    is_priced = choice.margin.best is not None or choice.margin.worst is not None
    return (
        offer.num_iid,
        offer.seller_nick or offer.seller_id or "?",
        *("?" if value is None else str(value) for value in (choice.similarity, offer.min_order)),
        telling.span(cost.unit),
        telling.money(cost.postage),
        telling.span(cost.landed),
        telling.span(choice.margin._replace(best=choice.margin.worst, worst=choice.margin.best))
        if is_priced
        else "",
        ", ".join(LACKS[each] for each in cost.lacks),
    )


def _foot(seed: SeedChoices) -> Iterator[str]:
    lacking = seed.offers - seed.landed
    offers = counted(seed.offers, "offer")
    yield f"{len(seed.choices)} of {offers}; of {lacking} the landed cost is unknown"
    if seed.unread_sell_price is not None:
        yield f"sell_price {seed.unread_sell_price!r} of this seed is no number: margin unknown"
