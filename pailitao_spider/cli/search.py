"""`pailitao search SOURCE`: what it takes, and the `scrapy crawl` that it is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import NoReturn

from pailitao_spider.cli.words import tr
from pailitao_spider.config import parsers

__all__ = ["ARGUMENTS", "OUTPUT", "crawl_line", "is_worker", "search_parser", "spider_arguments"]

OUTPUT = "offers.jsonl"
ARGUMENTS: dict[str, tuple[str, str]] = {
    "sheet": ("NAME", "a workbook's sheet, by name or number; the first with pictures if not said"),
    "search_type": ("1|2", "1: the same item, 2: similar ones (1)"),
    "sort": ("sale_desc|price_asc", "the gateway's order of offers (sale_desc)"),
    "page_size": ("N", "offers a page, 1 to 100 (the gateway's largest)"),
    "max_pages": ("N", "pages a photo at most"),
    "max_offers": ("N", "offers a photo at most"),
    "min_similarity": ("0-1", "leave out offers that are known to be less similar"),
    "min_price": ("YUAN", "leave out offers that are known to be cheaper"),
    "max_price": ("YUAN", "leave out offers that are known to be dearer"),
    "dropship_only": ("1", "only offers with one_stop_service (一件代发)"),
    "unknown": ("keep|drop", "what becomes of offers that a filter cannot judge (keep)"),
    "regions": ("main|all", "all: each product that imagequery sees in a photo (main)"),
    "passes": ("1-5", "2: pages that repeat each other's offers are asked for once more (1)"),
    "again": ("1", "with -o, search anew what is not likely to come better"),
    "until_empty": ("1", "a worker of a cluster ends when the run is empty"),
}
"""Every argument but `seeds`: what it takes, and what it is for."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"pailitao search: {message}\n")


def search_parser(prog: str = "pailitao search") -> argparse.ArgumentParser:
    """Options that Scrapy knows keep its names."""
    parser = _Parser(
        prog,
        usage=f"{prog} SOURCE [-O FILE | -o FILE] [options]",
        description=tr(
            "Searches 1688 for every picture of SOURCE: a picture, a folder, a web address, a list "
            "(.txt .csv .tsv .jsonl .xlsx .xls .ods), or - for lines of standard input."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help=tr("what to search for"))
    _add_outputs(parser)
    limits = parser.add_argument_group(tr("what is asked for, and kept"))
    for name, (metavar, text) in ARGUMENTS.items():
        limits.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=tr(text))
    _add_scrapys(parser)
    return parser


_EXAMPLES = """\
  pailitao search photos/ -O offers.jsonl
  pailitao search list.xlsx -o offers.jsonl --max-pages 2 --max-price 30
  pailitao search list.xlsx --dry-run
"""


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    out = parser.add_argument_group(tr("where it goes"))
    out.add_argument("-O", dest="over", action="append", default=[], metavar="FILE",
                     help=tr("start over: .jsonl .csv .xlsx .parquet .json"))  # fmt: skip
    out.add_argument("-o", dest="on", action="append", default=[], metavar="FILE",
                     help=tr("go on: what is done is not searched again (-o offers.jsonl if "
                             "nothing is said)"))  # fmt: skip
    out.add_argument("--dry-run", action="store_true",
                     help=tr("send nothing: count seeds, calls, yuan and days"))  # fmt: skip


def _add_scrapys(parser: argparse.ArgumentParser) -> None:
    scrapys = parser.add_argument_group(tr("as in scrapy crawl"))
    scrapys.add_argument("-a", dest="arguments", action="append", default=[], metavar="NAME=VALUE",
                         help=tr("an argument by its name"))  # fmt: skip
    scrapys.add_argument("-s", dest="settings", action="append", default=[], metavar="NAME=VALUE",
                         help=tr("a setting"))  # fmt: skip
    scrapys.add_argument("-L", "--loglevel", metavar="LEVEL", help=tr("such as DEBUG"))
    scrapys.add_argument("--logfile", metavar="FILE", help=tr("where the log goes"))
    scrapys.add_argument("--nolog", action="store_true", help=tr("no log"))
    scrapys.add_argument("--pidfile", metavar="FILE", help=tr("where the process id goes"))


def crawl_line(given: argparse.Namespace) -> list[str]:
    """The words of `scrapy crawl pailitao` that mean the same."""
    line = ["scrapy", "crawl", "pailitao"]
    for name, value in spider_arguments(given).items():
        line += ["-a", f"{name}={value}"]
    for setting in given.settings:
        line += ["-s", setting]
    for path in given.over:
        line += ["-O", path]
    for path in given.on:
        line += ["-o", path]
    if not given.over and not given.on and not is_worker(given.settings):
        line += ["-o", OUTPUT]
    for name in ("loglevel", "logfile", "pidfile"):
        if (value := getattr(given, name)) is not None:
            line += [f"--{name}", value]
    return [*line, "--nolog"] if given.nolog else line


def spider_arguments(given: argparse.Namespace) -> dict[str, str]:
    """By name; an option stands above the same by -a."""
    found = dict(each.partition("=")[::2] for each in given.arguments)
    if given.source is not None:
        found["seeds"] = given.source
    options = {name: getattr(given, name) for name in ARGUMENTS}
    return found | {name: value for name, value in options.items() if value is not None}


def is_worker(settings: Sequence[str]) -> bool:
    """A worker is given a feed of its own."""
    said = dict(each.partition("=")[::2] for each in settings)
    value = said.get("PAILITAO_CLUSTER", os.environ.get("PAILITAO_CLUSTER", ""))
    return value.strip().lower() not in parsers.OFF
