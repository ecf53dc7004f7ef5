"""The gateway itself: a real HTTP server that answers as the router dialect does."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web

from pailitao_spider.sandbox.accounts import Account, GrantError
from pailitao_spider.sandbox.answers import Answers
from pailitao_spider.sandbox.catalogue import Catalogue
from pailitao_spider.sandbox.checks import (
    check_clock,
    check_present,
    check_signature,
    check_token,
)
from pailitao_spider.sandbox.envelopes import ENVELOPES, Lies
from pailitao_spider.sandbox.faults import Fault, Script
from pailitao_spider.sandbox.log import Log
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, top

__all__ = ["Gateway", "Site", "serve"]

Params = Mapping[str, str]
WireFault = Callable[[Fault, web.Request], Awaitable[web.Response | None]]

MAX_REQUEST_BYTES = 16 * 1024 * 1024
METHOD_NAMES = {"1688.item_search_img": "search", "1688.upload_img": "upload"}
ERROR_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


class Gateway:
    """Scripted faults come first, so that the n-th call meets them whatever else is wrong with it.

    The clock and the source of ids are arguments; `others` are further accounts of the gateway.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        account: Account | None = None,
        quota: Quota | None = None,
        faults: Iterable[Fault] = (),
        *,
        others: Sequence[Account] = (),
        latency_seconds: float = 0,
        envelope: str = "plain",
        page_size_cap: int | None = None,
        pagecount_lie: int | None = None,
        total_lie: int | None = None,
        repeat_after: int | None = None,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self.catalogue = catalogue
        self.account = account or Account(clock=clock)
        self.accounts = {known.app_key: known for known in (self.account, *others)}
        self.quota = quota or Quota(clock=clock)
        self.script = Script(faults, catalogue.seed)
        self.log = Log()
        lies = Lies(page_size_cap, pagecount_lie, total_lie, repeat_after)
        self._answers = Answers(catalogue, lies)
        self._latency_seconds = latency_seconds
        self._encode = ENVELOPES[envelope]
        self._clock = clock
        self._entropy = entropy
        self._wire_faults: dict[str, WireFault] = {
            "reset": self._reset,
            "hang": self._hang,
            "slow": self._slow,
            "html": self._html,
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/router/rest", self._api)
        app.router.add_post("/token", self._token)
        app.router.add_get("/sandbox/log", self._show_log)
        return app

    async def _api(self, request: web.Request) -> web.StreamResponse:
        params = await _params(request)
        method = METHOD_NAMES.get(params.get("method", ""), "other")
        return await self._meet(request, method, lambda: self._answer(method, params), params)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await _params(request)
        return await self._meet(request, "token", lambda: self._grant(form), form)

    async def _meet(
        self,
        request: web.Request,
        method: str,
        answer: Callable[[], Awaitable[web.Response]],
        params: Params,
    ) -> web.Response:
        """One call from its count to its answer, with the fault that the script has for it."""
        self.log.by_method[method] += 1
        fault = self.script.strike(method)
        await asyncio.sleep(self._latency_seconds)
        try:
            suffered = await self._suffer(fault, request, params) if fault else None
            response = suffered or await answer()
        except RefusalError as refused:
            return self._refuse(refused.refusal)
        if fault and fault.kind == "cut":
            self.log.refuse("transient", self._clock())
            return self._response(_cut(response), response.status)
        if suffered is None and method != "token":
            self.log.answer(self._clock())
        return response

    async def _suffer(
        self, fault: Fault, request: web.Request, params: Params
    ) -> web.Response | None:
        """The fault's own answer; None lets the call go on to the ordinary one."""
        if fault.kind == "401" and (account := self.accounts.get(params.get("app_key", ""))):
            account.revoke()
        if fault.kind == "lost-upload":
            self._answers.forget(params.get("imgid", ""))
        if refusal := fault.refusal():
            raise RefusalError(refusal)
        suffer = self._wire_faults.get(fault.kind)
        return await suffer(fault, request) if suffer else None

    async def _reset(self, fault: Fault, request: web.Request) -> web.Response:
        self.log.refuse("transient", self._clock())
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _hang(self, fault: Fault, request: web.Request) -> web.Response | None:
        self.log.refuse("transient", self._clock())
        await asyncio.Event().wait()
        return None

    async def _slow(self, fault: Fault, request: web.Request) -> web.Response | None:
        await asyncio.sleep(fault.seconds)
        return None

    async def _html(self, fault: Fault, request: web.Request) -> web.Response:
        self.log.refuse("transient", self._clock())
        return self._response(ERROR_PAGE.encode(), content_type="text/html")

    async def _answer(self, method: str, params: Params) -> web.Response:
        self._admit(params)
        items = await self._answers.items(method, params)
        body = {"code": 200, "msg": "success", "request_id": self._entropy(), "items": items}
        return self._response(self._encode(body))

    def _admit(self, params: Params) -> None:
        check_present(params)
        account = self.accounts.get(params["app_key"])
        if account is None:
            raise RefusalError(top("denied", 29, "Invalid app Key"))
        check_signature(params, account.secret)
        check_clock(params, self._clock())
        if refusal := self.quota.take(account.app_key):
            raise RefusalError(refusal)
        check_token(params, account)

    async def _grant(self, form: Params) -> web.Response:
        account = self.accounts.get(form.get("client_id", ""))
        try:
            if account is None:
                raise GrantError("invalid_client", "client_id is unknown")
            return self._response(ENVELOPES["plain"](account.refresh(form)))
        except GrantError as refused:
            return self._response(ENVELOPES["plain"](refused.body), 400)

    async def _show_log(self, request: web.Request) -> web.Response:
        return self._response(ENVELOPES["plain"](self.log.as_json()))

    def _refuse(self, refusal: Refusal) -> web.Response:
        self.log.refuse(refusal.kind, self._clock())
        named = {"request_id": self._entropy()}
        error = refusal.body.get("error_response")
        body = {"error_response": {**error, **named}} if error else {**refusal.body, **named}
        response = self._response(self._encode(body), refusal.status)
        response.headers.update(refusal.headers)
        return response

    def _response(
        self, body: bytes, status: int = 200, content_type: str = "application/json"
    ) -> web.Response:
        date = {"Date": formatdate(self._clock(), usegmt=True)}
        return web.Response(
            body=body, status=status, headers=date, content_type=content_type, charset="utf-8"
        )


@dataclass(frozen=True)
class Site:
    """A gateway that listens."""

    gateway: Gateway
    origin: str
    _runner: web.AppRunner

    @property
    def url(self) -> str:
        return f"{self.origin}/router/rest"

    @property
    def token_url(self) -> str:
        return f"{self.origin}/token"

    async def close(self) -> None:
        await self._runner.cleanup()


async def serve(gateway: Gateway, host: str = "127.0.0.1", port: int = 0) -> Site:
    """Listen; port 0 takes a free one."""
    runner = web.AppRunner(
        gateway.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    listening = runner.addresses[0]
    return Site(gateway, f"http://{host}:{listening[1]}", runner)


async def _params(request: web.Request) -> dict[str, str]:
    form = await request.post()
    given = [*request.query.items(), *form.items()]
    return {name: value for name, value in given if isinstance(value, str)}


def _cut(response: web.Response) -> bytes:
    body = response.body
    return body[: len(body) // 2] if isinstance(body, bytes) else b""
