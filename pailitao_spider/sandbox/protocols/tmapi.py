"""tmapi: a reseller with one token, twenty rows a page, and its code in the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import Match
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
    routes: ClassVar[Sequence[tuple[str, str]]] = (("GET", "/1688/search/image"),)
    renews_tokens: ClassVar[bool] = False

    def __init__(self, house: House) -> None:
        self._house = house

    def ask(self, path: str, params: Params) -> Ask:
        account = self._house.desk.holder(params.get("apiToken", ""))
        return Ask("search", path, params, account, params.get("img_url", ""))

    async def answer(self, ask: Ask) -> Body:
        if ask.account is None:
            raise RefusalError(Refusal("token", {}, why=Why.TOKEN))
        self._house.desk.charge(ask.account)
        if not ask.account.has_permission:
            raise RefusalError(Refusal("denied", {}, why=Why.PERMISSION))
        return {"code": 200, "msg": "success", "data": self._search(ask)}

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
        sighting = self._house.answers.at_url(ask.imgid) if is_hosted(ask.imgid) else None
        if sighting is None:
            raise RefusalError(bad_parameter("img_url can not be identified", Why.PICTURE))
        found = self._house.answers.search(sighting, page, _row)
        return {
            "page": page.number,
            "page_size": page.told_size,
            "total_count": found.total,
            "items": found.rows,
        }


def _row(match: Match) -> Row:
    listing, row = match.listing, match.listing.row
    low, high = ends_of(row)
    fields: dict[str, Any] = {
        "item_id": offer_number(row),
        "product_url": row.get("detail_url"),
        "title": row.get("title"),
        "origin_title": row.get("title"),
        "img": row.get("pic_url"),
        "price": row.get("price"),
        "price_info": {"price": row.get("price"), "price_min": low, "price_max": high},
        "currency": "CNY",
        "quantity_begin": row.get("min_order"),
        "sale_info": {"sale_quantity_90days": listing.sales // 4},
        "goods_score": row.get("score"),
        "shop_info": {"company_name": row.get("seller_nick"), "member_id": row.get("seller_id")},
        "is_free_shipping": row.get("post_fee") == "0.00",
    }
    return filled(fields)
