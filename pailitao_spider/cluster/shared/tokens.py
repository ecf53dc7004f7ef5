"""The access token of a key for all workers: the twin of `keys.tokens.LocalTokens`.

One worker asks the gateway, holding a lock that outlives it by two seconds; the others wait for
what comes of it. Workers with other configured tokens have a record, a lock and versions of their
own: newly configured tokens win, and who has the old ones goes on as long as the gateway allows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import Any, NamedTuple, cast

from pailitao_spider.cluster.redis.client import ClosingError, Link, RedisUnavailableError
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.token_encryption import TokenCipher, root
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.tokens import Fetch, Token, fetched, refresh_token_of

__all__ = ["RedisTokens", "keep_login", "newest_login"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_LIFE_SECONDS = 2.0
# A worker may hold the new tokens while Redis is away, or is an older replica. It writes them
# within _LOOK_SECONDS of the moment when Redis answers again.
_DOUBT_SECONDS = _LOOK_SECONDS + 1.0
_REFUSAL_MS = 60_000
_REASON_LENGTH = 300

_Script = Callable[..., Awaitable[Any]]


class _State(NamedTuple):
    """What `tokens.lua` answers. `refusal` is empty while the version may be renewed."""

    version: int
    record: bytes
    refusal: str
    is_ours: bool


class RedisTokens:
    """The tokens of all workers that were given the same ones. `configured` is version 0."""

    def __init__(
        self,
        link: Link,
        keys: AppKeys,
        credential: Credential,
        configured: Token,
        *,
        life_seconds: float = _LIFE_SECONDS,
        doubt_seconds: float = _DOUBT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._link = link
        self._key = f"{keys.token}:{root(credential, configured)}"
        self._seal = TokenCipher(credential, self._key)
        self._configured = self._token = replace(configured, version=0)
        self._life_ms, self._doubt_seconds = round(1000 * life_seconds), doubt_seconds
        self._clock, self._sleep = clock, sleep
        self._renewing = asyncio.Lock()
        self._has_looked = asyncio.Event()
        self._look_at = clock()
        self.renewals = 0

    async def current(self) -> Token:
        """The newest token, as Redis knew it at most five seconds ago."""
        if self._renewing.locked():
            return self._token
        if self._clock() >= self._look_at:
            await self._look()
        await self._has_looked.wait()
        return self._token

    async def renew(self, stale: int, fetch: Fetch, *, ahead: bool = False) -> Token:
        """A token newer than version `stale`; of all workers who ask at once, one asks the gateway.

        Raises RefusedError, and StoppedError when the run ends while it waits.
        """
        async with self._renewing:
            if self._token.version != stale:
                return self._token
            refresh_token_of(self._token)
            return await self._renewed(stale, fetch, ahead)

    async def _renewed(self, stale: int, fetch: Fetch, ahead: bool) -> Token:
        owner = token_hex(8)
        while True:
            state = await self._ask("take", owner, self._life_ms, stale)
            if self._token.version != stale:
                return self._token
            if state.refusal:
                raise RefusedError(state.refusal)
            if state.is_ours:
                await self._lead(owner, fetch, ahead)
            else:
                await self._link.pause(0)

    async def _lead(self, owner: str, fetch: Fetch, ahead: bool) -> None:
        """Asks the gateway, and writes what came of it where all can see it."""
        stale, holding = self._token, asyncio.create_task(self._hold(owner))
        try:
            token = await fetched(stale, fetch)
        except RefusedError as error:
            if ahead:
                await self._free(owner)
                raise
            await self._refused(owner, stale, error)
        except (Exception, asyncio.CancelledError):
            await self._free(owner)
            raise
        else:
            self.renewals += 1
            await self._keep(owner, token)
        finally:
            holding.cancel()

    async def _hold(self, owner: str) -> None:
        while True:
            await self._sleep(self._life_ms / 4000)
            with suppress(RedisUnavailableError):
                await self._run(self._link.script, "hold", owner, self._life_ms)

    async def _free(self, owner: str) -> None:
        with suppress(RedisUnavailableError):
            await self._run(self._link.script, "free", owner)

    async def _keep(self, owner: str, token: Token) -> None:
        """Writes a new token. Until that is done this process has the only one."""
        self._token = token
        record = self._seal.sealed(token)
        try:
            while True:
                with suppress(RedisUnavailableError):
                    await self._state(self._link.script, "keep", owner, 0, token.version, record)
                    return
                await self._link.pause(0)
        except ClosingError:
            logger.warning(
                "the new tokens could not be kept in Redis; the next run may need a new login"
            )
            raise

    async def _refused(self, owner: str, stale: Token, error: RefusedError) -> None:
        """Before all is given up: tokens that came meanwhile, then the configured ones."""
        if await self._has_newer(stale.version):
            await self._free(owner)
        elif self._configured.refresh not in (None, stale.refresh):
            await self._keep(owner, replace(self._configured, version=stale.version + 1))
        else:
            reason = error.reason[:_REASON_LENGTH] or "refused"
            await self._ask("refuse", owner, _REFUSAL_MS, stale.version, reason)

    async def _has_newer(self, version: int) -> bool:
        until = self._clock() + self._doubt_seconds
        while self._clock() < until:
            await self._ask("look")
            if self._token.version != version:
                return True
            await self._link.pause(0)
        return False

    async def _look(self) -> None:
        self._look_at = self._clock() + _LOOK_SECONDS
        try:
            with suppress(RedisUnavailableError):
                await self._state(self._link.script, "look")
        finally:
            self._has_looked.set()

    async def _ask(self, operation: str, *arguments: Any) -> _State:
        return await self._state(self._link.patient_script, operation, *arguments)

    async def _state(self, script: _Script, operation: str, *arguments: Any) -> _State:
        """Asks, and takes the newest token over; a Redis that forgot it is told again."""
        state = await self._run(script, operation, *arguments)
        if state.version < self._token.version:
            record = self._seal.sealed(self._token)
            state = await self._run(script, "keep", "", 0, self._token.version, record)
        self._token = self._seal.opened(state.record, state.version) or replace(
            self._configured, version=state.version
        )
        return state

    async def _run(self, script: _Script, operation: str, *arguments: Any) -> _State:
        answer = await script("tokens", self._key, operation, *arguments)
        version, record, refusal, is_ours = answer
        return _State(version, record, refusal.decode("utf-8", "replace"), bool(is_ours))


async def keep_login(link: Link, account: Account, token: Token) -> None:
    """Makes these the newest tokens of all workers with the same configured ones.

    Raises AwayError.
    """
    credential = account.credential
    key = f"{_keys(account).token}:{root(credential, account.configured)}"
    record = TokenCipher(credential, key).sealed(token)
    kept = b""
    while kept != record:  # a worker that renewed meanwhile had the same version
        version = cast("int", (await link.script("tokens", key, "look"))[0])
        kept = (await link.script("tokens", key, "keep", "", 0, version + 1, record))[1]


async def newest_login(link: Link, account: Account) -> Token:
    """The tokens that the workers use now; the configured ones where Redis has no others."""
    return await RedisTokens(link, _keys(account), account.credential, account.configured).current()


def _keys(account: Account) -> AppKeys:
    return AppKeys(account.url, account.credential.owner)
