"""New tokens, asked of a gateway through the crawl's own downloader."""

from __future__ import annotations

import logging
import time

from pailitao_spider import stat_keys
from pailitao_spider.crawl.requests import clean_request
from pailitao_spider.crawl.session import Session
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.oauth import Renewed, renewed
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.keys.key import Key, Out
from pailitao_spider.keys.tokens import Token

__all__ = ["Renewing"]

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 20.0  # between two tries ahead of a token's end
_WARN_DAYS = 7


class Renewing:
    """Renews the tokens of a crawl's keys: when one is refused, and ahead of its end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._not_before: dict[Key, float] = {}
        self._warned: set[Key] = set()

    async def current(self, key: Key) -> Token:
        """The newest token; one that is about to end is renewed first."""
        token = await key.tokens.current()
        now = time.time()
        self._warn(key, token, now)
        if token.renew_at is None or now < max(token.renew_at, self._not_before.get(key, 0.0)):
            return token
        try:
            return await key.tokens.renew(token.version, lambda _: self._fetch(key), ahead=True)
        except RefusedError as error:
            self._not_before[key] = now + _PAUSE_SECONDS
            logger.info("key %s: its token could not be renewed ahead: %s", key.name, error.reason)
            return token

    async def renew(self, key: Key, stale: int) -> bool:
        """A token newer than version `stale`, or the key is out; False when it was the last."""
        try:
            await key.tokens.renew(stale, lambda _: self._fetch(key))
        except RefusedError as error:
            return self._session.lose(key, Out("pailitao_token", error.reason))
        return True

    async def _fetch(self, key: Key) -> Renewed:
        if key.token_url is None:
            raise RefusedError("token: it is no longer accepted, and this gateway renews none")
        request = clean_request("token", {}, {"key": key.name})
        response = await self._session.crawler.engine.download_async(request)
        outcome = renewed(response.status, response.body)
        if isinstance(outcome, Refusal):
            raise RefusedError(outcome.reason)
        self._session.crawler.stats.inc_value(stat_keys.TOKEN_REFRESHED)
        return outcome.dated(time.time())

    def _warn(self, key: Key, token: Token, now: float) -> None:
        """The refresh token itself ends some day; only a person can help then."""
        if token.ends_at is None or token.ends_at - now > _WARN_DAYS * 86400 or key in self._warned:
            return
        self._warned.add(key)
        day = time.strftime("%Y-%m-%d", time.localtime(token.ends_at))
        logger.warning(
            "key %s: its refresh token ends on %s; log in again before: scrapy pailitao login",
            key.name,
            day,
        )
