"""What the catalogue of words has to hold: what stands in the code as `tr("…")`, and in tables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pailitao_spider
from pailitao_spider.cli.main import EXAMPLES
from pailitao_spider.cli.search import ARGUMENTS
from pailitao_spider.cli.verbs import GROUPS, VERBS, verb_module
from pailitao_spider.extensions.summary import SENTENCES

__all__ = ["messages"]

_ROOT = Path(pailitao_spider.__file__).parent


def messages() -> set[str]:
    """Every text that may be shown in another language."""
    found = {
        *SENTENCES,
        *GROUPS,
        *(text for _, text in ARGUMENTS.values()),
        *(text for _, text in EXAMPLES),
    }
    found |= {verb_module(verb).SUMMARY for verb in VERBS}
    init = verb_module("init")
    found |= {*init.WHERE.values(), *init.NAMES.values()}
    return found | {text for path in _ROOT.rglob("*.py") for text in _texts(path)}


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            yield from _constants(node.args[0])


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
