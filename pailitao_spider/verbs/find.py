"""`scrapy pailitao find`: the offers that fit."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from pailitao_spider import typed_text
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.questions import showing, telling
from pailitao_spider.questions.finding import SORTS, Wanted, find
from pailitao_spider.questions.reading import Feeds, Line, Tally, check_feeds, sides
from pailitao_spider.questions.relations import matches_in
from pailitao_spider.questions.unfinished import unfinished
from pailitao_spider.results.drafts import Draft
from pailitao_spider.results.feed_files import is_side_file
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.values.counted import counted

__all__ = ["SUMMARY", "add_options", "check_output", "run"]

SUMMARY = "the offers that fit: similarity > 0.9, price < 30, dropship is one line"

_SHOWN = 50
_FILTERS: dict[str, tuple[Any, str, str]] = {
    "min_similarity": (typed_text.share, "0-1", "at least so similar to its seed"),
    "min_visual_similarity": (typed_text.share, "0-1", "at least so alike to look at"),
    "min_price": (telling.number("an amount in yuan such as 29.90"), "YUAN", "at least"),
    "max_price": (telling.number("an amount in yuan such as 29.90"), "YUAN", "at most"),
    "max_moq": (typed_text.whole(), "N", "sold from N pieces or fewer"),
    "area": (typed_text.text, "TEXT", "words of the area"),
    "shop_type": (typed_text.text, "TEXT", "words of the shop type"),
    "text": (typed_text.text, "TEXT", "words of the title, in any order"),
    "seller": (typed_text.text, "TEXT", "the seller's id, or words of its name"),
    "seed": (typed_text.text, "ID", "found with this seed (also by the matches, if there are)"),
}
_READERS = {
    **{name: read for name, (read, _, _) in _FILTERS.items()},
    "unknown": typed_text.one_of({"keep": "", "drop": ""}),
    "sort": typed_text.one_of(dict.fromkeys(SORTS, "")),
    "limit": typed_text.whole(),
}
_HEADS = {"title": "left", "price": "right", "MOQ": "right", "sales": "right", "sim.": "right",
          "visual": "right", "seller": "left", "area": "left", "seed": "whole",
          "offer": "right"}  # fmt: skip
_SPARE = ("area", "seller", "sales", "seed", "visual", "sim.", "MOQ")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    for name, (_, metavar, text) in _FILTERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument("--dropship", action="store_true", help="sold by the piece to resellers")
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
    paths = check_feeds(options.feeds)
    _check_prices(given)
    check_output(options.output, paths)
    feeds, beside = Feeds(paths), Tally()
    wanted = Wanted(
        **given,
        dropship=options.dropship,
        not_ad=options.not_ad,
        keeps_unknown=keeps_unknown,
        sighted=_sighted(given.get("seed"), paths, beside),
    )
    _tell(find(feeds, wanted, sort, limit), feeds, wanted, options)
    code = telling.tell_unread(feeds.tally, beside)
    if open_run := unfinished(paths, (), ()):
        telling.say(open_run.told)
    return code


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


def _sighted(seed: str | None, paths: list[Path], beside: Tally) -> dict[str, Decimal | None]:
    """The offers of one seed, as the matches know them."""
    if seed is None:
        return {}
    matches = matches_in(sides(paths, "matches"), beside)
    return {each.num_iid: each.similarity for each in matches if each.seed_id == seed}


def _tell(lines: Iterator[Line], feeds: Feeds, wanted: Wanted, options: argparse.Namespace) -> None:
    if options.output is not None:
        count = _save(lines, feeds, options.output)
        telling.say(f"{counted(count, 'offer')} in {options.output}")
    elif options.json or not sys.stdout.isatty():
        _pour(lines, feeds)
    else:
        _show(lines, wanted)


def _pour(lines: Iterator[Line], feeds: Feeds) -> None:
    """The lines as they stand; that there are none is said beside them."""
    is_any = False
    for line in lines:
        telling.write(line.raw)
        is_any = True
    if feeds.tally.offers and not is_any:
        telling.say(f"none of {counted(feeds.tally.offers, 'offer')} fits")


def _save(lines: Iterable[Line], feeds: Feeds, output: Path) -> int:
    """A kill, and a feed without any offer, leave the old file."""
    count = 0
    try:
        draft = Draft(output)
        try:
            for line in lines:
                draft.append(line.raw)
                count += 1
            telling.check_offers(feeds.tally)
            draft.finish()
            draft.publish()
        finally:
            draft.discard()
    except OSError as error:
        raise ResultsError(f"{output} cannot be written ({error.strerror or error})") from error
    return count


def _show(lines: Iterator[Line], wanted: Wanted) -> None:
    shown = [_row(line, wanted) for line in islice(lines, _SHOWN)]
    more = sum(1 for _ in lines)
    foot = [counted(len(shown) + more, "offer")]
    if more:
        foot[0] += f", the first {_SHOWN} shown; --limit N, -O FILE.jsonl or --json give others"
    showing.show("", _HEADS, shown, foot, _SPARE)


def _row(line: Line, wanted: Wanted) -> tuple[str, ...]:
    offer = line.offer
    ends = {str(end) for end in (offer.lowest, offer.highest) if end is not None}
    return (
        offer.title or "?",
        "–".join(sorted(ends, key=Decimal)) or "?",
        *("?" if value is None else str(value)
          for value in (offer.min_order, offer.sales, wanted.similarity(offer))),
        "" if offer.visual_similarity is None else str(offer.visual_similarity),
        offer.seller_nick or offer.seller_id or "?",
        offer.area or "?",
        offer.seed_id or "?",
        offer.num_iid,
    )  # fmt: skip
