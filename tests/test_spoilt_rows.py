"""Rows of all gateways, spoilt cell by cell: a page is read as each of its rows is."""

from __future__ import annotations

import copy
import random
from decimal import Decimal
from typing import Any

import pytest

from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer
from pailitao_spider.offers.row_reader import read_rows
from pailitao_spider.results.lines import ENCODER
from tests.test_golden import ANSWERS, rows_of

ODD: list[Any] = [
    *("", " ", "-", "null", "0", "29.90", "¥29.90", "1e3", "25.90-35.00", "1.1万+", "13%", "150%"),
    *("是", "false", "面议", "<b>a</b>", "//a.test/b.jpg", "2024-04-20", "shipIn48Hours", "x" * 90),
    *(Decimal("0"), Decimal("-0.00"), Decimal("1E+2"), Decimal("0.5"), 0, 1, -1, 10**16, 2**70),
    *(True, False, None, [], {}, {"price_min": 1}, [1], ["a"], ["a", None], [["6~499", 8]]),
    *([{"begin_num": "1", "price": "2"}], {"a": {"b": [1]}}, float("nan")),
]
PAGES = 150


def rows_seen(name: str) -> list[dict[str, Any]]:
    pages = [
        dialect(name).page(200, {}, path.read_bytes())
        for path in ANSWERS
        if path.parent.name == name and "-upload" not in path.name
    ]
    return [row for page in pages if isinstance(page, Page) for row in rows_of(page)]


def spoilt(rng: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    """A copy with up to five members changed, gone or new, inner ones too."""
    row = copy.deepcopy(row)
    for _ in range(rng.choice((0, 0, 1, 2, 5))):
        place, name = row, rng.choice(list(row) or ["新"])
        while isinstance(place.get(name), dict) and place[name] and rng.random() < 0.7:
            place = place[name]
            name = rng.choice(list(place))
        if rng.random() < 0.2:
            place.pop(name, None)
        else:
            place[name if rng.random() < 0.9 else "新"] = copy.deepcopy(rng.choice(ODD))
    return row


def told(rows: list[Any], unreadable: list[str], drift: Drift) -> tuple[Any, ...]:
    """To the last digit, whatever the order of what is left over."""
    seen = [
        {name: getattr(row, name) for name in Offer.__slots__ if name != "extra"}
        | {"extra": sorted(row.extra.items(), key=str)}
        if isinstance(row, Offer)
        else row
        for row in rows
    ]
    signs = [
        {name: sign.rows for name, sign in each.items()} for each in (drift.unknown, drift.flipped)
    ]
    return repr(seen), sorted(unreadable), signs


@pytest.mark.parametrize("name", DIALECTS)
def test_a_page_is_read_as_each_of_its_rows_is(name: str) -> None:
    rng, shape, known = random.Random(f"rows of {name}"), dialect(name).shape, rows_seen(name)
    for _ in range(PAGES):
        rows = [spoilt(rng, rng.choice(known)) for _ in range(rng.randint(1, 9))]
        together, alone = ([], Drift()), ([], Drift())  # type: ignore[var-annotated]
        page = read_rows(copy.deepcopy(rows), shape, *together)
        each = [read for row in copy.deepcopy(rows) for read in read_rows([row], shape, *alone)]
        assert told(page, *together) == told(each, *alone), rows
        assert ENCODER.encode(page)
