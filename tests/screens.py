"""A terminal, as far as a crawl uses one: what its screen shows after some output, and how a
command behaves that runs in one.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.cells import cell_len

_PIECE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")


class Screen:
    """Lines that scroll away at the top are kept: `lines` has them all."""

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.lines = [""]
        self.shows_cursor = True
        self._row = self._column = 0

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    def write(self, output: str) -> Screen:
        for piece in _PIECE.finditer(output):
            if piece[2] is not None:
                self._control(piece[1], piece[2])
            else:
                self._put(piece[0])
        return self

    def _control(self, given: str, letter: str) -> None:
        if letter == "A":
            self._row = max(self._row - int(given or 1), 0)
        elif letter == "K":
            assert given == "2"
            self.lines[self._row] = ""
        elif letter in "hl" and given == "?25":
            self.shows_cursor = letter == "h"
        else:
            assert letter == "m", (given, letter)

    def _put(self, text: str) -> None:
        if text == "\r":
            self._column = 0
        elif text == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append("")
        else:
            for character in text:
                self._put_character(character)

    def _put_character(self, character: str) -> None:
        if self._column + cell_len(character) > self.width:
            self._put("\n")
            self._put("\r")
        line = self.lines[self._row]
        assert cell_len(line) == self._column, "written over what stands there"
        self.lines[self._row] = line + character
        self._column += cell_len(character)


class InTerminal:
    """A command in a terminal of its own. `output` is all it has written so far."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        environ: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
    ) -> None:
        self.output = ""
        self._terminal, theirs = os.openpty()
        self.resize(*size)
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def until(self, holds: Callable[[str], bool], timeout_seconds: float = 240) -> None:
        """Reads until the output is so, and then until it is quiet."""
        end = time.monotonic() + timeout_seconds
        while not holds(self.output):
            is_over = time.monotonic() > end or not self._read()
            if is_over:
                self._process.kill()
                raise AssertionError(f"it did not come:\n{self.finish()}")
        while select.select([self._terminal], [], [], 0.1)[0] and self._read():
            pass

    def finish(self, timeout_seconds: float = 240) -> str:
        """All output, once the command has ended."""
        end = time.monotonic() + timeout_seconds
        while self._read():
            if time.monotonic() > end:
                self._process.kill()
        self._process.wait(timeout=240)
        os.close(self._terminal)
        return self.output

    def _read(self) -> bool:
        """Some more output, if there is any within a moment; False at the end."""
        if not select.select([self._terminal], [], [], 0.1)[0]:
            return self._process.poll() is None
        try:
            some = os.read(self._terminal, 1 << 16)
        except OSError:  # so it ends on Linux
            return False
        self.output += some.decode("utf-8", "replace")
        return bool(some)
