"""What follows a refusal: waiting, renewing, another try, another key, or an end."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import asdict, replace
from time import time
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.utils.asyncio import sleep

from pailitao_spider import stat_keys
from pailitao_spider.config.shown_urls import without_login
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.call_accounting import count_billed
from pailitao_spider.crawl.endings import RunEndsError, not_made
from pailitao_spider.crawl.requests import META, again, call_of
from pailitao_spider.crawl.session import Sent, Session
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.reading import FAULTY
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.keys.key import Key, Out
from pailitao_spider.keys.pool import NoKeyError
from pailitao_spider.keys.quota_day import next_midnight
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.keys.retry_policy import Action, Attempt
from pailitao_spider.middlewares.repetition import Repetition, picture_key
from pailitao_spider.middlewares.token_refresh import Renewing

__all__ = ["Refusals"]

logger = logging.getLogger(__name__)

_LET_OTHERS_GO_SECONDS = 0.1
_BY_STATUS = re.compile(r"HTTP \d{3}")
_UPLOADS = 1  # a picture that is refused for itself costs one upload more, no more


class Refusals:
    """Decides by `keys.retry_policy` and does it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._renewing = Renewing(session)
        self._repetition = Repetition(session)
        self._warned: set[Key] = set()
        self._silent: set[Key] = set()

    async def next_attempt(self, request: Request, refusal: Refusal) -> Request:
        """The same call once more, when its time has come. Raises what ends it else."""
        sent, attempt = self._session.sent.get(request), _attempt_of(request)
        refusal = self._for_the_moment(refusal, attempt, sent)
        self._session.in_doubt.discard(picture_key(request) or "")
        if request.meta[META]["kind"] != "token":
            self._session.crawler.stats.inc_value(stat_keys.refused(refusal.kind))
        try:
            return await self._attempt(request, refusal, attempt, sent)
        except (GateClosedError, RunEndsError):
            return not_made(self._session, request)
        finally:
            self._tell_gate(sent, refusal)

    def _for_the_moment(self, refusal: Refusal, attempt: Attempt, sent: Sent | None) -> Refusal:
        """A wrong address could not have given good answers before: what its status says is a
        proxy's word, and may pass. A dialect that read them before may meet an odd one.
        """
        is_stray = _BY_STATUS.fullmatch(refusal.code) or refusal.code == FAULTY
        if refusal.kind is not RefusalClass.DENIED or not is_stray:
            return refusal
        if sent is None or not sent.key.breaker.has_been_good:
            return refusal
        if attempt.tries + 1 >= self._session.policy.tries:
            return refusal
        return replace(refusal, kind=RefusalClass.TRANSIENT, remedy="", cause=None)

    async def _attempt(
        self, request: Request, refusal: Refusal, attempt: Attempt, sent: Sent | None
    ) -> Request:
        session = self._session
        if _slows(refusal):
            self._slow_down(sent, refusal)
        if await self._is_lost_upload(request, refusal, attempt, sent):
            return _again(request, replace(attempt, uploads=attempt.uploads + 1))
        if sent is not None and self._repetition.is_over(request, refusal, sent.key):
            return self._lose_repeating(request, refusal, sent)
        if sent is not None and await self._repetition.is_worth_another_try(
            request, refusal, sent.key
        ):
            return _again(request, attempt, is_last=True)
        action = session.policy.action(refusal, attempt)
        if sent is not None and not sent.key.has_answered:
            self._tell_silence(sent.key, refusal)
            if action is Action.GIVE_UP:
                return self._lose_silent(request, refusal, sent.key)
        if action is Action.GIVE_UP:
            raise RefusedError(refusal.reason)
        if action is Action.STOP and sent is not None and _is_about_uploading(request, refusal):
            self._send_inline(sent.key, refusal)
        if action is Action.STOP:
            self._lose_key(request, refusal, sent)
            return _again(request, attempt)
        if action is Action.BACK_OFF:
            await self._back_off(request, refusal, attempt)
        if (
            action is Action.RENEW
            and sent is not None
            and not await self._renewing.renew(sent.key, sent.token_version)
        ):
            raise RunEndsError
        return _again(request, session.policy.after(refusal, attempt), is_last=not refusal.is_known)

    def _send_inline(self, key: Key, refusal: Refusal) -> None:
        """The gateway has no such method: pictures go into the search, where it takes them there.
        Raises NoKeyError then, and who waits for the upload chooses anew.
        """
        others = getattr(key.dialect, "without_uploads", None)
        if others is None:
            return
        if key.dialect.limits.inline is False:
            logger.warning(
                "key %s: the gateway takes no uploads (%s); pictures go into the search itself",
                key.name, refusal.reason,
            )  # fmt: skip
        key.dialect = others()
        raise NoKeyError

    async def _back_off(self, request: Request, refusal: Refusal, attempt: Attempt) -> None:
        """Nobody knows whose fault an unknown refusal is: other pictures go before this one."""
        seconds = self._session.policy.backoff_seconds(attempt)
        picture = picture_key(request)
        if not refusal.is_known and picture is not None:
            self._session.in_doubt.add(picture)
            seconds = max(seconds, _LET_OTHERS_GO_SECONDS)
        await self._pause(seconds)

    def _tell_gate(self, sent: Sent | None, refusal: Refusal) -> None:
        """Only now: while the first token is renewed or the run stops, no other call may leave."""
        if sent is None or sent.permit is None:
            return
        if refusal.kind is RefusalClass.BAD_SEED:
            sent.key.gate.good(sent.permit)
        elif not _slows(refusal):
            sent.key.gate.unclear()
        count_billed(self._session, sent, refusal.billed)

    def _slow_down(self, sent: Sent | None, refusal: Refusal) -> None:
        if sent is None or sent.permit is None:
            return
        key = sent.key
        key.gate.throttled(sent.permit, refusal.wait_seconds)
        self._session.pool.slowed(key)
        if key in self._warned or refusal.kind is not RefusalClass.THROTTLED:
            return
        self._warned.add(key)
        rate, now = self._session.rate_of(key), key.gate.per_second
        given = "" if rate is None else f" though PAILITAO_RATE={rate:g}"
        level = logging.INFO if rate is None else logging.WARNING
        name = f"key {key.name}: " if len(self._session.pool.keys) > 1 else ""
        logger.log(level, "%stoo fast for the gateway%s: slower, at %.3g/s", name, given, now)

    def _tell_silence(self, key: Key, refusal: Refusal) -> None:
        """One line at once: a crawl that only tries again looks like one that hangs."""
        if key in self._silent:
            return
        self._silent.add(key)
        name, place = key.name, _host(key)
        logger.warning("key %s: no answer of %s: %s; trying again", name, place, refusal.code)

    def _lose_silent(self, request: Request, refusal: Refusal, key: Key) -> Request:
        """A gateway that was never heard of is no fault of the picture."""
        text = (
            f"no answer of {_host(key)} has ever come: {refusal.code}; "
            "scrapy pailitao doctor tells more"
        )
        is_left = self._session.lose(key, Out("pailitao_unreachable", text))
        return _by_another_key(request, is_left=is_left)

    def _lose_repeating(self, request: Request, refusal: Refusal, sent: Sent) -> Request:
        return _by_another_key(request, is_left=self._repetition.lose(refusal, sent))

    async def _is_lost_upload(
        self, request: Request, refusal: Refusal, attempt: Attempt, sent: Sent | None
    ) -> bool:
        """The gateway may have forgotten a picture that was uploaded long ago: try anew."""
        about_picture = refusal.kind is RefusalClass.BAD_SEED and attempt.uploads < _UPLOADS
        if not about_picture or request.meta[META]["kind"] != "search":
            return False
        picture = call_of(request).picture
        if sent is None or not sent.key.needs_upload(picture):
            return False
        await sent.key.uploads.forget(picture.upload_name, sent.imgid)
        return True

    async def _pause(self, seconds: float) -> None:
        """Waits, and notices within a quarter of a second that the run ends."""
        left = seconds
        while left > 0 and not scrapy_internals.is_closing(self._session.crawler.engine):
            await sleep(min(left, 0.25))
            left -= 0.25

    def _lose_key(self, request: Request, refusal: Refusal, sent: Sent | None) -> None:
        """The key makes no calls any more; its call goes by another. Raises where there is none."""
        remedy = f"; {refusal.remedy}" if refusal.remedy else ""
        if request.meta[META]["kind"] == "token" or sent is None:
            raise RefusedError(f"the gateway gives no new token: {refusal.reason}{remedy}")
        text = f"the gateway refused: {refusal.reason}{remedy}"
        reason, until = _how_long(refusal, time())
        if not self._session.lose(sent.key, Out(reason, text, until)):
            raise RunEndsError
        if request.meta[META]["kind"] == "upload":
            raise NoKeyError


