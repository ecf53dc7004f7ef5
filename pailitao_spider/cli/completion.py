"""`pailitao completion SHELL`: the script that completes what is typed."""

from __future__ import annotations

import argparse
import sys

from pailitao_spider.cli.search import search_parser
from pailitao_spider.cli.verbs import VERBS, verb_module

__all__ = ["script", "whole_parser"]

_SHELLS = ("bash", "zsh", "tcsh")


def script(shell: str) -> int:
    """The exit code; 2 for a shell that is not known, or without shtab."""
    if shell not in _SHELLS:
        sys.stderr.write(f"pailitao completion: give a shell: {', '.join(_SHELLS)}\n")
        return 2
    try:
        import shtab
    except ImportError:
        sys.stderr.write("completion needs one more package: pip install shtab\n")
        return 2
    sys.stdout.write(f"{shtab.complete(whole_parser(), shell)}\n")
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """All commands in one parser."""
    whole = argparse.ArgumentParser("pailitao")
    commands = whole.add_subparsers(dest="command")
    search = search_parser()
    commands.add_parser("search", parents=[search], add_help=False, help=search.description)
    for verb in VERBS:
        module = verb_module(verb)
        module.add_options(commands.add_parser(verb, help=module.SUMMARY))
    return whole
