"""The spider's arguments, typed and checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import SearchType, Sort

__all__ = ["Arguments"]


def _text(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return text


def _search_type(text: str) -> SearchType:
    if text not in ("1", "2"):
        raise ValueError("1 (same item) or 2 (similar ones)")
    return cast("SearchType", int(text))


def _sort(text: str) -> Sort:
    if text not in ("sale_desc", "price_asc"):
        raise ValueError("sale_desc or price_asc")
    return cast("Sort", text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ValueError("a whole number above 0")
    return int(text)


def _page_size(text: str) -> int:
    number = _whole(text) if text.isdecimal() else 0
    if not 1 <= number <= 100:
        raise ValueError("a whole number from 1 to 100")
    return number


def _money(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise ValueError("an amount in yuan such as 29.90")
    return number


def _share(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1 such as 0.8")
    return number


def _switch(text: str) -> bool:
    if text.lower() not in ("1", "0", "true", "false", "yes", "no"):
        raise ValueError("1 or 0")
    return text.lower() in ("1", "true", "yes")


def _unknown(text: str) -> Literal["keep", "drop"]:
    if text not in ("keep", "drop"):
        raise ValueError("keep or drop")
    return cast('Literal["keep", "drop"]', text)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What `-a name=value` may say. Limits are per seed; None is no limit."""

    seeds: str
    search_type: SearchType = 1
    sort: Sort = "sale_desc"
    page_size: int | None = None
    max_pages: int | None = None
    max_offers: int | None = None
    min_similarity: Decimal | None = None
    max_price: Decimal | None = None
    min_price: Decimal | None = None
    dropship_only: bool = False
    unknown: Literal["keep", "drop"] = "keep"

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Arguments:
        """Raises ConfigError: the name, the value and what it may be, in one line."""
        for name in given:
            if name not in _READERS:
                raise ConfigError(
                    f"-a {name}: there is no such argument; known are {', '.join(_READERS)}"
                )
        if not given.get("seeds"):
            raise ConfigError("-a seeds=SOURCE is missing: a picture, folder, URL, list file or -")
        arguments = cls(**{name: _read(name, value) for name, value in given.items()})
        arguments._check_prices()
        return arguments

    def _check_prices(self) -> None:
        if None not in (self.min_price, self.max_price) and self.min_price > self.max_price:  # type: ignore[operator]
            raise ConfigError(
                f"-a min_price={self.min_price} is above max_price={self.max_price}: no offer fits"
            )


_READERS: dict[str, Callable[[str], Any]] = {
    "seeds": _text,
    "search_type": _search_type,
    "sort": _sort,
    "page_size": _page_size,
    "max_pages": _whole,
    "max_offers": _whole,
    "min_similarity": _share,
    "max_price": _money,
    "min_price": _money,
    "dropship_only": _switch,
    "unknown": _unknown,
}
if tuple(_READERS) != tuple(each.name for each in fields(Arguments)):  # pragma: no cover
    raise AssertionError("each argument has a reader")


def _read(name: str, value: Any) -> Any:
    try:
        return _READERS[name](str(value).strip())
    except ValueError as error:
        raise ConfigError(f"-a {name}={value}: must be {error}") from error
