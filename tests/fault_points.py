"""A fault in one function of the package, at one of its calls: an extension for fault tests.

`-s EXTENSIONS={"tests.fault_points.FaultPoint":-1}` with `-s FAULT_AT=<file>|<function>|<call>`.
Without a FAULT_AT it writes what was called, and how often, into `functions.json`.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler

import pailitao_spider

__all__ = ["FAULT", "FaultPoint", "functions"]

FAULT = "a fault of the test"
_PACKAGE = f"{Path(pailitao_spider.__file__).parent}/"
_LEFT_OUT = ("sandbox/", "commands/", "config.py", "settings.py")


class FaultPoint:
    """Traces calls from now on: those of this thread and of all that are begun later."""

    def __init__(self, at: str) -> None:
        name, _, number = at.rpartition("|")
        self._name, self._number = name, int(number or 0)
        self._calls: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        point = cls(crawler.settings.get("FAULT_AT", ""))
        if not point._name:
            crawler.signals.connect(point.write, signals.engine_stopped)
        sys.settrace(point.trace)
        threading.settrace(point.trace)
        return point

    def write(self) -> None:
        _stop()
        Path("functions.json").write_text(json.dumps(self._calls), encoding="utf-8")

    def trace(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE) or _goes_on(frame):
            return
        name = f"{code.co_filename.removeprefix(_PACKAGE)}|{code.co_qualname}"
        self._calls[name] += 1
        if name == self._name and self._calls[name] == self._number:
            _stop()
            raise RuntimeError(FAULT)


def _goes_on(frame: FrameType) -> bool:
    """A coroutine or generator is resumed: nothing but what it waits for can fail there. RESUME
    tells by its argument, which is 0 at a function's start.
    """
    return frame.f_code.co_code[frame.f_lasti + 1] & 3 != 0


def _stop() -> None:
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]


def functions(folder: Path) -> dict[str, int]:
    """What the crawl in the folder called, and how often; no bodies of classes and modules."""
    found = json.loads((folder / "functions.json").read_text(encoding="utf-8"))
    return {
        name: calls
        for name, calls in found.items()
        if not name.startswith(_LEFT_OUT) and _is_function(name.partition("|")[2])
    }


def _is_function(name: str) -> bool:
    last = name.rpartition(".")[2].lstrip("_")
    return last != "<module>" and not last[:1].isupper()
