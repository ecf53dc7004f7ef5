"""onebound: a reseller's envelope with HTTP 200 for everything, and numbers that disagree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import LineKey, Match
from pailitao_spider.sandbox.envelopes import Body, Found, Page
from pailitao_spider.sandbox.protocols.face import Ask, House, Params, filled, is_hosted, whole
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why, bad_parameter

__all__ = ["Onebound"]

BEIJING = timezone(timedelta(hours=8))
PAGE_SIZE = 40
MOST_CALLS = 10_100
AD_STRIDE = 7
SEARCH, UPLOAD = "/1688/item_search_img/", "/1688/upload_img/"
UPLOADED = "https://cbu01.alicdn.com/sandbox/upload-{}.jpg"
DATA_PREFIX = "data:"
SORTS = {"_sale": "sale_desc", "bid2": "price_asc"}

WORDS: dict[Why, tuple[str, str]] = {
    Why.THROTTLED: ("4008", "too many requests, slow down"),
    Why.BANNED: ("4008", "too many requests, slow down"),
    Why.SPENT: ("4013", "the bought calls are used up"),
    Why.TOKEN: ("4005", "invalid key or secret"),
    Why.KEY: ("4005", "invalid key or secret"),
    Why.SECRET: ("4005", "invalid key or secret"),
    Why.PERMISSION: ("4007", "no permission for this API"),
    Why.MISSING: ("4003", "a parameter is missing"),
    Why.PARAMETER: ("4003", "a parameter is wrong"),
    Why.PICTURE: ("4014", "the picture can not be read"),
    Why.SERVER: ("5000", "unknown error"),
    Why.DOWN: ("4000", "server error"),
}


class Onebound:
    """A search that finds nothing is an answer of its own, code 2000, and is billed."""

    routes: ClassVar[Sequence[tuple[str, str]]] = (("*", SEARCH), ("*", UPLOAD))
    renews_tokens: ClassVar[bool] = False

    def __init__(self, house: House) -> None:
        self._house = house
        self._calls = itertools.count()

    def ask(self, path: str, params: Params) -> Ask:
        account = self._house.desk.accounts.get(params.get("key", ""))
        method = "upload" if path == UPLOAD else "search"
        return Ask(method, path, params, account, params.get("imgid", ""))

    async def answer(self, ask: Ask) -> Body:
        account = ask.account
        if account is None:
            raise _refused("denied", Why.KEY)
        if not account.has_secret(ask.params.get("secret", "")):
            raise _refused("denied", Why.SECRET)
        self._house.desk.charge(account)
        if not account.has_permission:
            raise _refused("denied", Why.PERMISSION)
        items = await (self._upload if ask.method == "upload" else self._search)(ask)
        if items.get("item") == []:
            return self._said(ask, "2000", "item-not-found", "nothing was found")
        return self._said(ask, "0000", items=items)

    def told(self, refusal: Refusal, ask: Ask) -> Refusal:
        code, reason = WORDS.get(refusal.why, WORDS[Why.PARAMETER])
        body = self._said(ask, code, refusal.text or reason, reason)
        return Refusal(refusal.kind, body, refusal.status, refusal.headers, refusal.why)

    async def _search(self, ask: Ask) -> Body:
        if not ask.imgid:
            raise RefusalError(bad_parameter("imgid is null", Why.MISSING))
        page = Page(whole(ask.params, "page", 1), PAGE_SIZE, PAGE_SIZE)
        sort = SORTS.get(ask.params.get("sort", ""))
        return _items(self._house.answers.search(self._sighting(ask.imgid), page, _row, sort=sort))

    def _sighting(self, url: str) -> LineKey:
        sighting = self._house.answers.at_url(url) if is_hosted(url) else None
        if sighting is None:
            raise RefusalError(bad_parameter("imgid can not be fetched", Why.PICTURE))
        return sighting

    async def _upload(self, ask: Ask) -> Body:
        code = ask.params.get("imgcode", "")
        if not code:
            raise RefusalError(bad_parameter("imgcode is null", Why.MISSING))
        if not code.startswith(DATA_PREFIX):
            return {"item": {"name": None}}
        code = code.partition(",")[2]
        sighting = await self._house.answers.look(code)
        return {"item": {"name": self._house.answers.uploads.keep(sighting, UPLOADED)}}

    def _said(self, ask: Ask, code: str, error: str = "", reason: str = "", **more: Any) -> Body:
        """The outer envelope. Its times and arguments come now in one type, now in another."""
        odd = next(self._calls) % 2 == 1
        asked = {name: ask.params[name] for name in ("imgid", "page") if name in ask.params}
        return more | {
            "error": error,
            "reason": reason,
            "error_code": code,
            "cache": 0,
            "api_info": self._api_info(ask),
            "execution_time": "1.075" if odd else 0.081,
            "server_time": f"Beijing/{datetime.fromtimestamp(self._house.desk.now(), BEIJING)}",
            "call_args": [] if odd else asked,
            "request_id": self._house.entropy(),
        }

    def _api_info(self, ask: Ask) -> str:
        used, most = self._house.desk.day_of(ask.account) if ask.account else (0, None)
        most = MOST_CALLS if most is None else most
        return f"today:{used} max:{most} all[{used}={used}+0+0];expires:2030-12-31"


def _items(found: Found) -> Body:
    """As published: the whole total, the rows of this page as a total too, and one page."""
    return {
        "page": str(found.page.number),
        "real_total_results": found.total,
        "total_results": len(found.rows),
        "page_size": found.page.told_size,
        "pagecount": 1,
        "item": found.rows,
    }


def _row(match: Match) -> Row:
    row, number = match.listing.row, int(match.listing.num_iid)
    link = row.get("detail_url")
    if number % AD_STRIDE == 0:
        link = f"https://detailp4p.1688.com/offer/{number}.html?trace_log=p4p"
    names = ("num_iid", "title", "pic_url", "price", "promotion_price", "sales", "seller_nick",
             "area")  # fmt: skip
    fields = {name: row.get(name) for name in names}
    told = {"turn_head": f"{number % 60}%", "one_psale": row.get("one_stop_service")}
    return filled(fields | {"detail_url": link, "is_jxhy": number % 5 == 0} | told)


def _refused(kind: str, why: Why) -> RefusalError:
    return RefusalError(Refusal(kind, {}, why=why))
