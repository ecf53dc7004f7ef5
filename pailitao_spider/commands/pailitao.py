"""`scrapy pailitao VERB`: what goes with a crawl but is none."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

__all__ = ["Command"]

_VERBS = (
    "push", "status", "dead", "merge", "convert", "find", "similarity", "compare", "suppliers",
    "diff", "report", "workbook", "sql", "clear", "doctor", "login", "quota", "sandbox",
)  # fmt: skip


class Command(ScrapyCommand):
    """Dispatches to a module of `pailitao_spider.verbs`, imported when it is asked for."""

    requires_project = False
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  declared so by Scrapy

    def syntax(self) -> str:
        return f"{{{','.join(_VERBS)}}} [options]"

    def short_desc(self) -> str:
        return f"Search 1688 by picture: {', '.join(_VERBS)}"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-h", "--help", action=_Help, nargs=0, help="show this, or a verb's")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args or args[0] not in _VERBS:
            raise UsageError(_no_verb(args[0] if args else None), print_help=False)
        options = _parser(args[0]).parse_args(args[1:])
        options.settings = self.settings
        self.exitcode = _module(args[0]).run(options)


def _no_verb(given: str | None) -> str:
    verbs = f"ive one of: {', '.join(_VERBS)}"
    if given is None:
        return f"g{verbs}"
    from difflib import get_close_matches

    like = get_close_matches(given, _VERBS, 1)
    return f"{given!r} is no verb; {f'did you mean {like[0]}? ' if like else ''}G{verbs}"


class _Help(argparse.Action):
    """Scrapy would show the command's options for every verb."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        verb = next((word for word in sys.argv if word in _VERBS), None)
        if verb is None:  # Scrapy asks for a command's long description whenever it runs
            parser.description = "; ".join(f"{each}: {_module(each).SUMMARY}" for each in _VERBS)
        (parser if verb is None else _parser(verb)).print_help()
        parser.exit()


def _parser(verb: str) -> argparse.ArgumentParser:
    module = _module(verb)
    parser = argparse.ArgumentParser(f"scrapy pailitao {verb}", description=module.SUMMARY)
    module.add_options(parser)
    return parser


def _module(verb: str):  # type: ignore[no-untyped-def]
    return import_module(f"pailitao_spider.verbs.{verb}")
