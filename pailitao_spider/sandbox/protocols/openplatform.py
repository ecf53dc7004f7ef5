"""The official open platform: APIs in the path, one signature, one order of checks for all."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import ClassVar, Protocol

from pailitao_spider.sandbox.accounts import Account, GrantError
from pailitao_spider.sandbox.envelopes import Body
from pailitao_spider.sandbox.protocols.face import Ask, House, Params
from pailitao_spider.sandbox.protocols.imagequery import ImageSearch, ImageUpload
from pailitao_spider.sandbox.protocols.linkplus import SimilarOffers
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, Why

__all__ = ["OpenPlatform"]

BEIJING = timezone(timedelta(hours=8))
REFRESH_LIFE = timedelta(days=180)
SIGNATURE = "_aop_signature"
APIS, TOKENS = "/openapi/param2/1/", "/openapi/http/1/system.oauth2/getToken/"
LIMITED = (400, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency")
UNSIGNED_WELL = (400, "gw.SignatureInvalid", "Invalid signature")
UNCLEAR = (400, "gw.ParamMissing", "Missing or invalid parameter")

# A day that is spent, and a key that nobody has, have no code of their own in the documents.
WORDS: dict[Why, tuple[int, str, str]] = {
    Why.THROTTLED: LIMITED,
    Why.BANNED: LIMITED,
    Why.SPENT: LIMITED,
    Why.TOKEN: (401, "401", "Request need user authorized"),
    Why.KEY: UNSIGNED_WELL,
    Why.SECRET: UNSIGNED_WELL,
    Why.UNSIGNED: (400, "gw.SignatureMissing", "Missing signature"),
    Why.PERMISSION: (400, "gw.APIACLDecline", "AppKey is not allowed(acl)"),
    Why.UNSUPPORTED: (400, "gw.APIUnsupported", "Unsupported API"),
    Why.MISSING: UNCLEAR,
    Why.PARAMETER: UNCLEAR,
    Why.PICTURE: UNCLEAR,
    Why.SERVER: (500, "500", "server error"),
    Why.DOWN: (503, "503", "service unavailable"),
}


class Api(Protocol):
    method: ClassVar[str]

    def imgid(self, params: Params) -> str: ...

    async def answer(self, params: Params) -> Body: ...

    def told(self, refusal: Refusal) -> Body | None:
        """A refusal in the API's own words; None leaves it to the platform."""
        ...


class CurrentTime:
    """Free: it needs a signature and nothing else."""

    method: ClassVar[str] = "time"

    def __init__(self, house: House) -> None:
        self._house = house

    def imgid(self, params: Params) -> str:
        return ""

    async def answer(self, params: Params) -> Body:
        return {"result": f"{_beijing(self._house.desk.now()):%Y%m%d%H%M%S}000+0800"}

    def told(self, refusal: Refusal) -> Body | None:
        return None


class OpenPlatform:
    """imagequery and linkplus, which differ in their APIs alone."""

    routes: ClassVar[Sequence[tuple[str, str]]] = (("*", "/openapi/{call:.+}"),)
    renews_tokens: ClassVar[bool] = True

    def __init__(self, house: House) -> None:
        self._house = house
        fenxiao = "com.alibaba.fenxiao.crossborder"
        self._apis: Mapping[str, Api] = {
            f"{fenxiao}/product.search.imageQuery": ImageSearch(house.answers),
            f"{fenxiao}/product.image.upload": ImageUpload(house.answers),
            "com.alibaba.linkplus/alibaba.cross.similar.offer.search": SimilarOffers(house.answers),
            "system/currentTime": CurrentTime(house),
        }
        self._ends = _timeouts()

    def ask(self, path: str, params: Params) -> Ask:
        account = self._house.desk.accounts.get(path.rpartition("/")[2])
        if path.startswith(TOKENS):
            return Ask("token", path, params, account)
        api = self._api(path)
        if api is None:
            return Ask("other", path, params, account)
        return Ask(api.method, path, params, account, api.imgid(params))

    async def answer(self, ask: Ask) -> Body:
        if ask.method == "token":
            return self._grant(ask)
        api = self._api(ask.path)
        if api is None:
            raise _refused("denied", Why.UNSUPPORTED)
        account = _signer(ask)
        if ask.method != "time":
            self._admit(account, ask.params)
        return await api.answer(ask.params)

    def told(self, refusal: Refusal, ask: Ask) -> Refusal:
        status, code, words = WORDS.get(refusal.why, UNCLEAR)
        if code == UNCLEAR[1]:
            words = refusal.text or words
        api = self._api(ask.path)
        own = api.told(refusal) if api else None
        flat = {"error_code": code, "error_message": words, "exception": words}
        told_status = 200 if own else status
        return Refusal(
            refusal.kind,
            own or flat,
            told_status if refusal.status == 200 else refusal.status,
            refusal.headers,
            refusal.why,
        )

    def _api(self, path: str) -> Api | None:
        return self._apis.get(path.removeprefix(APIS).rpartition("/")[0])

    def _admit(self, account: Account, params: Params) -> None:
        """The token before the permission, the permission before the parameters."""
        self._house.desk.charge(account)
        if not account.accepts(params.get("access_token", "")):
            raise _refused("token", Why.TOKEN)
        if not account.has_permission:
            raise _refused("denied", Why.PERMISSION)

    def _grant(self, ask: Ask) -> Body:
        if ask.account is None:
            raise GrantError("invalid_client", "client_id is unknown")
        grants = {"authorization_code": ask.account.log_in}
        granted = grants.get(ask.params.get("grant_type", ""), ask.account.refresh)(ask.params)
        end = _beijing(self._house.desk.now()) + REFRESH_LIFE
        return granted | {"refresh_token_timeout": end.strftime(next(self._ends))}


def _signer(ask: Ask) -> Account:
    """Whose signature it is. Raises RefusalError."""
    given = ask.params.get(SIGNATURE)
    if not given:
        raise _refused("denied", Why.UNSIGNED)
    if ask.account is None:
        raise _refused("denied", Why.KEY)
    expected = _signature(ask.path.removeprefix("/openapi/"), ask.params, ask.account.secret)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise _refused("denied", Why.SECRET)
    return ask.account


def _signature(path: str, params: Params, secret: str) -> str:
    """Written apart from the client's, so that a mistake in one of them shows."""
    pairs = sorted((name, value) for name, value in params.items() if name != SIGNATURE)
    message = path + "".join(name + value for name, value in pairs)
    return hmac.digest(secret.encode(), message.encode(), "sha1").hex().upper()


def _timeouts() -> Iterator[str]:
    """Both documented shapes, in turn."""
    return itertools.cycle(("%Y%m%d%H%M%S+0800", "%Y%m%d%H%M%S000+0800"))


def _beijing(now: float) -> datetime:
    return datetime.fromtimestamp(now, BEIJING)


def _refused(kind: str, why: Why) -> RefusalError:
    return RefusalError(Refusal(kind, {}, why=why))
