"""The verbs by what they are for, and the parser of each."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["GROUPS", "VERBS", "program", "verb_module", "verb_parser"]

GROUPS: dict[str, tuple[str, ...]] = {
    "Keys": ("init", "login", "doctor", "quota"),
    "Results": (
        "report", "workbook", "convert", "find", "compare", "suppliers", "diff", "similarity",
        "failed", "sql",
    ),
    "Many machines": ("push", "status", "dead", "merge", "clear"),
    "To try it": ("sandbox",),
}  # fmt: skip
VERBS: tuple[str, ...] = tuple(verb for verbs in GROUPS.values() for verb in verbs)


def verb_module(verb: str) -> ModuleType:
    return import_module(f"pailitao_spider.verbs.{verb}")


def verb_parser(verb: str) -> argparse.ArgumentParser:
    module = verb_module(verb)
    parser = argparse.ArgumentParser(f"{program()} {verb}", description=module.SUMMARY)
    module.add_options(parser)
    return parser


def program() -> str:
    """What the user typed to come here."""
    return "pailitao" if Path(sys.argv[0]).stem == "pailitao" else "scrapy pailitao"
