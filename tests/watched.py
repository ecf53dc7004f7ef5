"""An extension that notes what no worker may do: run what was sent, open what was named."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Self

from scrapy.crawler import Crawler

_NEVER = ("os.system", "os.exec", "os.fork", "subprocess.Popen", "pickle.find_class")


class Watched:
    """Appends to `noted` in the working folder, for as long as the process lives."""

    def __init__(self) -> None:
        self._noted = os.open("noted", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        sys.addaudithook(self._note)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls()

    def _note(self, event: str, args: tuple[Any, ...]) -> None:
        is_canary = event in ("open", "import") and "canary" in str(args[0])
        if event in _NEVER or is_canary:
            os.write(self._noted, f"{event} {args!r}\n".encode())


NOTED = Path("noted")
WATCH = ("-s", 'EXTENSIONS={"tests.watched.Watched":0}')
