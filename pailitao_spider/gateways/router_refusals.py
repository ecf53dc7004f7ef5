"""How the router dialect says no: the body first, the HTTP status second.

Codes: the gateway's own (400, 401, 429, 500) and TOP's `error_response` (7, 21-41, `isv.…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.answers import decode, whole_number
from pailitao_spider.gateways.refusals import (
    Refusal,
    RefusalClass,
    ban_seconds,
    retry_after_seconds,
)

__all__ = ["opened", "transient"]

_CHECK_KEY = "check PAILITAO_APP_KEY"
_CHECK_SECRET = "check PAILITAO_APP_SECRET (and the sign method in PAILITAO_GATEWAY)"  # noqa: S105
_CHECK_CLOCK = "set this machine's clock (the gateway allows ten minutes)"
_ASK_PERMISSION = "ask for the API 1688.item_search_img in your app's console"
_CHECK_URL = "check PAILITAO_URL and PAILITAO_GATEWAY"
_LOG_IN = "set PAILITAO_ACCESS_TOKEN"

_D, _T, _B = RefusalClass.DENIED, RefusalClass.TOKEN, RefusalClass.BAD_SEED

_CODES: dict[int, tuple[RefusalClass, str]] = {
    3: (RefusalClass.TRANSIENT, ""),
    7: (RefusalClass.THROTTLED, ""),
    11: (_D, _ASK_PERMISSION),
    12: (_D, _ASK_PERMISSION),
    13: (_D, _ASK_PERMISSION),
    21: (_D, _CHECK_URL),
    22: (_D, _CHECK_URL),
    23: (_D, _CHECK_URL),
    24: (_D, _CHECK_SECRET),
    25: (_D, _CHECK_SECRET),
    26: (_D, _LOG_IN),
    27: (_T, ""),
    28: (_D, _CHECK_KEY),
    29: (_D, _CHECK_KEY),
    30: (_D, _CHECK_CLOCK),
    31: (_D, _CHECK_CLOCK),
    40: (_B, ""),
    41: (_B, ""),
    400: (_B, ""),
    401: (_T, ""),
    403: (_D, _ASK_PERMISSION),
    429: (RefusalClass.THROTTLED, ""),
    500: (RefusalClass.TRANSIENT, ""),
    503: (RefusalClass.TRANSIENT, ""),
}

_SUB_CODES: tuple[tuple[str, RefusalClass, str], ...] = (
    ("limited-by-app-access-count", RefusalClass.SPENT, ""),
    ("accesscontrol.limited", RefusalClass.THROTTLED, ""),
    ("session", _T, ""),
    ("permission", _D, _ASK_PERMISSION),
    ("isv.invalid-parameter", _B, ""),
    ("isv.missing-parameter", _B, ""),
    ("isp.", RefusalClass.TRANSIENT, ""),
)
"""The first one that occurs in TOP's sub_code decides; it says more than the code."""

_STATUSES = dict.fromkeys((404, 405, 410, 301, 302, 303, 307, 308), (_D, _CHECK_URL)) | {
    401: (_T, ""),
    429: (RefusalClass.THROTTLED, ""),
}


def transient(code: str, text: str, request_id: str | None = None) -> Refusal:
    """Something that may go better next time."""
    return Refusal(RefusalClass.TRANSIENT, code, text, request_id=request_id)


def opened(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | Refusal:
    """The answer's object when it says success, else the refusal."""
    wait = retry_after_seconds(headers.get("retry-after"))
    try:
        answer = decode(body)
    except AnswerError as error:
        return _by_status(status, str(error), wait)
    if not isinstance(answer, dict):
        return _by_status(status, f"an answer of type {type(answer).__name__}", wait)
    failed = answer.get("error_response")
    if isinstance(failed, dict):
        return _by_body(status, failed, wait)
    if answer.get("code") in (200, "200"):
        return answer
    if answer.get("code") is None:
        return _by_status(status, "an answer without a code", wait)
    return _by_body(status, answer, wait)


def _by_status(status: int, text: str, wait: float | None) -> Refusal:
    kind, remedy = _STATUSES.get(status, (RefusalClass.TRANSIENT, ""))
    return Refusal(kind, f"HTTP {status}", text, wait, remedy)


def _by_body(status: int, failed: dict[str, Any], wait: float | None) -> Refusal:
    words = " ".join(_words(failed))
    code, request_id = failed.get("code"), failed.get("request_id")
    meaning = _meaning(whole_number(code), str(failed.get("sub_code") or "").lower())
    kind, remedy = meaning or _STATUSES.get(status, (RefusalClass.TRANSIENT, ""))
    return Refusal(
        kind,
        f"HTTP {status}" if code in (None, "") else str(code)[:40],
        words[:300],
        ban_seconds(words) or wait,
        remedy,
        None if request_id is None else str(request_id)[:100],
    )


def _words(failed: dict[str, Any]) -> list[str]:
    return [str(failed[name]) for name in ("msg", "sub_code", "sub_msg") if failed.get(name)]


def _meaning(code: int | None, sub_code: str) -> tuple[RefusalClass, str] | None:
    for part, kind, remedy in _SUB_CODES:
        if part in sub_code:
            return kind, remedy
    return None if code is None else _CODES.get(code)
