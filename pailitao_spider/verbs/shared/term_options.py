"""What verbs that reckon a landed cost have in common: their options, and a file of terms."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pailitao_spider.analysis import output
from pailitao_spider.analysis.terms import Terms, read_terms
from pailitao_spider.config import parsers

__all__ = ["add_term_options", "terms_of"]

_PERCENT = output.number("percent such as 12")
_AMOUNT = output.number("an amount such as 1.20")
_OPTIONS: dict[str, tuple[Any, str, str]] = {
    "quantity": (parsers.whole(), "N", "pieces in an order (1)"),
    "rate": (output.number("a number above 0 such as 0.14", above_zero=True), "R",
             "your currency for a yuan (1: all in yuan)"),
    "currency": (str.upper, "NAME", "what your currency is called, such as USD"),
    "freight": (output.number("an amount a unit such as 1.20"), "F",
                "to you, a piece, in your currency (0)"),
    "freight_kg": (_AMOUNT, "F", "to you, a kilogram, in your currency (0)"),
    "freight_order": (_AMOUNT, "F", "to you, an order, in your currency (0)"),
    "weight_kg": (output.number("kilograms above 0 such as 0.35", above_zero=True), "KG",
                  "of a piece, where neither seed nor offer says it"),
    "insurance": (_PERCENT, "P", "percent of goods, postage and freight (0)"),
    "duty": (_PERCENT, "P", "percent; a column duty of the seeds stands above it (0)"),
    "duty_on": (parsers.one_of({"cif": "", "fob": ""}), "cif|fob",
                "duty on goods, postage, freight and insurance, or on goods and postage (cif)"),
    "vat": (_PERCENT, "P", "percent of all that with the duty; shown apart (0)"),
    "agent": (_PERCENT, "P", "an agent's percent of goods and postage (0)"),
    "fixed": (_AMOUNT, "SUM", "other sums an order, such as broker and inspection (0)"),
    "postage": (output.number("yuan an order such as 8"), "YUAN",
                "where the offer does not say (unknown)"),
}  # fmt: skip


def add_term_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--terms", type=Path, metavar="FILE.toml", help="all that follows, from a file"
    )
    for name, (_, metavar, text) in _OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument(
        "--postage-per-piece", action="store_true",
        help="a postage of which the offer does not say what for is a piece's, not an order's",
    )  # fmt: skip


def terms_of(options: argparse.Namespace) -> Terms:
    """The file's, and above it what was typed. Raises ConfigError."""
    given = output.typed(options, {name: read for name, (read, _, _) in _OPTIONS.items()})
    read = read_terms(options.terms) if options.terms is not None else {}
    if "fixed" in given:
        given["fixed"] = (("fixed", given["fixed"]),)
    if options.postage_per_piece:
        given["postage_per_piece"] = True
    return Terms(**{**read, **given})
