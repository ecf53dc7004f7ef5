"""The documentation: short, its links lead somewhere, its commands run, its reference is right."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import xlsxwriter

from pailitao_spider.cli.search import crawl_line, search_parser
from tests.warm import SCRAPY, start

REPOSITORY = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted([*READMES, "CONTRIBUTING.md",
                *(f"docs/{each.name}" for each in (REPOSITORY / "docs").glob("*.md"))])  # fmt: skip
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)")
_COMMAND = re.compile(r"^    ((?:pailitao|make|pip) .*?)(?:  +#.*)?$", re.MULTILINE)
ELSEWHERE = {
    "pailitao init": "test_command_line",
    "pailitao login": "test_login",
    "pailitao push list.xlsx": "test_cluster_docs",
    "pailitao search -s PAILITAO_CLUSTER=1": "test_cluster_docs",
    "pailitao status --watch": "test_cluster_docs",
    "pailitao merge results/default -O offers.jsonl": "test_merge",
}
"""Commands that ask a person, or need a Redis: run by these."""


def read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    return [found[1] for found in _COMMAND.finditer(read(page))]


def reference() -> ModuleType:
    spec = spec_from_file_location("reference_page", REPOSITORY / "docs" / "reference_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says() -> None:
    made = reference()
    assert not any(made.missing().values()), made.missing()
    assert read("docs/reference.md") == made.page(), "run python docs/reference_page.py"


@pytest.mark.parametrize("page", READMES)
def test_a_readme_is_read_in_one_go_and_warns_in_the_first_screen(page: str) -> None:
    lines = read(page).splitlines()
    assert len(lines) <= 170
    first = "\n".join(lines[:16])
    assert "Not tried against a live gateway" in first or "没有在任何真实网关上试过" in first
    assert "pailitao-spider[" not in read(page)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    here = (REPOSITORY / page).parent
    gone = [
        link for link in _LINK.findall(read(page))
        if "://" not in link and not link.startswith("mailto:") and not (here / link).exists()
    ]  # fmt: skip
    assert gone == []


def test_the_first_page_of_the_site_leads_to_those_that_the_readme_names() -> None:
    named = {each.removeprefix("docs/") for each in _LINK.findall(read("README.md"))
             if each.startswith("docs/") and each.endswith(".md")}  # fmt: skip
    assert named - {"index.md"} <= set(_LINK.findall(read("docs/index.md")))


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = ([re.sub(r"PHOTOS=\S+", "", each) for each in commands(page)]
                        for page in READMES)  # fmt: skip
    assert english == chinese


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, and a list with a picture pasted into a cell."""
    folder = tmp_path_factory.mktemp("desk")
    photos = REPOSITORY / "examples" / "photos"
    (folder / "photos").mkdir()
    for name in ("mug-01.jpg", "lamp-04.jpg"):
        shutil.copy(photos / name, folder / "photos" / name)
    with xlsxwriter.Workbook(folder / "list.xlsx") as book:
        book.add_worksheet().write(0, 0, "notes")
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["图片", "货号", "sell_price"])
        sheet.embed_image(1, 0, photos / "mug-01.jpg")
        sheet.write_row(1, 1, ["M-1", 9.9])
        sheet.write_row(2, 0, ["photos/lamp-04.jpg", "L-4", 60])
        sheet.write_row(3, 0, ["photos/gone.jpg", "G-0", 60])
    return folder


def run(folder: Path, line: str) -> subprocess.Popen[str]:
    verb, *rest = line.split()[1:]
    words = ["pailitao", verb, *rest]
    if verb == "search" and "--dry-run" not in rest:
        words = crawl_line(search_parser().parse_args(rest))[1:]
    command = [*SCRAPY, *words]
    if "--dry-run" in rest:
        command = [sys.executable, "-m", "pailitao_spider", verb, *rest]
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(REPOSITORY),
        "PAILITAO_SANDBOX": "1", "PAILITAO_RATE": "100", "PAILITAO_BURST": "20",
        "PAILITAO_LANG": "en", "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
    }  # fmt: skip
    env |= {name: os.environ[name] for name in ("LANG",) if name in os.environ}
    return start(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip


def test_every_command_of_the_readme_runs(desk: Path) -> None:
    told = [each for each in commands("README.md") if each.startswith("pailitao")]
    assert set(told) >= set(ELSEWHERE)
    for line in told:
        if line in ELSEWHERE:
            assert (REPOSITORY / "tests" / f"{ELSEWHERE[line]}.py").exists()
            continue
        process = run(desk, line)
        said, _ = process.communicate(timeout=60)
        failing = "list.xlsx" in line  # one of its lines names no picture, and exits with 1
        assert process.returncode == (1 if failing else 0), f"{line}\n{said}"
    ledger = (desk / "offers.seeds.jsonl").read_text()
    assert ledger.count('"status":"done"') >= 2
    assert '"sell_price":9.9' in ledger
    assert (desk / "again.xlsx").exists()
    assert (desk / "buy.xlsx").exists()
