"""imagequery: search by an uploaded picture, with parameters as JSON text and truth as text."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

import msgspec

from pailitao_spider.errors import UNDECODABLE
from pailitao_spider.sandbox.answers import Answers
from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import LineKey, Match, region
from pailitao_spider.sandbox.envelopes import Body, Found, Page
from pailitao_spider.sandbox.protocols.face import Params, filled, is_hosted, offer_number, whole
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why, bad_parameter
from pailitao_spider.sandbox.uploads import file_of

__all__ = ["ImageSearch", "ImageUpload"]

PAGE_SIZE, MOST_ROWS = 20, 50
MOST_BYTES = 100 * 1024
SORTS = {("monthSold", "desc"): "sale_desc", ("price", "asc"): "price_asc"}


class ImageSearch:
    """`region` says which product of a photo is meant; the totals are those of that search."""

    method: ClassVar[str] = "search"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def imgid(self, params: Params) -> str:
        query = _object(params.get("offerQueryParam")) or {}
        return query.get("imageId") or query.get("imageAddress") or ""

    async def answer(self, params: Params) -> Body:
        query = _given(params, "offerQueryParam")
        if not self.imgid(params):
            raise RefusalError(bad_parameter("imageId is null", Why.MISSING))
        size = whole(query, "pageSize", PAGE_SIZE)
        page = Page(whole(query, "beginPage", 1), size, MOST_ROWS)
        sort = SORTS.get(_order(query.get("sort", "")))
        shown = self._sighting(query)
        wanted, regions = self._of_region(shown, query.get("region", ""))
        return _said("true", "200", result=_page(
            self._answers.search(wanted, page, _row, sort=sort), regions
        ))  # fmt: skip

    def told(self, refusal: Refusal) -> Body | None:
        if refusal.why not in (Why.PICTURE, Why.PARAMETER):
            return None
        return _said("false", "PARAM_ERROR", refusal.text)

    def _sighting(self, query: Params) -> LineKey:
        if imgid := query.get("imageId"):
            sighting, missing = self._answers.uploads.get(imgid), "imageId not found"
        else:
            url = query["imageAddress"]
            sighting = self._answers.at_url(url) if is_hosted(url) else None
            missing = "imageAddress can not be fetched"
        if sighting is None:
            raise RefusalError(bad_parameter(missing, Why.PICTURE))
        return sighting

    def _of_region(self, shown: LineKey, wanted: str) -> tuple[LineKey, list[str]]:
        """What the region shows, else the main product; and where all products stand, that one
        first.
        """
        catalogue = self._answers.catalogue
        main = catalogue.recognised(shown)
        if main is None:
            return shown, []
        seen = dict(catalogue.regions(main.name) or ((region(main.name), main.name),))
        current = wanted if wanted in seen else next(iter(seen))
        return catalogue.sight_design(catalogue.design(seen[current])), [current, *seen]


class ImageUpload:
    """Pictures that are too large go wrong under success, with the id `0`."""

    method: ClassVar[str] = "upload"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def imgid(self, params: Params) -> str:
        return ""

    async def answer(self, params: Params) -> Body:
        code = _given(params, "uploadImageParam").get("imageBase64")
        if not code:
            raise RefusalError(bad_parameter("imageBase64 is null", Why.MISSING))
        if len(file_of(code)) > MOST_BYTES:
            return _said("true", "200", result="0")
        sighting = await self._answers.look(code)
        number = 10**17 + secrets.randbelow(9 * 10**17)
        return _said("true", "200", result=self._answers.uploads.keep(sighting, str(number)))

    def told(self, refusal: Refusal) -> Body | None:
        if refusal.why not in (Why.PICTURE, Why.PARAMETER):
            return None
        return _said("false", "PARAM_ERROR", refusal.text)


def _said(success: str, code: str, message: str = "success", **more: Any) -> Body:
    return {"result": {"success": success, "code": code, "message": message, **more}}


def _page(found: Found, regions: list[str]) -> Body:
    page: Body = {
        "totalRecords": found.total,
        "totalPage": found.pages,
        "pageSize": found.page.told_size,
        "currentPage": found.page.number,
        "data": found.rows,
    }
    if regions:
        current, *every = regions
        page["picRegionInfo"] = {"currentRegion": current, "yoloCropRegion": ";".join(every)}
    return page


def _object(text: str | None) -> dict[str, str] | None:
    """The members of a structured parameter, as text; None for what is no JSON object."""
    try:
        given = msgspec.json.decode(text or "{}", type=dict[str, Any])
    except UNDECODABLE:
        return None
    return {name: str(value) for name, value in given.items() if value is not None}


def _given(params: Params, name: str) -> dict[str, str]:
    """Raises RefusalError."""
    given = _object(params.get(name))
    if given is None:
        raise RefusalError(bad_parameter(f"{name} is no JSON object"))
    return given


def _order(text: str) -> tuple[str, str]:
    """The member and the direction of `{"price":"asc"}`, which is JSON text in JSON."""
    return next(iter((_object(text) or {}).items()), ("", ""))


def _row(match: Match) -> Row:
    listing, row = match.listing, match.listing.row
    number = int(listing.num_iid)
    fields: dict[str, Any] = {
        "imageUrl": row.get("pic_url"),
        "subject": row.get("title"),
        "subjectTrans": "",
        "offerId": offer_number(row),
        "priceInfo": {
            "price": row.get("price"),
            "consignPrice": row.get("price"),
            "promotionPrice": row.get("promotion_price"),
        },
        "repurchaseRate": f"{number % 60}%",
        "monthSold": listing.sales // 10,
        "sales7d": str(listing.sales // 40),
        "isOnePsale": row.get("one_stop_service"),
        "minOrderQuantity": row.get("min_order"),
        "sellerIdentities": ["tp_member"],
        "offerIdentities": [],
        "tradeScore": row.get("score"),
        "createDate": row.get("create_time"),
        "modifyDate": row.get("update_time"),
        "companyName": row.get("seller_nick"),
        "companyAddress": row.get("area"),
        "promotionURL": row.get("detail_url"),
        "productSimpleShippingInfo": {"shippingTimeGuarantee": "shipIn48Hours"},
    }
    return filled(fields)
