"""How the open platform says no: the body first, the HTTP status second.

The gateway itself answers flat, `{"error_code","error_message"}`, on any HTTP status; an API that
was reached and failed answers `success: false`, beside its `result` or in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pailitao_spider.errors import AnswerError, FieldError
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import decode, first, unwrapped
from pailitao_spider.gateways.refusals import (
    BAD_PARAMETER,
    BAD_SEED,
    DEAD_TOKEN,
    STATUSES,
    THROTTLED,
    TRANSIENT,
    Cause,
    Meaning,
    Refusal,
    RefusalClass,
    denied,
    retry_after_seconds,
    status_meaning,
    vague,
)
from pailitao_spider.gateways.wording import decided
from pailitao_spider.offers import values

__all__ = ["no_picture_id", "opened"]

_REMEDIES: dict[Cause, str] = {
    Cause.KEY: "check PAILITAO_APP_KEY",
    Cause.SECRET: "check PAILITAO_APP_SECRET",
    Cause.CLOCK: "set this machine's clock",
    Cause.SETTINGS: "check PAILITAO_URL, and the namespace option in PAILITAO_GATEWAY",
}
_APIS = {
    "imagequery": "product.image.upload and product.search.imageQuery",
    "linkplus": "alibaba.cross.similar.offer.search",
}

_NUMBERS: dict[str, Meaning] = {
    "400": BAD_PARAMETER,
    "401": vague(DEAD_TOKEN),
    "403": vague(denied(Cause.PERMISSION)),
    "429": THROTTLED,
    "500": vague(TRANSIENT),
    "503": TRANSIENT,
}
_CODES: tuple[tuple[str, Meaning], ...] = (
    ("gw.qos", THROTTLED),  # QosAppFrequencyLimit, QosAPIFrequencyLimit
    ("gw.apiacldecline", denied(Cause.PERMISSION)),
    ("gw.apiunsupported", denied(Cause.SETTINGS)),
    ("timestamp", denied(Cause.CLOCK)),
    ("signature", denied(Cause.SECRET)),  # SignatureInvalid, SignatureMissing
    ("gw.appkey", denied(Cause.KEY)),  # AppKeyInvalid, AppKeyNotFound, AppKeyMissing
    ("gw.param", BAD_PARAMETER),
)
"""The first one that occurs in the code, in lower case, decides."""

_STATUSES = STATUSES | {401: vague(DEAD_TOKEN)}

_DEAD_PICTURE = "handle image error"


def opened(
    status: int, headers: Mapping[str, str], body: bytes, ours: str
) -> dict[str, Any] | Refusal:
    """The answer's object when it says success, else the refusal. `ours` is the dialect's name."""
    wait = retry_after_seconds(headers.get("retry-after"), headers.get("date"))
    try:
        answer = decode(body)
    except AnswerError as error:
        return _refusal(_by_status(status), f"HTTP {status}", str(error), wait, ours)
    if not isinstance(answer, dict):
        text = f"an answer of type {type(answer).__name__}"
        return _refusal(_by_status(status), f"HTTP {status}", text, wait, ours)
    odd = shapeless(answer, ours, "an answer without success")
    if odd.kind is RefusalClass.DENIED:
        return odd
    if first(answer, "error_code", "error_message") is not None:
        return _by_body(status, answer, wait, ours)
    return _by_success(status, answer, wait, ours, odd)


def _by_success(
    status: int, answer: dict[str, Any], wait: float | None, ours: str, odd: Refusal
) -> dict[str, Any] | Refusal:
    """`success` stands beside `result` or in it; one no is a no."""
    levels = [answer, unwrapped(answer.get("result"))]
    said = [_flag(first(level, "success")) for level in levels]
    if False in said:
        return _by_body(status, levels[said.index(False)], wait, ours)
    if True in said:
        return answer
    meaning = _by_status(status)
    if meaning is TRANSIENT and status < 400:
        return odd
    return _refusal(meaning, f"HTTP {status}", odd.text, wait, ours)


def no_picture_id() -> Refusal:
    """An upload that says success, with no id or with 0."""
    return Refusal(
        RefusalClass.BAD_SEED,
        "upload",
        "an upload without a picture id: the picture is probably over 100 KB, or no photo",
    )


def _by_body(status: int, failed: dict[str, Any], wait: float | None, ours: str) -> Refusal:
    code = str(first(failed, "error_code", "code", "errorCode", "resultCode") or "")
    words = str(first(failed, "error_message", "message", "errorMsg", "errorMessage") or "")
    by_code = _meaning(code.strip().lower(), words)
    meaning = decided(by_code, status_meaning(status, _STATUSES), f"{code} {words}")
    return _refusal(meaning, code[:60] or f"HTTP {status}", words[:300], wait, ours)


def _meaning(code: str, words: str) -> Meaning | None:
    if _DEAD_PICTURE in words[:1000].lower():
        return BAD_SEED
    for part, meaning in _CODES:
        if part in code:
            return meaning
    if code in _NUMBERS:
        return _NUMBERS[code]
    return None


def _by_status(status: int) -> Meaning:
    return _STATUSES.get(status, TRANSIENT)


def _refusal(meaning: Meaning, code: str, text: str, wait: float | None, ours: str) -> Refusal:
    kind, cause, _, _, is_known, _ = meaning
    remedy = _remedy(kind, cause, ours)
    return Refusal(kind, code, text, wait, remedy, cause=cause, is_known=is_known)


def _remedy(kind: RefusalClass, cause: Cause | None, ours: str) -> str:
    """What a person can do about a call that was denied."""
    if kind is not RefusalClass.DENIED or cause is None:
        return ""
    if cause is Cause.PERMISSION:
        return f"ask for {_APIS.get(ours, 'this API')} in your app's console at open.1688.com"
    return _REMEDIES[cause]


def _flag(raw: Any) -> bool | None:
    try:
        return values.flag(raw)
    except FieldError:
        return None
