"""Faults by script: what goes wrong, at which calls.

`kind[=argument][@when][:method]`, for instance `500@3`, `ban=3@5`, `html@20%`, `503@1-2:upload`.
When: `3` the third call, `3-6`, `40-` from the fortieth on, `%7` every seventh, `20%` a seeded
share; left out, every call. Methods: search, upload, token, time (the open platform's clock); left
out, search and upload together. A method's own calls are counted where a method is named.

Each dialect tells them in its own words. What one has no word for it tells by its nearest: a ban
is an ordinary throttling but for router, a spent day too on the open platform; a 401 kills the
token where tokens renew, and elsewhere is told that once.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pailitao_spider.sandbox.quota import banned, spent, throttled, throttled_http
from pailitao_spider.sandbox.refusals import Refusal, Why, bad_parameter, no_permission, plain, top

__all__ = ["FREE", "KINDS", "METHODS", "REFUSALS", "Fault", "Script", "parse_fault"]

METHODS = ("search", "upload", "token", "time")
FREE = ("token", "time")
DEFAULT_SECONDS = 1.0

REFUSALS: dict[str, Callable[[float], Refusal]] = {
    "429": throttled,
    "429-http": throttled_http,
    "ban": banned,
    "spent": lambda _: spent(),
    "401": lambda _: plain("token", Why.TOKEN, 401, "invalid access_token"),
    "500": lambda _: plain("transient", Why.SERVER, 500, "server error"),
    "503": lambda _: plain("transient", Why.DOWN, 503, "service unavailable", 503),
    "400": lambda _: bad_parameter("imgid is null", Why.MISSING),
    "denied": lambda _: no_permission(),
    "bad-sign": lambda _: top("denied", Why.SECRET, 25, "Invalid signature"),
    "lost-upload": lambda _: bad_parameter("imgid not found", Why.PICTURE),
}  # fmt: skip
WIRE_KINDS = ("reset", "hang", "slow", "html", "cut", "huge")
KINDS = (*REFUSALS, *WIRE_KINDS)
TIMED = ("429-http", "ban", "slow")

_FAULT = re.compile(
    r"(?P<kind>[\w-]+)(=(?P<argument>\d+(\.\d+)?))?"
    r"(@(%(?P<every>\d+)|(?P<share>\d+(\.\d+)?)%|(?P<first>\d+)(?P<on>-(?P<last>\d+)?)?))?"
    r"(:(?P<method>\w+))?"
)


@dataclass(frozen=True)
class Fault:
    """One line of the script. Calls are counted from 1; `seconds` is read by 429-http, ban, slow.

    With `every` or `share` set, `first` and `last` still bound the calls that can be hit.
    """

    kind: str
    first: int = 1
    last: int | None = None
    every: int = 1
    share: float = 1.0
    method: str | None = None
    seconds: float = DEFAULT_SECONDS

    def hits(self, call: int, seed: int = 0) -> bool:
        if call < self.first or (self.last is not None and call > self.last) or call % self.every:
            return False
        draw = random.Random(f"{seed} {self} {call}").random()
        return draw < self.share

    def refusal(self) -> Refusal | None:
        """What the client is told; None for a fault of the wire."""
        make = REFUSALS.get(self.kind)
        return make(self.seconds) if make else None


class Script:
    """Counts calls and says which fault, if any, meets the one at hand: the first that hits."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.faults = tuple(faults)
        self._seed = seed
        self._calls: Counter[str] = Counter()

    def strike(self, method: str) -> Fault | None:
        self._calls[method] += 1
        if method not in FREE:
            self._calls["api"] += 1
        return next((fault for fault in self.faults if self._meets(fault, method)), None)

    def _meets(self, fault: Fault, method: str) -> bool:
        if fault.method is None and method in FREE:
            return False
        if fault.method not in (None, method):
            return False
        return fault.hits(self._calls[fault.method or "api"], self._seed)


def parse_fault(text: str) -> Fault:
    """A fault of its written form; raises ValueError with what is wrong, in one line."""
    found = _FAULT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"fault {text!r}: write kind[=seconds][@when][:method], such as 500@3")
    kind, argument, method = found["kind"], found["argument"], found["method"]
    if kind not in KINDS:
        raise ValueError(f"fault {text!r}: {kind!r} is none of {', '.join(KINDS)}")
    if argument and kind not in TIMED:
        raise ValueError(f"fault {text!r}: only {', '.join(TIMED)} take seconds")
    if method and method not in METHODS:
        raise ValueError(f"fault {text!r}: {method!r} is none of {', '.join(METHODS)}")
    first, last = _bounds(found)
    every, share = int(found["every"] or 1), float(found["share"] or 100) / 100
    if not (first >= 1 and every >= 1 and share <= 1 and (last is None or last >= first)):
        raise ValueError(f"fault {text!r}: calls count from 1 upwards, shares end at 100%")
    return Fault(kind, first, last, every, share, method, float(argument or DEFAULT_SECONDS))


def _bounds(found: re.Match[str]) -> tuple[int, int | None]:
    first = int(found["first"] or 1)
    if found["last"]:
        return first, int(found["last"])
    return first, first if found["first"] and not found["on"] else None
