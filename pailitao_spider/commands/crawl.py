"""`scrapy crawl`, with the user's mistakes told in one line before anything is sent."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from typing import TYPE_CHECKING

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.utils.project import inside_project

from pailitao_spider.commands.exit_codes import ExitCodes, exit_code
from pailitao_spider.errors import PailitaoError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["Command"]


class Command(ExitCodes, CrawlCommand):
    """Exits with 2 for a mistake in what was typed or set, 1 when seeds failed, came only in part
    or the run stopped early, 0 when all is well.
    """

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        if not inside_project():
            sys.stderr.write(
                "The crawl command is not available from this location: it is no Scrapy project. "
                "Anywhere else: pailitao search SOURCE\n"
            )
            sys.exit(2)
        if self._is_packaged(args):
            self._check(opts.spargs)  # now, while nothing has been logged
            logging.getLogger("scrapy.utils.log").disabled = not (opts.loglevel or opts.logfile)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not self._is_packaged(args):
            super().run(args, opts)
            return
        if not (opts.loglevel or opts.logfile):
            # Scrapy's own lines are for those who ask for a log level or file.
            logging.getLogger("scrapy").setLevel(logging.WARNING)
        process = self.crawler_process
        assert process is not None
        _load(process.settings)
        crawler = process.create_crawler("pailitao")
        process.crawl(crawler, **opts.spargs)
        process.start()
        if process.bootstrap_failed:
            self.exitcode = 1
            return
        self.exitcode = exit_code(crawler)

    def _is_packaged(self, args: list[str]) -> bool:
        """The package's own spider, by its name in a project that has the package's add-on."""
        assert self.settings is not None
        return args == ["pailitao"] and "pailitao_spider" in str(self.settings.getdict("ADDONS"))

    def _check(self, given: dict[str, str]) -> None:
        from pailitao_spider.config.keys_file import KeysFile
        from pailitao_spider.config.settings_files import apply_files
        from pailitao_spider.crawl.preflight import check

        assert self.settings is not None
        try:
            for line in apply_files(self.settings):
                sys.stderr.write(f"{line}\n")
            keys = KeysFile.of(check(self.settings, given))
        except PailitaoError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
        if keys is not None:
            self.settings.set("PAILITAO_CREDENTIALS", keys, priority="cmdline")


def _load(settings: BaseSettings) -> None:
    """Loads what is cheaper to load now; no collector goes through it again, nor at the exit."""
    from pailitao_spider.config.setting_table import goes_by_aiohttp
    from pailitao_spider.crawl.scrapy_internals import load_tls

    if not goes_by_aiohttp(settings):
        load_tls(settings)
    gc.freeze()
    # A page makes hundreds of objects and nearly no garbage: looked for less often than at 700.
    gc.set_threshold(20_000, 5, 10)