def _is_about_uploading(request: Request, refusal: Refusal) -> bool:
    is_upload = request.meta[META]["kind"] == "upload"
    return is_upload and refusal.kind is RefusalClass.DENIED and refusal.cause is Cause.SETTINGS


def _slows(refusal: Refusal) -> bool:
    """All calls of the key wait: it was too fast, or the gateway says for how long it is down."""
    if refusal.kind is RefusalClass.TRANSIENT:
        return bool(refusal.wait_seconds)
    return refusal.kind is RefusalClass.THROTTLED


def _how_long(refusal: Refusal, now: float) -> tuple[str, float | None]:
    """The reason that the run would end with, and from when on the key is whole again."""
    wait = refusal.wait_seconds
    if refusal.kind is RefusalClass.SPENT:
        if wait == math.inf:
            return "pailitao_spent", None
        return "pailitao_spent", next_midnight(
            now, refusal.day_hours
        ) if wait is None else now + wait
    if refusal.kind in (RefusalClass.THROTTLED, RefusalClass.TRANSIENT):
        return "pailitao_banned", now + (wait or 0.0)
    return f"pailitao_{refusal.kind}", None


def _host(key: Key) -> str:
    return urlsplit(without_login(key.url)).netloc


def _attempt_of(request: Request) -> Attempt:
    return Attempt(**request.meta[META].get("attempt", {}))


def _by_another_key(request: Request, *, is_left: bool) -> Request:
    """The call from the beginning; an upload is of use to its own key alone."""
    if not is_left:
        raise RunEndsError
    if request.meta[META]["kind"] != "search":
        raise NoKeyError
    return _again(request, Attempt())


def _again(request: Request, attempt: Attempt, *, is_last: bool = False) -> Request:
    """The same call once more, ahead of new ones or behind them."""
    made = again(request, attempt=asdict(attempt))
    if is_last:
        made.priority = min(request.priority, 0) - 1
    return made
