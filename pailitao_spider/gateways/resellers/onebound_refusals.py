"""How Onebound says no: `error_code` first, the HTTP status second. 4xxx cost nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pailitao_spider.gateways.json_bodies import unwrapped, whole_number
from pailitao_spider.gateways.pages import QuotaTold
from pailitao_spider.gateways.refusals import (
    BAD_PARAMETER,
    THROTTLED,
    TRANSIENT,
    Cause,
    Meaning,
    Refusal,
    RefusalClass,
    denied,
    status_meaning,
)
from pailitao_spider.gateways.resellers.envelope import answer_of, refusal, said, text
from pailitao_spider.gateways.wording import decided

__all__ = ["NOTHING_FOUND", "code", "opened", "quota"]

_OK, NOTHING_FOUND, _CALLS_USED_UP = "0000", "2000", "4013"
_KEY = Meaning(RefusalClass.DENIED, Cause.KEY, "check PAILITAO_APP_KEY and PAILITAO_APP_SECRET")
_PERMISSION = Meaning(
    RefusalClass.DENIED, Cause.PERMISSION, "open item_search_img for your key in Onebound's console"
)
_STOPPED = denied(
    Cause.PERMISSION,
    "this API is stopped for your key in the namespace of PAILITAO_URL: ask for "
    "https://api-gw.onebound.cn/1688global/item_search_img/, or have 1688 opened for the key",
)
_SPENT = Meaning(
    RefusalClass.SPENT, Cause.QUOTA, "buy calls or pay in, in Onebound's console", math.inf
)
_DAY_SPENT = Meaning(RefusalClass.SPENT, Cause.QUOTA, "wait for midnight in Beijing, or buy calls")
_CAUSES = {
    Cause.KEY: _KEY,
    Cause.SECRET: _KEY,
    Cause.TOKEN: _KEY,
    Cause.PERMISSION: _PERMISSION,
    Cause.SETTINGS: denied(Cause.SETTINGS, "check PAILITAO_URL and PAILITAO_GATEWAY"),
}
_CODES: dict[str, Meaning] = {
    **dict.fromkeys(("4000", "4001", "4002", "4009", "4017", "5000"), TRANSIENT),
    **dict.fromkeys(("4003", "4014", "4015"), BAD_PARAMETER),
    **dict.fromkeys(("4004", "4007", "4010", "4012"), _PERMISSION),
    "4005": _KEY,
    "4006": _STOPPED,
    "4008": THROTTLED,
    _CALLS_USED_UP: _SPENT,
    "4016": _SPENT,
}


def opened(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | Refusal:
    """The answer's object when it is one that is billed, else the refusal."""
    answer = answer_of("onebound", status, headers, body, {})
    if isinstance(answer, Refusal):
        return answer
    found = code(answer)
    if found is None and (page := _reseller_s(answer)):
        return page
    if found in (_OK, NOTHING_FOUND):
        return _broken(answer, headers) or answer
    if found is None:
        return refusal(said(status, {}), f"HTTP {status}", "an answer without error_code", headers)
    words = " ".join(str(answer[name]) for name in ("reason", "error") if answer.get(name))
    meaning = decided(_CODES.get(found), status_meaning(status), f"{found} {words}", _CAUSES)
    if found == _CALLS_USED_UP and (told := quota(answer)) and told.used >= told.most:
        meaning = _DAY_SPENT
    return refusal(meaning, found, words, headers, text(answer.get("request_id")))


def _reseller_s(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The envelope of those that sell this gateway on: the page one level deeper, and no code."""
    inner = answer.get("item")
    return inner if isinstance(inner, dict) and isinstance(inner.get("items"), dict) else None


def _broken(answer: Mapping[str, Any], headers: Mapping[str, str]) -> Refusal | None:
    """`items.error` beside a code of success, in place of rows. It may have been billed."""
    items = unwrapped(answer.get("items"))
    if not isinstance(items, dict) or not items.get("error") or items.get("item"):
        return None
    words = str(items["error"])
    return replace(refusal(decided(None, None, words), "items.error", words, headers), billed=True)


def code(answer: Mapping[str, Any]) -> str | None:
    """Four digits; JSON numbers have lost their leading zeros."""
    raw = answer.get("error_code")
    number = whole_number(raw)
    if number is not None:
        return f"{number:04d}"
    return None if raw in (None, "") else str(raw)


_USED, _MOST = re.compile(r"today\D{0,5}(\d{1,15})"), re.compile(r"max\D{0,5}(\d{1,15})")


def quota(answer: Mapping[str, Any]) -> QuotaTold | None:
    """`today:15 max:10100 all[…]`: both are of the day."""
    told = str(answer.get("api_info") or "")[:500]
    used, most = _USED.search(told), _MOST.search(told)
    if used is None or most is None or not int(most[1]):
        return None
    return QuotaTold(int(used[1]), int(most[1]))
