"""Parameters of a call as they go over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote_plus

__all__ = ["encoded"]

_LONGEST_KEPT = 1024  # an uploaded picture has millions of characters
_quoted = lru_cache(maxsize=512)(quote_plus)


def encoded(params: Mapping[str, str]) -> str:
    """As `urllib.parse.urlencode`; what comes in call after call is encoded once."""
    return "&".join([f"{_quoted(name)}={_value(value)}" for name, value in params.items()])


def _value(text: str) -> str:
    if text.isalnum() and text.isascii():  # times and signatures, new with every call
        return text
    return _quoted(text) if len(text) <= _LONGEST_KEPT else quote_plus(text)
