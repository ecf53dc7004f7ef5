"""`scrapy crawl`, with the user's mistakes told in one line before anything is sent."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from scrapy.commands.crawl import Command as CrawlCommand

from pailitao_spider.errors import PailitaoError
from pailitao_spider.extensions import ends_well

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

__all__ = ["Command"]


class Command(CrawlCommand):
    """Exits with 2 for a mistake in what was typed or set, 1 when seeds failed, came only in part
    or the run stopped early, 0 when all is well.
    """

    _made: Crawler | None = None
    _is_quiet = False
    """Scrapy's own lines below WARNING are left out, unless a log level or file is asked for."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        self._is_quiet = args == ["pailitao"] and not (opts.loglevel or opts.logfile)
        if args == ["pailitao"]:
            self._check(opts.spargs)  # now, while nothing has been logged

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if self._is_quiet:
            logging.getLogger("scrapy").setLevel(logging.WARNING)
        super().run(args, opts)
        if self._made is not None and not ends_well(self._made.stats.get_stats()):
            self.exitcode = 1

    def _check(self, given: dict[str, str]) -> None:
        from pailitao_spider.preflight import check

        assert self.settings is not None
        try:
            check(self.settings, given)
        except PailitaoError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)

    def _create_crawler(self, spidercls: type[Spider] | str) -> Crawler:
        crawler = super()._create_crawler(spidercls)
        if crawler.spidercls.name == "pailitao":
            self._made = crawler
        return crawler
