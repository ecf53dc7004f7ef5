"""The dialects by name, and the protocol that each follows.

A dialect knows no socket, no clock and no Scrapy: a call in, a form out; bytes in, a page or a
refusal out. Name one in PAILITAO_GATEWAY, or give the import path of your own class; options
follow as in a URL: `router?sign_method=hmac-sha256&timestamp=ms&empty=drop`. How to write one:
`docs/gateways.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from typing import Any
from urllib.parse import parse_qsl

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.protocol import Dialect

__all__ = ["DIALECTS", "dialect"]

DIALECTS: dict[str, str] = {
    "router": "pailitao_spider.gateways.router.dialect:Router",
    "imagequery": "pailitao_spider.gateways.openplatform.imagequery:ImageQuery",
    "linkplus": "pailitao_spider.gateways.openplatform.linkplus:LinkPlus",
    "onebound": "pailitao_spider.gateways.resellers.onebound:Onebound",
    "tmapi": "pailitao_spider.gateways.resellers.tmapi:Tmapi",
}
"""Name to import path; only the one in use is imported."""

_MEMBERS = ("name", "url", "token_url", "limits", "shape", "needs", "search_form", "page")
_OF_UPLOADS = ("upload_form", "imgid")


def dialect(text: str) -> Dialect:
    """The dialect that PAILITAO_GATEWAY names. Raises ConfigError with the known names."""
    name, _, options = text.strip().partition("?")
    make = _imported(DIALECTS.get(name, name), name)
    try:
        made: Dialect = make(**dict(parse_qsl(options, keep_blank_values=True)))
    except TypeError as error:
        known = ", ".join(signature(make).parameters) or "none"
        given = ", ".join(dict(parse_qsl(options, keep_blank_values=True)))
        raise ConfigError(
            f"PAILITAO_GATEWAY={name!r} with {given}: {name} has no such options; its options are: "
            f"{known}"
        ) from error
    _check_members(made, name)
    return made


def _check_members(made: object, name: str) -> None:
    wanted: tuple[str, ...] = _MEMBERS
    if getattr(getattr(made, "limits", None), "picture", None) is not None:
        wanted += _OF_UPLOADS
    if missing := [each for each in wanted if not hasattr(made, each)]:
        raise ConfigError(
            f"PAILITAO_GATEWAY={name!r} lacks {', '.join(missing)}; what a dialect has "
            "stands in docs/gateways.md"
        )


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
