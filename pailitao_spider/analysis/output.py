"""Answers told to a program as JSON Lines; mistakes and what was not read as one line."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pailitao_spider.analysis.feed_reader import Tally
from pailitao_spider.analysis.landed_cost import PriceRange
from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.offers.values.texts import counted
from pailitao_spider.results.lines import ENCODER

__all__ = [
    "answered", "check_offers", "json_line", "money", "number", "say", "span", "tell_unread",
    "typed", "write",
]  # fmt: skip

_CENT = Decimal("0.01")
_LIMIT = Decimal(10) ** 9


def answered(answer: Callable[[], int]) -> int:
    """The exit code: the answer's own, 1 where it was stopped, 2 for a mistake."""
    try:
        code = answer()
        sys.stdout.flush()
    except BrokenPipeError:  # `… | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except PailitaoError as error:
        say(str(error))
        return 2
    except sqlite3.Error as error:
        say(
            f"the temporary index cannot be written ({error}); "
            "name a folder with more room in the environment: SQLITE_TMPDIR"
        )
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 1
    return code


def typed(
    options: argparse.Namespace, readers: Mapping[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """What was typed of the options that `readers` names. Raises ConfigError."""
    given = {name: getattr(options, name) for name in readers}
    return {
        name: _typed(name, text, readers[name]) for name, text in given.items() if text is not None
    }


def _typed(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text.strip())
    except ValueError as error:
        raise ConfigError(f"--{name.replace('_', '-')} {text}: must be {error}") from error


def number(wanted: str, *, above_zero: bool = False) -> Callable[[str], Decimal]:
    """A reader of decimal numbers of at least 0."""

    def read(given: str) -> Decimal:
        try:
            value = parsers.amount(given)
        except ValueError as error:
            raise ValueError(wanted) from error
        if value > _LIMIT or (above_zero and value == 0):
            raise ValueError(wanted)
        return value

    return read


def say(text: str) -> None:
    """A line beside the answer."""
    sys.stderr.write(f"{text}\n")


def write(line: bytes) -> None:
    """A line of the answer, UTF-8 whatever the terminal's tongue."""
    sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")


def json_line(value: Any) -> None:
    """One JSON value as a line; Decimals keep their digits."""
    write(ENCODER.encode(value))


def tell_unread(*tallies: Tally) -> int:
    """Says what could not be read; the exit code. Raises ResultsError where no line was an offer.

    Feeds without any line are a run that found nothing: that is said, and no mistake.
    """
    torn, odd = (sum(getattr(each, name) for each in tallies) for name in ("torn", "odd"))
    where = next((each.first_torn for each in tallies if each.first_torn), None)
    check_offers(*tallies)
    if not any(each.offers for each in tallies):
        say(
            "there is no offer in what was given: nothing was found, a filter left nothing, "
            "or the run has not begun"
        )
    if odd:
        have = "has" if odd == 1 else "have"
        say(f"{counted(odd, 'offer')} {have} values that cannot be read and count as unknown")
    if torn:
        are = "is" if torn == 1 else "are"
        say(f"{counted(torn, 'line')} could not be read and {are} left out, the first at {where}")
    return 1 if torn else 0


def check_offers(*tallies: Tally) -> None:
    """Raises ResultsError where no line is an offer: before anything is written."""
    if not any(each.offers for each in tallies) and any(each.torn for each in tallies):
        raise ResultsError("there is no offer in what was given; give a crawl's offers.jsonl")


def money(value: Decimal | None) -> str:
    """To the cent; unknown is a question mark."""
    return "?" if value is None else f"{value.quantize(_CENT, ROUND_HALF_UP):f}"


def span(value: PriceRange) -> str:
    """Best and worst case, as one where they are the same."""
    best, worst = map(money, value)
    return best if best == worst else f"{best}–{worst}"
