"""The `imagequery` dialect of 1688's open platform, product.search.imageQuery, without I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pailitao_spider.errors import FieldError
from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall, Sort
from pailitao_spider.gateways.foreign_envelopes import shapeless
from pailitao_spider.gateways.json_bodies import first, raw_rows, unwrapped, whole_number
from pailitao_spider.gateways.openplatform import signed_calls
from pailitao_spider.gateways.openplatform.refusals import no_picture_id, opened
from pailitao_spider.gateways.openplatform.signed_calls import (
    check_words,
    signed_form,
    unknown_option,
)
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.offers import values
from pailitao_spider.offers.row_reader import COMMON_NAMES, RowShape, RowsToRead
from pailitao_spider.pictures import PictureLimits

__all__ = ["ImageQuery"]

_SORTS: dict[Sort, dict[str, str]] = {
    "sale_desc": {"monthSold": "desc"},
    "price_asc": {"price": "asc"},
}


SHAPE = RowShape(
    always=("title", "price", "sales", "min_order", "pic_url"),
    names={
        **COMMON_NAMES,
        "num_iid": ("offerId",),
        "title": ("subject",),
        "title_translated": ("subjectTrans",),
        "price": ("priceInfo.price",),
        "promotion_price": ("priceInfo.promotionPrice",),
        "dropship_price": ("priceInfo.consignPrice",),
        "min_order": ("minOrderQuantity",),
        "sales": ("monthSold", "sales7d"),
        "score": ("tradeScore",),
        "feedback_rate": ("offerDataInfo.offerApplauseRate",),
        "repurchase_rate": ("repurchaseRate",),
        "one_stop_service": ("isOnePsale",),
        "cid": ("thirdCategoryId", "secondCategoryId", "topCategoryId"),
        "seller_nick": ("companyName",),
        "seller_badges": ("sellerIdentities",),
        "offer_badges": ("offerIdentities",),
        "shop_years": ("sellerDataInfo.tpYear",),
        "area": ("companyAddress",),
        "ships_from": ("sendGoodsAddressText", "productSimpleShippingInfo.sendGoodsAddressText"),
        "ship_within_hours": ("productSimpleShippingInfo.shippingTimeGuarantee",),
        "is_patented": ("isPatentProduct",),
        "pic_url": ("imageUrl",),
        "create_time": ("createDate",),
        "update_time": ("modifyDate",),
    },
    nested=("priceInfo", "sellerDataInfo", "productSimpleShippingInfo", "offerDataInfo"),
    sales_window="30d",
    sales_windows={"sales7d": "7d"},
    kinds={
        **dict.fromkeys(
            (
                "priceInfo.price", "priceInfo.jxhyPrice", "priceInfo.pfJxhyPrice",
                "priceInfo.consignPrice", "priceInfo.promotionPrice", "sales7d",
                "sellerDataInfo.tpYear", "sellerDataInfo.tradeMedalLevel",
                "sellerDataInfo.compositeServiceScore", "sellerDataInfo.logisticsExperienceScore",
                "sellerDataInfo.disputeComplaintScore", "sellerDataInfo.offerExperienceScore",
                "sellerDataInfo.afterSalesExperienceScore",
                "sellerDataInfo.consultingExperienceScore", "sellerDataInfo.repeatPurchasePercent",
                "offerDataInfo.offerApplauseRate", "offerDataInfo.kjFeaturedServices",
                "offerDataInfo.qualityRfdRate30d", "offerDataInfo.repurchaseRate30d",
                "offerDataInfo.pickupRate24h30d",
                "productSimpleShippingInfo.perfectFulfillmentRate30d", "tradeScore",
            ),
            "text number",
        ),
        **dict.fromkeys(
            (
                "imageUrl", "subject", "subjectTrans", "repurchaseRate", "traceInfo",
                "createDate", "modifyDate", "token", "promotionURL", "companyName",
                "companyAddress", "sendGoodsAddressText",
                "productSimpleShippingInfo.shippingTimeGuarantee",
                "productSimpleShippingInfo.sendGoodsAddressText",
            ),
            "text",
        ),
        **dict.fromkeys(
            (
                "offerId", "monthSold", "minOrderQuantity", "topCategoryId", "secondCategoryId",
                "thirdCategoryId",
            ),
            "number",
        ),
        **dict.fromkeys(("isJxhy", "isOnePsale", "isPatentProduct", "isSelect"), "flag"),
        **dict.fromkeys(("sellerIdentities", "offerIdentities"), "list"),
        **dict.fromkeys(
            (
                "priceInfo", "promotionModel", "sellerDataInfo", "productSimpleShippingInfo",
                "offerDataInfo", "productTradeInfo", "invoiceInfo",
            ),
            "object",
        ),
    },
)  # fmt: skip
"""`promotionURL` is no advert, and stays in `extra`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """Options: `country`, the language of `subjectTrans` (`en`, as in the API's own sample);
    `filter`, such as `shipInToday,ksCiphertext`; `price_start` and `price_end` in yuan;
    `category_id`; `keyword` and `auxiliary_text` beside the photo; `product_collection_id`;
    `out_member_id`, your own customer's; `namespace` of the APIs.
    """

    namespace: str = "com.alibaba.fenxiao.crossborder"
    country: str = "en"
    filter: str = ""
    price_start: str = ""
    price_end: str = ""
    category_id: str = ""
    keyword: str = ""
    auxiliary_text: str = ""
    product_collection_id: str = ""
    out_member_id: str = ""

    name: ClassVar[str] = "imagequery"
    url: ClassVar[str] = signed_calls.URL
    token_url: ClassVar[str] = signed_calls.TOKEN_URL
    # Uploads over about 100 KB are answered with the id 0.
    limits: ClassVar[Limits] = Limits(
        page_size=50,
        picture=PictureLimits(98_000, 1000, frozenset({"JPEG", "PNG"})),
        hosts=("1688.com", "alicdn.com"),
        search_types=frozenset({1}),
        regions=True,
    )
    shape: ClassVar[RowShape] = SHAPE
    needs: ClassVar[tuple[str, ...]] = ("app_key", "app_secret")

    clock_form = staticmethod(signed_calls.clock_form)
    clock_of = staticmethod(signed_calls.clock_of)

    def __post_init__(self) -> None:
        check_words(self.name, namespace=self.namespace, country=self.country)
        for name, pattern, remedy in (
            ("filter", r"[\w,]{0,500}", "give words with commas between, as shipInToday"),
            ("price_start", r"([0-9]{1,9}(\.[0-9]{1,2})?)?", "give yuan, as 9.90"),
            ("price_end", r"([0-9]{1,9}(\.[0-9]{1,2})?)?", "give yuan, as 9.90"),
            ("category_id", r"[0-9]{0,18}", "give the category's number"),
        ):
            if not re.fullmatch(pattern, getattr(self, name), re.ASCII):
                unknown_option(self.name, name, getattr(self, name), remedy)

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is the id of an upload, or a URL on 1688's own hosts."""
        is_url = imgid.lower().startswith(("http://", "https://"))
        query = {
            "imageAddress" if is_url else "imageId": imgid,
            "beginPage": call.page,
            "pageSize": min(call.page_size, self.limits.page_size),
            "country": self.country,
            "sort": _json(_SORTS[call.sort]),
            **self._narrowing(),
        }
        if call.region is not None:
            query["region"] = call.region
        return self._form(
            url, "product.search.imageQuery", "offerQueryParam", query, credential, now
        )

    def _narrowing(self) -> dict[str, str | int]:
        chosen: dict[str, str | int] = {
            "filter": self.filter,
            "priceStart": self.price_start,
            "priceEnd": self.price_end,
            "categoryId": int(self.category_id or 0),
            "keyword": self.keyword,
            "auxiliaryText": self.auxiliary_text,
            "productCollectionId": self.product_collection_id,
            "outMemberId": self.out_member_id,
        }
        return {name: value for name, value in chosen.items() if value}

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """`base64` without its `data:` prefix."""
        image = {"imageBase64": base64}
        return self._form(url, "product.image.upload", "uploadImageParam", image, credential, now)

    def _form(
        self,
        url: str,
        api: str,
        parameter: str,
        value: Mapping[str, Any],
        credential: Credential,
        now: float,
    ) -> Form:
        """Structured parameters go, and are signed, as JSON text."""
        params = {parameter: _json(value)}
        return signed_form(url, f"{self.namespace}/{api}", params, credential, now)

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered. `headers` by lower-case name."""
        answer = opened(status, headers, body, self.name)
        if isinstance(answer, Refusal):
            return answer
        outer = unwrapped(answer.get("result"))
        found = unwrapped(outer["result"]) or {} if _has_result(outer) else None
        if not isinstance(found, dict):
            return shapeless(answer, self.name, "result.result is no object")
        return Page(
            RowsToRead(raw_rows(found.get("data")), self.shape),
            whole_number(first(found, "totalRecords")),
            whole_number(first(found, "totalPage")),
            regions=_regions(found),
        )

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What an upload answered: the picture's id."""
        answer = opened(status, headers, body, self.name)
        if isinstance(answer, Refusal):
            return answer
        outer = unwrapped(answer.get("result"))
        if not _has_result(outer):
            return shapeless(answer, self.name, "an upload without result.result")
        try:
            found = values.text(outer["result"])
        except FieldError:
            found = None
        return found if found and found.strip("0") else no_picture_id()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _has_result(outer: Any) -> bool:
    return isinstance(outer, dict) and "result" in outer


_SIDE = r"\s*[0-9]{1,6}(?:\.[0-9]{1,6})?\s*"
_REGION = re.compile(rf"{_SIDE}(?:,{_SIDE}){{3}}")
_MOST_PARTS, _MOST_REGIONS = 100, 20


def _regions(found: Mapping[str, Any]) -> tuple[str, ...]:
    """`265,597,326,764;443,783,154,595` as one text a product; what is no region is left out."""
    told = first(unwrapped(found.get("picRegionInfo")), "yoloCropRegion")
    parts = told.split(";")[:_MOST_PARTS] if isinstance(told, str) else []
    known = ["".join(part.split()) for part in parts if _REGION.fullmatch(part)]
    return tuple(dict.fromkeys(known))[:_MOST_REGIONS]
