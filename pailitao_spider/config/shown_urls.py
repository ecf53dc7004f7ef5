"""Addresses of settings as they may be printed and kept: without a login, whatever is in it."""

from __future__ import annotations

import re

__all__ = ["ODD_LOGIN", "has_odd_login", "shown_url", "without_login"]

_HEAD = re.compile(r"[^/?#]*")
_QUERY = re.compile(r"[?&][\w.-]+=[^/?#]*$")
_PLACE = re.compile(r"^[^:]*$|:\d+$|\]$")
ODD_LOGIN = "a name or password with / ? # or @ in it is written in per cent: %2F %3F %23 %40"


def without_login(url: str) -> str:
    """The address without `user:password@`; one without a login stays as it is."""
    scheme, mark, rest = url.rpartition("://") if "://" not in url else url.partition("://")
    return scheme + mark + (rest.rpartition("@")[2] if _has_login(rest) else rest)


def shown_url(url: str) -> str:
    """The same without query and fragment."""
    return re.split(r"[?#]", without_login(url), maxsplit=1)[0]


def has_odd_login(url: str) -> bool:
    """Its login holds characters that end it too early: who reads it takes a part of the password
    for the host, or for a port.
    """
    return _ends_late(url.partition("://")[2])


def _head(rest: str) -> str:
    found = _HEAD.match(rest)
    return found[0] if found else ""


def _has_login(rest: str) -> bool:
    return "@" in _head(rest) or _ends_late(rest)


def _ends_late(rest: str) -> bool:
    """An @ behind path or fragment; one in a query such as `?mail=a@b` is none of a login."""
    head = _head(rest)
    before, mark, _ = rest[len(head) :].rpartition("@")
    is_query = _QUERY.search(before) and _PLACE.search(head)
    return bool(mark) and not is_query
