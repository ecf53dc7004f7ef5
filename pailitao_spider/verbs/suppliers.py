"""`scrapy pailitao suppliers`: who has most of what was searched, and the fewest to buy it from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from pailitao_spider.analysis import output, terminal_table
from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.feed_reader import Tally, check_feeds, sides
from pailitao_spider.analysis.ledgers import SeedOutcome, seed_ends
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.suppliers import Supplier, Suppliers, suppliers_of
from pailitao_spider.analysis.unfinished import unfinished
from pailitao_spider.config import parsers
from pailitao_spider.offers.values.texts import counted

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "who has offers for most seeds, and the fewest suppliers for all of them"

_READERS = {"share": parsers.share, "top": parsers.whole()}
_HEADS = {"supplier": "left", "seeds": "right", "in set": "whole", "offers": "right",
          "price": "right", "dropship": "right", "score": "right", "area": "left"}  # fmt: skip
_SPARE = ("area", "score", "dropship", "offers")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    parser.add_argument("--share", metavar="0-1", help="the part of the seeds to be covered (1)")
    parser.add_argument("--top", metavar="N", help="suppliers to list (20), besides the set")
    parser.add_argument("--json", action="store_true", help="a JSON object a supplier, then one")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when seeds stay uncovered or lines were unreadable, 2 for a mistake."""
    return output.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = output.typed(options, _READERS)
    top = given.get("top", 20)
    paths = check_feeds(options.feeds, may_be_empty=True)
    feeds, beside = Current(paths), Tally()
    with closing(Relations(sides(paths, "matches"), beside, feeds.sightings())) as relations:
        ends = {end.seed_id: end for end in seed_ends(sides(paths, "seeds"), beside)}
        elsewhere = () if sides(paths, "matches") else _elsewhere(ends)
        found = suppliers_of(feeds, relations, given.get("share", Decimal(1)), ends, elsewhere)
    unread = output.tell_unread(feeds.tally, beside)
    (_write if options.json else _show)(found, top)
    if open_run := unfinished(paths, found.seed_ids, ends):
        output.say(open_run.told)
    return unread or (0 if found.is_reached else 1)


def _elsewhere(ends: Mapping[str, SeedOutcome]) -> set[str]:
    return {seed_id for seed_id, end in ends.items() if end.is_elsewhere}


def _listed(found: Suppliers, top: int) -> Iterator[tuple[Supplier, int | None]]:
    """The picks in their order, then the best of the others; with the place in the set."""
    picks = found.cover.picks
    picked = set(picks)
    for place, index in enumerate(picks, 1):
        yield found.ranked[index], place
    others = (each for index, each in enumerate(found.ranked) if index not in picked)
    for each, _ in zip(others, range(max(0, top - len(picks))), strict=False):
        yield each, None


def _write(found: Suppliers, top: int) -> None:
    for supplier, place in _listed(found, top):
        adds = None if place is None else found.cover.gains[place - 1]
        facts = msgspec.structs.asdict(supplier)
        output.json_line({"kind": "supplier", **facts, "in_set": place, "adds": adds})
    output.json_line({"kind": "set", **_facts(found)})
    output.json_line({"kind": "summary", **_facts(found)})


def _facts(found: Suppliers) -> dict[str, Any]:
    return {
        "suppliers": len(found.ranked),
        "set": len(found.cover.picks),
        "seeds": found.seeds,
        "wanted": found.target,
        "covered": found.cover.covered,
        "ambiguous": found.ambiguous,
        "method": "exact" if found.cover.is_smallest else "greedy",
        "uncovered": list(found.uncovered),
        "uncovered_count": found.uncovered_count,
        "elsewhere": list(found.elsewhere),
        "elsewhere_count": found.elsewhere_count,
        "nameless": list(found.nameless),
        "nameless_count": found.nameless_count,
    }


def _show(found: Suppliers, top: int) -> None:
    title = f"{counted(len(found.ranked), 'supplier')}, {counted(found.seeds, 'seed')}"
    rows = (_row(found, *each) for each in _listed(found, top))
    terminal_table.show(title, _HEADS, rows, list(_foot(found)), _SPARE)


def _row(found: Suppliers, supplier: Supplier, place: int | None) -> tuple[str, ...]:
    unknown = f" ({supplier.dropship_unknown}?)" if supplier.dropship_unknown else ""
    level = supplier.price_level
    return (
        supplier.name,
        str(supplier.seeds),
        "" if place is None else f"{place}, adds {found.cover.gains[place - 1]}",
        str(supplier.offers),
        "?" if level is None else f"{level:.0%}",
        f"{supplier.dropship}{unknown}",
        "?" if supplier.score is None else str(supplier.score),
        supplier.area or "?",
    )


def _foot(found: Suppliers) -> Iterator[str]:
    cover = found.cover
    how = "no smaller set does" if cover.is_smallest else "found greedily: a smaller set may exist"
    if cover.is_smallest and found.ambiguous:
        how += ", as far as ids tell"
    who = "1 supplier covers" if len(cover.picks) == 1 else f"{len(cover.picks)} suppliers cover"
    yield f"{who} {cover.covered} of {counted(found.seeds, 'seed')}; {how}"
    yield "price: 100% is the median of the offers of the same seed; dropship: offers that have it"
    if not found.is_reached:
        were = "was" if found.target == 1 else "were"
        yield f"{counted(found.target, 'seed')} {were} wanted: exit code 1"
    if found.uncovered:
        yield f"not covered: {_named(found.uncovered, found.uncovered_count)}"
    if found.elsewhere:
        names = _named(found.elsewhere, found.elsewhere_count)
        yield (
            "found nothing new, their offers stand under other seeds (or a filter left them out): "
            f"{names}; crawl with PAILITAO_MATCHES=1 to have them told and counted"
        )
    if found.ambiguous:
        names = "1 name fits" if found.ambiguous == 1 else f"{found.ambiguous} names fit"
        yield (f"{names} several sellers and nothing tells which: each stands for itself, so that "
               "fewer suppliers may do")  # fmt: skip
    if found.nameless:
        names = _named(found.nameless, found.nameless_count)
        name = "offer names no seller and counts" if found.nameless_count == 1 else (
            "offers name no seller and count")  # fmt: skip
        yield f"{found.nameless_count} {name} for none: {names}"


def _named(some: tuple[str, ...], count: int) -> str:
    more = f" and {count - len(some)} more" if count > len(some) else ""
    return f"{', '.join(some)}{more}"
