"""`scrapy pailitao find`: the offers that fit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pailitao_spider.analysis import output as telling
from pailitao_spider.analysis import terminal_table
from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.feed_reader import Line, OfferLine, Tally, check_feeds, sides
from pailitao_spider.analysis.find import SORTS, OfferFilter, find, unknown_counts
from pailitao_spider.analysis.ids import read_ids
from pailitao_spider.analysis.landed_cost import unit_price
from pailitao_spider.analysis.ledgers import elsewhere_told, seed_ends
from pailitao_spider.analysis.matches import matches_in
from pailitao_spider.analysis.unfinished import unfinished
from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.gateways.capabilities import silent_on
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.feed_files import is_side_file
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.storage.atomic_file import ended, replacing

__all__ = ["SUMMARY", "add_options", "check_output", "run"]

SUMMARY = "the offers that fit: similarity > 0.9, price < 30, dropship is one line"

_SHOWN = 50
_FILTERS: dict[str, tuple[Any, str, str]] = {
    "min_similarity": (parsers.share, "0-1", "at least so similar to its seed"),
    "min_visual_similarity": (parsers.share, "0-1", "at least so alike to look at"),
    "min_price": (telling.number("an amount in yuan such as 29.90"), "YUAN", "at least"),
    "max_price": (telling.number("an amount in yuan such as 29.90"), "YUAN", "at most"),
    "quantity": (parsers.whole(), "N", "judge prices at N units (at any), sold from N on"),
    "max_moq": (parsers.whole(), "N", "sold from N pieces or fewer"),
    "min_repurchase": (parsers.share, "0-1", "so many buyers came back"),
    "min_years": (parsers.whole(), "N", "the shop is so many years old"),
    "ship_within": (parsers.whole(), "HOURS", "sent within so many hours"),
    "max_dropship_price": (telling.number("an amount in yuan such as 29.90"), "YUAN", "at most"),
    "area": (parsers.text, "TEXT", "words of the area, in Chinese or pinyin"),
    "shop_type": (parsers.text, "TEXT", "words of the shop type"),
    "category": (parsers.text, "TEXT", "words of the category"),
    "text": (parsers.text, "TEXT", "words of the title, in any order"),
    "seller": (parsers.text, "TEXT", "the seller's id, or words of its name"),
    "seed": (parsers.text, "ID", "found with this seed (also by the matches, if there are)"),
}
_READERS = {
    **{name: read for name, (read, _, _) in _FILTERS.items()},
    "unknown": parsers.one_of({"keep": "", "drop": ""}),
    "sort": parsers.one_of(dict.fromkeys(SORTS, "")),
    "limit": parsers.whole(),
}
_HEADS = {"title": "left", "price": "right", "unit": "left", "MOQ": "right", "sales": "right",
          "sim.": "right", "visual": "right", "seller": "left", "area": "left", "seed": "whole",
          "offer": "right"}  # fmt: skip
_SPARE = ("area", "seller", "unit", "sales", "seed", "visual", "sim.", "MOQ")


_CURES = {
    "min_similarity": ": pailitao similarity looks at the pictures, then --min-visual-similarity",
    "min_visual_similarity": ": pailitao similarity adds it",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    for name, (_, metavar, text) in _FILTERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument(
        "--ids", type=Path, metavar="FILE",
        help="only these: the report's shortlist.csv, a .jsonl, or a list of ids",
    )  # fmt: skip
    parser.add_argument("--dropship", action="store_true", help="sold by the piece to resellers")
    parser.add_argument("--factory", action="store_true", help="made by the seller")
    parser.add_argument("--not-patented", action="store_true", help="bears no patent mark")
    parser.add_argument("--not-ad", action="store_true", help="no advertisement")
    parser.add_argument("--unknown", metavar="keep|drop", help="what is unknown; keep is default")
    parser.add_argument("--sort", metavar="|".join(SORTS), help="the best first, unknown last")
    parser.add_argument("--limit", metavar="N", help="the first N")
    parser.add_argument("-O", dest="output", type=Path, metavar="FILE.jsonl", help="write there")
    parser.add_argument("--json", action="store_true", help="lines of the feed, not a table")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = telling.typed(options, _READERS)
    sort, limit = given.pop("sort", None), given.pop("limit", None)
    keeps_unknown = given.pop("unknown", "keep") == "keep"
    paths = check_feeds(options.feeds, may_be_empty=True)
    _check_prices(given)
    check_output(options.output, paths)
    ids = None if options.ids is None else read_ids(options.ids)
    feeds, beside = Current(paths, by_seed=True), Tally()
    wanted = OfferFilter(
        **given,
        ids=None if ids is None else frozenset(ids),
        dropship=options.dropship,
        factory=options.factory,
        not_patented=options.not_patented,
        not_ad=options.not_ad,
        keeps_unknown=keeps_unknown,
        sighted=_sighted(given.get("seed"), paths, feeds, beside),
    )
    counts = _Counts()
    _tell(counts.of(find(feeds, wanted, sort, limit)), feeds, wanted, options)
    code = telling.tell_unread(feeds.tally, beside)
    if options.json:
        telling.json_line({"kind": "summary", "offers": feeds.tally.offers, "found": counts.found,
                           "missing_ids": list(counts.missing(ids))})  # fmt: skip
    if missing := counts.missing(ids):
        telling.say(f"{len(missing)} of {counted(len(ids or ()), 'id')} are not in what is found, "
                    f"the first {missing[0]}")  # fmt: skip
    _tell_silent(wanted, counts.gateways)
    if not counts.found:
        _tell_unknown(wanted, paths)
        _tell_elsewhere(given.get("seed"), paths, beside)
    if open_run := unfinished(paths, (), ()):
        telling.say(open_run.told)
    return code


class _Counts:
    """What went by."""

    def __init__(self) -> None:
        self.found = 0
        self.gateways: set[str] = set()
        self._ids: set[str] = set()

    def of(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            self.found += 1
            self._ids.add(line.offer.num_iid)
            self.gateways.add(line.offer.gateway or "")
            yield line

    def missing(self, ids: Sequence[str] | None) -> list[str]:
        return [each for each in ids or () if each not in self._ids]


_ASKED_OF = {
    "min_similarity": "similarity",
    "dropship": "one_stop_service",
    "max_moq": "min_order",
    "min_repurchase": "repurchase_rate",
    "factory": "is_factory",
    "min_years": "shop_years",
    "ship_within": "ship_within_hours",
    "max_dropship_price": "dropship_price",
    "not_patented": "is_patented",
}


def _tell_silent(wanted: OfferFilter, gateways: Collection[str]) -> None:
    """Filters that let pass whatever a gateway gave, since it does not tell."""
    for name, field in _ASKED_OF.items():
        if getattr(wanted, name) and (silent := silent_on(field, gateways)):
            option = f"--{name.replace('_', '-')}"
            telling.say(
                f"{option}: {', '.join(silent)} tells nothing of it, its offers are kept"
                f"{_CURES.get(name, ' (--unknown drop leaves them out)')}"
            )


def _tell_unknown(wanted: OfferFilter, paths: list[Path]) -> None:
    """Where nothing is left since offers do not say what was asked for."""
    if wanted.keeps_unknown:
        return
    feeds = Current(paths)
    for name, count in unknown_counts(feeds, wanted).items():
        option = f"--{name.replace('_', '-')}"
        cure = _CURES.get(name, "")
        telling.say(f"{count} of {counted(feeds.tally.offers, 'offer')} do not say what {option} "
                    f"asks for{cure}")  # fmt: skip


def _tell_elsewhere(seed: str | None, paths: list[Path], beside: Tally) -> None:
    """A seed whose offers were all found before with others."""
    ends = {end.seed_id: end for end in seed_ends(sides(paths, "seeds"), beside)} if seed else {}
    if seed in ends and ends[seed].is_elsewhere:
        for line in elsewhere_told([seed], has_matches=bool(sides(paths, "matches"))):
            telling.say(line)


def _check_prices(given: dict[str, Any]) -> None:
    least, most = given.get("min_price"), given.get("max_price")
    if least is not None and most is not None and least > most:
        raise ConfigError(f"--min-price {least} is above --max-price {most}: no offer fits")


def check_output(output: Path | None, paths: Iterable[Path]) -> None:
    """No result may be written over what it is made of, or over a crawl's feed."""
    if output is None:
        return
    if output.suffix != ".jsonl" or is_side_file(output) or output.is_dir():
        raise ResultsError(f"{output}: give the name of a .jsonl file, such as -O found.jsonl")
    if output.exists() and any(output.samefile(path) for path in paths):
        raise ResultsError(f"{output} is what is read; give another name with -O")
    if ResultPaths.beside(output).seeds.exists():
        raise ResultsError(f"{output} is a crawl's feed, its ledger lies beside it; give another "
                           "name with -O")  # fmt: skip


