"""docs/decision.md on each gateway: what works at once, and what needs something first."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pailitao_spider.cli.search import crawl_line, search_parser
from tests.warm import SCRAPY, start

REPOSITORY = Path(__file__).parent.parent
PHOTOS = REPOSITORY / "examples" / "photos"
PAGE = REPOSITORY / "docs" / "decision.md"
SHOWN = "https://cbu01.alicdn.com/sandbox/mug-01-14.jpg"
"""A picture that the sandbox has, on a host that every gateway takes."""

YES, NO = "yes", "no"
LIKENESS, POSTAGE = "`similarity` first", "with `--postage`"


@dataclass(frozen=True)
class Gateway:
    """What the page says of a gateway, and what must come true."""

    local_photos: bool
    similarity: bool
    dropship: bool
    min_order: bool
    postage: bool

    @property
    def row(self) -> list[str]:
        likeness = YES if self.similarity else LIKENESS
        landed = YES if self.postage else POSTAGE
        plain = (YES if each else NO for each in (self.dropship, self.min_order))
        return [YES if self.local_photos else "addresses only", likeness, *plain, landed]


GATEWAYS = {
    "router": Gateway(True, True, True, True, True),
    "imagequery": Gateway(True, False, True, True, False),
    "linkplus": Gateway(False, False, False, True, False),
    "onebound": Gateway(True, False, True, False, False),
    "tmapi": Gateway(True, False, False, True, False),
}


@dataclass
class Desk:
    """A folder, and one gateway's sandbox."""

    folder: Path
    gateway: str

    def run(self, *words: str) -> str:
        """What was printed; the command ends well."""
        verb, *rest = words
        line = ["pailitao", *words]
        if verb == "search":
            line = crawl_line(search_parser().parse_args(rest))[1:]
        process = start(
            [*SCRAPY, *line],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"], "HOME": str(self.folder), "COLUMNS": "200",
                "PYTHONPATH": str(REPOSITORY), "PAILITAO_SANDBOX": "1", "PAILITAO_RATE": "100",
                "PAILITAO_BURST": "20", "PAILITAO_GATEWAY": self.gateway, "PAILITAO_LANG": "en",
                "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
                **({"LANG": os.environ["LANG"]} if "LANG" in os.environ else {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )  # fmt: skip
        said, _ = process.communicate(timeout=60)
        assert process.returncode in (0, 1), said
        return said

    def lines(self, name: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


@pytest.fixture(params=GATEWAYS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    photo = PHOTOS / "mug-01.jpg"
    (tmp_path / "photos.csv").write_text(f"image,seed_id,sell_price\n{photo},mug,9.90\n")
    (tmp_path / "seeds.csv").write_text(f"image,seed_id,sell_price\n{SHOWN},mug,9.90\n")
    return Desk(tmp_path, request.param)


def test_what_the_page_says_of_a_gateway_is_so(desk: Desk) -> None:
    says = GATEWAYS[desk.gateway]
    photos = desk.run("search", "photos.csv", "-O", "photos.jsonl")
    assert ("by URL only" not in photos) == says.local_photos

    desk.run("search", "seeds.csv", "-O", "monday.jsonl")
    assert desk.lines("monday.jsonl")
    alike = desk.run("find", "monday.jsonl", "--min-similarity", "0.6", "--unknown", "drop",
                     "-O", "alike.jsonl")  # fmt: skip
    assert bool(desk.lines("alike.jsonl")) == says.similarity
    assert ("pailitao similarity" in alike) != says.similarity
    for option, is_told in (("--dropship", says.dropship), ("--max-moq=999", says.min_order)):
        left = desk.run("find", "monday.jsonl", option, "--unknown", "drop", "-O", "left.jsonl")
        assert bool(desk.lines("left.jsonl")) == is_told, left
        assert ("do not say" in left) != is_told

    plain = desk.run("compare", "monday.jsonl", "--quantity", "50", "--rate", "0.14")
    assert ("--postage YUAN" in plain) != says.postage
    told = desk.run("compare", "monday.jsonl", "--quantity", "50", "--rate", "0.14",
                    "--postage", "8")  # fmt: skip
    assert "postage is not told" not in told
    assert "%)" in told  # a margin


def test_similarity_first_helps_where_a_gateway_tells_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "imagequery")
    desk.run("search", str(PHOTOS / "mug-01.jpg"), "-O", "a.jsonl", "--max-offers", "10")
    desk.run("similarity", "a.jsonl", "-O", "b.jsonl")
    desk.run("find", "b.jsonl", "--min-visual-similarity", "0.1", "--unknown", "drop",
             "-O", "c.jsonl")  # fmt: skip
    assert desk.lines("c.jsonl")


def test_the_page_has_a_row_for_each_gateway_as_it_is() -> None:
    rows = [
        [cell.strip().strip("`") if place == 0 else cell.strip()
         for place, cell in enumerate(line.strip("| \n").split("|"))]
        for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]  # fmt: skip
    assert {row[0]: row[1:] for row in rows} == {name: each.row for name, each in GATEWAYS.items()}
