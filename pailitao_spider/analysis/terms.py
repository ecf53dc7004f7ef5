"""How it is bought: quantity, exchange rate, freight, insurance, duty, VAT and fees."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pailitao_spider.errors import ConfigError
from pailitao_spider.offers.values.prices import is_yuan
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["OfSeed", "Sums", "Terms", "read_terms"]

_HUNDRED = Decimal(100)
_LIMIT = Decimal(10) ** 9


class Sums(NamedTuple):
    """An order in your currency; `total` is without VAT, which is shown apart."""

    goods: Decimal
    postage: Decimal
    agent: Decimal
    freight: Decimal
    insurance: Decimal
    duty: Decimal
    fixed: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        return (
            self.goods + self.postage + self.agent + self.freight + self.insurance
            + self.duty + self.fixed
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """Pieces in an order, your currency a yuan, freight a piece in it, duty in percent.

    `postage`: yuan where the offer does not say; None leaves it unknown. `freight_kg`,
    `freight_order`, `fixed` (sums an order, by name) are in your currency; `insurance` (of goods,
    postage and freight), `agent` (of goods and postage), `vat` in percent. `duty_on` is `cif`
    (goods, postage, freight, insurance) or `fob` (goods and postage). `rates`: your currency for
    one of others that offers have.
    """

    quantity: int = 1
    rate: Decimal = Decimal(1)
    freight: Decimal = Decimal(0)
    duty: Decimal = Decimal(0)
    postage: Decimal | None = None
    postage_per_piece: bool = False
    freight_kg: Decimal = Decimal(0)
    freight_order: Decimal = Decimal(0)
    weight_kg: Decimal | None = None
    insurance: Decimal = Decimal(0)
    duty_on: str = "cif"
    vat: Decimal = Decimal(0)
    agent: Decimal = Decimal(0)
    fixed: tuple[tuple[str, Decimal], ...] = ()
    currency: str = ""
    rates: tuple[tuple[str, Decimal], ...] = ()
    rate_date: str = ""
    rate_source: str = ""

    @property
    def fixed_sum(self) -> Decimal:
        return sum((amount for _, amount in self.fixed), Decimal(0))

    def rate_of(self, currency: str | None) -> Decimal | None:
        """Your currency for one of this; None where no rate is given."""
        if currency is None or is_yuan(currency):
            return self.rate
        name = currency.strip().upper()
        return dict(self.rates).get(name, Decimal(1) if name == self.currency else None)

    def sums(
        self, goods: Decimal, postage: Decimal, pieces: int, kilograms: Decimal | None
    ) -> Sums | None:
        """`goods`, `postage`: of the order, in your currency. None: the weight is missing."""
        if self.freight_kg and kilograms is None:
            return None
        by_weight = self.freight_kg * (kilograms or 0) * pieces
        freight = self.freight * pieces + by_weight + self.freight_order
        fob = goods + postage
        insurance = (fob + freight) * self.insurance / _HUNDRED
        cif = fob + freight + insurance
        duty = (fob if self.duty_on == "fob" else cif) * self.duty / _HUNDRED
        return Sums(
            goods, postage, fob * self.agent / _HUNDRED, freight, insurance, duty,
            self.fixed_sum, (cif + duty) * self.vat / _HUNDRED,
        )  # fmt: skip

    def of_seed(self, extra: bytes) -> OfSeed:
        """With the seed's own columns `sell_price`, `duty` (percent) and `weight_kg`."""
        try:
            columns = _EXTRA.decode(extra or b"{}")
        except NO_LINE:
            return OfSeed(self)
        unread: dict[str, str] = {}
        read = {name: _number(name, getattr(columns, name), unread) for name in _COLUMNS}
        own = {name: read[name] for name in ("duty", "weight_kg") if read[name] is not None}
        terms = replace(self, **own) if own else self  # type: ignore[arg-type]
        return OfSeed(terms, read["sell_price"], unread)


class OfSeed(NamedTuple):
    """One seed's terms; `unread`: what stands in its columns and is no number, by name."""

    terms: Terms
    sell_price: Decimal | None = None
    unread: Mapping[str, str] = {}


class _Columns(msgspec.Struct):
    sell_price: Any = None
    duty: Any = None
    weight_kg: Any = None


_EXTRA = msgspec.json.Decoder(_Columns)
_COLUMNS = ("sell_price", "duty", "weight_kg")


