"""`scrapy pailitao VERB`: what goes with a crawl but is none."""

from __future__ import annotations

import argparse
import sys

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from pailitao_spider.cli.verbs import VERBS, verb_module, verb_parser
from pailitao_spider.errors import PailitaoError

__all__ = ["Command"]


class Command(ScrapyCommand):
    """Dispatches to a module of `pailitao_spider.verbs`, imported when it is asked for."""

    requires_project = False
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012  declared so by Scrapy

    def syntax(self) -> str:
        return f"{{{','.join(VERBS)}}} [options]"

    def short_desc(self) -> str:
        return f"Search 1688 by picture: {', '.join(VERBS)}"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-h", "--help", action=_Help, nargs=0, help="show this, or a verb's")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if not args or args[0] not in VERBS:
            raise UsageError(_no_verb(args[0] if args else None), print_help=False)
        options = verb_parser(args[0]).parse_args(args[1:])
        options.settings = self.settings
        self.exitcode = self._run(args[0], options)

    def _run(self, verb: str, options: argparse.Namespace) -> int:
        from pailitao_spider.config.settings_files import apply_files

        assert self.settings is not None
        try:
            for line in apply_files(self.settings):
                sys.stderr.write(f"{line}\n")
        except PailitaoError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        code: int = verb_module(verb).run(options)
        return code


def _no_verb(given: str | None) -> str:
    verbs = f"ive one of: {', '.join(VERBS)}"
    if given is None:
        return f"g{verbs}"
    from difflib import get_close_matches

    like = get_close_matches(given, VERBS, 1)
    return f"{given!r} is no verb; {f'did you mean {like[0]}? ' if like else ''}G{verbs}"


class _Help(argparse.Action):
    """Scrapy would show the command's options for every verb."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        verb = next((word for word in sys.argv if word in VERBS), None)
        if verb is None:  # Scrapy asks for a command's long description whenever it runs
            parser.description = "; ".join(f"{each}: {verb_module(each).SUMMARY}" for each in VERBS)
        (parser if verb is None else verb_parser(verb)).print_help()
        parser.exit()
