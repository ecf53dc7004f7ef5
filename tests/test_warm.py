"""A command that is forked is told from one that is started by nothing but its time."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import warm
from tests.crawling import REPOSITORY


def started(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    kept |= {"HOME": str(folder), "PYTHONPATH": str(REPOSITORY), **env}
    return warm.start([*warm.SCRAPY, *arguments], cwd=folder, env=kept, text=True,
                      stderr=subprocess.STDOUT, encoding="utf-8", **given)  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=240)
    return process.returncode, said


@pytest.mark.parametrize(
    "arguments",
    [
        ("version", "-v"),
        ("list",),
        ("crawl", "no-such-spider"),
        ("pailitao", "doctor"),
        ("settings", "--get", "PAILITAO_RATE"),
        ("runspider", "--nolog", "here.py"),
    ],
    ids=lambda each: each[0],
)
def test_it_says_and_ends_as_the_one_that_is_started(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "here.py").write_text("import os, sys\nprint(sys.argv, sys.path[:2])\n1 / 0")
    env = {"SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings", "PAILITAO_RATE": "7"}
    forked = started(tmp_path, *arguments, **env)
    slowly = started(tmp_path, *arguments, **env, PYTHONNOUSERSITE="1")
    assert [type(each) for each in (forked, slowly)] == [warm._Forked, subprocess.Popen]

    exit_code, said = ended(slowly)
    found_code, found = ended(forked)

    assert found_code == exit_code
    assert found.splitlines()[-3:] == said.splitlines()[-3:]


def test_it_can_be_killed_and_waited_for(tmp_path: Path) -> None:
    (tmp_path / "here.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    process = started(tmp_path, "runspider", "--nolog", "here.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)

    process.send_signal(signal.SIGKILL)

    assert process.wait(timeout=240) == -signal.SIGKILL
    assert ended(process) == (-signal.SIGKILL, "")
