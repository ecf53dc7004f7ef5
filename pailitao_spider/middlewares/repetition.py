"""Refusals that say the same of picture after picture: then the run is at fault, and stops."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec
from scrapy import Request
from scrapy.utils.asyncio import sleep

from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.requests import META, call_of
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.gateways.refusals import Refusal, RefusalClass
from pailitao_spider.gateways.wording import gist
from pailitao_spider.keys.breaker import Breaker
from pailitao_spider.keys.key import Key, Out

if TYPE_CHECKING:
    from pailitao_spider.crawl.session import Sent, Session

__all__ = ["Repetition", "picture_key"]

_LOOK_SECONDS = 0.25
_PROBE_SECONDS = 2.0  # between two tries while nobody knows
_ALONE_SECONDS = 1.0  # so long another picture is waited for where all that are open wait


class Repetition:
    """Asks each key's breaker, and waits where it cannot say yet."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held = 0
        self._probe_at = -math.inf

    def is_over(self, request: Request, refusal: Refusal, key: Key) -> bool:
        """Counts what a first page or an upload was refused with; True when the key is at fault."""
        picture = picture_key(request)
        is_about_picture = refusal.kind is RefusalClass.BAD_SEED
        if picture is None or (refusal.is_known and not is_about_picture):
            return False
        now = time.monotonic()
        return key.breaker.refused(_gist(refusal), picture, is_known=is_about_picture, now=now)

    async def is_worth_another_try(self, request: Request, refusal: Refusal, key: Key) -> bool:
        """Waits until it shows whether other pictures fare better, or it is this one's turn to try.
        False where there is no doubt: no picture is given up for what may be no picture's fault,
        and few calls are made meanwhile.
        """
        words, picture = _gist(refusal), picture_key(request)
        if refusal.is_known or picture is None:
            return False
        if not key.breaker.is_undecided(words, time.monotonic()):
            return False
        self._session.in_doubt.add(picture)
        self._held += 1
        try:
            return await self._others_told(words, key.breaker)
        finally:
            self._held -= 1
            self._session.in_doubt.discard(picture)

    async def _others_told(self, words: str, breaker: Breaker) -> bool:
        alone_until = time.monotonic() + _ALONE_SECONDS
        while breaker.is_undecided(words, time.monotonic()) and not self._is_closing:
            if self._held < len(self._session.frontier) or not breaker.needs_others(words):
                alone_until = time.monotonic() + _ALONE_SECONDS
            elif time.monotonic() > alone_until:
                return False
            if time.monotonic() > self._probe_at:
                break
            await sleep(_LOOK_SECONDS)
        self._probe_at = time.monotonic() + _PROBE_SECONDS
        return True

    @property
    def _is_closing(self) -> bool:
        return scrapy_internals.is_closing(self._session.crawler.engine)

    def lose(self, refusal: Refusal, sent: Sent) -> bool:
        """Takes the key out; False when it was the last and the run ends."""
        said = f"{refusal.code} {refusal.text}".strip()
        remedy = "scrapy pailitao doctor tells more"
        if refusal.kind is RefusalClass.BAD_SEED:
            remedy = f"see whether the gateway can still read pictures; {remedy}"
        text = f"the gateway refuses picture after picture with the same words: {said}; {remedy}"
        return self._session.lose(sent.key, Out("pailitao_refused", text))


def picture_key(request: Request) -> str | None:
    """The picture of an upload or of a search's first page; None for other calls."""
    meta = request.meta[META]
    if meta["kind"] == "search":
        call = call_of(request)
        return call.picture.key if call.page == 1 else None
    if meta["kind"] == "upload":
        given = {name: text for name, text in meta["call"].items() if name != "key"}
        return msgspec.convert(given, PictureRef).key
    return None


def _gist(refusal: Refusal) -> str:
    return f"{refusal.code} {gist(refusal.text)}"
