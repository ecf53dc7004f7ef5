"""The gateway itself: a real HTTP server with a face for each dialect."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache, partial

from aiohttp import web

from pailitao_spider.errors import ConfigError
from pailitao_spider.sandbox.accounts import Account, GrantError
from pailitao_spider.sandbox.admission import Desk
from pailitao_spider.sandbox.answers import Answers
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.drifting import RowDrift
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.envelopes import ENVELOPES, Misreporting
from pailitao_spider.sandbox.faults import FREE, Fault, Script
from pailitao_spider.sandbox.log import Log
from pailitao_spider.sandbox.protocols.face import Ask, House, ProtocolAdapter
from pailitao_spider.sandbox.protocols.onebound import Onebound
from pailitao_spider.sandbox.protocols.openplatform import OpenPlatform
from pailitao_spider.sandbox.protocols.router import RouterFace
from pailitao_spider.sandbox.protocols.tmapi import Tmapi
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.refusals import Refusal, RefusalError

__all__ = ["HOMES", "TOKEN_PATHS", "Gateway", "Site", "serve"]

_OFFICIAL_TOKENS = "/openapi/http/1/system.oauth2/getToken/{app_key}"

HOMES = {
    "router": "/router/rest",
    "imagequery": "/openapi",
    "linkplus": "/openapi",
    "onebound": "/1688/item_search_img/",
    "tmapi": "/1688/search/image",
}
"""Dialect to the path that PAILITAO_URL has."""

TOKEN_PATHS = {
    "router": "/token",
    "imagequery": _OFFICIAL_TOKENS,
    "linkplus": _OFFICIAL_TOKENS,
}
"""Dialect to the path of PAILITAO_TOKEN_URL; the others' tokens do not renew."""


WireFault = Callable[[Fault, Ask], Awaitable[web.Response | None]]

HUGE_BYTES = 50 * 1024 * 1024
MAX_REQUEST_BYTES = 16 * 1024 * 1024
KEPT_PHOTOS = 256
FACES: tuple[Callable[[House], ProtocolAdapter], ...] = (RouterFace, OpenPlatform, Onebound, Tmapi)
ERROR_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


