"""`scrapy pailitao similarity`: how alike offers and photos look, where the gateway is silent."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from time import monotonic

from pailitao_spider.analysis import output as telling
from pailitao_spider.analysis.feed_reader import Feeds, check_feeds
from pailitao_spider.analysis.similarity import AddSimilarity
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.offer_pictures.similarity import VisualSimilarity
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.storage.atomic_file import ended, replacing
from pailitao_spider.verbs.find import check_output
from pailitao_spider.verbs.shared.picture_options import add_picture_options, opened_pictures, story

__all__ = ["SUMMARY", "add_options", "run"]

_TOLD_SECONDS = 2
SUMMARY = "look at the offers' pictures: adds visual_similarity, a rough 0-1, to each line"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl")
    parser.add_argument("-O", dest="output", type=Path, metavar="FILE.jsonl", help="write there")
    parser.add_argument(
        "--all", action="store_true", help="offers whose similarity the gateway gave, too"
    )
    add_picture_options(parser)


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read or not one picture could be compared, 2 for a
    mistake.
    """
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    paths = check_feeds(options.feeds)
    if options.output is None:
        raise ConfigError("no output; say where to write: -O offers.looked.jsonl")
    check_output(options.output, paths)
    feeds = Feeds(paths)
    looking = asyncio.run(_looked(feeds, options))
    code = telling.tell_unread(feeds.tally)
    return 1 if looking.unknown and not looking.known else code


async def _looked(feeds: Feeds, options: argparse.Namespace) -> AddSimilarity:
    folders = dict.fromkeys((Path(), *(path.parent for path in options.feeds)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        async with opened_pictures(options) as pictures:
            likeness = VisualSimilarity(pictures, list(folders), pool)
            looking = AddSimilarity(likeness.of, is_for_all=options.all)
            await _save(looking, feeds, options.output)
    telling.say(f"{looking.known} compared, {looking.unknown} unknown, {looking.passed_by} passed "
                f"by: {counted(feeds.tally.offers, 'offer')} in {options.output}")  # fmt: skip
    for line in story(pictures):
        telling.say(line)
    for line in likeness.seed_failures.told():
        telling.say(f"photos of seeds: {line}")
    return looking


async def _save(looking: AddSimilarity, feeds: Feeds, output: Path) -> None:
    """A kill leaves the old file or the new one."""
    progress = _Progress()
    try:
        with replacing(output, sweeps=True) as file:
            async with aclosing(looking.lines(feeds)) as lines:
                async for line in lines:
                    file.write(ended(line))
                    progress.tell(looking.known + looking.unknown)
            telling.check_offers(feeds.tally)
    except OSError as error:
        raise ResultsError(f"{output} cannot be written ({error.strerror or error})") from error


class _Progress:
    """A number that grows on a terminal, every other second."""

    def __init__(self) -> None:
        self._is_seen, self._next_at = sys.stderr.isatty(), monotonic() + _TOLD_SECONDS

    def tell(self, looked_at: int) -> None:
        if self._is_seen and monotonic() >= self._next_at:
            self._next_at = monotonic() + _TOLD_SECONDS
            sys.stderr.write(f"\r{looked_at} looked at\r")
            sys.stderr.flush()
