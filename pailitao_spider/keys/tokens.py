"""The access token of a key: one refresh for all, the rotated refresh token kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.oauth import Renewed

__all__ = ["Fetch", "LocalTokens", "Token", "TokenStore", "fetched", "refresh_token_of"]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, what renews it, and which one it is (0 is the configured one).

    `renew_at` is the unix time from which it is better renewed than used, `ends_at` when what
    renews it dies; None is unknown.
    """

    access: str | None = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    version: int = 0
    renew_at: float | None = None
    ends_at: float | None = None


Fetch = Callable[[str], Awaitable[Renewed]]
"""Asks the gateway for new tokens by a refresh token. Raises RefusedError."""


def refresh_token_of(token: Token) -> str:
    """What renews the token. Raises RefusedError where there is nothing to renew it with."""
    if token.access is None and token.refresh is None:
        raise RefusedError(
            "token: none is set, and the gateway wants one; set PAILITAO_ACCESS_TOKEN, or log in "
            "with scrapy pailitao login"
        )
    if token.refresh is None:
        raise RefusedError(
            "token: the access token is no longer accepted and there is no refresh token; "
            "set PAILITAO_REFRESH_TOKEN, or a new PAILITAO_ACCESS_TOKEN"
        )
    return token.refresh


async def fetched(old: Token, fetch: Fetch) -> Token:
    """The token after `old`, asked of the gateway. Raises RefusedError."""
    refresh = refresh_token_of(old)
    renewed = await fetch(refresh)
    return Token(
        renewed.access_token,
        renewed.refresh_token or refresh,
        old.version + 1,
        renewed.renew_at,
        renewed.refresh_expires_at or old.ends_at,
    )


class TokenStore(Protocol):
    """Where the newest token is, for all who call with the key."""

    async def current(self) -> Token: ...
    async def renew(self, stale: int, fetch: Fetch, *, ahead: bool = False) -> Token:
        """A token newer than version `stale`. Raises RefusedError.

        `ahead` of its end a refusal is only told: the token is still good, and asked for again.
        """
        ...


class LocalTokens:
    """The tokens of one process, shared with its other runs where `newest` and `lock` are given.

    `keep` is called with each new one, `newest` reads what any run kept last, `lock` is held by
    one run at a time while it renews. `configured` are the tokens that the user set: where kept
    ones are no longer accepted, they are tried before all is given up.
    """

    def __init__(
        self,
        token: Token,
        keep: Callable[[Token], None] = lambda token: None,
        configured: Token | None = None,
        *,
        newest: Callable[[], Token] | None = None,
        lock: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._token = token
        self._keep = keep
        self._configured = configured if configured is not None else token
        self._newest = newest if newest is not None else lambda: token
        self._lock = lock
        self._seen = token
        """What was kept when last looked at."""
        self._turn = asyncio.Lock()
        self._dead: RefusedError | None = None
        self.renewals = 0

    async def current(self) -> Token:
        return self._token

    async def renew(self, stale: int, fetch: Fetch, *, ahead: bool = False) -> Token:
        """A token newer than version `stale`; of many who ask at once, one asks the gateway."""
        async with self._turn:
            if self._token.version != stale:
                return self._token
            async with self._lock():
                return self._of_another_run() or await self._renewed(fetch, ahead)

    def _of_another_run(self) -> Token | None:
        """What another run kept meanwhile: it is the newest, and its refresh token may be the only
        one that still works.
        """
        kept = self._newest()
        if _is_same(kept, self._seen):
            return None
        self._seen = kept
        if _is_same(kept, self._token):
            return None
        self._token, self._dead = replace(kept, version=self._token.version + 1), None
        return self._token

    async def _renewed(self, fetch: Fetch, ahead: bool) -> Token:
        if self._dead is not None:
            raise self._dead
        try:
            self._token = await fetched(self._token, fetch)
        except RefusedError as error:
            if (other := self._of_another_run()) is not None:
                return other
            if ahead:
                raise
            return self._configured_instead_of(error)
        self.renewals += 1
        self._keep(self._token)
        self._seen = self._newest()
        return self._token

    def _configured_instead_of(self, error: RefusedError) -> Token:
        """Raises the error where they are what was refused."""
        if self._configured.refresh in (None, self._token.refresh):
            self._dead = error
            raise error
        self._token = replace(self._configured, version=self._token.version + 1)
        self._configured = self._token
        return self._token


def _is_same(one: Token, other: Token) -> bool:
    return (one.access, one.refresh) == (other.access, other.refresh)