class Gateway:
    """Scripted faults come first, so that the n-th call meets them whatever else is wrong with it.

    One origin speaks all dialects, over one catalogue, one account book, one script and one log.
    The clock and the source of ids are arguments; `others` are further accounts of the gateway,
    `quotas` the quotas of single app keys in place of the common one.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        account: Account | None = None,
        quota: Quota | None = None,
        faults: Iterable[Fault] = (),
        *,
        others: Sequence[Account] = (),
        quotas: Mapping[str, Quota] | None = None,
        latency_seconds: float = 0,
        envelope: str = "plain",
        page_size_cap: int | None = None,
        pagecount_lie: int | None = None,
        total_lie: int | None = None,
        repeat_after: int | None = None,
        drift: RowDrift | None = None,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self.catalogue = catalogue
        self.account = account or Account(clock=clock)
        self.quota = quota or Quota(clock=clock)
        self.desk = Desk((self.account, *others), self.quota, quotas or {}, clock)
        self.accounts = self.desk.accounts
        self.script = Script(faults, catalogue.seed)
        self.log = Log()
        lies = Misreporting(page_size_cap, pagecount_lie, total_lie, repeat_after)
        self._answers = Answers(catalogue, lies, drift)
        self._faces = [make(House(self.desk, self._answers, entropy)) for make in FACES]
        self._latency_seconds = latency_seconds
        self._encode = ENVELOPES[envelope]
        self._clock = clock
        self._drawn = lru_cache(maxsize=KEPT_PHOTOS)(jpeg)
        self._wire_faults: dict[str, WireFault] = {
            "hang": self._hang,
            "slow": self._slow,
            "html": self._html,
            "huge": self._huge,
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        for face in self._faces:
            for verb, path in face.routes:
                app.router.add_route(verb, path, partial(self._call, face))
        app.router.add_get("/photos/{name}", self._photo)
        app.router.add_get("/sandbox/log", self._show_log)
        return app

    async def _call(self, face: ProtocolAdapter, request: web.Request) -> web.StreamResponse:
        """One call from its count to its answer, with the fault that the script has for it."""
        ask = face.ask(request.path, await _params(request))
        self.log.call(ask.method, _key(ask))
        fault = self.script.strike(ask.method)
        await asyncio.sleep(self._latency_seconds)
        if fault and fault.kind == "reset":
            return self._reset(request, ask)
        try:
            suffered = await self._suffer(fault, face, ask) if fault else None
            response = suffered or await self._answer(face, ask)
        except RefusalError as refused:
            return self._refuse(face.told(refused.refusal, ask), ask)
        if fault and fault.kind == "cut":
            self._refused("transient", ask)
            return self._response(_cut(response), response.status)
        if suffered is None and ask.method not in FREE:
            self.log.answer(self._clock(), _key(ask))
        return response

    async def _suffer(self, fault: Fault, face: ProtocolAdapter, ask: Ask) -> web.Response | None:
        """The fault's own answer; None lets the call go on to the ordinary one."""
        if fault.kind == "401" and ask.account and ask.method != "token" and face.renews_tokens:
            ask.account.revoke()
        if fault.kind == "lost-upload":
            self._answers.uploads.forget(ask.imgid)
        if refusal := fault.refusal():
            raise RefusalError(refusal)
        suffer = self._wire_faults.get(fault.kind)
        return await suffer(fault, ask) if suffer else None

    def _reset(self, request: web.Request, ask: Ask) -> web.Response:
        self._refused("transient", ask)
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def _hang(self, fault: Fault, ask: Ask) -> web.Response | None:
        self._refused("transient", ask)
        await asyncio.Event().wait()
        return None

    async def _slow(self, fault: Fault, ask: Ask) -> web.Response | None:
        await asyncio.sleep(fault.seconds)
        return None

    async def _html(self, fault: Fault, ask: Ask) -> web.Response:
        self._refused("transient", ask)
        return self._response(ERROR_PAGE.encode(), content_type="text/html")

    async def _huge(self, fault: Fault, ask: Ask) -> web.Response:
        """An answer that nobody should read to its end."""
        self._refused("transient", ask)
        return self._response(b" " * HUGE_BYTES)

    async def _answer(self, face: ProtocolAdapter, ask: Ask) -> web.Response:
        encode = ENVELOPES["plain"] if ask.method in FREE else self._encode
        try:
            body = encode(await face.answer(ask))
        except GrantError as refused:
            return self._response(encode(refused.body), 400)
        if ask.method not in FREE:
            self.log.bill(_key(ask))
        return self._response(body)

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        """What a catalogue photo's URL shows, drawn."""
        shot = self.catalogue.shot(request.match_info["name"])
        if shot is None:
            raise web.HTTPNotFound
        drawn = await asyncio.to_thread(self._drawn, *shot)
        return self._response(drawn, content_type="image/jpeg")

    async def _show_log(self, request: web.Request) -> web.Response:
        return self._response(ENVELOPES["plain"](self.log.as_json()))

    def _refuse(self, refusal: Refusal, ask: Ask) -> web.Response:
        self._refused(refusal.kind, ask)
        response = self._response(self._encode(dict(refusal.body)), refusal.status)
        response.headers.update(refusal.headers)
        return response

    def _refused(self, kind: str, ask: Ask) -> None:
        self.log.refuse(kind, self._clock(), _key(ask))

    def _response(
        self, body: bytes, status: int = 200, content_type: str = "application/json"
    ) -> web.Response:
        date = {"Date": formatdate(self._clock(), usegmt=True)}
        charset = None if content_type.startswith("image/") else "utf-8"
        return web.Response(
            body=body, status=status, headers=date, content_type=content_type, charset=charset
        )


@dataclass(frozen=True)
class Site:
    """A gateway that listens."""

    gateway: Gateway
    origin: str
    _runner: web.AppRunner

    @property
    def url(self) -> str:
        return self.url_of("router")

    @property
    def token_url(self) -> str:
        return self.origin + TOKEN_PATHS["router"]

    def url_of(self, dialect: str) -> str:
        """What PAILITAO_URL has to be for a dialect. Raises ConfigError for one unspoken here."""
        name = dialect.partition("?")[0]
        if name not in HOMES:
            raise ConfigError(f"the sandbox speaks {', '.join(HOMES)}, but not {name}")
        return self.origin + HOMES[name]

    def token_url_of(self, dialect: str) -> str | None:
        """What PAILITAO_TOKEN_URL has to be; None where tokens do not renew."""
        path = TOKEN_PATHS.get(dialect.partition("?")[0])
        return path and self.origin + path

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


def _key_in(request: web.Request) -> dict[str, str]:
    """A key that comes as a header."""
    key = request.headers.get("apikey") or request.headers.get("x-rapidapi-key")
    return {} if key is None else {"apikey": key}


async def _json(request: web.Request) -> dict[str, str]:
    try:
        given = json.loads(await request.text())
    except ValueError:
        return {}
    return {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}


async def _params(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        return {**request.query, **await _json(request), **_key_in(request)}
    form = await request.post()
    given = [*request.query.items(), *form.items(), *_key_in(request).items()]
    return {name: value for name, value in given if isinstance(value, str)}


def _key(ask: Ask) -> str | None:
    return ask.account.app_key if ask.account else None


def _cut(response: web.Response) -> bytes:
    body = response.body
    return body[: len(body) // 2] if isinstance(body, bytes) else b""
