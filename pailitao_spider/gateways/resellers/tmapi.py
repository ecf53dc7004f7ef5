"""The `tmapi` dialect: the image search of the reseller TMAPI, without I/O.

One token, unsigned. Pictures lie on Alibaba's hosts, or are converted to a path there first.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall, Sort
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
from pailitao_spider.gateways.resellers.envelope import answer_of, asked, mime_of, refusal, text
from pailitao_spider.gateways.resellers.tmapi_rows import SHAPE
from pailitao_spider.gateways.wording import decided
from pailitao_spider.offers.row_reader import RowShape, RowsToRead
from pailitao_spider.pictures import PictureLimits

__all__ = ["Tmapi"]

_OK = 200
_TOKEN = Meaning(RefusalClass.DENIED, Cause.TOKEN, "check PAILITAO_ACCESS_TOKEN (your apiToken)")
_PERMISSION = Meaning(
    RefusalClass.DENIED, Cause.PERMISSION, "open the image search for your apiToken at TMAPI"
)
_SPENT = Meaning(RefusalClass.SPENT, Cause.QUOTA, "pay in at TMAPI", math.inf)
_DAY_SPENT = Meaning(RefusalClass.SPENT, Cause.QUOTA, "wait for midnight UTC, or a larger plan")
_MONTH_SPENT = Meaning(
    RefusalClass.SPENT, Cause.QUOTA, "wait for the plan's next month, or buy a larger one", math.inf
)
# Few of its codes are published; one that is not here is taken to pass.
_CODES: dict[int, Meaning] = {
    400: BAD_PARAMETER,
    401: vague(_TOKEN),
    4011: _TOKEN,
    4012: _TOKEN,
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


_SORTS: dict[Sort, str] = {"sale_desc": "sales", "price_asc": "price_up"}
_SWITCHES = (
    "is_factory", "support_dropshipping", "verified_supplier", "free_shipping", "new_arrival",
)  # fmt: skip
_PRICES = ("price_start", "price_end")
_AUTH = ("query", "header", "rapidapi")
_CONVERT = "/tools/image/convert_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmapi:
    """Options: `auth` query (`apiToken`), header (`apikey`) or rapidapi; the filters `is_factory`,
    `support_dropshipping`, `verified_supplier`, `free_shipping`, `new_arrival` (true or false),
    `price_start` and `price_end` in yuan; `language` of the `/global` addresses' titles.

    PAILITAO_URL says which address is asked: `/1688/search/image`, `/1688/global/search/image` or
    `/1688/global/search/image/v2`.
    """

    auth: str = "query"
    language: str = ""
    is_factory: str = ""
    support_dropshipping: str = ""
    verified_supplier: str = ""
    free_shipping: str = ""
    new_arrival: str = ""
    price_start: str = ""
    price_end: str = ""

    name: ClassVar[str] = "tmapi"
    url: ClassVar[str] = "https://api.tmapi.io/1688/search/image"
    token_url: ClassVar[str | None] = None
    # Local photos go as a data: URL into the conversion, which is documented for URLs only.
    limits: ClassVar[Limits] = Limits(
        page_size=20,
        picture=PictureLimits(300_000, 1000, frozenset({"JPEG", "PNG"})),
        hosts=("alicdn.com", "1688.com", "taobao.com", "tmall.com", "tbcdn.cn", "alibaba.com"),
        search_types=frozenset({1}),
        converts=True,
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("access_token",)

    def __post_init__(self) -> None:
        if self.auth not in _AUTH:
            raise ConfigError(
                f"PAILITAO_GATEWAY: tmapi has no auth={self.auth!r}; known: {', '.join(_AUTH)}"
            )
        for names, known, remedy in (
            (_SWITCHES, r"true|false|", "give true or false"),
            (_PRICES, r"([0-9]{1,9}(\.[0-9]{1,2})?)?", "give yuan, as 9.90"),
            (("language",), r"[a-z]{0,5}", "give a language, as en"),
        ):
            for name in names:
                if not re.fullmatch(known, value := getattr(self, name), re.ASCII):
                    raise ConfigError(f"PAILITAO_GATEWAY: tmapi has no {name}={value!r}; {remedy}")

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is a URL on Alibaba's hosts, or what the conversion made of another one."""
        params = {
            "img_url": imgid,
            "page": str(call.page),
            "page_size": str(min(call.page_size, self.limits.page_size)),
            "sort": _SORTS[call.sort],
            **{
                name: value
                for name in ("language", *_SWITCHES, *_PRICES)
                if (value := getattr(self, name))
            },
        }
        return self._form(url, params, credential)

    def convert_form(self, url: str, picture_url: str, credential: Credential, now: float) -> Form:
        """A POST of JSON beside the search's address."""
        base, _, search = url.partition("/1688/")
        wanted = {"url": picture_url, "search_api_endpoint": f"/{search.rstrip('/')}"}
        body = json.dumps(wanted, ensure_ascii=False).encode()
        return self._form(f"{base}/1688{_CONVERT}", {}, credential, body)

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """`base64` without its `data:` prefix."""
        picture_url = f"data:{mime_of(base64)};base64,{base64}"
        return self.convert_form(url, picture_url, credential, now)

    def _form(
        self, url: str, params: dict[str, str], credential: Credential, body: bytes = b""
    ) -> Form:
        token = credential.access_token or ""
        headers: dict[str, str] = {}
        if self.auth == "query":
            params = {"apiToken": token} | params
        elif self.auth == "header":
            headers["apikey"] = token
        else:
            headers |= {"x-rapidapi-key": token, "x-rapidapi-host": urlsplit(url).netloc}
        place = asked(url, params) if params else url
        method = "POST" if body else "GET"
        return Form(place, body, method, headers, content_type="application/json")

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What a conversion answered: a path, which a search takes as `img_url`."""
        answer = self._opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
        data = unwrapped(answer.get("data"))
        found = data if isinstance(data, str) else first(data, "image_url", "url", "img_url")
        if isinstance(found, str) and found:
            return found
        return shapeless(answer, self.name, "a conversion without image_url")

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered."""
        answer = self._opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
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

    def _opened(
        self, status: int, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any] | Refusal:
        answer = answer_of(self.name, status, headers, body, _STATUSES)
        if isinstance(answer, Refusal) or whole_number(answer.get("code")) == _OK:
            return answer
        return _refused(answer, status, headers)


def _refused(answer: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Refusal:
    """The body's code; where it has none, the HTTP status read as one."""
    code = answer.get("code")
    number = status if code in (None, "") else whole_number(code)
    by_code = _CODES.get(number) if number is not None else None
    name = f"HTTP {status}" if code in (None, "") else str(code)
    words = " ".join(str(answer[each]) for each in ("msg", "message", "detail") if answer.get(each))
    by_status = status_meaning(status, STATUSES | _STATUSES)
    meaning = _said_of_quota(words) or decided(by_code, by_status, f"{code} {words}", _CAUSES)
    found = refusal(meaning, name, words, headers, text(answer.get("request_id")))
    return replace(found, day_hours=0) if meaning is _DAY_SPENT else found


_CONCURRENCY = re.compile("concurren", re.IGNORECASE)
_QUOTA = re.compile(r"exceeded the (?P<of>[a-z]+) quota", re.IGNORECASE)


def _said_of_quota(words: str) -> Meaning | None:
    """Too many at once; or the day's calls, or the month's, that were bought by RapidAPI."""
    if _CONCURRENCY.search(words):
        return THROTTLED
    found = _QUOTA.search(words)
    if found is None:
        return None
    return _DAY_SPENT if found["of"].upper() == "DAILY" else _MONTH_SPENT
