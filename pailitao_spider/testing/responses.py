"""A gateway's answer as the response that a callback gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pailitao_spider.crawl.requests import ImageSearch, PageResponse, asked_for
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.pages import Origin
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.gateways.registry import dialect

__all__ = ["page_response"]


def page_response(
    answer: bytes | str | Mapping[str, Any],
    *,
    search: ImageSearch | None = None,
    gateway: str = "router",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> PageResponse:
    """What the callback of `search` gets when `gateway` answers so.

    `answer` is the body, or an object to be written as JSON. `request` are arguments of
    `ImageSearch.request`, such as `callback`, `meta` and `cb_kwargs`. Raises RefusedError where the
    answer is a refusal: the errback would get it.
    """
    body = answer if isinstance(answer, bytes | str) else json.dumps(dict(answer))
    body = body.encode() if isinstance(body, str) else body
    named = {name.lower(): value for name, value in (headers or {}).items()}
    page = dialect(gateway).page(status, named, body)
    if isinstance(page, Refusal):
        raise RefusedError(page.reason)
    search = search or ImageSearch("https://example.com/photo.jpg")
    asked = search.request(**request)
    page.gateway = gateway
    page.come_from(
        Origin(search.page, search.page_size, gateway, "2026-01-01T00:00:00Z", asked_for(asked))
    )
    return PageResponse(asked.url, status=status, body=body, request=asked, page=page)
