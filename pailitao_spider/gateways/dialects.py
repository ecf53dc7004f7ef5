"""The dialects by name, and the protocol that each follows.

A dialect knows no socket, no clock and no Scrapy: a call in, a form out; bytes in, a page or a
refusal out. Name one in PAILITAO_GATEWAY, or give the import path of your own class; options
follow as in a URL: `router?sign_method=hmac-sha256&timestamp=ms&empty=drop`. How to write one:
`docs/gateways.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from typing import Any, Protocol
from urllib.parse import parse_qsl

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.rows import RowShape

__all__ = ["DIALECTS", "Dialect", "TakesUploads", "dialect"]


class Dialect(Protocol):
    """How one gateway is asked and understood. Times are unix seconds."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str:
        """Where it is asked; PAILITAO_URL stands in for it."""
        ...

    @property
    def token_url(self) -> str | None:
        """Where tokens are renewed, `{app_key}` standing for the key; None: they are not."""
        ...

    @property
    def limits(self) -> Limits: ...
    @property
    def shape(self) -> RowShape:
        """How its rows are written."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The members of `Credential` without which no call can be made."""
        ...

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is the picture's URL, or the id of its upload. An empty one makes the call that
        `scrapy pailitao doctor` tries: the gateway shall refuse the parameter, and nothing else.
        """
        ...

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered. `headers` by lower-case name. Raises nothing."""
        ...


class TakesUploads(Dialect, Protocol):
    """A gateway that takes pictures as they are: `limits.picture` says which."""

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """`base64` without its `data:` prefix."""
        ...

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What an upload answered: the picture's id. Raises nothing."""
        ...


DIALECTS: dict[str, str] = {
    "router": "pailitao_spider.gateways.router:Router",
    "imagequery": "pailitao_spider.gateways.imagequery:ImageQuery",
    "linkplus": "pailitao_spider.gateways.linkplus:LinkPlus",
    "onebound": "pailitao_spider.gateways.onebound:Onebound",
    "tmapi": "pailitao_spider.gateways.tmapi:Tmapi",
}
"""Name to import path; only the one in use is imported."""


def dialect(text: str) -> Dialect:
    """The dialect that PAILITAO_GATEWAY names. Raises ConfigError with the known names."""
    name, _, options = text.strip().partition("?")
    make = _imported(DIALECTS.get(name, name), name)
    try:
        made: Dialect = make(**dict(parse_qsl(options, keep_blank_values=True)))
    except TypeError as error:
        known = ", ".join(signature(make).parameters) or "none"
        raise ConfigError(
            f"PAILITAO_GATEWAY={text!r}: {name} has no such options; its options are: {known}"
        ) from error
    return made


def _imported(path: str, name: str) -> Callable[..., Any]:
    module, _, member = path.replace(":", ".").rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), member)
    except (ImportError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"PAILITAO_GATEWAY={name!r} is no gateway: known are {', '.join(DIALECTS)}, "
            f"or give the import path of a dialect class ({error})"
        ) from error
    return found
