"""Serves the live page: the page, its events, and nothing that changes the run."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import msgspec
from aiohttp import web

__all__ = ["LivePage", "Look", "is_loopback"]

Look = Callable[[], Awaitable[dict[str, Any]]]

_EVERY_SECONDS = 1.0
_NAMES = ("localhost",)


def is_loopback(host: str) -> bool:
    """The host is this machine alone."""
    if host.lower() in _NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class LivePage:
    """`GET /` and `GET /events`. On a host that others reach, both want the token."""

    def __init__(self, look: Look, host: str, every_seconds: float = _EVERY_SECONDS) -> None:
        self._look = look
        self._is_local = is_loopback(host)
        self._every = every_seconds
        self._closing = asyncio.Event()
        self.token = "" if self._is_local else secrets.token_urlsafe(18)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/", self._page)
        app.router.add_get("/events", self._events)
        app.on_shutdown.append(self._close)

    def address(self, host: str, port: int | None) -> str:
        """What a person opens."""
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}/{f'?token={self.token}' if self.token else ''}"

    async def _close(self, _: web.Application) -> None:
        self._closing.set()

    async def _page(self, request: web.Request) -> web.Response:
        self._check(request)
        style, script = _own("live.css"), _own("live.js")
        policy = (
            f"default-src 'none'; script-src '{_sha256(script)}'; style-src '{_sha256(style)}'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        html = _own("page.html").replace("{{style}}", style).replace("{{script}}", script)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store",
                   "Referrer-Policy": "no-referrer",
                   "X-Content-Type-Options": "nosniff"}  # fmt: skip
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._check(request)
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        answer = web.StreamResponse(headers=headers)
        await answer.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # the reader has left
            while not self._closing.is_set():
                await answer.write(b"data: " + msgspec.json.encode(await self._look()) + b"\n\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), self._every)
        return answer

    def _check(self, request: web.Request) -> None:
        """A page of another site must not read this one by a name that leads here."""
        if self._is_local and not is_loopback(_host_of(request)):
            raise web.HTTPForbidden(text="ask by 127.0.0.1 or localhost\n")
        given = request.query.get("token", "")
        if self.token and not hmac.compare_digest(given.encode(), self.token.encode()):
            raise web.HTTPForbidden(text="the address lacks its token; the log has it\n")


def _host_of(request: web.Request) -> str:
    host = request.host
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _own(name: str) -> str:
    text = files("pailitao_spider.monitoring.live").joinpath(name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
