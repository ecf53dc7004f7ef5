"""The protocol that each gateway's dialect follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pailitao_spider.gateways.calls import Credential, Form, Limits, SearchCall
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.offers.row_reader import RowShape

__all__ = ["ConvertsUrls", "Dialect", "TakesUploads"]


class Dialect(Protocol):
    """How one gateway is asked and understood. Times are unix seconds."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str:
        """Where it is asked; PAILITAO_URL stands in for it."""
        ...

    @property
    def token_url(self) -> str | None:
        """Where tokens are renewed, `{app_key}` standing for the key; None: they are not."""
        ...

    @property
    def limits(self) -> Limits: ...
    @property
    def shape(self) -> RowShape:
        """How its rows are written."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The members of `Credential` without which no call can be made."""
        ...

    def search_form(
        self, url: str, call: SearchCall, imgid: str, credential: Credential, now: float
    ) -> Form:
        """`imgid` is the picture's URL, the id of its upload, or where `limits.inline` the picture
        as Base64. An empty one makes the call that `scrapy pailitao doctor` tries: the gateway
        shall refuse the parameter, and nothing else.
        """
        ...

    def page(self, status: int, headers: Mapping[str, str], body: bytes) -> Page | Refusal:
        """What a search answered. `headers` by lower-case name. Raises nothing.

        A class whose `page` has a parameter `call` is given the `SearchCall` that was asked.
        """
        ...


class TakesUploads(Dialect, Protocol):
    """A gateway that takes pictures as they are: `limits.picture` says which."""

    def upload_form(self, url: str, base64: str, credential: Credential, now: float) -> Form:
        """`base64` without its `data:` prefix."""
        ...

    def imgid(self, status: int, headers: Mapping[str, str], body: bytes) -> str | Refusal:
        """What an upload answered: the picture's id. Raises nothing."""
        ...


class ConvertsUrls(TakesUploads, Protocol):
    """A gateway that makes URLs of other hosts its own: `limits.converts`."""

    def convert_form(self, url: str, picture_url: str, credential: Credential, now: float) -> Form:
        """Its answer is read by `imgid`."""
        ...