def _sighted(
    seed: str | None, paths: list[Path], feeds: Current, beside: Tally
) -> dict[str, Decimal | None]:
    """The offers of one seed, as matches and older lines know them."""
    if seed is None:
        return {}
    matches = chain(feeds.sightings(), matches_in(sides(paths, "matches"), beside))
    return {each.num_iid: each.similarity for each in matches if each.seed_id == seed}


def _tell(
    lines: Iterator[Line], feeds: Current, wanted: OfferFilter, options: argparse.Namespace
) -> None:
    if options.output is not None:
        count = _save(lines, feeds, options.output)
        telling.say(f"{counted(count, 'offer')} in {options.output}")
    elif options.json or not sys.stdout.isatty():
        _pour(lines, feeds)
    else:
        _show(lines, wanted)


def _pour(lines: Iterator[Line], feeds: Current) -> None:
    """The lines as they stand; that there are none is said beside them."""
    is_any = False
    for line in lines:
        telling.write(line.raw)
        is_any = True
    if feeds.tally.offers and not is_any:
        telling.say(f"none of {counted(feeds.tally.offers, 'offer')} fits")


def _save(lines: Iterable[Line], feeds: Current, output: Path) -> int:
    """A kill, and a feed without any offer, leave the old file."""
    count = 0
    try:
        with replacing(output, sweeps=True) as file:
            for line in lines:
                file.write(ended(line.raw))
                count += 1
            telling.check_offers(feeds.tally)
    except OSError as error:
        raise ResultsError(f"{output} cannot be written ({error.strerror or error})") from error
    return count


