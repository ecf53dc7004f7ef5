"""`pailitao`: `search` is `scrapy crawl pailitao`, every other verb `scrapy pailitao VERB`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from pailitao_spider.cli.verbs import GROUPS, VERBS, verb_module, verb_parser
from pailitao_spider.cli.words import tr

__all__ = ["EXAMPLES", "main"]

_SETTINGS = "pailitao_spider.settings"
EXAMPLES = (
    ("PAILITAO_SANDBOX=1 pailitao search photos/", "try it: invented offers, no key"),
    ("pailitao search list.xlsx -o offers.jsonl", "go on where it stopped"),
    ("pailitao report offers.jsonl", "photos beside their offers, for the browser"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Ends the process: 0 all is well, 1 not all of it, 2 a mistake in what was typed."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = words[0] if words else "--help"
    _OWN.get(verb, _verb)(words)


def _help(_words: Sequence[str]) -> None:
    sys.stdout.write(help_text())
    sys.exit(0)


def help_text() -> str:
    lines = [tr("Photos in, a table of 1688 offers out."), "",
             tr("usage: pailitao COMMAND …; pailitao COMMAND --help tells more"), "",
             tr("Search"), _line("search SOURCE", tr("search 1688 for every picture"))]  # fmt: skip
    for group, verbs in GROUPS.items():
        lines += ["", tr(group)]
        lines += [_line(verb, tr(verb_module(verb).SUMMARY)) for verb in verbs]
    lines += ["", tr("Examples")]
    lines += [f"  {line:<46}# {tr(what)}" for line, what in EXAMPLES]
    return "\n".join(lines) + "\n"


def _line(name: str, text: str) -> str:
    return f"  {name:<15}{text}"


def _version(_words: Sequence[str]) -> None:
    from importlib.metadata import version

    sys.stdout.write(f"pailitao-spider {version('pailitao-spider')}\n")
    sys.exit(0)


def _search(words: Sequence[str]) -> None:
    from pailitao_spider.cli.search import (
        OUTPUT,
        crawl_line,
        is_worker,
        search_parser,
        spider_arguments,
    )

    parser = search_parser()
    given, unknown = parser.parse_known_args(words[1:])
    if unknown:
        parser.error(_unknown(unknown[0], parser))
    arguments = spider_arguments(given)
    if not arguments.get("seeds") and not is_worker(given.settings):
        parser.error(tr("give a SOURCE: a picture, a folder, a web address, a list, or -"))
    if given.dry_run:
        from pailitao_spider.cli.estimating import run

        going_on = given.on or ([] if given.over else [OUTPUT])
        sys.exit(run(arguments, given.settings, [Path(each) for each in going_on]))
    _scrapy(crawl_line(given))


def _unknown(word: str, parser: argparse.ArgumentParser) -> str:
    if not word.startswith("-"):
        return tr("one SOURCE at a time, and {word!r} is one more; put them into a list or folder",
                  word=word)  # fmt: skip
    options = [name for action in parser._actions for name in action.option_strings]
    like = get_close_matches(word.partition("=")[0], options, 1)
    hint = tr("; did you mean {like}?", like=like[0]) if like else ""
    return tr("there is no option {word}", word=word.partition("=")[0]) + hint


def _verb(words: Sequence[str]) -> None:
    if words[0] not in VERBS:
        like = get_close_matches(words[0], ("search", *VERBS), 1)
        hint = tr("; did you mean {like}?", like=like[0]) if like else ""
        told = tr("there is no command {word}", word=words[0])
        sys.stderr.write(f"pailitao: {told}{hint}; pailitao --help\n")
        sys.exit(2)
    if "-h" in words[1:] or "--help" in words[1:]:
        verb_parser(words[0]).print_help()
        sys.exit(0)
    _scrapy(["scrapy", "pailitao", *words])


def _completion(words: Sequence[str]) -> None:
    from pailitao_spider.cli.completion import script

    sys.exit(script(words[1] if len(words) > 1 else ""))


def _scrapy(words: Sequence[str]) -> None:
    """With the package's own settings, wherever one stands."""
    from scrapy.cmdline import execute

    os.environ["SCRAPY_SETTINGS_MODULE"] = _SETTINGS
    execute(list(words))


_OWN: dict[str, Callable[[Sequence[str]], None]] = {
    "search": _search,
    "completion": _completion,
    "help": _help,
    "--help": _help,
    "-h": _help,
    "--version": _version,
}

if __name__ == "__main__":
    main()
