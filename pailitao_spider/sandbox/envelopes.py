"""The body of an answer, as documented, and the wrappings that real gateways put around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from pailitao_spider.sandbox.catalogue.listings import Row

__all__ = ["ENVELOPES", "MAX_PAGE_SIZE", "Body", "Found", "Misreporting", "Page"]

MAX_PAGE_SIZE = 100
BOM = b"\xef\xbb\xbf"

Body = dict[str, Any]


@dataclass(frozen=True)
class Misreporting:
    """Where an answer departs from the truth; the defaults are honest.

    `page_size_cap` cuts pages while `page_size` and `pagecount` still tell of the size asked for.
    `repeat_after` n: every page beyond n is page n once more.
    """

    page_size_cap: int | None = None
    pagecount: int | None = None
    total: int | None = None
    repeat_after: int | None = None


@dataclass(frozen=True)
class Page:
    """The part of a result list that a call asks for. Numbers count from 1.

    `cap` is the gateway's most rows of a page; more are silently fewer.
    """

    number: int
    size: int
    cap: int = MAX_PAGE_SIZE

    def part(self, total: int, lies: Misreporting) -> slice:
        size = min(self.told_size, lies.page_size_cap or self.cap)
        number = min(self.number, lies.repeat_after or self.number)
        return slice(min((number - 1) * size, total), min(number * size, total))

    @property
    def told_size(self) -> int:
        return min(self.size, self.cap)


@dataclass(frozen=True)
class Found:
    """A page of rows, and what is told of the whole."""

    page: Page
    rows: list[Row]
    total: int
    pages: int

    @classmethod
    def told(cls, page: Page, rows: list[Row], total: int, lies: Misreporting) -> Self:
        """With the numbers as the lies have them."""
        total = total if lies.total is None else lies.total
        pages = math.ceil(total / page.told_size) if lies.pagecount is None else lies.pagecount
        return cls(page, rows, total, pages)


def _single_as_object(body: Body) -> bytes:
    """A lone row stands without its list."""
    items = body.get("items", {})
    if len(items.get("item", ())) == 1:
        body = {**body, "items": {**items, "item": items["item"][0]}}
    return msgspec.json.encode(body)


def _rows_as_items(body: Body) -> bytes:
    """`items` is the list of rows; no totals are told."""
    rows = body.get("items", {}).get("item")
    return msgspec.json.encode({**body, "items": rows} if isinstance(rows, list) else body)


ENVELOPES: dict[str, Callable[[Body], bytes]] = {
    "plain": msgspec.json.encode,
    "jsonp": lambda body: b"callback(" + msgspec.json.encode(body) + b");",
    "bom": lambda body: BOM + msgspec.json.encode(body),
    "json-in-json": lambda body: msgspec.json.encode(msgspec.json.encode(body).decode()),
    "item-object": _single_as_object,
    "items-list": _rows_as_items,
}
