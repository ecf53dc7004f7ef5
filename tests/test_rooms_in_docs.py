"""What the maintainers' pages name is there: rooms, files, tests; and the pictures are as drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import pictures_ways
from tests.crawling import REPOSITORY

PACKAGE = REPOSITORY / "pailitao_spider"
PAGES = ("CONTRIBUTING.md", "docs/how-it-works.md", "SECURITY.md")
_NAMED = re.compile(r"`([a-z_0-9]+(?:/[a-z_0-9.]+)*/?)`")


def rooms(page: str) -> set[str]:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return {name for name in _NAMED.findall(text) if "/" in name}


@pytest.mark.parametrize("page", PAGES)
def test_every_room_and_file_that_a_page_names_is_there(page: str) -> None:
    known = (PACKAGE, REPOSITORY, REPOSITORY / "tests", PACKAGE / "cluster" / "lua")
    parents = (*known, PACKAGE / "cluster")
    missing = [
        name
        for name in rooms(page)
        if not any((parent / name).exists() for parent in parents)
        and not any((parent / f"{name}.py").exists() for parent in parents)
    ]

    assert missing == []


def test_every_room_has_its_line() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## The rooms") : text.index("## Where something new goes")]
    here = {
        path.stem if path.suffix else f"{path.name}/"
        for path in PACKAGE.iterdir()
        if path.suffix in ("", ".py") and not path.name.startswith("__")
    }

    assert {each for each in here if f"`{each}`" not in table} == set()


def test_the_tests_that_hold_the_twins_are_there() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests/)?test_\w+\.py|\w+_model\.py)`", text))

    assert named
    tests = REPOSITORY / "tests"
    assert {each for each in named if not (tests / Path(each).name).exists()} == set()


@pytest.mark.parametrize(
    ("name", "way"),
    [("way-single", pictures_ways.SINGLE), ("way-cluster", pictures_ways.CLUSTER)],
)
def test_the_pictures_are_as_they_are_drawn(name: str, way: pictures_ways.Way) -> None:
    kept = (pictures_ways.PICTURES / f"{name}.svg").read_text(encoding="utf-8")

    assert kept == pictures_ways.drawn(way)
    for step in way.steps:
        for room in step.room.split():
            parents = (PACKAGE, PACKAGE / "cluster")
            assert any((p / room).exists() or (p / f"{room}.py").exists() for p in parents), room
