"""The spider's arguments, typed and checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import SearchType, Sort

__all__ = ["Arguments"]

_SEARCH_TYPE = parsers.one_of({"1": "same item", "2": "similar ones"})


@dataclass(frozen=True, slots=True)
class Arguments:
    """What `-a name=value` may say. Limits are per seed; None is no limit."""

    seeds: str | None = None
    sheet: str | None = None
    """A workbook's sheet, by its name or number."""
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
    until_empty: bool = False
    regions: Literal["main", "all"] = "main"
    again: bool = False
    """Searches seeds again that are not likely to come better: refused pictures, repeats."""
    passes: int = 1
    """How often the pages of a seed are gone over where they repeat each other's rows."""

    @classmethod
    def read(cls, given: Mapping[str, Any], *, is_worker: bool = False) -> Arguments:
        """Raises ConfigError: the name, the value and what it may be, in one line.

        A worker of a cluster takes its seeds from Redis. Names that begin with `_` are let through:
        scrapyd gives each spider its `_job`.
        """
        given = {name: value for name, value in given.items() if not name.startswith("_")}
        for name in given:
            if name not in _READERS:
                raise ConfigError(
                    f"-a {name}: there is no such argument; known are {', '.join(_READERS)}"
                )
        _check_source(given, is_worker)
        arguments = cls(**{name: _read(name, value) for name, value in given.items()})
        arguments._check_prices()
        return arguments

    @property
    def filters(self) -> bool:
        """Offers are chosen by what they are."""
        limits = (self.min_similarity, self.max_price, self.min_price)
        return self.dropship_only or limits != (None, None, None)

    def _check_prices(self) -> None:
        if None not in (self.min_price, self.max_price) and self.min_price > self.max_price:  # type: ignore[operator]
            raise ConfigError(
                f"-a min_price={self.min_price} is above max_price={self.max_price}: no offer fits"
            )


def _check_source(given: Mapping[str, Any], is_worker: bool) -> None:
    has_seeds = bool(str(given.get("seeds") or "").strip())
    if is_worker and has_seeds:
        raise ConfigError(
            "-a seeds does not go with PAILITAO_CLUSTER, whose workers take their seeds from "
            "Redis: scrapy pailitao push SOURCE"
        )
    if not is_worker and not has_seeds:
        raise ConfigError("-a seeds=SOURCE is missing: a picture, folder, URL, list file or -")
    if is_worker and given.get("regions") not in (None, "main"):
        raise ConfigError(
            "-a regions=all does not go with PAILITAO_CLUSTER; search such photos on one machine"
        )
    if not is_worker and "until_empty" in given:
        raise ConfigError("-a until_empty is for workers of a cluster: set PAILITAO_CLUSTER=1")


_READERS: dict[str, Callable[[str], Any]] = {
    "seeds": parsers.text,
    "sheet": parsers.text,
    "search_type": lambda given: int(_SEARCH_TYPE(given)),
    "sort": parsers.one_of({"sale_desc": "", "price_asc": ""}),
    "page_size": parsers.whole(1, 100),
    "max_pages": parsers.whole(),
    "max_offers": parsers.whole(),
    "min_similarity": parsers.share,
    "max_price": parsers.amount,
    "min_price": parsers.amount,
    "dropship_only": parsers.switch,
    "unknown": parsers.one_of({"keep": "", "drop": ""}),
    "until_empty": parsers.switch,
    "again": parsers.switch,
    "regions": parsers.one_of({"main": "the gateway's choice", "all": "each product"}),
    "passes": parsers.whole(1, 5),
}


def _read(name: str, value: Any) -> Any:
    try:
        return _READERS[name](str(value).strip())
    except ValueError as error:
        raise ConfigError(f"-a {name}={value}: must be {error}") from error
