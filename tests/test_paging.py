"""Which pages are asked for: a table of cases, and a gateway that lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.paging import PAGE_LIMIT, Paging


def ids(page: int, number: int) -> list[str]:
    return [f"{page}-{index}" for index in range(number)]


def came(
    paging: Paging, page: int, rows: int, total: int | None = None, page_count: int | None = None
) -> list[int]:
    """The pages to ask next after `page` brought so many new offers."""
    return list(paging.came(page, ids(page, rows), rows, total, page_count))


# the first answer


@pytest.mark.parametrize(
    ("rows", "total", "page_count", "expected"),
    [
        pytest.param(50, 892, 18, range(2, 19), id="all-remaining-pages-at-once"),
        pytest.param(50, 892, None, range(2, 19), id="total-alone"),
        pytest.param(50, None, 18, range(2, 19), id="page-count-alone"),
        pytest.param(50, 892, 1, range(2, 19), id="total-before-page-count"),
        pytest.param(50, 892, 99, range(2, 19), id="page-count-too-high"),
        pytest.param(20, 892, 9, range(2, 46), id="size-is-what-came-not-what-was-asked"),
        pytest.param(100, 100, 1, [], id="exactly-one-page"),
        pytest.param(50, 50, None, [], id="total-is-what-came"),
        pytest.param(37, 37, 1, [], id="short-only-page"),
        pytest.param(37, None, 1, [], id="short-only-page-without-total"),
        pytest.param(37, None, None, [2], id="no-hint-asks-one-more"),
        pytest.param(100, None, None, [2], id="no-hint-and-a-full-page"),
        pytest.param(100, 43, 1, [2], id="a-total-below-what-came-is-no-total"),
        pytest.param(100, 0, 0, [2], id="zeros-are-no-hints"),
        pytest.param(100, None, 1, [2], id="a-full-page-outweighs-a-count-of-one"),
        pytest.param(0, None, None, [], id="empty"),
        pytest.param(0, 892, 18, [], id="empty-whatever-it-claims"),
        pytest.param(50, 10**9, 10**9, range(2, PAGE_LIMIT + 1), id="claims-are-capped"),
        pytest.param(50, None, 10**9, range(2, PAGE_LIMIT + 1), id="page-counts-are-capped"),
    ],
)
def test_the_first_answer_tells_which_pages_follow(
    rows: int, total: int | None, page_count: int | None, expected: Any
) -> None:
    assert came(Paging(100), 1, rows, total, page_count) == list(expected)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({"max_pages": 1}, [], id="one-page"),
        pytest.param({"max_pages": 3}, [2, 3], id="pages"),
        pytest.param({"max_pages": 99}, range(2, 19), id="more-pages-than-there-are"),
        pytest.param({"max_rows": 1}, [], id="one-row"),
        pytest.param({"max_rows": 50}, [], id="rows-of-one-page"),
        pytest.param({"max_rows": 51}, [2], id="a-row-on-the-second-page"),
        pytest.param({"max_rows": 10**6}, range(2, 19), id="more-rows-than-there-are"),
        pytest.param({"max_rows": 500, "max_pages": 2}, [2], id="the-lower-limit"),
    ],
)
def test_the_user_s_limits_hold(limits: dict[str, int], expected: Any) -> None:
    assert came(Paging(100, **limits), 1, 50, 892, 18) == list(expected)


# the pages after it


def after(
    *pages: tuple[int, int], total: int | None = None, page_count: int | None = None
) -> list[list[int]]:
    """What each page of (number, rows) led to."""
    paging = Paging(50)
    return [came(paging, page, rows, total, page_count) for page, rows in pages]


def test_without_hints_pages_are_asked_one_at_a_time_until_a_short_one() -> None:
    assert after((1, 50), (2, 50), (3, 20)) == [[2], [3], []]


def test_without_hints_an_empty_page_is_the_end() -> None:
    assert after((1, 50), (2, 50), (3, 0)) == [[2], [3], []]


def test_no_page_is_asked_twice() -> None:
    assert after((1, 50), (3, 50), (2, 50), total=150) == [[2, 3], [], []]


def test_a_total_that_grows_leads_further() -> None:
    paging = Paging(50)
    assert came(paging, 1, 50, 100) == [2]
    assert came(paging, 2, 50, 130) == [3]
    assert paging.total == 130


def test_a_total_that_shrinks_takes_no_page_back() -> None:
    paging = Paging(50)
    assert came(paging, 1, 50, 200) == [2, 3, 4]
    assert came(paging, 2, 50, 100) == []
    assert (paging.total, paging.expected) == (200, 4)


def test_more_rows_than_the_total_lead_further() -> None:
    assert after((1, 50), (2, 50), (3, 50), (4, 20), total=70) == [[2], [3], [4], []]


def test_more_rows_than_the_total_lead_further_in_any_order_of_arrival() -> None:
    assert after((1, 50), (3, 50), (2, 50), total=120) == [[2, 3], [], [4]]


def test_rows_that_fit_the_total_cost_no_call_more() -> None:
    assert after((1, 50), (2, 50), total=100) == [[2], []]


def test_an_empty_page_ends_the_search_before_pages_already_asked_for() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 500)
    came(paging, 4, 0, 500)
    assert (paging.end, paging.expected) == (3, 3)
    assert [paging.is_past_end(page) for page in (3, 4, 10)] == [False, True, True]


def test_nothing_is_asked_for_after_the_end() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 100)
    came(paging, 2, 0, 100)
    assert came(paging, 3, 50, 5000) == []


def test_the_earliest_end_counts() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 500)
    came(paging, 5, 0)
    came(paging, 8, 0)
    came(paging, 3, 0)
    assert paging.end == 2


def test_a_wholly_repeated_page_ends_the_search() -> None:
    paging = Paging(50)
    paging.came(1, ids(1, 50), 50, 500, None)
    assert list(paging.came(2, ids(1, 50), 50, 500, None)) == []
    assert paging.end == 1


def test_a_page_with_one_new_offer_is_no_repetition() -> None:
    paging = Paging(50)
    paging.came(1, ids(1, 50), 50, None, None)
    assert list(paging.came(2, [*ids(1, 49), "new"], 50, None, None)) == [3]


def test_a_page_whose_offers_come_again_later_is_no_repetition() -> None:
    paging = Paging(50)
    paging.came(1, ids(1, 50), 50, 150, None)
    paging.came(3, ids(3, 50), 50, 150, None)
    paging.came(2, ids(3, 50), 50, 150, None)
    assert paging.end is None


def test_rows_without_ids_are_no_repetition() -> None:
    paging = Paging(50)
    paging.came(1, ids(1, 50), 50, None, None)
    assert list(paging.came(2, [], 50, None, None)) == [3]


def test_an_empty_first_page_is_a_search_of_one_page() -> None:
    paging = Paging(50)
    came(paging, 1, 0, 0, 0)
    assert (paging.expected, paging.end) == (1, 1)


@pytest.mark.parametrize("total", [None, 0, 60])
def test_a_search_ends_at_the_page_limit_however_much_comes(total: int | None) -> None:
    paging, asked = Paging(50), [1]
    for page in asked:
        asked += came(paging, page, 50, total)
    assert asked == list(range(1, PAGE_LIMIT + 1))


# a gateway

Order = Callable[[list[int]], int]


@dataclass
class Gateway:
    """`number` rows in pages of at most `cap`, with hints that need not be true."""

    number: int
    cap: int
    total: Callable[[int], int | None]
    page_count: Callable[[int], int | None]
    past_end: str = "empty"
    calls: list[int] = field(default_factory=list)

    def rows(self, page: int, size: int) -> list[str]:
        self.calls.append(page)
        real = min(size, self.cap)
        first = (page - 1) * real
        if first < self.number or not self.number or self.past_end == "empty":
            return [str(row) for row in range(first, min(first + real, self.number))]
        if self.past_end == "first":
            return self.page_of(1, real)
        return self.page_of((self.number - 1) // real + 1, real)

    def page_of(self, page: int, real: int) -> list[str]:
        return [str(row) for row in range((page - 1) * real, min(page * real, self.number))]


def follow(gateway: Gateway, paging: Paging, next_of: Order) -> set[str]:
    """All pages that `paging` asks for, answers arriving in an order of their own."""
    seen: set[str] = set()
    waiting = [1]
    while waiting:
        page = waiting.pop(next_of(waiting))
        if paging.is_past_end(page):
            continue
        rows = gateway.rows(page, paging.asked_size)
        seen.update(rows)
        hints = gateway.total(page), gateway.page_count(page)
        waiting += paging.came(page, rows, len(rows), *hints)
    return seen


NUMBERS = st.integers(0, 130)
CAPS = st.integers(1, 25)
SIZES = st.integers(1, 40)
PAST_END = st.sampled_from(["empty", "first", "last"])


def shuffled(data: st.DataObject) -> Order:
    return lambda waiting: data.draw(st.integers(0, len(waiting) - 1))


def always(value: int | None) -> Callable[[int], int | None]:
    return lambda page: value


@given(number=NUMBERS, cap=CAPS, size=SIZES, past_end=PAST_END, data=st.data())
def test_every_row_is_seen_whatever_hints_are_absent_or_too_high(
    number: int, cap: int, size: int, past_end: str, data: st.DataObject
) -> None:
    real = min(size, cap)
    pages = -(-number // real)
    total = always(data.draw(st.none() | st.integers(number, number + 60) | st.just(number)))
    count = always(data.draw(st.none() | st.integers(pages, pages + 9)))
    gateway = Gateway(number, cap, total, count, past_end)

    seen = follow(gateway, Paging(size), shuffled(data))

    assert seen == {str(row) for row in range(number)}


@given(number=NUMBERS, cap=CAPS, size=SIZES, past_end=PAST_END, data=st.data())
def test_a_total_that_is_too_low_hides_no_row_once_more_came(
    number: int, cap: int, size: int, past_end: str, data: st.DataObject
) -> None:
    claimed = data.draw(st.integers(0, number))
    gateway = Gateway(number, cap, always(claimed), always(None), past_end)

    seen = follow(gateway, Paging(size), shuffled(data))

    assert len(seen) in (number, claimed)


@given(number=NUMBERS, cap=CAPS, size=SIZES, past_end=PAST_END, data=st.data())
def test_totals_that_drift_hide_no_row(
    number: int, cap: int, size: int, past_end: str, data: st.DataObject
) -> None:
    drift = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=5))
    gateway = Gateway(
        number, cap, lambda page: number + drift[page % len(drift)], always(None), past_end
    )

    seen = follow(gateway, Paging(size), shuffled(data))

    assert seen == {str(row) for row in range(number)}


HINTS = st.none() | st.integers(0, 200) | st.sampled_from([10**6, 10**14])


@given(number=NUMBERS, cap=CAPS, size=SIZES, past_end=PAST_END, data=st.data())
@example(number=1, cap=1, size=1, past_end="last", data=None)
def test_pages_past_the_end_cost_a_bounded_number_of_calls(
    number: int, cap: int, size: int, past_end: str, data: Any
) -> None:
    total = None if data is None else data.draw(HINTS)
    count = None if data is None else data.draw(HINTS)
    gateway = Gateway(number, cap, always(total), always(count), past_end)

    follow(gateway, Paging(size), lambda waiting: 0)

    real_pages = -(-number // min(size, cap))
    assert len(gateway.calls) == len(set(gateway.calls))
    assert len(gateway.calls) <= real_pages + 1


@given(
    number=NUMBERS,
    cap=CAPS,
    size=SIZES,
    max_pages=st.integers(1, 8),
    max_rows=st.integers(1, 90),
    data=st.data(),
)
def test_limits_bound_the_calls_and_reach_the_rows_asked_for(
    number: int, cap: int, size: int, max_pages: int, max_rows: int, data: st.DataObject
) -> None:
    total = data.draw(st.none() | st.just(number))
    gateway = Gateway(number, cap, always(total), always(None))
    paging = Paging(size, max_pages, max_rows)

    seen = follow(gateway, paging, shuffled(data))

    real = min(size, cap)
    assert len(gateway.calls) <= min(max_pages, max(1, -(-max_rows // max(1, min(real, number)))))
    assert len(seen) >= min(number, max_rows, max_pages * real)


@given(
    answers=st.lists(
        st.tuples(st.integers(0, 30), HINTS, HINTS, st.booleans()), min_size=1, max_size=12
    ),
    data=st.data(),
)
def test_whatever_comes_pages_are_asked_in_order_and_once(
    answers: list[tuple[int, int | None, int | None, bool]], data: st.DataObject
) -> None:
    paging, asked, waiting = Paging(20), [1], [1]
    for rows, total, page_count, has_ids in answers:
        if not waiting:
            break
        page = waiting.pop(shuffled(data)(waiting))
        new = list(paging.came(page, ids(page, rows if has_ids else 0), rows, total, page_count))
        asked += new
        waiting += new
    assert asked == list(range(1, len(asked) + 1))
    assert asked[-1] <= PAGE_LIMIT
    assert 1 <= paging.expected <= asked[-1]