def _number(name: str, given: Any, unread: dict[str, str]) -> Decimal | None:
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    try:
        number = Decimal(text.removesuffix("%").strip() if name == "duty" else text)
    except InvalidOperation:
        number = Decimal(-1)
    is_free = name == "duty" and number == 0
    if number.is_finite() and (0 < number < 10**12 or is_free):
        return number
    unread[name] = text
    return None


# the file

_NESTED: dict[tuple[str, str], str] = {
    ("rate", "CNY"): "rate", ("rate", "date"): "rate_date", ("rate", "source"): "rate_source",
    ("freight", "per_piece"): "freight", ("freight", "per_kg"): "freight_kg",
    ("freight", "per_order"): "freight_order", ("freight", "weight_kg"): "weight_kg",
    ("duty", "percent"): "duty", ("duty", "on"): "duty_on",
    ("postage", "yuan"): "postage",
}  # fmt: skip


def read_terms(path: Path) -> dict[str, Any]:
    """The members of `Terms` that a TOML file gives. Raises ConfigError, naming the member."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    found: dict[str, Any] = {}
    for name, value in given.items():
        found |= _members(path, name, value)
    return found


def _members(path: Path, name: str, value: Any) -> dict[str, Any]:
    if name == "fixed":
        return {"fixed": _table(path, name, value)}
    if isinstance(value, dict):
        return _of_table(path, name, value)
    return {name: _read(path, name, name, value)}


def _of_table(path: Path, name: str, table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rates = {}
    for key, value in table.items():
        member = _NESTED.get((name, key))
        if member is not None:
            found[member] = _read(path, f"{name}.{key}", member, value)
        elif name == "postage" and key == "per":
            per = _one_of(path, "postage.per", value, ("order", "piece"))
            found["postage_per_piece"] = per == "piece"
        elif name == "rate" and len(key) == 3 and key.isupper():
            rates[key] = _amount(path, f"rate.{key}", value, above_zero=True)
        else:
            raise ConfigError(f"{path}: {name}.{key} is not known; {_known()}")
    return found | ({"rates": tuple(rates.items())} if rates else {})


def _read(path: Path, told: str, member: str, value: Any) -> Any:
    reader = _READERS.get(member)
    if reader is None:
        raise ConfigError(f"{path}: {told} is not known; {_known()}")
    return reader(path, told, value)


def _known() -> str:
    names = [each.name for each in fields(Terms) if each.name not in ("rates",)]
    return f"known are {', '.join(names)}"


def _amount(path: Path, told: str, value: Any, *, above_zero: bool = False) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ConfigError(f"{path}: {told} must be a number, not {value!r}")
    number = Decimal(value)
    if not (number.is_finite() and 0 <= number <= _LIMIT) or (above_zero and not number):
        raise ConfigError(f"{path}: {told} must be {'above 0' if above_zero else 'at least 0'}")
    return number


def _table(path: Path, told: str, value: Any) -> tuple[tuple[str, Decimal], ...]:
    if isinstance(value, dict):
        return tuple((name, _amount(path, f"{told}.{name}", each)) for name, each in value.items())
    return ((told, _amount(path, told, value)),)


def _whole(path: Path, told: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LIMIT:
        raise ConfigError(f"{path}: {told} must be a whole number of at least 1")
    return value


def _text(path: Path, told: str, value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or len(value) > 200:
        raise ConfigError(f"{path}: {told} must be text")
    return value


def _one_of(path: Path, told: str, value: Any, choices: tuple[str, ...]) -> str:
    word = str(value).lower()
    if word not in choices:
        raise ConfigError(f"{path}: {told} must be {' or '.join(choices)}")
    return word


def _above_zero(path: Path, told: str, value: Any) -> Decimal:
    return _amount(path, told, value, above_zero=True)


def _flag(path: Path, told: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{path}: {told} must be true or false")
    return value


_READERS: dict[str, Callable[[Path, str, Any], Any]] = {
    "quantity": _whole,
    "rate": _above_zero,
    "weight_kg": _above_zero,
    **dict.fromkeys(
        ("freight", "freight_kg", "freight_order", "duty", "postage", "insurance", "vat", "agent"),
        _amount,
    ),
    "postage_per_piece": _flag,
    "duty_on": lambda path, told, value: _one_of(path, told, value, ("cif", "fob")),
    "currency": lambda path, told, value: _text(path, told, value).upper(),
    **dict.fromkeys(("rate_date", "rate_source"), _text),
}
