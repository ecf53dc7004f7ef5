"""What is asked of a gateway, in our own words, and the form that goes over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
        """Equal for equal pictures: the URL, or the hash of the bytes."""
        return self.url or f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCall:
    """One page of one picture's search. `search_type` 1 is the same item, 2 similar ones."""

    picture: PictureRef
    search_type: SearchType = 1
    sort: Sort = "sale_desc"
    page: int = 1
    page_size: int = 100


@dataclass(frozen=True, slots=True)
class Form:
    """A POST ready for the wire. It holds the signature: never log or keep it."""

    url: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gateway takes: rows a page, and pictures on upload."""

    page_size: int
    picture: PictureLimits
