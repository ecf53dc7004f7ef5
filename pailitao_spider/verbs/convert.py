"""`scrapy pailitao convert`: what was crawled as a table for Excel, pandas or a database."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pailitao_spider.config.feeds import csv_has_bom
from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.feed_files import check_text, is_side_file, once
from pailitao_spider.tables.conversion import FORMATS, Converted, Layout, convert, layout_of
from pailitao_spider.tables.offer_lines import OfferLine
from pailitao_spider.tables.registry import check_library

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "write what was crawled as .xlsx, .parquet or .csv"

_MOST_TOLD = 20
_PLACE = re.compile(r" \(byte \d+\)")
_ENDINGS = tuple(f".{name}" for name in FORMATS)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, metavar="FILES", help=".jsonl feeds")
    parser.add_argument(
        "-O",
        dest="output",
        type=Path,
        metavar="FILE",
        help="the table to write, by its ending .xlsx, .parquet or .csv; replaced",
    )
    parser.add_argument(
        "--columns", metavar="A,B,C", help="these columns, in this order; all by default"
    )
    parser.add_argument(
        "--seed-columns",
        action="store_true",
        help="add a column seed_<name> for each name in seed_extra; the files are read twice",
    )


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when every line is in the table, 1 when some were left out or nothing was
    written, 2 for a mistake.
    """
    told = _Told()
    try:
        paths, out = _feeds(options.files), _output(options.output)
        _check_apart(paths, out)
        check_library(out.suffix[1:])
        has_bom = csv_has_bom(getattr(options, "settings", None) or {}, unset=True)
        layout = _layout(paths, options)
        converted = _converted(paths, out, layout, has_bom, told)
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        return 1
    told.end()
    sys.stdout.write("".join(f"{line}\n" for line in _story(converted, layout, paths, out)))
    return 1 if converted.left_out else 0


def _feeds(given: Sequence[Path]) -> list[Path]:
    """Files that hold offers; of `offers*.jsonl` the ledger and other side files are left out."""
    for path in given:
        if not path.is_file():
            why = "is no file" if path.exists() else "does not exist"
            raise ResultsError(f"{path} {why}; give .jsonl feeds")
        if path.suffix != ".jsonl":
            raise ResultsError(f"{path} is no .jsonl feed, and only those can be converted")
    feeds = [path for path in given if not is_side_file(path)]
    if not feeds:
        what = f"{given[0]} lies beside a feed, so there is" if given else "there is"
        raise ResultsError(f"{what} no feed to convert; give the .jsonl file of a crawl or a merge")
    for path in feeds:
        check_text(path)
    return once(feeds)


def _output(given: Path | None) -> Path:
    if given is None:
        raise ConfigError("no output; say where to write the table: -O offers.xlsx")
    if given.suffix not in _ENDINGS:
        raise ConfigError(f"{given}: convert writes {', '.join(_ENDINGS)}; end the name so")
    if given.is_dir():
        raise ResultsError(f"{given} is a folder; give the name of a file with -O")
    if not given.parent.is_dir():
        raise ResultsError(f"{given} cannot be written: there is no folder {given.parent}; make it "
                           "first, or give another name with -O")  # fmt: skip
    if given.exists() and not os.access(given, os.W_OK):
        raise ResultsError(f"{given} is read-only; give another name with -O")
    return given


def _check_apart(paths: Sequence[Path], out: Path) -> None:
    if out.exists() and any(out.samefile(path) for path in paths):
        raise ResultsError(f"{out} is what is to be converted; give another name with -O")


def _layout(paths: Sequence[Path], options: argparse.Namespace) -> Layout:
    chosen = None
    if options.columns is not None:
        chosen = [name.strip() for name in options.columns.split(",") if name.strip()]
        if not chosen:
            raise ConfigError("--columns: no name; give some such as num_iid,title,price")
    try:
        return layout_of(paths, chosen, options.seed_columns)
    except OSError as error:
        raise ResultsError(f"{error.filename} cannot be read ({error.strerror})") from error


def _converted(
    paths: Sequence[Path], out: Path, layout: Layout, has_bom: bool, told: _Told
) -> Converted:
    try:
        return convert(paths, out, layout, has_bom, told)
    except OSError as error:
        raise ResultsError(
            f"{out} cannot be written ({error.strerror or error}); nothing was changed; give "
            "another place with -O, and TMPDIR where temporary files are too large"
        ) from error


class _Told:
    """Which lines are left out: of each file and reason the first, with the number of others."""

    def __init__(self) -> None:
        self._first: dict[tuple[Path, str], int] = {}
        self._counts: Counter[tuple[Path, str]] = Counter()

    def __call__(self, line: OfferLine) -> None:
        what = "the last line is torn" if line.is_torn else f"no offer line ({line.why})"
        key = (line.path, _PLACE.sub("", what))
        if key not in self._first and len(self._first) == _MOST_TOLD:
            key = (Path(), "")
        self._first.setdefault(key, line.number)
        self._counts[key] += 1

    def end(self) -> None:
        for (path, what), number in self._first.items():
            count = self._counts[path, what]
            more = f", as are {count - 1} more for the same reason" if count > 1 else ""
            sys.stderr.write(
                f"{path}:{number}: {what}; left out{more}\n" if what
                else f"and {counted(count, 'more line', 'more lines')}\n"
            )  # fmt: skip


def _story(converted: Converted, layout: Layout, paths: Sequence[Path], out: Path) -> list[str]:
    facts: list[Any] = [
        f"offers:   {converted.offers} in {out}, {len(layout.columns)} columns",
        f"from:     {counted(len(paths), 'file')}, {counted(converted.left_out, 'line')} left out",
    ]
    if converted.unnamed:
        names = ", ".join(
            f"{name} ({counted(n, 'line')})" for name, n in converted.unnamed.most_common(10)
        )
        facts.append(f"no column for members that the first line lacks: {names}")
    if converted.odd:
        names = ", ".join(f"{name} ({n})" for name, n in converted.unread.most_common(10))
        facts.append(f"unknown:  values of {counted(converted.odd, 'offer')} that cannot be read, "
                     f"the first at {converted.first_odd}: {names}")  # fmt: skip
    if converted.untimed:
        facts.append(f"unknown:  {counted(converted.untimed, 'time')} that cannot be read")
    if converted.rounded:
        facts.append(
            f"rounded:  {counted(converted.rounded, 'number')} with more digits than the format has"
        )
    return facts
