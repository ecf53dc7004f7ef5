"""Who sells a design, and the rows of its offers in the router's documented form."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pailitao_spider.sandbox.catalogue.designs import PATTERNS, Design

__all__ = ["Listing", "Row", "list_offers"]

Row = dict[str, Any]

ID_RANGE = 10**14
STRIDE = 61_803_398_874_989  # prime to ID_RANGE: every offer's number falls on its own id
OFFERS_A_DESIGN = (3, 60)
OPENING = datetime(2021, 3, 1, 8, 0, 0)

AREAS = (
    "浙江 义乌", "浙江 台州", "浙江 温州", "广东 深圳", "广东 佛山", "广东 广州", "福建 泉州",
    "福建 德化", "江苏 南通", "山东 临沂", "河北 保定", "湖南 醴陵",
)  # fmt: skip
NAMES = (
    "鑫源", "佳美", "万嘉", "宏达", "锦程", "悦居", "优品", "恒泰", "瑞丰", "尚品", "金鹏", "博雅",
    "星辰", "华茂", "立信", "新浩", "卓越", "永兴",
)  # fmt: skip
TRADES = (
    "贸易有限公司",
    "电子商务有限公司",
    "实业有限公司",
    "进出口有限公司",
    "商行",
    "供应链有限公司",
)
SHOPS = ("源头工厂", "实力商家", "诚信通", "超级工厂")
SELLING_POINTS = (
    "厂家直销",
    "跨境专供",
    "一件代发",
    "现货批发",
    "可定制logo",
    "礼品定制",
    "源头好货",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One offer: its row but for `similarity`, and what a search sorts by."""

    num_iid: str
    price_fen: int
    sales: int
    unlikeness: float
    row: Row


@dataclass(frozen=True, slots=True)
class Seller:
    number: int
    area: str
    nick: str
    shop_type: str

    @property
    def seller_id(self) -> str:
        return f"b2b-9{self.number * 7_368_787 % 10**9:09d}"


def list_offers(seed: int, design: Design) -> tuple[Listing, ...]:
    """Every offer of a design, always the same for the same seed."""
    rng = random.Random(f"{seed} offers {design.number}")
    fewest, most = OFFERS_A_DESIGN
    count = fewest + int((most - fewest + 1) * rng.random() ** 1.5)
    market_fen = rng.randint(*(100 * yuan for yuan in design.kind.yuan))
    numbers = rng.sample(range(240), count)
    return tuple(
        _listing(seed, design, _seller(number), place, market_fen, rng)
        for place, number in enumerate(numbers)
    )


def _seller(number: int) -> Seller:
    rng = random.Random(f"seller {number}")
    area = rng.choice(AREAS)
    nick = f"{area.split()[1]}市{rng.choice(NAMES)}{rng.choice(TRADES)}"
    return Seller(number, area, nick, rng.choice(SHOPS))


def _listing(
    seed: int, design: Design, seller: Seller, place: int, market_fen: int, rng: random.Random
) -> Listing:
    number = (seed * 1_000_003 + design.number * 1000 + place) * STRIDE
    num_iid = f"9{number % ID_RANGE:014d}"
    price_fen = round(market_fen * rng.uniform(0.72, 1.45) / 10) * 10
    sales = int(10 ** rng.uniform(0, 4.8))
    fields = [
        ("num_iid", num_iid),
        ("detail_url", f"https://detail.1688.com/offer/{num_iid}.html"),
        ("title", _title(design, rng)),
        ("similarity", None),
        *_of_price(seller, price_fen, sales, design, rng),
        *_of_goods(design, place),
        *_of_shop(seller, rng),
        *_of_history(sales, rng),
    ]
    return Listing(num_iid, price_fen, sales, rng.uniform(0, 0.03), dict(fields))


def _title(design: Design, rng: random.Random) -> str:
    kind = design.kind
    style, size = rng.choice(kind.styles), rng.choice(kind.sizes)
    look = f"{PATTERNS[design.pattern]}{design.body_name}"
    return f"{style}{kind.noun} {look} {size} {rng.choice(SELLING_POINTS)}"


def _of_price(
    seller: Seller, price_fen: int, sales: int, design: Design, rng: random.Random
) -> Iterator[tuple[str, Any]]:
    promotion = round(price_fen * rng.choice((1, 1, 0.95, 0.9)))
    yield "seller_id", seller.seller_id
    yield "price", _yuan(price_fen)
    yield "promotion_price", _yuan(promotion)
    yield "min_order", rng.choice((1, 1, 2, 2, 3, 5, 10, 24, 50, 100))
    yield "sales", sales
    yield "unit", design.kind.unit
    yield "price_range", f"{_yuan(round(price_fen * 0.85))}-{_yuan(price_fen)}"


def _of_goods(design: Design, place: int) -> Iterator[tuple[str, Any]]:
    picture = f"https://cbu01.alicdn.com/sandbox/{design.name}-{place + 1}.jpg"
    yield "pic_url", picture
    yield "pic_small_url", f"{picture}_270x270xzq60.jpg"
    yield "cid", str(design.kind.cid)
    yield "category_name", design.kind.category
    yield (
        "property",
        (f"颜色:{design.body_name};配色:{design.accent_name};图案:{PATTERNS[design.pattern]}"),
    )


def _of_shop(seller: Seller, rng: random.Random) -> Iterator[tuple[str, Any]]:
    free = rng.random() < 0.2
    yield "seller_nick", seller.nick
    yield "area", seller.area
    yield "shop_type", seller.shop_type
    yield "post_fee", "0.00" if free else _yuan(rng.randrange(300, 1300, 50))
    yield "freight_template", "包邮" if free else rng.choice(("按件计费", "按重量计费"))
    yield "is_onsale", rng.random() < 0.96
    yield "one_stop_service", rng.random() < 0.4


def _of_history(sales: int, rng: random.Random) -> Iterator[tuple[str, Any]]:
    opened = OPENING + timedelta(minutes=rng.randrange(2_000_000))
    touched = opened + timedelta(minutes=rng.randrange(500_000))
    yield "create_time", f"{opened:%Y-%m-%d %H:%M:%S}"
    yield "update_time", f"{touched:%Y-%m-%d %H:%M:%S}"
    yield "score", f"{rng.uniform(3.9, 5):.1f}"
    yield "trade_num", int(sales * rng.uniform(0.1, 0.8))
    yield "feedback_rate", f"{rng.uniform(88, 100):.1f}%"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
