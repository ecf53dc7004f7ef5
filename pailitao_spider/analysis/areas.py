"""Chinese areas in letters: pinyin, as maps write it."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["romanized"]

_AS_MAPS_WRITE = {
    "陕西": "Shaanxi", "内蒙古": "Inner Mongolia", "西藏": "Tibet", "香港": "Hong Kong",
    "澳门": "Macau", "哈尔滨": "Harbin", "乌鲁木齐": "Urumqi", "呼和浩特": "Hohhot",
    "拉萨": "Lhasa", "台湾": "Taiwan", "台北": "Taipei",
}  # fmt: skip
_ENDINGS = ("省", "市", "自治区")


@lru_cache(maxsize=8192)
def romanized(area: str | None) -> str | None:
    """`浙江 台州` is `Zhejiang Taizhou`; what is no Chinese stays. Lower and upper case differ."""
    if area is None or area.isascii():
        return area
    return " ".join(_word(part) for part in area.split())


def _word(part: str) -> str:
    endings = (end for end in _ENDINGS if len(part) > 2 and part.endswith(end))
    name = part.removesuffix(next(endings, ""))
    if name in _AS_MAPS_WRITE:
        return _AS_MAPS_WRITE[name]
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(name)).capitalize()
