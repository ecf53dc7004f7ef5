"""The `router` dialect of 1688.item_search_img, without I/O.

A call in, a signed form out; an answer's bytes in, a page or a refusal out. Codes and texts
follow Taobao's open platform (TOP), whose router this is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.json_bodies import (
    first,
    raw_rows,
    returnable,
    unwrapped,
    whole_number,
)
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.gateways.router import refusals
from pailitao_spider.gateways.router.rows import SHAPE
from pailitao_spider.gateways.signing import SIGNERS, sign
from pailitao_spider.gateways.urlencode import encoded
from pailitao_spider.offers.row_reader import RowShape, RowsToRead
from pailitao_spider.pictures import PictureLimits

__all__ = ["Router"]

_BEIJING = timedelta(hours=8)
_TIMESTAMPS = {
    "s": lambda now: str(int(now)),
    "ms": lambda now: str(int(now * 1000)),
    "text": lambda now: (datetime.fromtimestamp(now, UTC) + _BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
}

_FORMATS = frozenset({"JPEG", "PNG"})
_WITH_UPLOADS = Limits(page_size=100, picture=PictureLimits(2_000_000, 2000, _FORMATS))
_INLINE = Limits(page_size=100, picture=PictureLimits(300_000, 1000, _FORMATS), inline=True)


@dataclass(frozen=True, slots=True)
class Router:
    """Options: `sign_method` md5, hmac or hmac-sha256; `timestamp` s, ms or text (GMT+8);
    `empty` keep or drop (empty values in form and signature); `upload` no (pictures go as Base64
    in `imgid`, as the article says) or yes (`1688.upload_img` before the search; where the gateway
    knows no such method, as with no).
    """

    sign_method: str = "md5"
    timestamp: str = "s"
    empty: str = "keep"
    upload: str = "no"

    name: ClassVar[str] = "router"
    url: ClassVar[str] = "https://api.1688.com/router/rest"
    token_url: ClassVar[str] = (
        "https://gw.open.1688.com/openapi/http/1/system.oauth2/getToken/{app_key}"  # noqa: S105
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("app_key", "app_secret")

    def __post_init__(self) -> None:
        for name, known in (
            ("sign_method", SIGNERS),
            ("timestamp", _TIMESTAMPS),
            ("empty", ("keep", "drop")),
            ("upload", ("no", "yes")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"PAILITAO_GATEWAY: router has no {name}={getattr(self, name)!r}; "
                    f"known: {', '.join(known)}"
                )

    @property
    def limits(self) -> Limits:
        """Nothing is published of pictures: uploads are as 1688's own pages advise, Base64 goes
        with every page and is kept small.
        """
        return _WITH_UPLOADS if self.upload == "yes" else _INLINE

    def without_uploads(self) -> Router:
        """What to go on with where the gateway knows no upload."""
        return replace(self, upload="no")

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is the picture's URL, Base64, or the id of its upload; `now` in unix seconds."""
        params = {
            "method": "1688.item_search_img",
            "imgid": imgid,
            "search_type": str(call.search_type),
            "page": str(call.page),
            "page_size": str(call.page_size),
            "sort": call.sort,
        }
        return self._signed(url, params, credential, now)

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """`base64` without its `data:` prefix."""
        return self._signed(url, {"method": "1688.upload_img", "imgcode": base64}, credential, now)

    def _signed(self, url: str, params: dict[str, str], credential: Credential, now: float) -> Form:
        params |= {
            "app_key": credential.app_key,
            "timestamp": _TIMESTAMPS[self.timestamp](now),
            "format": "json",
            "v": "2.0",
        }
        if credential.access_token is not None:
            params["access_token"] = credential.access_token
        if self.sign_method != "md5":
            params["sign_method"] = self.sign_method
        if self.empty == "drop":
            params = {name: value for name, value in params.items() if value}
        params["sign"] = sign(params, credential.app_secret, self.sign_method)
        return Form(url, encoded(params).encode())

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered. `headers` by lower-case name."""
        answer = refusals.opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
        items = unwrapped(answer.get("items")) or None
        if items is not None and not isinstance(items, dict | list):
            return refusals.transient("shape", "items is neither object nor list")
        raws = raw_rows(items.get("item") if isinstance(items, dict) else items)
        return Page(
            RowsToRead(raws, SHAPE),
            returnable(first(items, "real_total_results"), first(items, "total_results")),
            whole_number(first(items, "pagecount")),
            _text(answer.get("request_id")),
        )

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What an upload answered: the picture's id."""
        answer = refusals.opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
        item = first(first(answer, "items"), "item")
        name = first(item[0] if isinstance(item, list) and item else item, "name")
        if isinstance(name, str) and name != "0":
            return name
        if number := whole_number(name):
            return str(number)
        return refusals.transient("upload", "an upload without an id")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
