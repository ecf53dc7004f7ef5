"""`scrapy pailitao report`: photos, offers and totals as one page for a browser."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from pailitao_spider.analysis import output as telling
from pailitao_spider.analysis.feed_reader import check_feeds
from pailitao_spider.analysis.ids import read_picks
from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.report.contents import Contents, contents_of
from pailitao_spider.report.page import page
from pailitao_spider.storage.atomic_file import replacing
from pailitao_spider.verbs.shared.picture_options import add_picture_options
from pailitao_spider.verbs.shared.report_pictures import PICTURES, picture_way
from pailitao_spider.verbs.shared.term_options import add_term_options, terms_of

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "photos and their offers as a page for the browser: filter, compare, shortlist"

_LIMIT = 20_000
_READERS = {
    "limit": parsers.whole(),
    "pictures": parsers.one_of(dict.fromkeys(PICTURES, "")),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    parser.add_argument(
        "-O", dest="output", type=Path, metavar="FILE.html",
        help="write there (offers.html beside the feed)",
    )  # fmt: skip
    parser.add_argument(
        "--pictures", metavar="|".join(PICTURES),
        help="of the offers: linked to where they are, so that the browser asks there; embedded "
        "in the page, which asks nobody; or none (linked)",
    )  # fmt: skip
    parser.add_argument(
        "--limit", metavar="N",
        help=f"so many offers, the most similar of each photo ({_LIMIT})",
    )  # fmt: skip
    parser.add_argument(
        "--ids", type=Path, metavar="FILE",
        help="only these, ticked: the page's shortlist.csv, a .jsonl, or a list of ids",
    )  # fmt: skip
    parser.add_argument(
        "--before", nargs="+", type=Path, default=[], metavar="OLD",
        help="feeds of older runs, the oldest first: what rose, fell, came and went since",
    )  # fmt: skip
    add_term_options(parser)
    add_picture_options(parser)


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = telling.typed(options, _READERS)
    pictures = given.get("pictures", "linked")
    if pictures != "embedded" and options.max_pictures is not None:
        raise ConfigError("--max-pictures is for --pictures embedded; give that, too, or leave it "
                          "out")  # fmt: skip
    terms = terms_of(options)
    before = check_feeds(options.before) if options.before else []
    ids = None if options.ids is None else read_picks(options.ids)
    paths = check_feeds(options.feeds, may_be_empty=True)
    output = _output(options.output, paths[0])
    made = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    contents = contents_of(
        paths,
        picture_way(pictures, options),
        given.get("limit", _LIMIT),
        made,
        terms=terms,
        ids=ids,
        before=before,
    )
    code = telling.tell_unread(*contents.tallies)
    is_replaced = options.output is None and output.exists()
    _save(page(contents), output)
    telling.say(f"{_told(contents, output)}{', which was replaced' if is_replaced else ''}")
    if contents.open_run:
        telling.say(contents.open_run.told)
    return code


def _output(given: Path | None, feed: Path) -> Path:
    output = given or feed.with_suffix(".html")
    if output.suffix not in (".html", ".htm") or output.is_dir():
        raise ResultsError(f"{output}: give the name of a .html file, such as -O report.html")
    return output


def _save(text: str, output: Path) -> None:
    """A kill leaves the old file or the new one."""
    try:
        with replacing(output, sweeps=True) as file:
            file.write(text.encode())
    except OSError as error:
        raise ResultsError(f"{output} cannot be written ({error.strerror or error})") from error


def _told(contents: Contents, output: Path) -> str:
    offers = counted(contents.offers, "offer")
    if contents.shown < contents.offers:
        offers = f"{contents.shown} of {offers}, the most similar of each photo (--limit)"
    return f"{offers} of {counted(len(contents.seeds), 'photo')} in {output}"
