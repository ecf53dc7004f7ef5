"""`scrapy pailitao VERB`: what goes with a crawl but is none."""

from __future__ import annotations

import argparse
from importlib import import_module

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

__all__ = ["Command"]

_VERBS = ("push", "status", "dead", "merge", "clear", "sandbox")


class Command(ScrapyCommand):
    """Dispatches to a module of `pailitao_spider.verbs`, imported when it is asked for."""

    requires_project = False
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  declared so by Scrapy

    def syntax(self) -> str:
        return f"{{{','.join(_VERBS)}}} [options]"

    def short_desc(self) -> str:
        return f"Search 1688 by picture: {', '.join(_VERBS)}"

    def long_desc(self) -> str:
        return "; ".join(f"{verb}: {_module(verb).SUMMARY}" for verb in _VERBS)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args or args[0] not in _VERBS:
            raise UsageError(f"give one of: {', '.join(_VERBS)}", print_help=False)
        verb = _module(args[0])
        parser = argparse.ArgumentParser(f"scrapy pailitao {args[0]}", description=verb.SUMMARY)
        verb.add_options(parser)
        options = parser.parse_args(args[1:])
        options.settings = self.settings
        self.exitcode = verb.run(options)


def _module(verb: str):  # type: ignore[no-untyped-def]
    return import_module(f"pailitao_spider.verbs.{verb}")
