"""A row of the router dialect: 28 members as the article documents them, and the names by which
sibling articles with the same envelope call some of them.
"""

from __future__ import annotations

from pailitao_spider.offers.row_reader import COMMON_NAMES, RowShape

__all__ = ["NAMES", "ROUTER_KINDS", "SHAPE"]

NAMES: dict[str, tuple[str, ...]] = {
    **COMMON_NAMES,
    "min_order": ("min_order", "moq"),
    "sales": ("sales", "sales_count"),
    "seller_nick": ("seller_nick", "supplier_name"),
    "seller_id": ("seller_id", "supplier_id"),
    "area": ("area", "location"),
    "cid": ("cid", "cat_id"),
}
_TEXT, _NUMBER, _FLAG = "text number", "number text", "flag text number"
ROUTER_KINDS = {
    **dict.fromkeys(
        (
            "num_iid", "detail_url", "title", "seller_id", "unit", "pic_url", "pic_small_url",
            "cid", "category_name", "property", "seller_nick", "area", "shop_type",
            "freight_template", "create_time", "update_time", "feedback_rate", "supplier_name",
            "supplier_id", "location", "cat_id",
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            "price", "promotion_price", "post_fee", "similarity", "score", "min_order", "sales",
            "trade_num", "moq", "sales_count",
        ),
        _NUMBER,
    ),
    **dict.fromkeys(("is_onsale", "one_stop_service"), _FLAG),
    "price_range": "text object",
}  # fmt: skip
SHAPE = RowShape(
    names=NAMES,
    sales_window="total",
    always=(
        "title", "price", "promotion_price", "price_min", "price_max", "post_fee", "min_order",
        "sales", "trade_num", "similarity", "feedback_rate", "score", "is_onsale",
        "one_stop_service", "seller_id", "seller_nick", "area", "shop_type", "unit", "cid",
        "category_name", "property", "freight_template", "pic_url", "pic_small_url",
        "create_time", "update_time",
    ),
    kinds=ROUTER_KINDS,
)  # fmt: skip
"""The article writes `similarity`, `sales` and `trade_num` as numbers and all else as text."""