def _show(lines: Iterator[Line], wanted: OfferFilter) -> None:
    shown = [_row(line, wanted) for line in islice(lines, _SHOWN)]
    more = sum(1 for _ in lines)
    foot = [counted(len(shown) + more, "offer")]
    if more:
        foot[0] += f", the first {_SHOWN} shown; --limit N, -O FILE.jsonl or --json give others"
    terminal_table.show("", _HEADS, shown, foot, _SPARE)


def _row(line: Line, wanted: OfferFilter) -> tuple[str, ...]:
    offer = line.offer
    sold = offer.sales
    return (
        offer.title or "?",
        _price(offer, wanted),
        offer.unit or "?",
        "?" if offer.min_order is None else str(offer.min_order),
        "?" if sold is None else f"{sold}{'+' if offer.sales_at_least else ''}{_window(offer)}",
        "?" if (similarity := wanted.similarity(offer)) is None else str(similarity),
        "" if offer.visual_similarity is None else str(offer.visual_similarity),
        offer.seller_nick or offer.seller_id or "?",
        offer.area or "?",
        offer.seed_id or "?",
        offer.num_iid,
    )


def _price(offer: OfferLine, wanted: OfferFilter) -> str:
    told = offer.ends if wanted.quantity is None else unit_price(offer, wanted.quantity)[0]
    ends = [telling.money(end) for end in told if end is not None]
    return f"{'–'.join(dict.fromkeys(ends)) or '?'}{'' if offer.is_yuan else f' {offer.currency}'}"


def _window(offer: OfferLine) -> str:
    """`/30d`; sales of all times as they stand."""
    return f"/{offer.sales_window}" if offer.sales_window not in (None, "total") else ""
