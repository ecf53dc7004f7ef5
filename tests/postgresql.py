"""A real PostgreSQL of the tests' own on 127.0.0.1, with a password to look for in what is told."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import psycopg

__all__ = ["PASSWORD", "PostgresServer", "programs"]

PASSWORD = "canary-sql-7c1e"
_START_SECONDS = 20.0
_OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=40", "shared_buffers=16MB",
            "unix_socket_directories=", "autovacuum=off", "max_wal_senders=0",
            "wal_level=minimal", "log_statement=none", "max_wal_size=4GB")  # fmt: skip


def programs() -> Path | None:
    """The folder with initdb and postgres: on the PATH, or where Debian has them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


class PostgresServer:
    """One server; root, which PostgreSQL refuses, starts it as the user postgres."""

    def __init__(self) -> None:
        found = programs()
        assert found, "no PostgreSQL: neither initdb on the PATH nor in /usr/lib/postgresql"
        self._programs = found
        self._user: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="pailitao-pg-"))
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            self._user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._init()

    def _init(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run(
            [self._programs / "initdb", "-D", self.folder / "data", "-U", "pailitao", "-A",
             "scram-sha-256", "--pwfile", secret, "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._user,
        )  # fmt: skip

    def start(self) -> Self:
        """Starts it, or starts it again on the same data; returns when it answers."""
        command = [self._programs / "postgres", "-D", self.folder / "data"]
        command += ["-h", "127.0.0.1", "-p", str(self.port)]
        command += [word for option in _OPTIONS for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                process_group=0, **self._user,
            )  # fmt: skip
        self._await_answer()
        return self

    def stop(self) -> None:
        """Ends it at once, as a crash does: nothing is brought to its end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_START_SECONDS)
        self._process = None

    def freeze(self) -> None:
        """No process of it goes on, though the system still takes connections."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, how: signal.Signals) -> None:
        assert self._process is not None
        mine = str(self._process.pid)
        for path in Path("/proc").glob("[0-9]*/stat"):
            words = path.read_text().rpartition(")")[2].split()
            if mine in (path.parent.name, words[1]):
                os.kill(int(path.parent.name), how)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"run{self._databases}"
        with closing(psycopg.connect(self._dsn("postgres"), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._dsn(name)

    def _dsn(self, database: str) -> str:
        return f"postgresql://pailitao:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def _await_answer(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
