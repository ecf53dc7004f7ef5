"""Exit codes of Scrapy's `crawl` and `runspider`, where a spider keeps a ledger.

The two commands stand in for Scrapy's own by entry points, in every project. For all other spiders
they do what Scrapy's do.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from scrapy.crawler import Crawler

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ExitCodes", "exit_code"]


class ExitCodes:
    """Watches which crawlers a command makes, and says how they ended. Goes before its class."""

    crawler_process: Any
    exitcode: int

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        process, made = self.crawler_process, list[Crawler]()
        assert process is not None
        create = process.create_crawler

        def created(*given: Any, **named: Any) -> Crawler:
            made.append(create(*given, **named))
            return made[-1]

        process.create_crawler = created
        super().run(args, opts)  # type: ignore[misc]
        self.exitcode = max(self.exitcode, *_codes(made), 0)


def _codes(crawlers: Iterable[Crawler]) -> list[int]:
    return [exit_code(each) for each in crawlers if getattr(each.spidercls, "keeps_ledger", False)]


def exit_code(crawler: Crawler) -> int:
    """0 all searched; 1 seeds failed, came in part, or the run stopped; 2 nothing could be done."""
    from pailitao_spider import stat_keys
    from pailitao_spider.extensions.summary import Summary, ends_well

    if crawler._stats is None:  # it has not begun
        return 1
    values = crawler.stats.get_stats()
    summary = crawler.get_extension(Summary) if crawler._extensions is not None else None
    is_cut = summary is not None and not summary.tell_rest()
    if not is_cut and ends_well(values):
        return 0
    is_unusable = values.get("finish_reason") in ("pailitao_config", "pailitao_source")
    return 2 if is_unusable and not values.get(stat_keys.CALLS) else 1
