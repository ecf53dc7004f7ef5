"""tmapi: a reseller with one token, twenty rows a page, and its code in the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import LineKey, Match
from pailitao_spider.sandbox.envelopes import Body, Page
from pailitao_spider.sandbox.protocols.face import (
    Ask,
    House,
    Params,
    ends_of,
    filled,
    is_hosted,
    offer_number,
    whole,
)
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why, bad_parameter

__all__ = ["Tmapi"]

PAGE_SIZE = 20
FACTORY = "源头工厂"
SEARCH, CONVERT = "/1688/search/image", "/1688/tools/image/convert_url"
SORTS = {"sales": "sale_desc", "price_up": "price_asc"}
CONVERTED = "/search/imgextra/{}.jpg"

# Published are 417, 422, 439, 499, 500 and 503; the others are what HTTP would say.
WORDS: dict[Why, tuple[int, str]] = {
    Why.THROTTLED: (429, "too many requests"),
    Why.BANNED: (429, "too many requests"),
    Why.SPENT: (439, "Subscription expired or insufficient balance"),
    Why.TOKEN: (401, "invalid apiToken"),
    Why.KEY: (401, "invalid apiToken"),
    Why.SECRET: (401, "invalid apiToken"),
    Why.PERMISSION: (403, "no permission for this API"),
    Why.MISSING: (422, "Parameter error"),
    Why.PARAMETER: (422, "Parameter error"),
    Why.PICTURE: (422, "Parameter error"),
    Why.SERVER: (500, "Unexpected error"),
    Why.DOWN: (500, "Unexpected error"),
}


class Tmapi:
    routes: ClassVar[Sequence[tuple[str, str]]] = (("GET", SEARCH), ("POST", CONVERT))
    renews_tokens: ClassVar[bool] = False

    def __init__(self, house: House) -> None:
        self._house = house

    def ask(self, path: str, params: Params) -> Ask:
        account = self._house.desk.holder(params.get("apikey") or params.get("apiToken", ""))
        if path == CONVERT:
            return Ask("upload", path, params, account, params.get("url", ""))
        return Ask("search", path, params, account, params.get("img_url", ""))

    async def answer(self, ask: Ask) -> Body:
        if ask.account is None:
            raise RefusalError(Refusal("token", {}, why=Why.TOKEN))
        self._house.desk.charge(ask.account)
        if not ask.account.has_permission:
            raise RefusalError(Refusal("denied", {}, why=Why.PERMISSION))
        data = await self._convert(ask) if ask.method == "upload" else self._search(ask)
        return {"code": 200, "msg": "success", "data": data}

    async def _convert(self, ask: Ask) -> Body:
        """A URL of another host, or a picture in a `data:` URL."""
        if not ask.imgid:
            raise RefusalError(bad_parameter("url is null", Why.MISSING))
        answers = self._house.answers
        if ask.imgid.startswith("data:"):
            sighting: LineKey | None = await answers.look(ask.imgid.partition(",")[2])
        else:
            sighting = answers.at_url(ask.imgid)
        if sighting is None:
            raise RefusalError(bad_parameter("image url can not be converted", Why.PICTURE))
        return {"image_url": answers.uploads.keep(sighting, CONVERTED)}

    def told(self, refusal: Refusal, ask: Ask) -> Refusal:
        code, msg = WORDS.get(refusal.why, WORDS[Why.PARAMETER])
        if refusal.kind == "bad_seed" and refusal.text:
            msg = f"{msg}: {refusal.text}"
        body = {"code": code, "msg": msg, "data": None}
        return Refusal(refusal.kind, body, refusal.status, refusal.headers, refusal.why)

    def _search(self, ask: Ask) -> Body:
        if not ask.imgid:
            raise RefusalError(bad_parameter("img_url is null", Why.MISSING))
        size = whole(ask.params, "page_size", PAGE_SIZE)
        page = Page(whole(ask.params, "page", 1), size, PAGE_SIZE)
        is_ours = is_hosted(ask.imgid) or ask.imgid.startswith("/search/")
        sighting = self._house.answers.at_url(ask.imgid) if is_ours else None
        if sighting is None:
            raise RefusalError(bad_parameter("img_url can not be identified", Why.PICTURE))
        sort = SORTS.get(ask.params.get("sort", ""))
        found = self._house.answers.search(sighting, page, _row, sort=sort)
        return {
            "page": page.number,
            "page_size": page.told_size,
            "total_count": found.total,
            "items": found.rows,
            "has_next_page": page.number < found.pages,
        }


def _row(match: Match) -> Row:
    """As documented for `/1688/search/image`."""
    listing, row = match.listing, match.listing.row
    low, high = ends_of(row)
    number, place = int(listing.num_iid), (row.get("area") or "").split()
    fields: dict[str, Any] = {
        "item_id": offer_number(row),
        "product_url": row.get("detail_url"),
        "title": row.get("title"),
        "img": row.get("pic_url"),
        "category_path": [str(row["cid"]), "18"],
        "price": row.get("price"),
        "price_info": {"sale_price": row.get("price"), "origin_price": row.get("price")},
        "moq": int(row["min_order"]),
        "quantity_prices": [
            {"begin_num": str(row["min_order"]), "end_num": "", "price": high},
            {"begin_num": str(10 * int(row["min_order"])), "end_num": "", "price": low},
        ],
        "sale_info": {
            "sale_quantity": str(listing.sales),
            "sale_quantity_int": listing.sales,
            "orders_count": row.get("trade_num"),
        },
        "delivery_info": {"area_from": place},
        "item_repurchase_rate": f"{number % 60}%",
        "rating_star": None,
        "shop_info": {
            "login_id": row.get("seller_nick"),
            "member_id": row.get("seller_id"),
            "company_name": row.get("seller_nick"),
            "biz_type": row.get("shop_type"),
            "is_factory": row.get("shop_type") == FACTORY,
            "is_super_factory": False,
            "location": place,
            "service_tags": None,
            "shop_years": number % 15 + 1,
            "factory_inspection": number % 3 == 0,
            "score_info": {"composite_score": row.get("score")},
        },
        "is_ad": False,
    }
    return filled(fields)
