"""The dialects by name, and the protocol that each follows.

A dialect knows no socket, no clock and no Scrapy: a call in, a form out; bytes in, a page or a
refusal out. Name one in PAILITAO_GATEWAY, or give the import path of your own class; options
follow as in a URL: `router?sign_method=hmac-sha256&timestamp=ms&empty=drop`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qsl

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal

__all__ = ["DIALECTS", "Dialect", "dialect"]


class Dialect(Protocol):
    """How one gateway is asked and understood. Times are unix seconds."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def token_url(self) -> str: ...
    @property
    def limits(self) -> Limits: ...

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form: ...
    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form: ...
    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal: ...
    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal: ...


DIALECTS: dict[str, str] = {"router": "pailitao_spider.gateways.router:Router"}
"""Name to import path; only the one in use is imported."""


def dialect(text: str) -> Dialect:
    """The dialect that PAILITAO_GATEWAY names. Raises ConfigError with the known names."""
    name, _, options = text.strip().partition("?")
    make = _imported(DIALECTS.get(name, name), name)
    try:
        made: Dialect = make(**dict(parse_qsl(options, keep_blank_values=True)))
    except TypeError as error:
        raise ConfigError(f"PAILITAO_GATEWAY={text!r}: {error}") from error
    return made


def _imported(path: str, name: str) -> Callable[..., Any]:
    module, _, member = path.replace(":", ".").rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), member)
    except (ImportError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"PAILITAO_GATEWAY={name!r} is no gateway: known are {', '.join(DIALECTS)}, "
            "or give the import path of a dialect class"
        ) from error
    return found
