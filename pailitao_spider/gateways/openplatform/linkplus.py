"""The `linkplus` dialect of 1688's open platform, alibaba.cross.similar.offer.search, without I/O.

It takes any public picture by its URL and no uploads; about 75 offers can be reached a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import first, raw_rows, unwrapped, whole_number
from pailitao_spider.gateways.openplatform import signed_calls
from pailitao_spider.gateways.openplatform.refusals import opened
from pailitao_spider.gateways.openplatform.signed_calls import check_words, signed_form
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.offers import values
from pailitao_spider.offers.row_reader import COMMON_NAMES, RowShape, RowsToRead

__all__ = ["LinkPlus"]


_TEXT, _NUMBER, _TEXT_OR_NUMBER = "text", "number", "text number"
SHAPE = RowShape(
    always=("title", "price", "min_order", "pic_url"),
    names={
        **COMMON_NAMES,
        "num_iid": ("offerId",),
        "title": ("subject",),
        "detail_url": ("detailUrl",),
        "price": ("oldPrice",),
        "min_order": ("quantityBegin",),
        "cid": ("categoryId",),
        "pic_url": ("imageUrl",),
    },
    joins={"area": ("province", "city")},
    readers={"price": values.fen},
    kinds={
        **dict.fromkeys(
            (
                "subject", "unit", "imageUrl", "videoUrl", "detailUrl", "countryEn", "countryCn",
                "province", "city",
            ),
            _TEXT,
        ),
        **dict.fromkeys(("offerId", "categoryId"), _TEXT_OR_NUMBER),
        **dict.fromkeys(
            ("quantityBegin", "oldPrice", "price", "saleAmount", "wantBuy", "supplyAmount"),
            _NUMBER,
        ),
        **dict.fromkeys(("deliveryFree", "best", "shili"), "flag"),
        "services": "list",
    },
)  # fmt: skip
"""`price` and `saleAmount` stay in `extra`: nobody documents their unit and their days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlus:
    """Options, sent where they are given: `country`, `language`, `price_min`, `price_max`,
    `category_id`, and `sort_fields` as the platform's SDK has them (it does not say their units and
    words); `namespace` of the API.
    """

    namespace: str = "com.alibaba.linkplus"
    country: str = ""
    language: str = ""
    price_min: str = ""
    price_max: str = ""
    category_id: str = ""
    sort_fields: str = ""

    name: ClassVar[str] = "linkplus"
    url: ClassVar[str] = signed_calls.URL
    token_url: ClassVar[str] = signed_calls.TOKEN_URL
    limits: ClassVar[Limits] = Limits(
        page_size=20,
        picture=None,
        sorts=frozenset(),
        search_types=frozenset({1}),
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("app_key", "app_secret")

    clock_form = staticmethod(signed_calls.clock_form)
    clock_of = staticmethod(signed_calls.clock_of)

    def __post_init__(self) -> None:
        check_words(self.name, namespace=self.namespace, **self._wishes())

    def _wishes(self) -> dict[str, str]:
        wishes = {
            "country": self.country,
            "language": self.language,
            "priceMin": self.price_min,
            "priceMax": self.price_max,
            "categoryID": self.category_id,
            "sortFields": self.sort_fields,
        }
        return {name: value for name, value in wishes.items() if value}

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is a URL that can be fetched from China."""
        params = {"picUrl": imgid, "page": str(call.page), **self._wishes()}
        api = f"{self.namespace}/alibaba.cross.similar.offer.search"
        return signed_form(url, api, params, credential, now)

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered. `headers` by lower-case name."""
        answer = opened(status, headers, body, self.name)
        if isinstance(answer, Refusal):
            return answer
        levels = _levels(answer)
        found = unwrapped(levels[-1].get("result", _MISSING))
        totals = [whole_number(first(level, "total")) for level in levels]
        page = Page([], next((total for total in totals if total is not None), None))
        if found is _MISSING and page.total == 0:
            return page
        if not isinstance(found, list) and found not in (None, ""):
            return shapeless(answer, self.name, "result.result is no list")
        page.content = RowsToRead(raw_rows(found), self.shape)
        return page


_MISSING = object()


def _levels(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer and each `result` in it that is an object: the list is in the last one."""
    levels = [answer]
    while isinstance(inner := unwrapped(levels[-1].get("result")), dict):
        levels.append(inner)
    return levels
