"""The wheel as a user gets it: built, installed in a clean environment, crawled with.

    python tests/installed.py FOLDER [--lowest]

FOLDER takes the wheel, an environment and what the crawl writes. `--lowest` installs the lowest
version that pyproject.toml allows of each library that it names.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("xlsx", "parquet", "sql", "metrics")
_NAMED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[\w,]+\])?>=([\w.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lowest", action="store_true")
    asked = parser.parse_args()
    folder: Path = asked.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    programs = install(build(folder), folder, lowest() if asked.lowest else ())
    told = crawl(folder / "work", programs)
    print(f"{'lowest' if asked.lowest else 'newest'} libraries, Python {sys.version.split()[0]}:")
    print(told)


def build(folder: Path) -> Path:
    """The wheel; everything that git knows of the package is in it."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder)]
    run([*command, str(REPOSITORY)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def lowest() -> Iterable[str]:
    """`name==version` of the lowest that is allowed."""
    optional = PROJECT["optional-dependencies"]
    named = [*PROJECT["dependencies"], *(each for extra in EXTRAS for each in optional[extra])]
    return [f"{found[1]}=={found[2]}" for each in named if (found := _NAMED.match(each))]


def install(wheel: Path, folder: Path, constraints: Iterable[str]) -> Path:
    """Where the programs of the new environment are."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    limits = folder / "constraints.txt"
    limits.write_text("\n".join(constraints), encoding="utf-8")
    wanted = f"pailitao-spider[{','.join(EXTRAS)}] @ {wheel.as_uri()}"
    limited = ["-c", str(limits)] if limits.read_text(encoding="utf-8") else []
    run([str(programs / "python"), "-m", "pip", "install", "-q", wanted, *limited])
    return programs


def crawl(work: Path, programs: Path) -> str:
    """Photos in, offers, a table and a report out, in a folder that holds nothing else."""
    shutil.copytree(REPOSITORY / "examples" / "photos", work / "photos")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env |= {"PAILITAO_SANDBOX": "1", "PAILITAO_RATE": "50"}
    pailitao = str(programs / "pailitao")
    run([pailitao, "search", "photos", "-O", "offers.jsonl"], work, env)
    run([pailitao, "convert", "offers.jsonl", "-O", "offers.xlsx"], work, env)
    run([pailitao, "report", "offers.jsonl", "-O", "report.html"], work, env)
    offers = [json.loads(line) for line in (work / "offers.jsonl").read_bytes().splitlines()]
    seeds = [json.loads(line) for line in (work / "offers.seeds.jsonl").read_bytes().splitlines()]
    photos = len([*(work / "photos").iterdir()])
    if len(seeds) != photos or any(seed["status"] != "done" for seed in seeds) or not offers:
        raise SystemExit(f"{photos} photos, {len(offers)} offers, {seeds}")
    for name in ("offers.xlsx", "report.html"):
        if not (work / name).stat().st_size:
            raise SystemExit(f"{name} is empty")
    return f"{photos} photos, {len(offers)} offers, a workbook and a report"


def run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
