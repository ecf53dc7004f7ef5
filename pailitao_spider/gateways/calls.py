"""What is asked of a gateway, in our own words, and what goes over the wire."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from pailitao_spider.pictures import PictureLimits

__all__ = ["Credential", "Form", "Limits", "PictureRef", "SearchCall", "SearchType", "Sort"]

SearchType = Literal[1, 2]
Sort = Literal["sale_desc", "price_asc"]


@dataclass(frozen=True, slots=True)
class Credential:
    """Who calls. Secrets never show in `repr`."""

    app_key: str
    app_secret: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)

    @property
    def owner(self) -> str:
        """Whose quota, uploads and tokens they are: the app key, or what stands for a gateway's
        only token. No secret.
        """
        if self.app_key:
            return self.app_key
        return f"token:{hashlib.sha256((self.access_token or '').encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class PictureRef:
    """Where a call's picture is: on the web, on this machine, or stored for all workers.

    At most one of `url`, `path` and `base64` is given; without any it is found by `sha256`, which
    is the identity of all that are not on the web.
    """

    url: str | None = None
    path: str | None = None
    base64: str | None = field(default=None, repr=False)
    sha256: str | None = None

    @property
    def key(self) -> str:
        """Equal for equal pictures: the URL, or the hash of the bytes; until somebody has read
        them, the path.
        """
        if self.url is None and self.sha256 is None:
            return f"path:{self.path}"
        return self.url or f"sha256:{self.sha256}"

    @property
    def upload_name(self) -> str:
        """What its upload is remembered by: the hash of the bytes, or the URL they came from."""
        return self.sha256 or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCall:
    """One page of one picture's search. `search_type` 1 is the same item, 2 similar ones."""

    picture: PictureRef
    search_type: SearchType = 1
    sort: Sort = "sale_desc"
    page: int = 1
    page_size: int = 100
    cursor: str | None = None
    """What the page before said of this one, where a gateway has cursors in place of numbers."""
    region: str | None = None
    """The part of the photo to look at, `x1,x2,y1,y2` in pixels; None is the gateway's choice."""

    @property
    def subject(self) -> str:
        """Equal for searches of the same part of the same picture."""
        return self.picture.key if self.region is None else f"{self.picture.key} {self.region}"


@dataclass(frozen=True, slots=True)
class Form:
    """A call ready for the wire. It holds secrets and the signature: never log or keep it.

    A GET has its parameters in the URL and no body. `headers` go out as they are, beside those of
    Scrapy; `content_type` is that of the body.
    """

    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content_type: str = "application/x-www-form-urlencoded"

    @property
    def wire_headers(self) -> dict[str, str]:
        """All headers that the form asks for."""
        described = {"Content-Type": self.content_type} if self.body else {}
        return {**described, **self.headers}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gateway takes.

    `page_size` is the most rows of a page. `picture` says what an upload may be, None that there
    are no uploads. `hosts` are the domains whose picture URLs it takes as they are, None: all;
    other URLs are fetched and uploaded where there are uploads, else refused. `sorts` and
    `search_types` are those that can be asked for; with no sorts, rows come in its own order.
    `inline`: pictures go as Base64 into the search itself, there is no upload before it.
    `converts`: URLs of other hosts are given to `convert_form`, nobody fetches them here.
    """

    page_size: int
    picture: PictureLimits | None
    hosts: tuple[str, ...] | None = None
    sorts: frozenset[Sort] = frozenset({"sale_desc", "price_asc"})
    search_types: frozenset[SearchType] = frozenset({1, 2})
    regions: bool = False
    """Several products in one photo can be searched each."""
    inline: bool = False
    converts: bool = False
    rate: float | None = None
    """Calls a second that the gateway states; PAILITAO_RATE stands above it, None: to be found."""

    def takes_url(self, url: str) -> bool:
        """The gateway fetches the picture at this URL itself."""
        if self.hosts is None:
            return True
        host = (urlsplit(url).hostname or "").lower()
        return any(host == each or host.endswith(f".{each}") for each in self.hosts)
