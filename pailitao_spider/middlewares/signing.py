"""Downloader middleware 950, the last before the wire: wait for leave, sign, send, clean up."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider import inner, stats
from pailitao_spider.access.gate import GateClosedError
from pailitao_spider.access.pace import Permit
from pailitao_spider.access.tokens import Token
from pailitao_spider.addon import session_of
from pailitao_spider.gateways.calls import Credential, Form, PictureRef
from pailitao_spider.gateways.oauth import refresh_form
from pailitao_spider.image_search import META, call_of, clean_request
from pailitao_spider.pictures import prepare
from pailitao_spider.session import Sent, Session

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["RunEndsError", "SigningMiddleware"]

_TIMEOUT_SECONDS = 30.0  # Scrapy's own 180 would hold a page for as long
_BASE64_KEPT = 32  # prepared pictures that may wait for their upload's next try


class RunEndsError(IgnoreRequest):
    """The run ends; this request is left for the next one."""


@dataclass(frozen=True, slots=True)
class _Signed:
    """A form for the wire; `imgid` is what a search names its picture by."""

    form: Form
    token_version: int
    permit: Permit | None = None
    imgid: str | None = None


class SigningMiddleware:
    """Signs every attempt afresh, and sees that nobody but the wire gets the signed form."""

    def __init__(self, session: Session, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds
        self._prepared: OrderedDict[str, str] = OrderedDict()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        is_given = (settings.getpriority("DOWNLOAD_TIMEOUT") or 0) > 0
        seconds = settings.getfloat("DOWNLOAD_TIMEOUT") if is_given else _TIMEOUT_SECONDS
        return cls(session_of(crawler), seconds)

    async def process_request(self, request: Request) -> None:
        if META not in request.meta:
            return
        self._check_open()
        try:
            signed = await self._signed(request)
        except GateClosedError as error:
            raise RunEndsError from error
        clean = inner.put_form(request, signed.form)
        self._session.sent[request] = Sent(clean, signed.permit, signed.token_version, signed.imgid)
        request.meta["download_timeout"] = self._timeout_seconds
        if self._session.config.sandbox is not None:
            request.meta["proxy"] = None

    def process_response(self, request: Request, response: Response) -> Response:
        self._clean(request)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        self._clean(request)

    def _clean(self, request: Request) -> None:
        if (sent := self._session.sent.get(request)) is not None:
            inner.take_form(request, sent.clean)

    def _check_open(self) -> None:
        if self._session.is_open:
            return
        self._session.stop("pailitao_config", str(self._session.failed_to_open))
        raise RunEndsError

    async def _signed(self, request: Request) -> _Signed:
        """Raises GateClosedError when the run ends while it waits."""
        session = self._session
        kind = request.meta[META]["kind"]
        if kind == "token":
            token = await session.tokens.current()
            form = refresh_form(session.token_url, session.credential, token.refresh or "")
            return _Signed(form, token.version)
        text = await self._picture(request, kind)
        permit = await self._leave()
        token = await session.tokens.current()
        form = self._form(request, kind, text, token)
        self._count(request)
        return _Signed(form, token.version, permit, text if kind == "search" else None)

    async def _picture(self, request: Request, kind: str) -> str:
        """The picture as it goes over the wire: Base64 in an upload, else an id or URL."""
        picture = (
            PictureRef(**request.meta[META]["call"])
            if kind == "upload"
            else call_of(request).picture
        )
        if kind == "upload":
            return await self._base64(picture)
        if picture.url is not None:
            return picture.url
        return await self._session.uploads.imgid(
            picture.sha256 or "", lambda: self._uploaded(picture, request)
        )

    async def _uploaded(self, picture: PictureRef, search: Request) -> str:
        call = {"path": picture.path, "base64": picture.base64, "sha256": picture.sha256}
        upload = clean_request("upload", {"picture": picture.key}, call)
        upload.meta[META] |= {
            name: search.meta[META][name]
            for name in ("seed_id", "page")
            if name in search.meta[META]
        }
        response = await self._session.crawler.engine.download_async(upload)
        self._prepared.pop(picture.key, None)
        return response.text

    async def _base64(self, picture: PictureRef) -> str:
        if picture.key not in self._prepared:
            raw = await self._session.picture_bytes(picture)
            prepared = await run_in_thread(self._prepare, raw)
            self._prepared[picture.key] = prepared
            while len(self._prepared) > _BASE64_KEPT:
                self._prepared.popitem(last=False)
        return self._prepared[picture.key]

    def _prepare(self, raw: bytes) -> str:
        made = prepare(raw, self._session.dialect.limits.picture)
        return base64.b64encode(made.data).decode("ascii")

    async def _leave(self) -> Permit:
        session = self._session
        permit = await session.gate.enter()
        if not await session.budget.take():
            session.stop_until_midnight(
                "pailitao_budget", f"PAILITAO_DAILY_CALLS={session.config.daily_calls} are used up"
            )
            raise RunEndsError
        return permit

    def _form(self, request: Request, kind: str, text: str, token: Token) -> Form:
        session = self._session
        key = session.credential
        credential = Credential(key.app_key, key.app_secret, token.access)
        now = time.time()
        if kind == "upload":
            return session.dialect.upload_form(session.url, text, credential, now)
        return session.dialect.search_form(session.url, call_of(request), text, credential, now)

    def _count(self, request: Request) -> None:
        self._session.crawler.stats.inc_value(stats.CALLS)
        seed_id = request.meta[META].get("seed_id")
        search = self._session.searches.find(seed_id, request.meta[META].get("page"))
        if search is not None:
            search.calls += 1
