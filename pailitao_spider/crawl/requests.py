"""A search by picture as a Scrapy request, for any spider.

The request is clean: no key, token or signature. It names the picture and the page, so that
equal searches are duplicates of each other; the signed form exists only on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

import msgspec
from scrapy import Request
from scrapy.http import TextResponse

from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.gateways.calls import PictureRef, SearchCall, SearchType, Sort
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.urlencode import encoded
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.seeds.model import StoredImage

__all__ = ["META", "ImageSearch", "PageResponse", "again", "call_of", "clean_request", "placed"]


class PageResponse(TextResponse):
    """An answer that was read: `page` holds its rows and what it says of the whole."""

    attributes: tuple[str, ...] = (*TextResponse.attributes, "page")

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page = page

    @property
    def gateway(self) -> str | None:
        """Which gateway gave it, for `ImageSearch` of the pages that follow."""
        return self.page.gateway

    @property
    def rows(self) -> list[Offer | RejectedRow]:
        """The rows to yield: the pipelines keep the offers and put the others aside."""
        return self.page.rows


META = "pailitao"
"""The member of `Request.meta` that makes a request ours; plain JSON values."""

SLOT = "pailitao"
"""The download slot of all calls: the gate decides when, so the slot must not wait as well."""

_PLACE = "https://pailitao.invalid"  # reserved by RFC 2606: never leaves without a signed form
_OWN_WAYS = {
    "download_slot": SLOT,
    "dont_redirect": True,
    "dont_cache": True,
    "dont_merge_cookies": True,
    "dont_obey_robotstxt": True,
    "allow_offsite": True,
    "autothrottle_dont_adjust_delay": True,
    "handle_httpstatus_all": True,
    "download_maxsize": 8 * 2**20,
}


def clean_request(kind: str, params: dict[str, str], call: dict[str, Any], **given: Any) -> Request:
    """A request that says what is wanted; `kind` is search, upload or token."""
    meta = {**_OWN_WAYS, **given.pop("meta", {}), META: {"kind": kind, "call": call}}
    return Request(
        f"{_PLACE}/{kind}?{encoded(params)}",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        meta=meta,
        **given,
    )


def placed(request: Request) -> str:
    """The address that a call is scheduled under, whatever gateway it was tried at."""
    return f"{_PLACE}/{request.meta[META]['kind']}?{request.url.partition('?')[2]}"


def again(request: Request, **members: Any) -> Request:
    """The same call once more, ahead of new ones; `members` are others of its `META`.

    A proxy that was found for the last try is looked for anew.
    """
    ours = {**request.meta[META], **members}
    ours.pop("try", None)
    meta = {**request.meta, META: ours}
    if not ours.get("has_proxy"):
        for name in ("proxy", "_auth_proxy", "_scheme_proxy"):
            meta.pop(name, None)
    return request.replace(
        url=placed(request), meta=meta, dont_filter=True, priority=request.priority + 1
    )


_CALLS: WeakKeyDictionary[Request, tuple[dict[str, Any], SearchCall]] = WeakKeyDictionary()


def call_of(request: Request) -> SearchCall:
    """The search that a request asks for."""
    given = request.meta[META]["call"]
    known = _CALLS.get(request)
    if known is not None and known[0] is given:
        return known[1]
    call = msgspec.convert(given, SearchCall)
    _CALLS[request] = given, call
    return call


@dataclass(frozen=True, slots=True)
class ImageSearch:
    """One page of offers that look like a picture.

    `image` is an http(s) URL, the path of a picture, or Base64. `search_type` 1 is the same
    item, 2 similar ones. `page_size` may be reduced by the gateway. `region` is the part of the
    photo to look at, `x1,x2,y1,y2` in pixels, where the gateway can do that. With keys of several
    gateways further pages name the one that answered the first: `gateway=response.gateway`. A
    gateway with cursors is asked for a further page by `cursor=response.page.next_cursor`.
    """

    image: str | PictureRef
    search_type: SearchType = 1
    sort: Sort = "sale_desc"
    page: int = 1
    page_size: int = 100
    region: str | None = None
    gateway: str | None = None
    cursor: str | None = None

    @classmethod
    def of(cls, call: SearchCall, gateway: str | None = None) -> Self:
        asked = call.search_type, call.sort, call.page, call.page_size, call.region
        return cls(call.picture, *asked, gateway, call.cursor)

    def request(
        self,
        callback: Callable[..., Any] | None = None,
        errback: Callable[..., Any] | None = None,
        **given: Any,
    ) -> Request:
        """The request; other arguments are those of `scrapy.Request`.

        The callback gets a `PageResponse`, the errback a `RefusedError` when the gateway refuses
        to the end. Raises BadSeedError for an image that is neither URL, file nor Base64.
        """
        call = SearchCall(
            picture=self._picture(),
            search_type=self.search_type,
            sort=self.sort,
            page=self.page,
            page_size=self.page_size,
            cursor=self.cursor,
            region=self.region,
        )
        params = {
            "picture": call.subject,
            "search_type": str(call.search_type),
            "sort": call.sort,
            "page_size": str(call.page_size),
            "page": str(call.page),
        }
        if call.cursor is not None:
            params["cursor"] = call.cursor
        request = clean_request(
            "search",
            params,
            msgspec.to_builtins(call),
            callback=callback,
            errback=errback,
            **given,
        )
        if self.gateway is not None:
            request.meta[META]["gateway"] = self.gateway
        return request

    def _picture(self) -> PictureRef:
        if isinstance(self.image, PictureRef):
            return self.image
        from hashlib import sha256

        from pailitao_spider.seeds.image_bytes import load
        from pailitao_spider.seeds.images import read_image
        from pailitao_spider.seeds.model import UrlImage

        image = read_image(self.image, [Path.cwd()])
        known = (
            None if isinstance(image, UrlImage | StoredImage) else sha256(load(image)).hexdigest()
        )
        return picture_of(image, known)
