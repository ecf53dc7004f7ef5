"""scrapy-redis' own way to feed a spider: `LPUSH pailitao:start_urls URL`, or its JSON.

What lies there goes on to the intake, one atomic move each: nothing is lost in between, and all
else is as with a seed that was pushed.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import RedisError, ResponseError

if TYPE_CHECKING:
    from pailitao_spider.cluster.worker.session import ClusterSession

__all__ = ["StartUrls"]

logger = logging.getLogger(__name__)

_DEFAULT = "%(name)s:start_urls"
_EVERY_SECONDS = 0.5
_MOST_AT_ONCE = 64


class StartUrls:
    """Moves them when a worker has room for more."""

    def __init__(self, session: ClusterSession) -> None:
        named = session.crawler.settings.get("REDIS_START_URLS_KEY") or _DEFAULT
        self._key: str | None = named % {"name": session.spider.name}
        self._session = session
        self._next_at = 0.0

    async def take(self) -> None:
        """Moves some to the intake, at most twice a second. What fails is left for the next time,
        or for good where it cannot be read at all: the exchange is not to wait for it.
        """
        now = time.monotonic()
        if self._key is None or now < self._next_at:
            return
        self._next_at = now + _EVERY_SECONDS
        client, waiting = cast("Any", self._session.link.client), self._session.keys.waiting
        try:
            for _ in range(_MOST_AT_ONCE):
                if await client.lmove(self._key, waiting, "LEFT", "RIGHT") is None:
                    return
        except ResponseError as error:  # a set in its place, or a user who may not
            logger.info("%s is not read: %s", self._key, error)
            self._key = None
        except (RedisError, OSError):
            return
