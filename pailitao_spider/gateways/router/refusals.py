"""How the router dialect says no: the body first, the HTTP status second.

Codes: the gateway's own (400, 401, 429, 500) and TOP's `error_response` (7, 21-41, `isv.…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import decode, whole_number
from pailitao_spider.gateways.refusals import (
    BAD_PARAMETER,
    DEAD_TOKEN,
    STATUSES,
    THROTTLED,
    TRANSIENT,
    Cause,
    Meaning,
    Refusal,
    RefusalClass,
    ban_seconds,
    denied,
    retry_after_seconds,
    status_meaning,
    vague,
)
from pailitao_spider.gateways.wording import decided

__all__ = ["opened", "transient"]

_REMEDIES: dict[Cause, str] = {
    Cause.KEY: "check PAILITAO_APP_KEY",
    Cause.SECRET: "check PAILITAO_APP_SECRET (and the sign method in PAILITAO_GATEWAY)",
    Cause.CLOCK: "set this machine's clock (the gateway allows ten minutes)",
    Cause.PERMISSION: "ask for the API 1688.item_search_img in your app's console",
    Cause.SETTINGS: "check PAILITAO_URL and PAILITAO_GATEWAY",
}
_LOG_IN = "set PAILITAO_ACCESS_TOKEN"

_CODES: dict[int, Meaning] = {
    3: TRANSIENT,
    7: THROTTLED,
    11: denied(Cause.PERMISSION),
    12: denied(Cause.PERMISSION),
    13: denied(Cause.PERMISSION),
    21: denied(Cause.SETTINGS),
    22: denied(Cause.SETTINGS),
    23: denied(Cause.SETTINGS),
    24: denied(Cause.SECRET),
    25: denied(Cause.SECRET),
    26: denied(Cause.TOKEN),
    27: DEAD_TOKEN,
    28: denied(Cause.KEY),
    29: denied(Cause.KEY),
    30: denied(Cause.CLOCK),
    31: denied(Cause.CLOCK),
    40: BAD_PARAMETER,
    41: BAD_PARAMETER,
    400: BAD_PARAMETER,
    401: vague(DEAD_TOKEN),
    403: vague(denied(Cause.PERMISSION)),
    429: THROTTLED,
    500: vague(TRANSIENT),
    503: TRANSIENT,
}

_SUB_CODES: tuple[tuple[str, Meaning], ...] = (
    ("limited-by-app-access-count", Meaning(RefusalClass.SPENT, Cause.QUOTA)),
    ("accesscontrol.limited", THROTTLED),
    ("session", DEAD_TOKEN),
    ("permission", denied(Cause.PERMISSION)),
    ("isv.invalid-parameter", BAD_PARAMETER),
    ("isv.missing-parameter", BAD_PARAMETER),
    ("isp.", TRANSIENT),
)
"""The first one that occurs in TOP's sub_code decides; it says more than the code."""

_STATUSES = STATUSES | {401: vague(DEAD_TOKEN)}
_WORDS = ("msg", "sub_code", "sub_msg", "message", "error", "error_msg", "errmsg")


def transient(code: str, text: str, request_id: str | None = None) -> Refusal:
    """Something that may go better next time."""
    return Refusal(RefusalClass.TRANSIENT, code, text, request_id=request_id)


def opened(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | Refusal:
    """The answer's object when it says success, else the refusal."""
    wait = retry_after_seconds(headers.get("retry-after"), headers.get("date"))
    try:
        answer = decode(body)
    except AnswerError as error:
        return _by_status(status, str(error), wait)
    if not isinstance(answer, dict):
        return _by_status(status, f"an answer of type {type(answer).__name__}", wait)
    failed = answer.get("error_response")
    if isinstance(failed, dict):
        return _by_body(status, failed, wait)
    foreign = shapeless(answer, "router", "an answer without items")
    if foreign.kind is RefusalClass.DENIED:
        return foreign
    if answer.get("code") in (200, "200"):
        return answer if "items" in answer else foreign
    if answer.get("code") is None:
        return _by_status(status, "an answer without a code", wait)
    return _by_body(status, answer, wait)


def _by_status(status: int, text: str, wait: float | None) -> Refusal:
    kind, cause, *_ = _STATUSES.get(status, TRANSIENT)
    return Refusal(kind, f"HTTP {status}", text, wait, _remedy(kind, cause), cause=cause)


def _remedy(kind: RefusalClass, cause: Cause | None) -> str:
    """What a person can do about a call that was denied."""
    if kind is not RefusalClass.DENIED or cause is None:
        return ""
    return _LOG_IN if cause is Cause.TOKEN else _REMEDIES[cause]


def _by_body(status: int, failed: dict[str, Any], wait: float | None) -> Refusal:
    words = " ".join(_words(failed))
    code, request_id = failed.get("code"), failed.get("request_id")
    by_code = _meaning(whole_number(code), str(failed.get("sub_code") or "").lower())
    by_status = status_meaning(status, _STATUSES)
    kind, cause, _, _, is_known, _ = decided(by_code, by_status, f"{code} {words}")
    return Refusal(
        kind,
        f"HTTP {status}" if code in (None, "") else str(code)[:40],
        words[:300],
        ban_seconds(words) or wait,
        _remedy(kind, cause),
        None if request_id is None else str(request_id)[:100],
        cause,
        is_known=is_known,
    )


def _words(failed: dict[str, Any]) -> list[str]:
    return [str(failed[name]) for name in _WORDS if failed.get(name)]


def _meaning(code: int | None, sub_code: str) -> Meaning | None:
    for part, meaning in _SUB_CODES:
        if part in sub_code:
            return meaning
    return None if code is None else _CODES.get(code)
