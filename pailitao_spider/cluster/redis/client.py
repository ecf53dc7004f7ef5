"""The line to Redis: scripts by name, and what happens while nobody answers.

Redis away for seconds or minutes is no error: who asks waits, with growing pauses and a random
share so that a hundred workers do not come back at once, and it is told once. Nor is one that
refuses in the middle of a run, as when somebody changes a user's rights: `waits_out_refusals`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from hashlib import sha1
from importlib.resources import files
from typing import Any, TypeVar

from redis import exceptions

from pailitao_spider.cluster.redis.connection import Client
from pailitao_spider.errors import PailitaoError
from pailitao_spider.keys.rate_limiter import GateClosedError

__all__ = ["ClosingError", "Link", "RedisUnavailableError", "script_text"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterError,
    exceptions.InvalidResponse,
    OSError,
)
# Codes that the client has no class of its own for.
_AWAY_CODES = (
    "LOADING", "READONLY", "OOM", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "BUSY ",
    "NOREPLICAS",
)  # fmt: skip
# How Redis before 7 tells what a command within a script met.
_IN_SCRIPT = re.compile(r"Error running script .*?: -(?=[A-Z]+ )", re.DOTALL)
_MOST_REFUSALS_TOLD = 10
_FIRST_PAUSE_SECONDS = 0.2
_MOST_PAUSE_SECONDS = 5.0
_SLICE_SECONDS = 0.1


class RedisUnavailableError(PailitaoError):
    """Redis gave no answer; what was asked may or may not have happened."""


class ClosingError(GateClosedError):
    """The run ended while Redis was away."""


def script_text(name: str) -> str:
    """A script as Redis gets it; a long one lies in parts, `1_….lua`, `2_….lua` and so on."""
    scripts = files("pailitao_spider.cluster") / "lua"
    parts = [scripts / f"{name}.lua"]
    if (folder := scripts / name).is_dir():
        parts = sorted(folder.iterdir(), key=lambda part: part.name)
    return "\n".join(part.read_text("utf-8") for part in parts)


class Link:
    """Calls to one Redis. Each script is a file of the folder `lua`, or a folder there.

    With `waits_out_refusals`, a call that Redis refuses is one that it does not answer.
    """

    def __init__(
        self,
        client: Client,
        *,
        is_closing: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.client = client
        self.calls = 0
        self.waits_out_refusals = False
        self.script_calls: Counter[str] = Counter()
        self._is_closing = is_closing
        self._sleep = sleep
        self._is_away = False
        self._refusals_told: set[str] = set()
        self._scripts: dict[str, tuple[str, str]] = {}

    async def once(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """One try. Raises AwayError when Redis does not answer, or not as one that can write.

        Raises redis' ResponseError for all else that Redis refuses.
        """
        self.calls += 1
        try:
            answer = await call()
        except exceptions.AuthenticationError as error:
            raise self._away(error) from error
        except _AWAY as error:
            raise self._away(error) from error
        except exceptions.ResponseError as error:
            if _IN_SCRIPT.sub("", str(error), count=1).startswith(_AWAY_CODES):
                raise self._away(error) from error
            if self.waits_out_refusals:
                raise self._refused(error) from error
            raise
        self._answered()
        return answer

    async def patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Tries until Redis answers. Raises StoppedError when the run ends meanwhile."""
        failures = 0
        while True:
            try:
                return await self.once(call)
            except RedisUnavailableError:
                await self.pause(failures)
                failures += 1

    async def pause(self, failures: int) -> None:
        """Waits before the next try; between half and the whole of a step that doubles."""
        left = self.pause_seconds(failures)
        while left > 0:
            if self._is_closing():
                raise ClosingError("the run ended while Redis was away")
            await self._sleep(min(left, _SLICE_SECONDS))
            left -= _SLICE_SECONDS

    @staticmethod
    def pause_seconds(failures: int) -> float:
        """A random part of a step that doubles."""
        step = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10), _MOST_PAUSE_SECONDS)
        return step * random.uniform(0.5, 1.0)  # noqa: S311  no secret

    async def script(self, name: str, key: str, *args: Any) -> Any:
        """Runs a script once; `key` tells the node, and the script gets it as KEYS[1]."""
        sha, body = self._script(name)
        self.script_calls[name] += 1

        async def call() -> Any:
            try:
                return await self.client.evalsha(sha, 1, key, *args)
            except exceptions.NoScriptError:
                return await self.client.eval(body, 1, key, *args)

        return await self.once(call)

    async def patient_script(self, name: str, key: str, *args: Any) -> Any:
        """Runs a script until it is answered: only for scripts that may run twice."""
        failures = 0
        while True:
            try:
                return await self.script(name, key, *args)
            except RedisUnavailableError:
                await self.pause(failures)
                failures += 1

    async def close(self) -> None:
        await self.client.aclose()

    def _script(self, name: str) -> tuple[str, str]:
        if name not in self._scripts:
            body = script_text(name)
            self._scripts[name] = (sha1(body.encode(), usedforsecurity=False).hexdigest(), body)
        return self._scripts[name]

    def _away(self, error: Exception) -> RedisUnavailableError:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        if not self._is_away:
            self._is_away = True
            logger.warning("Redis does not answer (%s): waiting for it, nothing is lost", text)
        return RedisUnavailableError(text)

    def _refused(self, error: Exception) -> RedisUnavailableError:
        """Told once for each text: other calls may well be answered meanwhile."""
        text = str(error).partition("\n")[0][:200]
        if text not in self._refusals_told and len(self._refusals_told) < _MOST_REFUSALS_TOLD:
            self._refusals_told.add(text)
            logger.error("Redis refuses: %s; trying again, nothing is lost", text)
        return RedisUnavailableError(text)

    def _answered(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.warning("Redis answers again")
