"""Links, and whether they were paid for."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from pailitao_spider.errors import FieldError
from pailitao_spider.offers.values.readings import is_nothing, unreadable

__all__ = ["MAX_LINK", "USUAL_LINK", "USUAL_ORIGIN", "is_ad_link", "link"]

_LINK = re.compile(
    r"(?:https?:)?//(\w[\w.-]*(?::[0-9]{1,5})?"
    r"(?:[/?#][^\s\x00-\x20\x7f-\x9f\ud800-\udfff\ufeff\u200b\u202a-\u202e\\<>\"]*)?)",
    re.IGNORECASE,
)
USUAL_ORIGIN = re.compile(r"https://[a-z0-9][a-z0-9.-]*/")
USUAL_LINK = re.compile(rf"{USUAL_ORIGIN.pattern}[!#-;=?-\[\]-~]*")  # one pass, no branch
MAX_LINK = 8192


def link(raw: Any) -> str | None:
    """An absolute https link."""
    if isinstance(raw, str) and len(raw) <= MAX_LINK and USUAL_LINK.fullmatch(raw):
        return raw
    value = _link_text(raw)
    if value is None:
        return None
    found = _LINK.fullmatch(value)
    if found is None:
        raise unreadable("absolute link", raw)
    return f"https://{found[1]}"


def _link_text(raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise unreadable("link", raw)
    value = raw.strip()
    if len(value) > MAX_LINK:
        raise unreadable("link", raw)
    return None if is_nothing(value) else value


# dj.1688.com and simba.taobao.com count the click of an advert and redirect.
_AD_HOST = re.compile(r"(?:.*\.)?(?:\w*p4p\.1688\.com|dj\.1688\.com|simba\.taobao\.com)")
_AD_MARK = re.compile(r"[?&;](?:trace_log=\w*p4p|isp4p=(?:1|true))", re.IGNORECASE)
_OFFER_PAGE = re.compile(r"//(?:detail|m|detail\.m)\.1688\.com/offer/[0-9]+\.html", re.IGNORECASE)


def is_ad_link(raw: Any) -> bool | None:
    """Whether a link to an offer was paid for; None when it does not tell."""
    try:
        address = link(raw)
        host = urlsplit(address).hostname if address else None
    except (FieldError, ValueError):
        return None
    if not address or not host:
        return None
    if _AD_HOST.fullmatch(host) or _AD_MARK.search(address):
        return True
    return False if _OFFER_PAGE.match(address, len("https:")) else None
