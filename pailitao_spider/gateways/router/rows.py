"""A row of the router dialect."""

from __future__ import annotations

from pailitao_spider.offers.row_reader import RowShape

__all__ = ["SHAPE"]

_TEXT, _NUMBER_OR_TEXT = "text", "number text"
SHAPE = RowShape(
    sales_window="total",
    always=(
        "title", "price", "promotion_price", "price_min", "price_max", "post_fee", "min_order",
        "sales", "trade_num", "similarity", "feedback_rate", "score", "is_onsale",
        "one_stop_service", "seller_id", "seller_nick", "area", "shop_type", "unit", "cid",
        "category_name", "property", "freight_template", "pic_url", "pic_small_url",
        "create_time", "update_time",
    ),
    kinds={
        **dict.fromkeys(
            (
                "num_iid", "detail_url", "title", "seller_id", "unit", "price_range", "pic_url",
                "pic_small_url", "cid", "category_name", "property", "seller_nick", "area",
                "shop_type", "freight_template", "create_time", "update_time", "feedback_rate",
            ),
            _TEXT,
        ),
        **dict.fromkeys(("price", "promotion_price", "post_fee", "similarity", "score"),
                        _NUMBER_OR_TEXT),
        **dict.fromkeys(("min_order", "sales", "trade_num"), "number"),
        **dict.fromkeys(("is_onsale", "one_stop_service"), "flag"),
    },
)  # fmt: skip
"""The 28 documented members of a row."""
