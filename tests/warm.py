"""`python -m scrapy` without its start: a process that has loaded Scrapy forks for each command.

Some four hundred tests start Scrapy, which takes half a second each time, nearly all of it for
loading Scrapy, Twisted, this project and what they need. A fork of a process that has loaded these
is a process of its own as any other: it can be killed, stopped and limited.
What depends on how Python itself is started (its flags, its streams, a terminal) takes the long
way, and so do the tests of the start.
"""

from __future__ import annotations

import atexit
import inspect
import json
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.warm_process import NUMBER, READY

__all__ = ["SCRAPY", "start"]

SCRAPY = [sys.executable, "-W", "error", "-m", "scrapy"]
_SPECIAL = {"preexec_fn", "start_new_session", "pass_fds"}
_KNOWN = {"PATH", "LANG", "HOME", "PYTHONPATH", "SCRAPY_SETTINGS_MODULE", "COLUMNS", "REDIS_URL"}


def start(command: list[str], **popen: Any) -> subprocess.Popen[str]:
    """As `subprocess.Popen`, and faster where the command is Scrapy's with nothing special."""
    given = {name for name, value in popen.items() if value}
    if command[: len(SCRAPY)] == SCRAPY and not given & _SPECIAL and _is_plain(popen["env"]):
        return _Forked(command, **popen)
    return subprocess.Popen(command, **popen)


def _is_plain(env: dict[str, Any]) -> bool:
    """Nothing in it changes how Python starts, and the system is one that tells of an end."""
    if not hasattr(os, "pidfd_open"):
        return False
    if any(name not in _KNOWN and not name.startswith("PAILITAO_") for name in env):
        return False
    folders = env.get("PYTHONPATH", "").split(os.pathsep)
    has_own_start = any(Path(each, "sitecustomize.py").exists() for each in folders)
    return env.get("LANG") == os.environ.get("LANG") and not has_own_start


@cache
def _server() -> str:
    """The address of this test process' own."""
    place = tempfile.mkdtemp(prefix="warm-")
    address = f"{place}/socket"
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.warm_process", address],
        cwd=Path(__file__).parent.parent,
        env=kept,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == READY
    atexit.register(process.communicate)  # it ends when its standard input does
    return address


class _Forked(subprocess.Popen[str]):
    """A process whose parent is the server, which tells how it ended."""

    _told: socket.socket

    def _execute_child(self, *given: Any) -> None:
        bound = inspect.signature(subprocess.Popen._execute_child).bind(self, *given)  # type: ignore[attr-defined]
        named = bound.arguments
        fds = [named[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        asked = {
            "arguments": named["args"][len(SCRAPY) :],
            "cwd": str(named["cwd"]),
            "env": {name: str(value) for name, value in named["env"].items()},
        }
        self._told = socket.socket(socket.AF_UNIX)
        self._told.connect(_server())
        streams = [fd if fd != -1 else number for number, fd in enumerate(fds)]
        socket.send_fds(self._told, [json.dumps(asked).encode() + b"\n"], streams)
        self.pid = self._number()
        self._child_created = True
        self._close_pipe_fds(*(named[name] for name in _PIPES))  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        self._told.setblocking(not wait_flags & os.WNOHANG)
        try:
            status = self._number()
        except BlockingIOError:
            return 0, 0
        self._told.close()
        return self.pid, status

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid == self.pid:
                self._handle_exitstatus(status)  # type: ignore[attr-defined]
        return self.returncode

    def _number(self) -> int:
        """The process' number at first, and how it ended at last; both may have come by now."""
        number = self._told.recv(NUMBER.size)
        if not number:
            raise ChildProcessError("the process that forks is gone")
        return int(NUMBER.unpack(number)[0])


_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
