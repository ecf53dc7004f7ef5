"""A search by picture as a Scrapy request, for any spider.

The request is clean: no key, token or signature. It names the picture and the page, so that
equal searches are duplicates of each other; the signed form exists only on the wire.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

import msgspec
from scrapy import Request
from scrapy.http import TextResponse

from pailitao_spider.crawl.next_page import SeenPage, next_page
from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.errors import BadSeedError
from pailitao_spider.gateways.calls import PictureRef, SearchCall, SearchType, Sort
from pailitao_spider.gateways.pages import AskedFor, Page
from pailitao_spider.gateways.urlencode import encoded
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.seeds.ids import default_id
from pailitao_spider.seeds.model import Base64Image, Image

__all__ = [
    "META",
    "ImageSearch",
    "PageResponse",
    "again",
    "asked_for",
    "call_of",
    "clean_request",
    "first_size",
    "placed",
]

logger = logging.getLogger(__name__)


class PageResponse(TextResponse):
    """An answer that was read, as the callback of an `ImageSearch` gets it.

    `offers` are its offers in the gateway's order, `rejected` its rows that are none. `page` holds
    what it says of the whole: `total`, `page_count`, `has_next`, None where it says nothing.
    """

    attributes: tuple[str, ...] = (*TextResponse.attributes, "page")

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page = page

    @property
    def gateway(self) -> str | None:
        """Which gateway gave it, for `ImageSearch` of the pages that follow."""
        return self.page.gateway

    @property
    def offers(self) -> list[Offer]:
        """The offers of this page."""
        return [row for row in self.page.rows if isinstance(row, Offer)]

    @property
    def rejected(self) -> list[RejectedRow]:
        """The rows of this page that are no offers: each with the reason and its raw value."""
        return [row for row in self.page.rows if isinstance(row, RejectedRow)]

    @property
    def rows(self) -> list[Offer | RejectedRow]:
        """Both, to be yielded: the pipelines keep the offers and put the others aside."""
        return self.page.rows

    def next_pages(self, max_pages: int | None = None) -> list[Request]:
        """The request for the page that follows, or none: `yield from response.next_pages()`.

        Decided as the spider `pailitao` does: by what came, and by what the gateway says of its
        pages as long as that is not contradicted. A page that came empty may be asked for again.
        The request has the callback, errback, `cb_kwargs`, priority and own `meta` of this one.
        """
        request = self.request
        if request is None:
            raise AttributeError("a response without its request has no next page")
        call, told = call_of(request), request.meta[META].get("pages", [])
        pages = [SeenPage(*each) for each in told] + [SeenPage.of(call.page, self.page)]
        following = next_page(pages, call.page_size, max_pages)
        if following is None:
            return []
        number, cursor = following
        asked = replace(call, page=number, cursor=cursor)
        return [_page_after(request, asked, pages, self.gateway)]


META = "pailitao"
"""The member of `Request.meta` that makes a request ours; plain JSON values."""

SLOT = "pailitao"
"""The download slot of all calls: the gate decides when, so the slot must not wait as well."""

_PLACE = "https://pailitao.invalid"  # reserved by RFC 2606: never leaves without a signed form
_LONGEST_NAME = 200
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


def _page_after(
    request: Request, call: SearchCall, pages: list[SeenPage], gateway: str | None
) -> Request:
    ours = request.meta[META]
    kept = ours.get("own_meta", ())
    following = ImageSearch.of(call, gateway).request(
        request.callback,
        request.errback,
        cb_kwargs=request.cb_kwargs,
        priority=request.priority,
        meta={name: request.meta[name] for name in kept if name in request.meta},
        dont_filter=any(page.number == call.page for page in pages),
    )
    following.meta[META] |= {
        "pages": [page.plain() for page in pages],
        **{name: ours[name] for name in ("seed", "own_meta") if name in ours},
    }
    return following


def asked_for(request: Request) -> AskedFor | None:
    """Whose search it is, where `ImageSearch` was told or has found it."""
    seed = request.meta[META].get("seed")
    return None if seed is None else AskedFor(*seed)


def first_size(request: Request) -> int | None:
    """The rows of the first page of a search whose pages follow one another."""
    pages = request.meta[META].get("pages")
    return max(SeenPage(*pages[0]).rows, 1) if pages else None


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
    Offers bear `seed_id`, by default the picture's file name, and what `extra` holds.
    """

    image: str | PictureRef
    search_type: SearchType = 1
    sort: Sort = "sale_desc"
    page: int = 1
    page_size: int = 100
    region: str | None = None
    gateway: str | None = None
    cursor: str | None = None
    seed_id: str | None = None
    extra: Mapping[str, Any] | None = None

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

        The callback gets a `PageResponse`. All that goes wrong reaches the errback, as one of the
        errors in `pailitao_spider.errors`; a file is not read before its turn comes.
        """
        _tell_without_addon()
        picture, told = self._picture()
        call = SearchCall(
            picture=picture,
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
        own = given.get("meta") or {}
        request = clean_request(
            "search",
            params,
            msgspec.to_builtins(call),
            callback=callback,
            errback=errback,
            **given,
        )
        if self.gateway is not None:
            told["gateway"] = self.gateway
        request.meta[META] |= told | ({"own_meta": sorted(own)} if own else {})
        return request

    def _picture(self) -> tuple[PictureRef, dict[str, Any]]:
        """The picture, and what is known of it: whose it is, or why it is none."""
        if isinstance(self.image, PictureRef):
            return self.image, {}
        try:
            image, picture = _found(self.image)
        except BadSeedError as error:
            picture = PictureRef(path=self.image[:_LONGEST_NAME])
            return picture, {"bad": [error.code, str(error)]}
        seed_id = default_id(image) if self.seed_id is None else self.seed_id
        return picture, {"seed": [seed_id, image.label, dict(self.extra or {})]}


def _found(text: str) -> tuple[Image, PictureRef]:
    """Raises BadSeedError for a text that is neither URL, file nor Base64."""
    from pailitao_spider.seeds.images import read_image

    image = read_image(text, [Path.cwd()])
    if not isinstance(image, Base64Image):
        return image, picture_of(image)
    from hashlib import sha256

    from pailitao_spider.seeds.image_bytes import load

    return image, picture_of(image, sha256(load(image)).hexdigest())


@cache
def _tell_without_addon() -> None:
    if "pailitao_spider.addon" not in sys.modules:
        logger.error(
            "ImageSearch finds nothing without the add-on: put "
            'ADDONS = {"pailitao_spider.Addon": 500} into the settings'
        )
