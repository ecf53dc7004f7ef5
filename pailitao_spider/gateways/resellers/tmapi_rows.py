"""A row of TMAPI's: of `/1688/search/image`, of the `/global` ones, and as it was in 2024."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pailitao_spider.offers import values
from pailitao_spider.offers.row_reader import RowShape

__all__ = ["SHAPE"]

_ADS = {"p4p": True, "normal": None, "bid": None}


def _is_ad(raw: Any) -> bool | None:
    """`is_ad`, or the `type` of a row, which is `p4p` where it was paid for."""
    return _ADS[raw] if isinstance(raw, str) and raw in _ADS else values.flag(raw)


_TEXT, _NUMBER, _FLAG = "text number", "number text", "flag number text"
_SCORES = "composite_score", "composite_new_score"
SHAPE = RowShape(
    always=("title", "price", "sales", "min_order", "pic_url"),
    names={
        "num_iid": ("item_id",),
        "is_ad": ("is_ad", "type"),
        "title": ("title_origin", "origin_title", "title"),
        "title_translated": ("title",),
        "detail_url": ("product_url",),
        "pic_url": ("img",),
        "price": ("price", "price_info.price", "price_info.sale_price"),
        "price_min": ("price_info.price_min",),
        "price_max": ("price_info.price_max",),
        "price_range": ("quantity_prices",),
        "dropship_price": ("price_info.drop_ship_price",),
        "min_order": ("moq", "quantity_begin"),
        "sales": (
            "sale_info.sale_quantity_90days", "sale_info.sale_quantity",
            "sale_info.sale_quantity_int",
        ),
        "trade_num": ("sale_info.orders_count",),
        "score": (
            "goods_score",
            *(
                f"shop_info.{outer}.{name}"
                for outer in ("score_info", "sore_info")
                for name in _SCORES
            ),
        ),
        "repurchase_rate": ("item_repurchase_rate",),
        "cid": ("category_path",),
        "seller_id": ("shop_info.member_id",),
        "seller_nick": ("shop_info.company_name", "shop_info.login_id"),
        "seller_badges": ("shop_info.service_tags",),
        "offer_badges": ("title_tags", "tags"),
        "shop_type": ("shop_info.biz_type",),
        "is_factory": ("shop_info.is_factory",),
        "shop_years": ("shop_info.shop_years", "shop_info.tp_year"),
        "area": ("shop_info.location", "delivery_info.area_from"),
        "ships_from": ("delivery_info.area_from",),
        "weight_kg": ("delivery_info.weight",),
        "similarity": ("similarity", "rankScore", "similarity_score"),
    },
    nested=(
        "price_info", "sale_info", "delivery_info", "shop_info", "shop_info.score_info",
        "shop_info.sore_info",
    ),
    shared=("delivery_info.area_from",),
    kept=("category_path", "type"),
    readers={"is_ad": _is_ad},
    marks={
        "shop_info.is_super_factory": ("seller_badges", "super_factory"),
        "shop_info.is_gold_manufacturer": ("seller_badges", "gold_manufacturer"),
        "shop_info.is_gold_supplier": ("seller_badges", "gold_supplier"),
        "shop_info.is_powerful_seller": ("seller_badges", "powerful_seller"),
        "shop_info.is_verified": ("seller_badges", "verified"),
        "shop_info.factory_inspection": ("seller_badges", "factory_inspection"),
        "shop_info.tp_member": ("seller_badges", "tp_member"),
        "shop_info.is_tp": ("seller_badges", "tp_member"),
        "is_free_shipping": ("post_fee", Decimal(0)),
        "delivery_info.free_postage": ("post_fee", Decimal(0)),
        "delivery_info.free_shipping": ("post_fee", Decimal(0)),
        "ship_in_48h": ("ship_within_hours", 48),
        "delivery_info.ship_in_48h": ("ship_within_hours", 48),
        "one_piece_min_order": ("min_order", (1, False)),
    },
    sales_windows={"sale_info.sale_quantity_90days": "90d"},
    kinds={
        **dict.fromkeys(
            (
                "item_id", "product_url", "title", "origin_title", "title_origin", "img",
                "currency", "brand", "type", "item_repurchase_rate", "shop_info.login_id",
                "shop_info.member_id", "shop_info.company_name", "shop_info.shop_url",
                "shop_info.biz_type", "shop_info.shop_repurchase_rate", "sale_info.gmv_fuzzy",
                "rating_star",
            ),
            _TEXT,
        ),
        **dict.fromkeys(
            (
                "price", "moq", "quantity_begin", "goods_score", "image_dsm_score",
                "primary_rank_score", "shop_info.shop_years", "shop_info.tp_year",
                "delivery_info.weight", "delivery_info.suttle_weight",
                *(
                    f"price_info.{name}"
                    for name in (
                        "price", "price_min", "price_max", "sale_price", "origin_price",
                        "wholesale_price", "drop_ship_price",
                    )
                ),
                *(
                    f"sale_info.{name}"
                    for name in (
                        "gmv_30days", "gmv_30days_cb", "sale_quantity", "sale_quantity_int",
                        "sale_quantity_month", "sale_quantity_90days", "sale_quantity_360days",
                        "orders_count",
                    )
                ),
                *(
                    f"shop_info.{outer}.{name}"
                    for outer in ("score_info", "sore_info")
                    for name in (
                        *_SCORES, "consultation_score", "dispute_score", "logistics_score",
                        "return_score",
                    )
                ),
            ),
            _NUMBER,
        ),
        **dict.fromkeys(
            (
                "is_ad", "is_free_shipping", "is_new_item", "is_hot_item", "super_new_product",
                "low_refund_rate", "ship_in_48h", "one_piece_min_order",
                "delivery_info.free_postage", "delivery_info.free_shipping",
                "delivery_info.ship_in_48h", "shop_info.is_factory", "shop_info.is_super_factory",
                "shop_info.is_gold_manufacturer", "shop_info.is_gold_supplier",
                "shop_info.is_powerful_seller", "shop_info.is_verified",
                "shop_info.factory_inspection", "shop_info.tp_member", "shop_info.is_tp",
            ),
            _FLAG,
        ),
        **dict.fromkeys(
            (
                "category_path", "quantity_prices", "title_tags", "tags",
                "delivery_info.area_from", "shop_info.location", "shop_info.service_tags",
            ),
            "list",
        ),
        **dict.fromkeys(
            (
                "price_info", "sale_info", "delivery_info", "shop_info", "shop_info.score_info",
                "shop_info.sore_info",
            ),
            "object",
        ),
    },
)  # fmt: skip
"""`sale_quantity` tells no period. That postage is not free says nothing of the fee: such a mark
stays in `extra`.
"""
