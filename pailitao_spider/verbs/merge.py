"""`scrapy pailitao merge`: many workers' feeds made one, each offer once, and checked."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.offers.dedup import DEDUP_KEYS
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.merge_inputs import gather, merged_paths
from pailitao_spider.results.merging import Merged, merge
from pailitao_spider.results.paths import ResultPaths

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "make one feed of many workers' files, each offer once, and check that none is missing"

_SETTING = "PAILITAO_DEDUP"
_SCOPE = parsers.one_of(dict.fromkeys(DEDUP_KEYS, ""))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILES", help=".jsonl files, or folders with them"
    )
    parser.add_argument(
        "-O", dest="output", type=Path, metavar="FILE.jsonl", help="the feed to write; replaced"
    )
    parser.add_argument(
        "--dedup",
        metavar="|".join(DEDUP_KEYS),
        help="an offer is written once in all, once a seed, or at each place (PAILITAO_DEDUP)",
    )
    parser.add_argument("--json", action="store_true", help="tell the outcome as a JSON object")


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when all is there, 1 when something is missing, 2 for a mistake."""
    try:
        scope = _scope(options, os.environ)
        out = _output(options.output)
        merged = merge(gather(options.files), out, scope)
    except (ConfigError, ResultsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        return 1
    told = json.dumps(_facts(merged, out)) if options.json else "\n".join(_story(merged, out))
    sys.stdout.write(f"{told}\n")
    return 0 if merged.is_complete else 1


def _scope(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """What was typed, else the setting, else the environment."""
    settings: Mapping[str, Any] = getattr(options, "settings", None) or {}
    set_to = settings.get(_SETTING)
    name, text = _SETTING, str(environ.get(_SETTING, "") if set_to is None else set_to)
    if options.dedup is not None:
        name, text = "--dedup", options.dedup
    try:
        return _SCOPE(text.strip() or "crawl")
    except ValueError as error:
        raise ConfigError(f"{name}: {text!r} is not {error}") from error


def _output(given: Path | None) -> ResultPaths:
    if given is None:
        raise ConfigError("no output; say where to write the merged feed: -O offers.jsonl")
    return merged_paths(given)


def _facts(merged: Merged, out: ResultPaths) -> dict[str, Any]:
    verdict = merged.verdict
    return {
        "output": str(out.feed),
        "complete": merged.is_complete,
        "files": merged.files,
        "ledgers": merged.ledgers,
        "lines": merged.offers.lines,
        "offers": merged.offers.kept,
        "duplicates": merged.offers.duplicates,
        "torn": merged.offers.torn,
        "torn_beside": merged.torn_beside,
        "rejected": merged.rejected,
        "matches": merged.matches,
        "seeds": verdict.seeds,
        "open_seeds": verdict.open_seeds,
        "claimed": verdict.claimed,
        "missing": verdict.missing if merged.ledgers else None,
        "unaccounted": merged.unaccounted,
        "short_seeds": verdict.short_seeds,
        "largest": [asdict(each) for each in verdict.largest],
    }


def _story(merged: Merged, out: ResultPaths) -> Iterator[str]:
    offers = merged.offers
    yield f"offers:   {offers.kept} in {out.feed}"
    yield (
        f"from:     {counted(merged.files, 'file')} with {counted(offers.lines, 'line')}, "
        f"{offers.duplicates} duplicate, {offers.torn} torn"
    )
    yield f"seeds:    {', '.join(f'{n} {status}' for status, n in merged.verdict.seeds.items())}"
    if merged.rejected:
        yield f"rejected: {merged.rejected} in {out.rejected}"
    if merged.matches:
        yield f"matches:  {merged.matches} in {out.matches}"
    yield f"missing:  {_count_of_missing(merged)}"
    yield from _shortcomings(merged)


def _count_of_missing(merged: Merged) -> str:
    if not merged.ledgers:
        return "unknown: no ledger was given; add the .seeds.jsonl files"
    return str(merged.verdict.missing or "none")


def _shortcomings(merged: Merged) -> Iterator[str]:
    yield from _missing(merged)
    partial, failed = merged.verdict.seeds["partial"], merged.verdict.seeds["failed"]
    if partial or failed:
        yield (
            f"{counted(partial + failed, 'seed')} came only in part or failed, for the "
            "reasons in the ledger: exit code 1."
        )
    if merged.torn_beside:
        are = "is" if merged.torn_beside == 1 else "are"
        lines = counted(merged.torn_beside, "line")
        yield f"{lines} of ledgers and other side files {are} torn, and left out."
    if merged.ledgers and merged.verdict.open_seeds:
        have = "has" if merged.verdict.open_seeds == 1 else "have"
        yield (
            f"{counted(merged.verdict.open_seeds, 'seed')} {have} offers but no final line: "
            "the run has not ended; merge again at its end."
        )


def _missing(merged: Merged) -> Iterator[str]:
    verdict = merged.verdict
    for seed in verdict.largest:
        gap = seed.claimed - seed.held
        yield f"seed {seed.seed_id}: {gap} of {seed.claimed} offers are in none of these files"
    if (more := verdict.short_seeds - len(verdict.largest)) > 0:
        yield f"and {counted(more, 'more seed', 'more seeds')}"
    if verdict.missing:
        yield (
            "Most likely a worker's file was not given: merge all offers-*.jsonl of the run, or "
            "their folder. A crawl with PAILITAO_DEDUP=off is checked with --dedup off."
        )
    if merged.unaccounted:
        yield (
            f"The ledgers claim {counted(merged.unaccounted, 'offer')} more than these files "
            "hold: a worker's file was not given, or the crawl had another PAILITAO_DEDUP (give "
            "its as --dedup), or these are several crawls that found the same."
        )
