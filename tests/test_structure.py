"""The rooms and their arrows: imports point from the outside in, never back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import pailitao_spider

ROOT = Path(pailitao_spider.__file__).parent

DOMAIN = {
    "errors", "offers", "values", "rows", "seeds", "paging", "dedup", "number_set", "typed_text",
    "pictures", "drift", "drift_watch", "descriptor",
}  # fmt: skip
ALLOWED: dict[str, set[str]] = {
    "domain": {"domain"},
    "gateways": {"domain", "gateways"},
    "access": {"domain", "gateways", "access"},
    "sources": {"domain", "sources"},
    "tables": {"domain", "tables"},
    "results": {"domain", "results", "tables"},
    "sql": {"domain", "results", "tables", "sql"},
    "questions": {"domain", "results", "questions"},
    "offer_pictures": {"domain", "offer_pictures"},
    "report": {"domain", "results", "questions", "tables", "report"},
    "workbook": {"domain", "results", "questions", "tables", "report", "workbook"},
    "sandbox": {"domain", "gateways", "sandbox"},
    "progress": {"domain", "access", "progress"},
    "cluster": {
        "domain", "gateways", "access", "results", "sources", "progress", "cluster", "glue",
    },
}  # fmt: skip
ADDON = "pailitao_spider.addon"
GLUE_FREE = {
    "domain": {"scrapy", "twisted", "aiohttp", "redis"},
    "gateways": {"scrapy", "twisted", "aiohttp", "redis", "time", "random", "socket"},
    "access": {"scrapy", "twisted", "aiohttp", "redis", "time", "socket"},
    "sources": {"scrapy", "twisted", "aiohttp", "redis"},
    "tables": {"scrapy", "twisted", "aiohttp", "redis"},
    "results": {"scrapy", "twisted", "aiohttp", "redis"},
    "sql": {"scrapy", "twisted", "aiohttp", "redis"},
    "questions": {"scrapy", "twisted", "aiohttp", "redis"},
    "offer_pictures": {"scrapy", "twisted", "redis"},
    "report": {"scrapy", "twisted", "aiohttp", "redis"},
    "workbook": {"scrapy", "twisted", "aiohttp", "redis"},
    "sandbox": {"scrapy", "twisted", "redis"},
    "progress": {"scrapy", "twisted", "aiohttp", "redis", "asyncio", "logging"},
    "cluster": set(),
}


def room_of(module: str) -> str:
    """The room of `pailitao_spider.<room>...`; everything without a room is Scrapy glue."""
    first = module.split(".")[1] if "." in module else ""
    if first in DOMAIN:
        return "domain"
    return first if first in ALLOWED else "glue"


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def modules() -> list[tuple[str, Path]]:
    paths = sorted(ROOT.rglob("*.py"))
    return [(".".join(("pailitao_spider", *path.relative_to(ROOT).with_suffix("").parts)), path)
            for path in paths]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "path"),
    [pair for pair in modules() if room_of(pair[0]) != "glue"],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_room_imports_only_rooms_further_in(module: str, path: Path) -> None:
    room = room_of(module)
    imported = imports_of(path)
    ours = {room_of(name) for name in imported if name.startswith("pailitao_spider")}
    assert ours <= ALLOWED[room]
    others = {name.split(".")[0] for name in imported}
    assert not others & GLUE_FREE[room]


def test_the_cluster_is_imported_by_its_commands_only() -> None:
    importing = {
        module
        for module, path in modules()
        if any(name.startswith("pailitao_spider.cluster") for name in imports_of(path))
    }
    outside = {module for module in importing if room_of(module) != "cluster"}
    assert all(module.startswith("pailitao_spider.verbs.") for module in outside - {ADDON}), outside


def test_private_parts_of_scrapy_are_touched_in_one_place() -> None:
    touching = {
        module
        for module, path in modules()
        if re.search(
            r"\._(slot|set_url|set_body|_slot)\b(?!\(\))", path.read_text(encoding="utf-8")
        )
    }
    assert touching == {"pailitao_spider.crawl.scrapy_internals"}
