"""The `tmapi` dialect: the image search of the reseller TMAPI, without I/O.

One token in the query, unsigned; pictures must lie on Alibaba's hosts, there are no uploads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import first, raw_rows, unwrapped, whole_number, yes_or_no
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import (
    BAD_PARAMETER,
    STATUSES,
    THROTTLED,
    TRANSIENT,
    Cause,
    Meaning,
    Refusal,
    RefusalClass,
    denied,
    status_meaning,
    vague,
)
from pailitao_spider.gateways.resellers.envelope import answer_of, asked, refusal, text
from pailitao_spider.gateways.resellers.tmapi_rows import SHAPE
from pailitao_spider.gateways.wording import decided
from pailitao_spider.offers.row_reader import RowShape, RowsToRead

__all__ = ["Tmapi"]

_OK = 200
_TOKEN = Meaning(RefusalClass.DENIED, Cause.TOKEN, "check PAILITAO_ACCESS_TOKEN (your apiToken)")
_PERMISSION = Meaning(
    RefusalClass.DENIED, Cause.PERMISSION, "open the image search for your apiToken at TMAPI"
)
_SPENT = Meaning(RefusalClass.SPENT, Cause.QUOTA, "pay in at TMAPI", math.inf)
# Few of its codes are published; one that is not here is taken to pass.
_CODES: dict[int, Meaning] = {
    400: BAD_PARAMETER,
    401: vague(_TOKEN),
    402: _SPENT,
    403: vague(_PERMISSION),
    417: TRANSIENT,
    422: BAD_PARAMETER,
    429: THROTTLED,
    439: _SPENT,
    499: TRANSIENT,
    500: vague(TRANSIENT),
    503: TRANSIENT,
}
_CAUSES = {
    Cause.KEY: _TOKEN,
    Cause.SECRET: _TOKEN,
    Cause.TOKEN: _TOKEN,
    Cause.PERMISSION: _PERMISSION,
    Cause.SETTINGS: denied(Cause.SETTINGS, "check PAILITAO_URL and PAILITAO_GATEWAY"),
}
# Without a body that says more, a 400 or 403 may come from any server on the way.
_STATUSES = {401: _TOKEN, 402: _SPENT}


@dataclass(frozen=True, slots=True)
class Tmapi:
    """No options."""

    name: ClassVar[str] = "tmapi"
    url: ClassVar[str] = "https://api.tmapi.io/1688/search/image"
    token_url: ClassVar[str | None] = None
    limits: ClassVar[Limits] = Limits(
        page_size=20,
        picture=None,
        hosts=("alicdn.com", "1688.com", "taobao.com", "tmall.com", "tbcdn.cn", "alibaba.com"),
        sorts=frozenset(),
        search_types=frozenset({1}),
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("access_token",)

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is a URL on Alibaba's hosts."""
        params = {
            "apiToken": credential.access_token or "",
            "img_url": imgid,
            "page": str(call.page),
            "page_size": str(min(call.page_size, self.limits.page_size)),
        }
        return Form(asked(url, params), method="GET")

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered."""
        answer = answer_of(self.name, status, headers, body, _STATUSES)
        if isinstance(answer, Refusal):
            return answer
        if whole_number(answer.get("code")) != _OK:
            return _refused(answer, status, headers)
        data = unwrapped(answer.get("data")) or {}
        if "data" not in answer or not isinstance(data, dict | list):
            return shapeless(answer, self.name, "no data in an answer that says success")
        raws = raw_rows(data.get("items") if isinstance(data, dict) else data)
        return Page(
            RowsToRead(raws, SHAPE),
            whole_number(first(data, "total_count")),
            request_id=text(answer.get("request_id")),
            has_next=yes_or_no(first(data, "has_next_page")),
        )


def _refused(answer: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Refusal:
    """The body's code; where it has none, the HTTP status read as one."""
    code = answer.get("code")
    number = status if code in (None, "") else whole_number(code)
    by_code = _CODES.get(number) if number is not None else None
    name = f"HTTP {status}" if code in (None, "") else str(code)
    words = " ".join(str(answer[each]) for each in ("msg", "message", "detail") if answer.get(each))
    by_status = status_meaning(status, STATUSES | _STATUSES)
    meaning = decided(by_code, by_status, f"{code} {words}", _CAUSES)
    return refusal(meaning, name, words, headers, text(answer.get("request_id")))
