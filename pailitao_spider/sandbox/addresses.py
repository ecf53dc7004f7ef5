"""Where each dialect is asked at the gateway's origin."""

from __future__ import annotations

__all__ = ["HOMES", "TOKEN_PATHS"]

_OFFICIAL_TOKENS = "/openapi/http/1/system.oauth2/getToken/{app_key}"

HOMES = {
    "router": "/router/rest",
    "imagequery": "/openapi",
    "linkplus": "/openapi",
    "onebound": "/1688/item_search_img/",
    "tmapi": "/1688/search/image",
}
"""Dialect to the path that PAILITAO_URL has."""

TOKEN_PATHS = {
    "router": "/token",
    "imagequery": _OFFICIAL_TOKENS,
    "linkplus": _OFFICIAL_TOKENS,
}
"""Dialect to the path of PAILITAO_TOKEN_URL; the others' tokens do not renew."""
