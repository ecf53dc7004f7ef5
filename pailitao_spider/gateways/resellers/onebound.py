"""The `onebound` dialect: 1688.item_search_img of the reseller Onebound, without I/O.

Key and secret go in the query, unsigned. The codes are the reseller's own; 4xxx cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall, Sort
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import first, raw_rows, unwrapped, whole_number
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import BAD_SEED, TRANSIENT, Refusal
from pailitao_spider.gateways.resellers import onebound_refusals as refusals
from pailitao_spider.gateways.resellers.envelope import asked, mime_of, refusal, text
from pailitao_spider.gateways.router.rows import NAMES
from pailitao_spider.offers.row_reader import RowShape, RowsToRead
from pailitao_spider.pictures import PictureLimits

__all__ = ["Onebound"]

SHAPE = RowShape(
    always=("title", "price", "sales", "pic_url"),
    names={
        **NAMES,
        "one_stop_service": ("one_psale", "one_stop_service"),
        "repurchase_rate": ("turn_head", "turnHead"),
    },
    nested=("location",),
    joins={"area": ("location.state", "location.city")},
    marks={"is_jxhy": ("offer_badges", "jxhy")},
    sales_window="total",
    kinds={
        **dict.fromkeys(
            (
                "num_iid", "detail_url", "title", "pic_url", "seller_id", "seller_nick", "area",
                "turn_head", "turnHead", "location.state", "location.city",
            ),
            "text number",
        ),
        **dict.fromkeys(("price", "promotion_price", "orginal_price", "sales"), "number text"),
        **dict.fromkeys(("one_psale", "is_jxhy"), "flag text number"),
        "price_range": "text object list",
        "location": "object",
    },
)  # fmt: skip
"""Router's names, and since 2025 `turn_head`, `one_psale` and `is_jxhy`."""


@dataclass(frozen=True, slots=True)
class Onebound:
    """Options: `cache` no or yes; yes may answer with what somebody else was told long ago.
    `prefix` yes or no: whether uploads begin with `data:image/jpeg;base64,`. Clients differ: with
    some keys one of the two answers without an id.
    """

    cache: str = "no"
    prefix: str = "yes"

    name: ClassVar[str] = "onebound"
    url: ClassVar[str] = "https://api-gw.onebound.cn/1688/item_search_img/"
    token_url: ClassVar[str | None] = None
    # No page size is published and none can be asked for: 100 is a cap, the answer tells.
    limits: ClassVar[Limits] = Limits(
        page_size=100,
        picture=PictureLimits(2_000_000, 2000, frozenset({"JPEG", "PNG"})),
        hosts=("alicdn.com", "1688.com", "taobao.com", "tbcdn.cn"),
        search_types=frozenset({1}),
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("app_key", "app_secret")

    def __post_init__(self) -> None:
        for name, given in (("cache", self.cache), ("prefix", self.prefix)):
            if given not in ("no", "yes"):
                raise ConfigError(
                    f"PAILITAO_GATEWAY: onebound has no {name}={given!r}; known: no, yes"
                )

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is a URL on Alibaba's picture hosts, as uploads are too."""
        params = {
            "imgid": imgid,
            "page": str(call.page),
            "sort": _SORTS[call.sort],
            "cache": self.cache,
        }
        return Form(asked(url, _keys(credential) | params), method="GET")

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """Keys in the query, as everywhere here; `base64` without its `data:` prefix."""
        code = f"data:{mime_of(base64)};base64,{base64}" if self.prefix == "yes" else base64
        return Form(
            asked(_upload_url(url), _keys(credential)), urlencode({"imgcode": code}).encode()
        )

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered."""
        answer = refusals.opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
        page = Page([], 0, None, text(answer.get("request_id")), quota=refusals.quota(answer))
        if refusals.code(answer) == refusals.NOTHING_FOUND:
            return page
        items = unwrapped(answer.get("items")) or {}
        if "items" not in answer or not isinstance(items, dict | list):
            return shapeless(answer, self.name, "no items in an answer that says success")
        raws = raw_rows(items.get("item") if isinstance(items, dict) else items)
        page.content = RowsToRead(raws, SHAPE)
        page.total = _total(items, len(raws))
        page.page_count = _page_count(items)
        return page

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What an upload answered: the picture's URL there, or its number."""
        answer = refusals.opened(status, headers, body)
        if isinstance(answer, Refusal):
            return answer
        item = first(unwrapped(answer.get("items")), "item")
        item = item[0] if isinstance(item, list) and item else item
        name = first(item, "name", "imgid")
        if isinstance(name, str) and name != "0":
            return name
        if number := whole_number(name):
            return str(number)
        if isinstance(item, dict) and item.keys() & {"name", "imgid"}:
            return refusal(BAD_SEED, "upload", "no id: it was not taken for a picture", headers)
        return refusal(TRANSIENT, "upload", "an upload without an id", headers)


_SORTS: dict[Sort, str] = {"sale_desc": "_sale", "price_asc": "bid2"}


def _keys(credential: Credential) -> dict[str, str]:
    return {"key": credential.app_key, "secret": credential.app_secret}


def _upload_url(url: str) -> str:
    """`.../upload_img/` beside `.../item_search_img/`."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/item_search_img")
    return parts._replace(path=f"{path}/upload_img/").geturl()


def _total(items: Any, rows: int) -> int | None:
    """`total_results` may be of this page alone: it counts where it says more than came."""
    real = whole_number(first(items, "real_total_results"))
    total = whole_number(first(items, "total_results"))
    return total if real is None and total is not None and total > rows else real


def _page_count(items: Any) -> int | None:
    """More than one, or nothing: a `pagecount` of 1 comes beside totals of many pages."""
    pages = whole_number(first(items, "pagecount"))
    return pages if pages is not None and pages > 1 else None
