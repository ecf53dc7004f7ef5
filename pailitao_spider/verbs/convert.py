"""`scrapy pailitao convert`: what was crawled as a table for Excel, pandas or a database."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.outputs import csv_has_bom
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.tables.conversion import FORMATS, Converted, Layout, convert, layout_of
from pailitao_spider.tables.formats import check_library
from pailitao_spider.tables.offer_lines import OfferLine

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "write what was crawled as .xlsx, .parquet or .csv"

_MOST_TOLD = 20
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
        has_bom = csv_has_bom(getattr(options, "settings", None) or {})
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
    sides = tuple(path.name[1:] for path in ResultPaths.beside(Path("x.jsonl")).all()[1:])
    feeds = [path for path in given if not path.name.endswith(sides)]
    if not feeds:
        raise ResultsError("no feed to convert; give the .jsonl file of a crawl or a merge")
    return list({path.resolve(): path for path in feeds}.values())


def _output(given: Path | None) -> Path:
    if given is None:
        raise ConfigError("no output; say where to write the table: -O offers.xlsx")
    if given.suffix not in _ENDINGS:
        raise ConfigError(f"{given}: convert writes {', '.join(_ENDINGS)}; end the name so")
    if given.is_dir():
        raise ResultsError(f"{given} is a folder; give the name of a file with -O")
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
        out.parent.mkdir(parents=True, exist_ok=True)
        return convert(paths, out, layout, has_bom, told)
    except OSError as error:
        raise ResultsError(
            f"{out} cannot be written ({error.strerror or error}); nothing was changed; give "
            "another place with -O, and TMPDIR where temporary files are too large"
        ) from error


class _Told:
    """Says which lines are left out, the first of many."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, line: OfferLine) -> None:
        self._number += 1
        if self._number <= _MOST_TOLD:
            what = "the last line is torn" if line.is_torn else f"no offer line ({line.why})"
            sys.stderr.write(f"{line.path}:{line.number}: {what}; left out\n")

    def end(self) -> None:
        if self._number > _MOST_TOLD:
            sys.stderr.write(f"and {self._number - _MOST_TOLD} more lines\n")


def _story(converted: Converted, layout: Layout, paths: Sequence[Path], out: Path) -> list[str]:
    facts: list[Any] = [
        f"offers:   {converted.offers} in {out}, {len(layout.columns)} columns",
        f"from:     {len(paths)} files, {converted.left_out} lines left out",
    ]
    if converted.unnamed:
        names = ", ".join(f"{name} ({n} lines)" for name, n in converted.unnamed.most_common(10))
        facts.append(f"no column for members that the first line lacks: {names}")
    if converted.rounded:
        facts.append(f"rounded:  {converted.rounded} numbers with more digits than the format has")
    return facts
