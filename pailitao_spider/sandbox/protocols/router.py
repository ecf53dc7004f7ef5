"""The router dialect: one URL, the method a parameter, TOP's errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pailitao_spider.sandbox.accounts import GrantError
from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import LineKey, Match
from pailitao_spider.sandbox.envelopes import Body, Found
from pailitao_spider.sandbox.protocols.face import Ask, House, Params
from pailitao_spider.sandbox.protocols.router_checks import (
    asked_page,
    asked_search,
    check_clock,
    check_permission,
    check_present,
    check_signature,
    check_token,
)
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why, bad_parameter, top

__all__ = ["RouterFace"]

METHODS = {"1688.item_search_img": "search", "1688.upload_img": "upload"}
SHORTEST_BASE64 = 200  # no upload id is that long, no picture that short


class RouterFace:
    routes: ClassVar[Sequence[tuple[str, str]]] = (("*", "/router/rest"), ("POST", "/token"))
    renews_tokens: ClassVar[bool] = True

    def __init__(self, house: House) -> None:
        self._house = house
        self._answers = {"search": self._search, "upload": self._upload}

    def ask(self, path: str, params: Params) -> Ask:
        accounts = self._house.desk.accounts
        if path == "/token":
            return Ask("token", path, params, accounts.get(params.get("client_id", "")))
        method = METHODS.get(params.get("method", ""), "other")
        account = accounts.get(params.get("app_key", ""))
        return Ask(method, path, params, account, params.get("imgid", ""))

    async def answer(self, ask: Ask) -> Body:
        if ask.method == "token":
            return _granted(ask)
        self._admit(ask)
        if ask.method not in self._answers:
            raise RefusalError(top("denied", Why.UNSUPPORTED, 22, "Invalid method"))
        items = await self._answers[ask.method](ask)
        return {
            "code": 200, "msg": "success", "request_id": self._house.entropy(), "items": items,
        }  # fmt: skip

    def told(self, refusal: Refusal, ask: Ask) -> Refusal:
        named = {"request_id": self._house.entropy()}
        error = refusal.body.get("error_response")
        body = {"error_response": {**error, **named}} if error else {**refusal.body, **named}
        return Refusal(refusal.kind, body, refusal.status, refusal.headers, refusal.why)

    def _admit(self, ask: Ask) -> None:
        check_present(ask.params)
        if ask.account is None:
            raise RefusalError(top("denied", Why.KEY, 29, "Invalid app Key"))
        check_signature(ask.params, ask.account.secret)
        check_clock(ask.params, self._house.desk.now())
        self._house.desk.charge(ask.account)
        check_token(ask.params, ask.account)
        check_permission(ask.account)

    async def _search(self, ask: Ask) -> Body:
        search_type, sort = asked_search(ask.params)
        page = asked_page(ask.params)
        sighting = await self._sighting(ask.imgid)
        answers = self._house.answers

        def row(match: Match) -> Row:
            return _as_documented(answers.catalogue.row(match))

        return _items(answers.search(sighting, page, row, search_type, sort))

    async def _upload(self, ask: Ask) -> Body:
        if not ask.params.get("imgcode"):
            raise RefusalError(bad_parameter("imgcode is null", Why.MISSING))
        sighting = await self._house.answers.look(ask.params["imgcode"])
        return {"item": {"name": self._house.answers.uploads.keep(sighting)}}

    async def _sighting(self, imgid: str) -> LineKey:
        if not imgid:
            raise RefusalError(bad_parameter("imgid is null", Why.MISSING))
        if imgid.startswith(("http://", "https://", "//")):
            sighting, missing = self._house.answers.at_url(imgid), "imgid can not be fetched"
        elif len(imgid) >= SHORTEST_BASE64:
            return await self._house.answers.look(imgid)
        else:
            sighting, missing = self._house.answers.uploads.get(imgid), "imgid not found"
        if sighting is None:
            raise RefusalError(bad_parameter(missing, Why.PICTURE))
        return sighting


_SPOKEN = {True: "true", False: "false"}


def _as_documented(row: Row) -> Row:
    """The article writes similarities as numbers, least orders and flags as text; what came
    otherwise stays so.
    """
    typed = dict(row)
    if isinstance(similarity := row.get("similarity"), str):
        typed["similarity"] = float(similarity)
    if isinstance(least := row.get("min_order"), int):
        typed["min_order"] = str(least)
    for name in ("is_onsale", "one_stop_service"):
        if isinstance(flag := row.get(name), bool):
            typed[name] = _SPOKEN[flag]
    return typed


def _granted(ask: Ask) -> Body:
    if ask.account is None:
        raise GrantError("invalid_client", "client_id is unknown")
    return ask.account.refresh(ask.params)


def _items(found: Found) -> Body:
    """Numbers as text or number as documented."""
    return {
        "page": str(found.page.number),
        "real_total_results": found.total,
        "total_results": found.total,
        "pagecount": found.pages,
        "page_size": str(found.page.told_size),
        "item": found.rows,
    }
