"""The router's dialect (1688.item_search_img), under its usual import path."""

from __future__ import annotations

from pailitao_spider.gateways.router.dialect import Router

__all__ = ["Router"]
