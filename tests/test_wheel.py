"""What is installed is what lies here: every file of the package is in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

import pailitao_spider
from tests.crawling import REPOSITORY

PACKAGE = Path(pailitao_spider.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return ZipFile(path)


def test_every_file_of_the_package_is_in_the_wheel(wheel: ZipFile) -> None:
    here = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert inside == here
    assert {name.rpartition(".")[2] for name in inside} >= {"py", "lua", "j2", "css", "js", "npy"}


def test_the_wheel_bears_the_version_and_the_licence(wheel: ZipFile) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = message_from_bytes(wheel.read(name))

    assert metadata["Version"] == project["version"]
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def test_the_changelog_begins_with_this_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    first = next(line for line in lines if re.match(r"## \d", line))

    assert first.split()[1] == project["version"]
