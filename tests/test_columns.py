"""A field of many rows in one go reads as each of its values does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.values import columns

ID, LINK, TIME = "610947572360", "https://cbu01.alicdn.com/img/1.jpg", "2024-04-20 08:00:00"
USUAL = st.sampled_from([ID, LINK, TIME, "夏季新款 女士凉鞋", "a", "x" * 40, "7" * 19])
ODD = st.sampled_from(
    [
        *("", " ", "-", "null", "UNDEFINED", "unde\ufb01ned", "N/A", "0", "07", "7" * 20, "１２"),
        *(" a", "a ", "a  b", "a\nb", "a\u3000b", "a\u200bb", "\ud800", "<b>a</b>", "a &amp; b"),
        *(f"{LINK}\n{LINK}", "//a.test/b", f"https://a.test/{'b' * 8192}", "https://a b/c"),
        *(f"{TIME}\n{TIME}", f"{TIME}\n", "2024-02-30 08:00:00", "1713571200", "soon"),
    ]
)
OTHER = st.none() | st.integers(-1, 10**20) | st.booleans() | st.just([]) | st.text(max_size=6)
COLUMNS = st.lists(USUAL, max_size=6) | st.lists(USUAL | ODD | OTHER, max_size=5)
READERS = [
    pytest.param(columns.offer_ids, values.offer_id, id="offer ids"),
    pytest.param(columns.texts, values.text, id="texts"),
    pytest.param(columns.titles, values.title, id="titles"),
    pytest.param(columns.links, values.link, id="links"),
    pytest.param(columns.moments, values.moment, id="moments"),
]


def read(reader: Callable[[], Sequence[str | None]]) -> list[str | None] | str:
    try:
        return list(reader())
    except FieldError as error:
        return str(error)


@pytest.mark.parametrize(("together", "one"), READERS)
def test_many_are_read_as_each_is(together: Any, one: Any) -> None:
    @given(COLUMNS)
    @example([])
    @example([TIME, f"{TIME}\n{TIME}"])
    @example([LINK, f"{LINK}\n{LINK}"])
    @example(["a", "", "b"])
    @example(["a", "unde\ufb01ned"])
    def same(column: list[Any]) -> None:
        assert read(lambda: together(column)) == read(lambda: [one(value) for value in column])

    same()


@pytest.mark.parametrize(("together", "one"), READERS)
@pytest.mark.parametrize("odd", ["", "-", " a", "a  b", "<b>a</b>", f"{TIME}\n", None, 7])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("usual", [ID, LINK, TIME, "女士凉鞋"])
def test_an_odd_one_is_seen_at_every_place(
    together: Any, one: Any, odd: Any, place: int, usual: str
) -> None:
    column: list[Any] = [usual, usual]
    column.insert(place, odd)
    assert read(lambda: together(column)) == read(lambda: [one(value) for value in column])
