"""`scrapy runspider`, with exit codes for spiders that keep a ledger."""

from __future__ import annotations

from scrapy.commands.runspider import Command as RunSpiderCommand

from pailitao_spider.commands.exit_codes import ExitCodes

__all__ = ["Command"]


class Command(ExitCodes, RunSpiderCommand):
    """Scrapy's; see `exit_codes`."""
