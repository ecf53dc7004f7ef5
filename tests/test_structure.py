"""The rooms and their arrows: no circle of files or folders, and what each room may know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from scrapy.utils.misc import load_object

import pailitao_spider

PACKAGE = "pailitao_spider"
ROOT = Path(pailitao_spider.__file__).parent
GLUE = {"scrapy", "twisted", "aiohttp", "redis"}

# The inner rooms: which others each imports, and which libraries none of its modules touches.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "stat_keys": set(),
    "storage": {"errors"},
    "pictures": {"errors"},
    "offers": {"errors"},
    "seeds": {"storage", "errors", "offers", "pictures"},
    "gateways": {"errors", "offers", "pictures"},
    "keys": {"storage", "errors", "gateways", "config", "sandbox"},
    "tables": {"storage", "errors", "offers"},
    "results": {"storage", "errors", "offers", "seeds", "tables"},
    "sql": {"errors", "offers", "results", "tables"},
    "analysis": {"storage", "errors", "offers", "results", "config"},
    "offer_pictures": {"storage", "errors", "pictures", "seeds"},
    "report": {"errors", "offers", "pictures", "seeds", "results", "tables", "analysis"},
    "workbook": {"errors", "offers", "results", "tables", "analysis", "report"},
    "sandbox": {"errors", "offers", "pictures", "gateways"},
    "doctor": {
        "errors", "offers", "pictures", "seeds", "gateways", "keys", "config", "sandbox",
    },
}  # fmt: skip
UNTOUCHED: dict[str, set[str]] = {
    "storage": GLUE,
    "pictures": GLUE,
    "offers": GLUE,
    "seeds": GLUE,
    "gateways": GLUE | {"time", "random", "socket"},
    "keys": GLUE | {"socket"},
    "tables": GLUE,
    "results": GLUE,
    "sql": GLUE,
    "analysis": GLUE,
    "offer_pictures": GLUE - {"aiohttp"},
    "report": GLUE,
    "workbook": GLUE,
    "sandbox": GLUE - {"aiohttp"},
    "config": GLUE,
}
READ_THE_CLOCK = {"keys.suspensions"}
"""The other modules of `keys` are given clocks."""


def modules() -> dict[str, Path]:
    """Every module below the package, by its name without the package's."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts)] = path
    return found


MODULES = modules()


def statements(node: ast.AST, *, of_types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports below a node; those for type checkers only where they are asked for."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from statements(child, of_types=of_types) if of_types else ()
        else:
            yield from statements(child, of_types=of_types)


@cache
def imports_of(path: Path, *, of_types: bool = True) -> frozenset[str]:
    found: set[str] = set()
    for each in statements(ast.parse(path.read_text(encoding="utf-8")), of_types=of_types):
        if isinstance(each, ast.Import):
            found |= {name.name for name in each.names}
        else:
            found |= {f"{each.module}.{name.name}" for name in each.names}
    return frozenset(found)


def module_of(imported: str) -> str | None:
    """The module of ours that an imported name lies in."""
    name = imported.removeprefix(f"{PACKAGE}.") if imported.startswith(f"{PACKAGE}.") else ""
    while name:
        if name in MODULES:
            return name
        if f"{name}.__init__" in MODULES:
            return f"{name}.__init__"
        name = name.rpartition(".")[0]
    return None


@cache
def ours(path: Path, *, of_types: bool = True) -> frozenset[str]:
    named = {module_of(name) for name in imports_of(path, of_types=of_types)}
    return frozenset(name for name in named if name is not None)


def room_of(module: str) -> str:
    return module.split(".")[0]


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of nodes that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in arrows:
        seen, left = set[str](), [start]
        while left:
            new = arrows.get(left.pop(), set()) - seen
            seen |= new
            left += new
        reached[start] = seen
    found = {
        frozenset({a, *(b for b in reached[a] if a in reached.get(b, ()))})
        for a in arrows
        if a in reached[a]
    }
    return sorted(sorted(each) for each in found)


FOLDERS = sorted(
    {".".join(name.split(".")[:depth]) for name in MODULES for depth in range(name.count(".") + 1)}
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_in_a_folder_imports_in_a_circle(folder: str) -> None:
    """Files and folders side by side, by all that they import when they run, late imports too."""
    start = f"{folder}." if folder else ""
    arrows: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        if not name.startswith(start):
            continue
        child = name.removeprefix(start).split(".")[0]
        others = {each for each in ours(path, of_types=False) if each.startswith(start)}
        reached = {each.removeprefix(start).split(".")[0] for each in others} - {child}
        arrows.setdefault(child, set()).update(reached)

    assert circles(arrows) == []


def test_circles_are_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}

    assert circles(arrows) == [["b", "c"], ["e"]]


def test_the_root_holds_what_every_scrapy_project_has() -> None:
    files = {path.stem for path in ROOT.glob("*.py")}

    assert {"addon", "settings", "pipelines", "errors"} <= files
    assert len(files) <= 12, sorted(files)


@pytest.mark.parametrize("folder", [each for each in FOLDERS if each])
def test_a_folder_says_what_it_holds(folder: str) -> None:
    text = MODULES[f"{folder}.__init__"].read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_rooms_further_in(room: str) -> None:
    for name, path in MODULES.items():
        if room_of(name) == room:
            others = {room_of(each) for each in ours(path)} - {room}
            assert others <= ALLOWED[room], name


@pytest.mark.parametrize("room", sorted(UNTOUCHED))
def test_a_room_does_not_touch(room: str) -> None:
    for name, path in MODULES.items():
        if room_of(name) == room:
            libraries = {each.split(".")[0] for each in imports_of(path, of_types=False)}
            assert not libraries & UNTOUCHED[room], name


def test_keys_are_given_their_clocks() -> None:
    reading = {
        name
        for name, path in MODULES.items()
        if room_of(name) == "keys" and "time" in imports_of(path)
    }

    assert reading <= READ_THE_CLOCK


def test_the_cluster_is_imported_by_its_commands_only() -> None:
    importing = {
        room_of(name)
        for name, path in MODULES.items()
        if any(room_of(each) == "cluster" for each in ours(path))
    }

    assert importing == {"addon", "cluster", "verbs"}


def test_private_parts_of_scrapy_are_touched_in_one_place() -> None:
    private = re.compile(r"\._(slot|set_url|set_body)\b(?!\(\))")
    touching = {
        name for name, path in MODULES.items() if private.search(path.read_text(encoding="utf-8"))
    }

    assert touching == {"crawl.scrapy_internals"}


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("Addon", "addon"),
        ("ImageSearch", "crawl.requests"),
        ("offers.Offer", "offers.model"),
        ("exporters.XlsxExporter", "exporters.item_exporters"),
        ("exporters.ParquetExporter", "exporters.item_exporters"),
        ("extensions.Summary", "extensions.summary"),
        ("gateways.router.Router", "gateways.router.dialect"),
        ("pipelines.ValidationPipeline", "pipelines"),
        ("pipelines.DedupPipeline", "pipelines"),
        ("middlewares.answers.AnswerMiddleware", "middlewares.answers"),
        ("middlewares.signing.SigningMiddleware", "middlewares.signing"),
        ("spiders.pailitao.PailitaoSpider", "spiders.pailitao"),
    ],
)
def test_what_users_name_in_their_projects_stays_where_it_is(path: str, home: str) -> None:
    assert load_object(f"{PACKAGE}.{path}").__module__ == f"{PACKAGE}.{home}"
