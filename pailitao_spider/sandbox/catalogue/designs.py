"""What the sandbox sells: kinds, families of one shape, and exact designs of one look."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

__all__ = ["COLOURS", "KINDS", "PATTERNS", "Design", "Kind", "draw_up"]

RGB = tuple[int, int, int]
FAMILY_SIZE = 4


@dataclass(frozen=True)
class Kind:
    """A sort of product as the market speaks of it; `yuan` is the usual price span."""

    name: str
    noun: str
    category: str
    cid: int
    unit: str
    yuan: tuple[int, int]
    styles: tuple[str, ...]
    sizes: tuple[str, ...]


KINDS = (
    Kind(
        "mug", "陶瓷马克杯", "马克杯", 122704003, "个", (6, 28),
        ("北欧简约", "日式粗陶", "ins风创意"), ("300ml", "350ml", "420ml"),
    ),
    Kind(
        "sneaker", "透气运动鞋", "运动休闲鞋", 1038378, "双", (29, 128),
        ("新款百搭", "轻便厚底", "学生情侣"), ("36-44码", "35-40码", "39-44码"),
    ),
    Kind(
        "handbag", "手提单肩女包", "女士手提包", 50012010, "个", (25, 138),
        ("韩版复古", "通勤大容量", "小众质感"), ("小号", "中号", "大号"),
    ),
    Kind(
        "lamp", "卧室床头台灯", "装饰台灯", 122852001, "盏", (32, 168),
        ("美式田园", "现代创意", "北欧布艺"), ("E27螺口", "USB充电", "LED调光"),
    ),
    Kind(
        "chair", "靠背餐椅", "餐椅", 50001402, "把", (45, 260),
        ("现代轻奢", "原木风", "奶油风"), ("单把装", "两把装", "加厚款"),
    ),
    Kind(
        "tshirt", "纯棉短袖T恤", "T恤", 1031919, "件", (12, 59),
        ("宽松圆领", "港风潮牌", "重磅基础款"), ("S-3XL", "M-5XL", "均码"),
    ),
    Kind(
        "bottle", "不锈钢保温杯", "保温杯", 122700004, "个", (15, 79),
        ("便携大容量", "车载商务", "运动户外"), ("500ml", "750ml", "1000ml"),
    ),
    Kind(
        "backpack", "学生双肩包", "双肩背包", 50012019, "个", (28, 149),
        ("旅行防水", "日系校园", "轻便休闲"), ("15.6寸", "20L", "30L"),
    ),
)  # fmt: skip

COLOURS: dict[str, RGB] = {
    "中国红": (200, 40, 48),
    "橘橙": (236, 126, 42),
    "柠檬黄": (240, 200, 60),
    "草绿": (122, 178, 72),
    "墨绿": (32, 92, 74),
    "湖青": (50, 168, 172),
    "天蓝": (98, 168, 224),
    "藏青": (36, 56, 112),
    "丁香紫": (142, 104, 188),
    "樱花粉": (240, 160, 180),
    "焦糖棕": (140, 88, 52),
    "米白": (238, 228, 208),
    "石墨黑": (50, 50, 56),
    "雾灰": (150, 154, 162),
}

PATTERNS: dict[str, str] = {
    "plain": "纯色",
    "stripes": "横条",
    "bars": "竖条",
    "diagonal": "斜纹",
    "dots": "波点",
    "checks": "格子",
    "waves": "波浪",
    "band": "拼色",
}


@dataclass(frozen=True)
class Design:
    """One exact item. `shape` holds four numbers of 0 to 1 that each kind reads its own way."""

    name: str
    number: int
    kind: Kind
    family: int
    place: int
    spread: float
    shape: tuple[float, float, float, float]
    body_name: str
    accent_name: str
    pattern: str

    @cached_property
    def body(self) -> RGB:
        return COLOURS[self.body_name]

    @cached_property
    def accent(self) -> RGB:
        return COLOURS[self.accent_name]

    def affinity(self, other: Design) -> float:
        """How alike two designs are by truth, 0 to 1, without looking at a picture."""
        if self.family == other.family:
            return 0.97 - self.spread * abs(self.place - other.place)
        if self.kind == other.kind:
            apart = abs(self.family - other.family) // len(KINDS)
            return max(0.68 - 0.05 * apart, 0.4)
        return 0.2


def draw_up(seed: int, count: int) -> tuple[Design, ...]:
    """The first `count` designs of a seed: families of four, kinds in turn."""
    return tuple(_design(seed, number) for number in range(count))


def _design(seed: int, number: int) -> Design:
    family, place = divmod(number, FAMILY_SIZE)
    row, column = divmod(family, len(KINDS))
    of_family = random.Random(f"{seed} family {family}")
    spread = of_family.choice((0.04, 0.09, 0.09, 0.15))
    shape = [_spaced(row, axis, of_family) for axis in range(4)]
    bodies = of_family.sample(list(COLOURS), FAMILY_SIZE)
    patterns = of_family.sample(list(PATTERNS), FAMILY_SIZE)
    own = random.Random(f"{seed} design {number}")
    kind = KINDS[column]
    return Design(
        name=f"{kind.name}-{row * FAMILY_SIZE + place + 1:02d}",
        number=number,
        kind=kind,
        family=family,
        place=place,
        spread=spread,
        shape=_nudged(shape, spread, own),
        body_name=bodies[place],
        accent_name=own.choice(_contrasting(bodies[place])),
        pattern=patterns[place],
    )


def _spaced(row: int, axis: int, rng: random.Random) -> float:
    """Families of a kind lie far apart on each axis."""
    return (row * (0.38, 0.62, 0.29, 0.47)[axis] + 0.15 * axis + rng.uniform(0, 0.2)) % 1


def _nudged(
    shape: list[float], spread: float, rng: random.Random
) -> tuple[float, float, float, float]:
    a, b, c, d = (min(max(value + rng.uniform(-spread, spread), 0), 1) for value in shape)
    return a, b, c, d


def _contrasting(name: str) -> list[str]:
    body = COLOURS[name]
    return [
        other
        for other, colour in COLOURS.items()
        if sum(abs(a - b) for a, b in zip(body, colour, strict=True)) > 170
    ]
