"""What the router checks before it looks at a picture."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta, timezone

from pailitao_spider.gateways.signing import SIGNERS, sign
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import ORDERS
from pailitao_spider.sandbox.envelopes import Page
from pailitao_spider.sandbox.protocols.face import Params, whole
from pailitao_spider.sandbox.refusals import (
    RefusalError,
    Why,
    bad_parameter,
    no_permission,
    plain,
    top,
)

__all__ = [
    "asked_page",
    "asked_search",
    "check_clock",
    "check_permission",
    "check_present",
    "check_signature",
    "check_token",
]

BEIJING = timezone(timedelta(hours=8))
SKEW_SECONDS = 600
MILLISECONDS_FROM = 10**11
REQUIRED = {
    "method": (Why.UNSUPPORTED, 21, "Missing method"),
    "app_key": (Why.KEY, 28, "Missing app key"),
    "sign": (Why.UNSIGNED, 24, "Missing signature"),
    "timestamp": (Why.CLOCK, 30, "Missing timestamp"),
}


BAD_SIGNATURE = top("denied", Why.SECRET, 25, "Invalid signature")


def check_present(params: Params) -> None:
    for name, (why, code, msg) in REQUIRED.items():
        if not params.get(name):
            raise RefusalError(top("denied", why, code, msg))


def check_signature(params: Params, secret: str) -> None:
    sign_method = params.get("sign_method", "md5")
    if sign_method not in SIGNERS:
        raise RefusalError(BAD_SIGNATURE)
    expected = sign(params, secret, sign_method)
    if not hmac.compare_digest(expected.encode(), params["sign"].encode()):
        raise RefusalError(BAD_SIGNATURE)


def check_clock(params: Params, now: float) -> None:
    moment = _moment(params["timestamp"])
    if moment is None or abs(moment - now) > SKEW_SECONDS:
        raise RefusalError(top("denied", Why.CLOCK, 31, "Invalid timestamp"))


def check_token(params: Params, account: Account) -> None:
    if not account.accepts(params.get("access_token", "")):
        raise RefusalError(plain("token", Why.TOKEN, 401, "invalid access_token"))


def check_permission(account: Account) -> None:
    if not account.has_permission:
        raise RefusalError(no_permission())


def asked_page(params: Params) -> Page:
    return Page(whole(params, "page", 1), whole(params, "page_size", 50))


def asked_search(params: Params) -> tuple[int, str | None]:
    """The search type and the order of a search."""
    search_type, sort = whole(params, "search_type", 1), params.get("sort") or None
    if search_type not in (1, 2):
        raise RefusalError(bad_parameter("search_type is invalid"))
    if sort not in ORDERS:
        raise RefusalError(bad_parameter("sort is invalid"))
    return search_type, sort


def _moment(text: str) -> float | None:
    """Unix seconds of a timestamp: seconds, milliseconds, or Beijing time in words."""
    if text.isascii() and text.isdigit():
        number = int(text[:18])
        return number / 1000 if number >= MILLISECONDS_FROM else number
    try:
        told = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return told.replace(tzinfo=BEIJING).timestamp()
