"""Downloader middleware 950, the last before the wire: wait for leave, sign, send, clean up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from scrapy import Request
from scrapy.http import Response

from pailitao_spider import stat_keys
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.crawl.call_accounting import no_answer
from pailitao_spider.crawl.endings import (
    GatewayGoneError,
    PageNotNeededError,
    RunEndsError,
    not_made,
)
from pailitao_spider.crawl.requests import META, SLOT, again, call_of, clean_request
from pailitao_spider.crawl.session import Sent, Session, session_of
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall
from pailitao_spider.gateways.oauth import refresh_form
from pailitao_spider.gateways.reading import made_form
from pailitao_spider.gateways.washing import Washing
from pailitao_spider.keys.key import Key
from pailitao_spider.keys.pool import (
    FIRST_PAGE,
    NEXT_PAGE,
    UPLOAD,
    Grant,
    NoKeyError,
    UnwantedError,
)
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.keys.tokens import Token
from pailitao_spider.middlewares.token_refresh import Renewing
from pailitao_spider.middlewares.upload_preparation import Prepared

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["SigningMiddleware"]

_TIMEOUT_SECONDS = 30.0  # Scrapy's own 180 would hold a page for as long


class _ElsewhereError(Exception):
    """No key at the address that the call has; one at another has."""


@dataclass(frozen=True, slots=True)
class _Leave:
    """Leave for one call, which `form` signs. `imgid` is what a search names its picture by."""

    key: Key
    form: Callable[[Token], Form]
    seat: Grant | None = None
    imgid: str | None = None


class SigningMiddleware:
    """Signs every attempt afresh, and sees that nobody but the wire gets the signed form."""

    def __init__(self, session: Session, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds
        self._prepared = Prepared(session)
        self._renewing = Renewing(session)
        self._washings: dict[Key, tuple[Token, Washing]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        is_given = (settings.getpriority("DOWNLOAD_TIMEOUT") or 0) > 0
        seconds = settings.getfloat("DOWNLOAD_TIMEOUT") if is_given else _TIMEOUT_SECONDS
        return cls(session_of(crawler), seconds)

    async def process_request(self, request: Request) -> Request | None:
        if META not in request.meta:
            return None
        try:
            leave = await self._leave(request)
            sent = await self._sign(request, leave)
        except (GateClosedError, RunEndsError):
            return not_made(self._session, request)
        except _ElsewhereError:
            return again(request)
        self._session.sent[request] = self._session.tries[sent.number] = sent
        request.meta[META]["try"] = sent.number
        request.meta["download_timeout"] = self._timeout_seconds
        request.meta["download_slot"] = SLOT  # what rotates proxies makes a slot of each
        if self._session.config.sandbox is not None:
            request.meta["proxy"] = None
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        self._put_back(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._put_back(request)

    def _put_back(self, request: Request) -> None:
        if request in self._session.sent:
            scrapy_internals.readdress(request, scrapy_internals.plain_address(request.url))

    # one attempt

    async def _sign(self, request: Request, leave: _Leave) -> Sent:
        """Signs with the newest token. What fails here leaves the seat to others."""
        key, seat = leave.key, leave.seat
        try:
            current = self._renewing.current(key) if seat is not None else key.tokens.current()
            token = await current
            if seat is not None:
                self._count(request)
            form = made_form(key.dialect, lambda: leave.form(token))
            scrapy_internals.readdress(request, scrapy_internals.signed_address(request.url))
        except BaseException:
            if seat is not None:
                await self._session.pool.leave(seat)
            raise
        permit = seat.permit if seat is not None else None
        washing = self._washing(key, token)
        return Sent(form, key, permit, token.version, washing, leave.imgid, uuid4().hex)

    def _washing(self, key: Key, token: Token) -> Washing:
        """Knows the secrets that a call by this key has in it now."""
        known = self._washings.get(key)
        if known is None or known[0] is not token:
            made = Washing.of(_with(key, token), token.refresh, key.credential.access_token)
            known = self._washings[key] = token, made
        return known[1]

    async def _leave(self, request: Request) -> _Leave:
        """Raises GateClosedError when the run ends while it waits."""
        kind, call = request.meta[META]["kind"], request.meta[META]["call"]
        if kind == "search":
            return await self._search(request)
        key = self._session.pool.named(call["key"])
        return _token(key) if kind == "token" else await self._upload(key, call)

    async def _upload(self, key: Key, call: Mapping[str, Any]) -> _Leave:
        given = {name: text for name, text in call.items() if name != "key"}
        picture = PictureRef(**given)
        converting = key.conversion(picture)
        base64 = "" if converting else await self._base64(key, picture)
        seat = await self._session.pool.enter(lambda each: True, UPLOAD, only=key)

        def form(token: Token) -> Form:
            caller, now = _with(key, token), time.time()
            if converting is not None:
                return converting.convert_form(key.url, picture.url or "", caller, now)
            return key.uploading.upload_form(key.url, base64, caller, now)

        return _Leave(key, form, seat)

    async def _base64(self, key: Key, picture: PictureRef) -> str:
        limits = key.dialect.limits.picture
        assert limits is not None
        return await self._prepared.base64(picture, limits)

    async def _search(self, request: Request) -> _Leave:
        call = call_of(request)
        seat, imgid = await self._seat(request, call)
        key = seat.key
        named = await self._base64(key, call.picture) if key.takes_inline(call.picture) else imgid

        def form(token: Token) -> Form:
            size = min(call.page_size, key.dialect.limits.page_size)
            asked = call if size == call.page_size else replace(call, page_size=size)
            return key.dialect.search_form(key.url, asked, named, _with(key, token), time.time())

        return _Leave(key, form, seat, imgid)

    # which key

    async def _seat(self, request: Request, call: SearchCall) -> tuple[Grant, str]:
        """Leave for a search, and what the picture is called at that key's gateway."""
        pool, group = self._session.pool, request.meta[META].get("gateway")
        self._session.check_takes(call)

        url = self._session.urls.get(request)

        def takes(key: Key) -> bool:
            return key.takes(call) and group in (None, key.group)

        def able(key: Key) -> bool:
            return takes(key) and url in (None, key.url)

        while True:
            try:
                return await self._seat_of(request, call, able)
            except UnwantedError:
                raise PageNotNeededError from None
            except NoKeyError:
                if any(map(able, pool.usable)):
                    continue  # the one that was chosen is out, or is held back
                if any(map(takes, pool.usable)):
                    raise _ElsewhereError from None
                if group is not None and any(key.takes(call) for key in pool.usable):
                    raise GatewayGoneError from None
                self._session.stop_without_key()
                raise RunEndsError from None

    async def _seat_of(
        self, request: Request, call: SearchCall, able: Callable[[Key], bool]
    ) -> tuple[Grant, str]:
        pool, picture = self._session.pool, call.picture
        order = FIRST_PAGE if call.page == 1 else NEXT_PAGE
        wanted = self._is_wanted(request, call)
        known = {
            key: not key.needs_upload(picture) or await key.uploads.known(picture.upload_name)
            for key in pool.keys
        }
        key = pool.likely(able, lambda each: 1 if known[each] else 2)
        if not key.needs_upload(picture):
            if key.takes_inline(picture):
                await self._base64(key, picture)  # made ready before it is this call's turn
            return await pool.enter(
                lambda each: able(each) and not each.needs_upload(picture), order, wanted=wanted
            ), picture.url or ""
        key.load += 1
        try:
            imgid = await key.uploads.imgid(
                picture.upload_name, lambda: self._uploaded(request, picture, key)
            )
            return await pool.enter(able, order, only=key, wanted=wanted), imgid
        finally:
            key.load -= 1

    def _is_wanted(self, request: Request, call: SearchCall) -> Callable[[], bool]:
        """Asked when the call gets its turn: what came meanwhile may have ended its search."""
        seed_id = request.meta[META].get("seed_id")
        search = self._session.frontier.find(seed_id, call.page)
        return (lambda: True) if search is None else (lambda: search.needs(call.page))

    async def _uploaded(self, search: Request, picture: PictureRef, key: Key) -> str:
        call = {"url": picture.url, "path": picture.path, "base64": picture.base64,
                "sha256": picture.sha256, "key": key.name}  # fmt: skip
        upload = clean_request("upload", {"picture": picture.key}, call)
        upload.meta[META] |= {
            name: search.meta[META][name]
            for name in ("seed_id", "page")
            if name in search.meta[META]
        }
        try:
            response = await self._session.crawler.engine.download_async(upload)
        except BaseException:
            no_answer(self._session, upload)
            raise
        self._prepared.forget(picture)
        return response.text

    def _count(self, request: Request) -> None:
        self._session.crawler.stats.inc_value(stat_keys.CALLS)
        seed_id = request.meta[META].get("seed_id")
        search = self._session.frontier.find(seed_id, request.meta[META].get("page"))
        if search is not None:
            search.calls += 1


def _token(key: Key) -> _Leave:
    """A renewal waits for nobody."""
    return _Leave(
        key,
        lambda token: refresh_form(key.token_url or "", key.credential, token.refresh or ""),
    )


def _with(key: Key, token: Token) -> Credential:
    return Credential(key.credential.app_key, key.credential.app_secret, token.access)
