"""A few lines that stay at the foot of the terminal, below a log that goes on."""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
from collections.abc import Callable
from io import TextIOBase
from typing import TYPE_CHECKING, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pailitao_spider.monitoring.console import ErrorConsole

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["StatusFooter"]

Lines = Callable[[int, int, bool], list[Text]]
"""Those for a width, a height, and a terminal that knows ASCII only."""


class StatusFooter:
    """The lines, from `open` to `close`. What is logged meanwhile to standard error stands above
    them. However the process ends, short of a kill -9, the terminal is left as it was.
    """

    def __init__(self, lines: Lines, console: Console | None = None) -> None:
        self._lines = lines
        self._console = console or ErrorConsole()
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._routed: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []

    def open(self) -> None:
        handlers = _handlers_on(sys.stderr)
        self._live.start()
        atexit.register(self.close)
        above = cast("TextIO", _Above(self._console))
        for handler in handlers:
            self._routed.append((handler, handler.stream))
            handler.setStream(above)

    def draw(self) -> None:
        """Draws the lines anew, for the terminal as it is now."""
        size, ascii_only = self._console.size, self._console.options.ascii_only
        lines = self._lines(size.width, size.height, ascii_only)
        self._live.update(Group(*lines), refresh=True)

    def close(self) -> None:
        """Takes the lines away; once is enough."""
        atexit.unregister(self.close)
        for handler, stream in self._routed:
            handler.setStream(stream)
        self._routed.clear()
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone
            self._live.stop()


class _Above(TextIOBase):
    """What is written here stands above the lines, unwrapped, so that it can be copied."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        shown = Text.from_ansi(text.removesuffix("\n"))
        self._console.print(shown, soft_wrap=True)
        return len(text)


def _handlers_on(stream: TextIO) -> list[logging.StreamHandler[TextIO]]:
    return [
        handler
        for handler in logging.root.handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is stream
    ]
