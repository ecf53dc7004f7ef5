"""A field of many rows in one go reads as each of its values does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.values import Count, columns

D = Decimal
ID, LINK, TIME = "610947572360", "https://cbu01.alicdn.com/img/1.jpg", "2024-04-20 08:00:00"
NUMBERS = [
    D("0.92"),
    D("-0.0"),
    D("1E+2"),
    D("1E-30"),
    D(10) ** 30,
    0,
    1,
    1.5,
    [["6~499", 8]],
    ["x"],
]
USUAL = st.sampled_from([ID, LINK, TIME, "夏季新款 女士凉鞋", "a", "x" * 40, "7" * 19])
ODD = st.sampled_from(
    [
        *("", " ", "-", "null", "UNDEFINED", "unde\ufb01ned", "N/A", "0", "07", "7" * 20, "１２"),
        *(" a", "a ", "a  b", "a\nb", "a\u3000b", "a\u200bb", "\ud800", "<b>a</b>", "a &amp; b"),
        *(f"{LINK}\n{LINK}", "//a.test/b", f"https://a.test/{'b' * 8192}", "https://a b/c"),
        *(f"{TIME}\n{TIME}", f"{TIME}\n", "2024-02-30 08:00:00", "1713571200", "soon"),
    ]
)
OTHER = (
    st.none()
    | st.decimals(0, 200, places=2)
    | st.sampled_from(NUMBERS)
    | st.integers(-1, 10**20)
    | st.booleans()
    | st.just([])
    | st.text(max_size=6)
)
COLUMNS = (
    st.lists(USUAL, min_size=1, max_size=6)
    | st.lists(st.decimals(0, 1, places=2), min_size=1, max_size=5)
    | st.lists(st.integers(0, 10**16), min_size=1, max_size=5)
    | st.lists(USUAL | ODD | OTHER, min_size=1, max_size=5)
)
READERS = [
    pytest.param(one, id=one.__name__)
    for one in (
        values.offer_id, values.text, values.title, values.link, values.moment, values.money,
        values.fen, values.rate, values.score, values.count, values.kilograms, values.whole,
        values.hours, values.currency, values.flag, values.joined, values.category, values.steps,
        values.words,
    )
]  # fmt: skip


def read(reader: Callable[[], Sequence[Any]]) -> str:
    """What comes out, to the last digit; a count may be a plain pair."""
    try:
        return repr([tuple(each) if isinstance(each, Count) else each for each in reader()])
    except FieldError:
        return "odd"


def together(one: Any, column: list[Any]) -> str:
    return read(lambda: columns.reader(one).many(column, set(map(type, column))))


@pytest.mark.parametrize("one", READERS)
def test_many_are_read_as_each_is(one: Any) -> None:
    @given(COLUMNS)
    @example([TIME, f"{TIME}\n{TIME}"])
    @example([LINK, f"{LINK}\n{LINK}"])
    @example(["a", "", "b"])
    @example(["a", "unde\ufb01ned"])
    @example([1, True, D(1), D("1.0"), "1", "1.0"])
    @example([D("-0.00"), D("0.00"), D("0")])
    @example([D("1E-400"), D("0E-40")])
    @example(["2024-04-20", TIME])
    def same(column: list[Any]) -> None:
        expected = read(lambda: [one(value) for value in column])
        assert together(one, column) == expected
        assert together(one, column) == expected, "as before when it comes again"
        if expected != "odd":
            assert read(lambda: list(map(columns.reader(one).one, column))) == expected

    same()


@pytest.mark.parametrize("one", READERS)
def test_an_odd_one_is_seen_at_every_place(one: Any) -> None:
    usual = [ID, LINK, TIME, "女士凉鞋", 7, D("0.92")]
    odd = ["", "-", " a", "a  b", "<b>a</b>", f"{TIME}\n", None, 7]
    for each, other, place in product(usual, odd, range(3)):
        column: list[Any] = [each, each]
        column.insert(place, other)
        assert together(one, column) == read(lambda: [one(value) for value in column])  # noqa: B023
