"""`scrapy pailitao sql`: what was crawled into a database, each line once."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.settings import BaseSettings

from pailitao_spider.analysis import output
from pailitao_spider.config.database_feed import SETTING, checked_url
from pailitao_spider.config.setting_table import sql_url_of
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.feed_files import check_text, is_side_file
from pailitao_spider.results.paths import ResultPaths

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from pailitao_spider.sql.following import Follower

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "put what was crawled or merged into a database, from where it stands"

_PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 8.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILES", help=".jsonl feeds, or folders with them"
    )
    parser.add_argument(
        "--url", help=f"the database, {SETTING} by default; a password is safer there"
    )


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when every line is in, 1 when some are not, 2 for a mistake or a database that
    cannot be used.
    """
    return output.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    url = _url(options)
    feeds = [ResultPaths.beside(path) for path in _feeds(options.files)]
    from pailitao_spider.sql.connection import Database, DatabaseAwayError
    from pailitao_spider.sql.following import Follower

    database = Database(url)
    try:
        follower = Follower(database, feeds)
        try:
            follower.reach()
        except DatabaseAwayError as error:
            raise ConfigError(f"the database cannot be used: {error}") from error
        why = _catch_up(follower)
    finally:
        database.close()
    return _tell(follower, why, len(feeds))


def _url(options: argparse.Namespace) -> URL:
    if options.url is not None:
        return checked_url(options.url, "--url")
    text = sql_url_of(getattr(options, "settings", BaseSettings()))
    if text is None:
        raise ConfigError(f"no database; give --url sqlite:///offers.db, or set {SETTING}")
    return checked_url(text)


def _feeds(given: Sequence[Path]) -> list[Path]:
    """Ledgers and matches are found beside their feeds."""
    found = [path for start in given for path in _files(start) if not is_side_file(path)]
    if not found:
        raise ResultsError("no feed; give a crawl's offers.jsonl, or the folder that holds it")
    return list({path.resolve(): path for path in found}.values())


def _files(start: Path) -> list[Path]:
    if start.is_dir():
        return sorted(path for path in start.rglob("*.jsonl") if path.is_file())
    if not start.is_file():
        why = "is no file" if start.exists() else "does not exist"
        raise ResultsError(f"{start} {why}; give .jsonl feeds or folders that hold them")
    if start.suffix not in (".jsonl", ".jl"):
        raise ResultsError(f"{start} is no .jsonl feed, and only those can be put in")
    check_text(start)
    return [start]


def _catch_up(follower: Follower) -> str:
    """Returns why it was given up, or nothing."""
    from pailitao_spider.sql.connection import DatabaseAwayError

    pause, moved_at = 0.25, time.monotonic()
    while True:
        try:
            if not follower.step():
                return ""
            pause, moved_at = 0.25, time.monotonic()
        except DatabaseAwayError as error:
            if time.monotonic() - moved_at > _PATIENCE_SECONDS:
                return str(error)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _tell(follower: Follower, why: str, feeds: int) -> int:
    tally, behind = follower.tally, follower.behind()
    output.write(
        f"{counted(tally.offers, 'offer')}, {counted(tally.matches, 'match', 'matches')}, "
        f"{counted(tally.seeds, 'seed')} put in from {counted(feeds, 'file')}; "
        f"{counted(tally.history, 'row')} of history\n".encode()
    )
    if behind.lines:
        output.say(f"{behind.words} {behind.are} not in the database yet: "
                    f"{why or 'the files grow'}; run this again")  # fmt: skip
    if tally.left_out:
        were, are = ("was", "is") if tally.left_out == 1 else ("were", "are")
        output.say(f"{counted(tally.left_out, 'line')} could not be read or {were} not taken, and "
                    f"{are} left out, the first at {tally.first_left_out}")  # fmt: skip
    if tally.odd:
        have, are = ("has", "is") if tally.odd == 1 else ("have", "are")
        output.say(f"{counted(tally.odd, 'line')} {have} values that cannot be read and {are} "
                    "NULL; an offer's stand in extra")  # fmt: skip
    for path in behind.torn:
        output.say(f"{path}: the last line is torn and is left out; go on with the crawl by -o")
    return 1 if behind.lines or tally.left_out or behind.torn else 0
