"""linkplus: similar offers by a picture's URL, prices in fen, and no more than some pages."""

from __future__ import annotations

from typing import Any, ClassVar

from pailitao_spider.sandbox.answers import Answers
from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import Match
from pailitao_spider.sandbox.envelopes import Body, Page
from pailitao_spider.sandbox.protocols.face import Params, filled, offer_number, whole
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why, bad_parameter

__all__ = ["SimilarOffers"]

PAGE_SIZE = 20
REACH = 75


class SimilarOffers:
    """`pageSize` is taken and capped; beyond the reach pages are empty, whatever the total says."""

    method: ClassVar[str] = "search"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def imgid(self, params: Params) -> str:
        return params.get("picUrl", "")

    async def answer(self, params: Params) -> Body:
        url = self.imgid(params)
        if not url:
            raise RefusalError(bad_parameter("picUrl is null", Why.MISSING))
        page = Page(whole(params, "page", 1), whole(params, "pageSize", PAGE_SIZE), PAGE_SIZE)
        sighting = self._answers.at_url(url)
        if sighting is None:
            words = f"handle image error with url {url}"
            raise RefusalError(bad_parameter(words, Why.PICTURE))
        found = self._answers.search(sighting, page, _row, reach=REACH)
        return {"result": {"result": found.rows, "total": found.total}, "success": True}

    def told(self, refusal: Refusal) -> Body | None:
        if refusal.why is not Why.PICTURE:
            return None
        return {"success": False, "code": "SYSTEM_ERROR", "message": refusal.text}


def _row(match: Match) -> Row:
    row, listing = match.listing.row, match.listing
    place = (row.get("area") or "").split() or [None]
    fields: dict[str, Any] = {
        "offerId": offer_number(row),
        "subject": row.get("title"),
        "oldPrice": listing.price_fen,
        "imageUrl": row.get("pic_url"),
        "categoryId": int(row["cid"]),
        "quantityBegin": row.get("min_order"),
        "unit": row.get("unit"),
        "province": place[0],
        "city": place[-1],
        "supplyAmount": 9999,
        "detailUrl": row.get("detail_url"),
    }
    return filled(fields)
