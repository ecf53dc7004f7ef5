"""Where a crawl's own words go: standard error."""

from __future__ import annotations

import os
import sys

from rich.console import Console

__all__ = ["ErrorConsole"]


class ErrorConsole(Console):
    """Falls silent when nobody reads any more, as behind `| head`: the crawl goes on to its end,
    where Rich would leave the process from within its loop.
    """

    def __init__(self) -> None:
        super().__init__(stderr=True, highlight=False, emoji=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())  # or Python's last flush would fail as well
        os.close(nowhere)
