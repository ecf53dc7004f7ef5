"""What the two dialects of 1688's open platform (AOP, gw.open.1688.com) share, without I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import quote

from pailitao_spider.errors import AnswerError, ConfigError, FieldError
from pailitao_spider.gateways.calls import Credential, Form
from pailitao_spider.gateways.json_bodies import decode, first
from pailitao_spider.gateways.signing import sign_path
from pailitao_spider.gateways.urlencode import encoded
from pailitao_spider.offers import values

__all__ = [
    "TOKEN_URL",
    "URL",
    "check_words",
    "clock_form",
    "clock_of",
    "signed_form",
    "unix_seconds",
    "unknown_option",
]

URL = "https://gw.open.1688.com/openapi"
TOKEN_URL = f"{URL}/http/1/system.oauth2/getToken/{{app_key}}"

_CLOCK = "system/currentTime"


def signed_form(
    url: str, api: str, params: Mapping[str, str], credential: Credential, now: float
) -> Form:
    """The POST to `<url>/param2/1/<api>/<app key>`; `api` is `<namespace>/<name>`."""
    path = f"param2/1/{api}/{quote(credential.app_key, safe='')}"
    sent = {**params, "_aop_timestamp": str(int(now * 1000))}
    if credential.access_token is not None:
        sent["access_token"] = credential.access_token
    sent["_aop_signature"] = sign_path(path, sent, credential.app_secret)
    return Form(f"{url.rstrip('/')}/{path}", encoded(sent).encode())


def clock_form(url: str, credential: Credential, now: float) -> Form:
    """Asks the platform for its time: free of charge, and proves key and secret."""
    return signed_form(url, _CLOCK, {}, replace(credential, access_token=None), now)


def clock_of(body: bytes) -> float | None:
    """The platform's time in unix seconds; None where the answer is no time."""
    try:
        return unix_seconds(first(decode(body), "result"))
    except AnswerError:
        return None


def unix_seconds(raw: Any) -> float | None:
    """A moment such as `20121222222222+0800` or `20170126094556000+0800`, else None."""
    try:
        text = values.moment(raw)
    except FieldError:
        return None
    known = None if text is None else datetime.fromisoformat(text)
    return None if known is None or known.tzinfo is None else known.timestamp()


def check_words(dialect: str, **options: str) -> None:
    """Options that are names: no spaces, no slashes. Raises ConfigError."""
    for name, value in options.items():
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", value, re.ASCII):
            unknown_option(dialect, name, value, "give a word of letters, digits, . _ and -")


def unknown_option(dialect: str, name: str, value: str, remedy: str) -> NoReturn:
    """Raises the ConfigError of an option that cannot be used."""
    raise ConfigError(f"PAILITAO_GATEWAY: {dialect} has no {name}={value!r}; {remedy}")
