"""The response that a search's callback gets."""

from __future__ import annotations

from typing import Any

from scrapy.http import TextResponse

from pailitao_spider.gateways.pages import Page
from pailitao_spider.offers import Offer, RejectedRow

__all__ = ["PageResponse"]


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
