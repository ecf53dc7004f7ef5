"""What the resellers' gateways share: keys in the query, one code in the body for every refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import decode
from pailitao_spider.gateways.refusals import (
    STATUSES,
    TRANSIENT,
    Meaning,
    Refusal,
    RefusalClass,
    retry_after_seconds,
)

__all__ = [
    "answer_of",
    "asked",
    "mime_of",
    "refusal",
    "said",
    "text",
]


# Error pages like to repeat the URL that was asked for, and the keys stand in it.
_KEYS = re.compile(
    r"(key|secret|api_?token)(=|%3d|\\*[\"']\s*:\s*\\*[\"'])[^\s&\"'<>\\]+", re.IGNORECASE
)


def asked(url: str, params: Mapping[str, str]) -> str:
    """The URL with the parameters in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


def mime_of(base64: str) -> str:
    """The media type of a prepared picture, by its first bytes."""
    return "image/png" if base64.startswith("iVBOR") else "image/jpeg"


def answer_of(
    ours: str, status: int, headers: Mapping[str, str], body: bytes, statuses: Mapping[int, Meaning]
) -> dict[str, Any] | Refusal:
    """The answer's object, whatever it says, unless it is none of this dialect's.

    `statuses` says what an HTTP status means here, where it is more than usual.
    """
    try:
        answer = decode(body)
    except AnswerError as error:
        return refusal(said(status, statuses), f"HTTP {status}", str(error), headers)
    if not isinstance(answer, dict):
        words = f"an answer of type {type(answer).__name__}"
        return refusal(said(status, statuses), f"HTTP {status}", words, headers)
    foreign = shapeless(answer, ours, "")
    return foreign if foreign.kind is RefusalClass.DENIED else answer


def said(status: int, statuses: Mapping[int, Meaning]) -> Meaning:
    """What the HTTP status means where the body tells nothing."""
    return statuses.get(status) or STATUSES.get(status, TRANSIENT)


def refusal(
    meaning: Meaning,
    code: str,
    words: str,
    headers: Mapping[str, str],
    request_id: str | None = None,
) -> Refusal:
    """The refusal in the gateway's words, without any key in them."""
    wait = meaning.wait_seconds
    if wait is None and meaning.kind in (RefusalClass.THROTTLED, RefusalClass.TRANSIENT):
        wait = retry_after_seconds(headers.get("retry-after"), headers.get("date"))
    return Refusal(
        meaning.kind,
        code[:40],
        _KEYS.sub(r"\1\2…", words)[:300],
        wait,
        meaning.remedy,
        request_id,
        meaning.cause,
        is_known=meaning.is_known,
    )


def text(value: Any) -> str | None:
    """A request id, which may be a number."""
    return None if value is None else str(value)[:100]
