"""Text that a person typed, to a value. ValueError says what it must be, to end a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

__all__ = ["OFF", "amount", "one_of", "rate", "share", "switch", "text", "url", "whole"]

_ON = ("1", "true", "on", "yes")
OFF = ("0", "false", "off", "no", "none", "")


def text(given: str) -> str:
    """As it is."""
    return given


def switch(given: str) -> bool:
    """True or false."""
    if given.lower() in _ON:
        return True
    if given.lower() in OFF:
        return False
    raise ValueError("1 or 0")


def whole(least: int = 1, most: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""
    wanted = f"a whole number of at least {least}" if most is None else ""
    wanted = wanted or f"a whole number from {least} to {most}"

    def read(given: str) -> int:
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else -1
        if number < least or (most is not None and number > most):
            raise ValueError(wanted)
        return number

    return read


def one_of(choices: dict[str, str]) -> Callable[[str], str]:
    """A reader of a few known words; each comes with what it means, if that needs saying."""

    def read(given: str) -> str:
        if given not in choices:
            said = (f"{word} ({sense})" if sense else word for word, sense in choices.items())
            raise ValueError(" or ".join(said))
        return given

    return read


def url(given: str) -> str:
    """An address of the web."""
    if not given.startswith(("http://", "https://")):
        raise ValueError("an http(s) URL")
    return given


def rate(given: str) -> float:
    """Calls a second."""
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError("a number of calls a second above 0; unset it to have the rate found")
    return number


def amount(given: str) -> Decimal:
    """Money in yuan."""
    return _decimal(given, None, "an amount in yuan such as 29.90")


def share(given: str) -> Decimal:
    """A part of one."""
    return _decimal(given, Decimal(1), "a number from 0 to 1 such as 0.8")


def _decimal(given: str, most: Decimal | None, wanted: str) -> Decimal:
    try:
        number = Decimal(given)
    except InvalidOperation as error:
        raise ValueError(wanted) from error
    if not number.is_finite() or number < 0 or (most is not None and number > most):
        raise ValueError(wanted)
    return number
