"""`scrapy pailitao workbook`: what was found for people: pictures, costs, the best three."""

from __future__ import annotations

import argparse
import locale
import os
from datetime import datetime
from pathlib import Path

from pailitao_spider.analysis import output as telling
from pailitao_spider.analysis.feed_reader import check_feeds
from pailitao_spider.analysis.ids import read_ids
from pailitao_spider.config import parsers
from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.storage.atomic_file import replacing
from pailitao_spider.tables.registry import check_library
from pailitao_spider.verbs.shared.picture_options import add_picture_options
from pailitao_spider.verbs.shared.report_pictures import picture_way
from pailitao_spider.verbs.shared.term_options import add_term_options, terms_of
from pailitao_spider.workbook.book import written
from pailitao_spider.workbook.contents import Contents, contents_of
from pailitao_spider.workbook.pictures import Thumbnails
from pailitao_spider.workbook.words import LANGUAGES

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "an .xlsx for people: photos and offers with pictures, landed cost, suppliers, summary"

_PICTURES = ("embedded", "none")
_READERS = {
    "pictures": parsers.one_of(dict.fromkeys(_PICTURES, "")),
    "language": parsers.one_of(dict.fromkeys(LANGUAGES, "")),
    "top": parsers.whole(),
    "limit": parsers.whole(1, 20_000),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    parser.add_argument("-O", dest="output", type=Path, metavar="FILE.xlsx",
                        help="write there (offers.xlsx beside the feed)")  # fmt: skip
    parser.add_argument("--language", metavar="|".join(LANGUAGES), help="of heads (the system's)")
    parser.add_argument("--ids", type=Path, metavar="FILE",
                        help="only these: the report's shortlist.csv, a .jsonl, or a list of ids"
                        )  # fmt: skip
    parser.add_argument("--top", metavar="N", help="offers a photo, by landed cost (200)")
    parser.add_argument("--limit", metavar="N", help="offers in all, the best of each photo (5000)")
    parser.add_argument("--pictures", metavar="|".join(_PICTURES),
                        help="of the offers, fetched once and kept (embedded), or none"
                        )  # fmt: skip
    add_term_options(parser)
    add_picture_options(parser)


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = telling.typed(options, _READERS)
    terms = terms_of(options)
    paths = check_feeds(options.feeds, may_be_empty=True)
    output = _output(options.output, paths[0])
    check_library("xlsx")
    ids = None if options.ids is None else frozenset(read_ids(options.ids))
    way = picture_way(given.get("pictures", "embedded"), options)
    folders = [Path(), *dict.fromkeys(path.parent for path in paths)]
    contents = contents_of(
        paths, terms, Thumbnails(way, folders),
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
        top=given.get("top", 200), limit=given.get("limit", 5000), ids=ids,
    )  # fmt: skip
    code = telling.tell_unread(*contents.tallies)
    _save(written(contents, given.get("language") or _language()), output)
    telling.say(_told(contents, output))
    return code


def _language() -> str:
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if named.lower().startswith(("zh", "chinese")) else "en"


def _output(given: Path | None, feed: Path) -> Path:
    output = given or feed.with_suffix(".xlsx")
    if output.suffix != ".xlsx" or output.is_dir():
        raise ResultsError(f"{output}: give the name of a .xlsx file, such as -O buy.xlsx")
    return output


def _save(data: bytes, output: Path) -> None:
    """A kill leaves the old file or the new one."""
    try:
        with replacing(output, sweeps=True) as file:
            file.write(data)
    except OSError as error:
        raise ResultsError(f"{output} cannot be written ({error.strerror or error})") from error


def _told(contents: Contents, output: Path) -> str:
    left = f"; {contents.left_out} left out (--top, --limit)" if contents.left_out else ""
    missing = contents.pictures.missing
    pictures = f"; {counted(missing, 'picture')} could not be had" if missing else ""
    photos = counted(len(contents.seeds), "photo")
    return f"{counted(len(contents.rows), 'row')} of {photos} in {output}{left}{pictures}"
