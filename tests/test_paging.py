"""Which pages are asked for: a table of cases, and a gateway that lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.crawl.paging import AHEAD, PAGE_LIMIT, Hints, Paging, coverage


def ids(page: int, number: int) -> list[str]:
    return [f"{page}-{index}" for index in range(number)]


def came(
    paging: Paging,
    page: int,
    rows: int,
    total: int | None = None,
    page_count: int | None = None,
    has_next: bool | None = None,
) -> list[int]:
    """The pages to ask next after `page` brought so many new offers."""
    return paging.came(page, ids(page, rows), rows, Hints(total, page_count, has_next))


def shows_again(paging: Paging, page: int, of: int, rows: int, **hints: Any) -> list[int]:
    """The pages to ask next after `page` brought the offers of another one."""
    return paging.came(page, ids(of, rows), rows, Hints(**hints))


# the first answer


@pytest.mark.parametrize(
    ("rows", "total", "page_count", "expected"),
    [
        pytest.param(50, 892, 18, [2, 3, 4], id="a-few-pages-ahead"),
        pytest.param(50, 892, None, [2, 3, 4], id="total-alone"),
        pytest.param(50, None, 18, [2, 3, 4], id="page-count-alone"),
        pytest.param(50, 892, 1, [2, 3, 4], id="a-page-count-of-one-beside-a-total-is-none"),
        pytest.param(50, 892, 2, [2], id="the-least-hint"),
        pytest.param(50, 120, 99, [2, 3], id="page-count-too-high"),
        pytest.param(20, 50, 1, [2, 3], id="size-is-what-came-not-what-was-asked"),
        pytest.param(20, 181, 2, [2, 3, 4], id="a-page-count-of-the-size-that-was-asked-for"),
        pytest.param(10, 800000, 2, [2], id="a-page-count-of-the-size-that-comes"),
        pytest.param(100, 100, 1, [], id="exactly-one-page"),
        pytest.param(50, 50, None, [], id="total-is-what-came"),
        pytest.param(37, 37, 1, [], id="short-only-page"),
        pytest.param(37, None, 1, [], id="short-only-page-without-total"),
        pytest.param(37, None, None, [2], id="no-hint-asks-one-more"),
        pytest.param(100, None, None, [2], id="no-hint-and-a-full-page"),
        pytest.param(100, 43, 1, [2], id="a-total-below-what-came-is-no-total"),
        pytest.param(100, 0, 0, [2], id="zeros-are-no-hints"),
        pytest.param(10, 0, 0, [2], id="a-page-count-of-zero-beside-rows"),
        pytest.param(100, None, 1, [2], id="a-full-page-outweighs-a-count-of-one"),
        pytest.param(0, None, None, [], id="empty"),
        pytest.param(0, 892, 18, [], id="empty-whatever-it-claims"),
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
        pytest.param({"max_pages": 99}, [2, 3, 4], id="more-pages-than-there-are"),
        pytest.param({"max_rows": 1}, [], id="one-row"),
        pytest.param({"max_rows": 50}, [], id="rows-of-one-page"),
        pytest.param({"max_rows": 51}, [2], id="a-row-on-the-second-page"),
        pytest.param({"max_rows": 10**6}, [2, 3, 4], id="more-rows-than-there-are"),
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


def test_no_page_that_brought_something_is_asked_twice() -> None:
    assert after((1, 50), (3, 50), (2, 50), total=150) == [[2, 3], [], []]


def test_pages_are_asked_a_few_ahead_of_the_last_that_brought_something() -> None:
    assert after((1, 50), (3, 50), (2, 50), (4, 50), total=5000) == [[2, 3, 4], [5, 6], [], [7]]


def test_a_total_that_grows_leads_further() -> None:
    paging = Paging(50)
    assert came(paging, 1, 50, 100) == [2]
    assert came(paging, 2, 50, 130) == [3]
    assert paging.total == 130


def test_more_rows_than_the_total_lead_further() -> None:
    assert after((1, 50), (2, 50), (3, 50), (4, 20), total=70) == [[2], [3], [4], []]


def test_more_rows_than_the_total_lead_further_in_any_order_of_arrival() -> None:
    assert after((1, 50), (3, 50), (2, 50), total=120) == [[2, 3], [], [4]]


def test_rows_that_fit_the_total_cost_no_call_more() -> None:
    assert after((1, 50), (2, 50), total=100) == [[2], []]


def test_a_first_page_with_fewer_rows_than_the_others_adds_no_page() -> None:
    paging = Paging(50)
    rows = [47, *[50] * 16, 45]
    asked = [came(paging, page, number, 892) for page, number in enumerate(rows, start=1)]
    assert max(page for pages in asked for page in pages) == 18


def test_a_first_page_with_more_rows_than_the_others_hides_no_page() -> None:
    paging = Paging(50)
    rows = [60, *[50] * 16, 32]
    asked = [came(paging, page, number, 892) for page, number in enumerate(rows, start=1)]
    assert max(page for pages in asked for page in pages) == 18


# what a gateway says of a next page


def test_no_next_page_is_the_end_though_the_total_says_more() -> None:
    paging = Paging(20)
    for page in range(1, 5):
        came(paging, page, 20, 680, has_next=True)
    came(paging, 5, 20, 680, has_next=False)
    assert came(paging, 6, 0, 680, has_next=False) == []
    assert came(paging, 7, 0, 680, has_next=False) == []
    assert (paging.end, paging.can_return(), paging.offers_seen) == (5, 100, 100)


def test_no_next_page_that_a_later_page_contradicts_is_void() -> None:
    paging = Paging(20)
    came(paging, 1, 20, 680, has_next=True)
    came(paging, 2, 20, 680, has_next=False)
    assert came(paging, 3, 20, 680, has_next=True) == [5, 6]


def test_a_gateway_that_never_says_that_there_is_a_next_page_is_not_believed() -> None:
    assert came(Paging(20), 1, 20, 680, has_next=False) == [2, 3, 4]


def test_without_other_hints_a_next_page_is_what_the_gateway_says() -> None:
    paging = Paging(50)
    assert came(paging, 1, 20, has_next=True) == [2]
    assert came(paging, 2, 20, has_next=False) == []
    assert came(Paging(50), 1, 50, has_next=False) == []


# pages that bring nothing


def test_an_empty_page_is_asked_once_more_and_the_one_after_it_is_looked_at() -> None:
    paging = Paging(50)
    assert came(paging, 1, 50, 500) == [2, 3, 4]
    assert came(paging, 2, 0, 500) == [2]
    assert [paging.is_wanted(page) for page in (2, 3, 4)] == [True, True, False]
    assert paging.dropped(4) == []
    assert came(paging, 3, 0, 500) == []
    assert came(paging, 2, 0, 500) == []
    assert (paging.end, paging.expected, paging.hole()) == (1, 1, None)


def test_a_hole_is_asked_again_and_filled() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 200)
    assert came(paging, 3, 50, 200) == []
    assert came(paging, 2, 0, 200) == [2]
    assert came(paging, 2, 50, 200) == []
    assert came(paging, 4, 50, 200) == []
    assert (paging.hole(), paging.offers_seen) == (None, 200)


def test_a_hole_that_stays_is_named_after_three_tries() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 150)
    came(paging, 3, 50, 150)
    assert [came(paging, 2, 0, 150) for _ in range(3)] == [[2], [2], []]
    assert paging.hole() == (2, "no rows, asked 3 times")


def test_a_page_that_was_not_wanted_is_asked_once_more_pages_turn_out_to_follow() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 500)
    came(paging, 2, 0, 500)
    paging.dropped(4)
    assert came(paging, 3, 50, 500) == [4, 5, 6]


def test_an_end_is_taken_back_when_a_page_behind_it_brings_something() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 500)
    came(paging, 2, 0, 500)
    came(paging, 2, 0, 500)
    came(paging, 3, 0, 500)
    assert paging.end == 1
    assert came(paging, 4, 50, 500) == [2, 3, 5, 6, 7]
    assert paging.end is None


def test_past_what_was_told_an_empty_page_is_the_end_at_once() -> None:
    assert after((1, 50), (2, 50), (3, 50), (4, 0), total=120) == [[2, 3], [], [4], []]


def test_a_gateway_that_ignores_the_page_is_asked_for_four_more() -> None:
    paging, calls = Paging(50), 1
    pages = came(paging, 1, 50, 900)
    while pages:
        page = pages.pop(0)
        if not paging.is_wanted(page):
            pages += paging.dropped(page)
            continue
        calls += 1
        pages += shows_again(paging, page, 1, 50, total=900)
    assert paging.ignores_pages
    assert calls <= 1 + AHEAD + 1


def test_a_repeated_second_page_is_looked_into_without_any_hint() -> None:
    paging = Paging(50)
    came(paging, 1, 50)
    assert shows_again(paging, 2, 1, 50) == [2, 3]
    assert shows_again(paging, 2, 1, 50) == []
    assert shows_again(paging, 3, 1, 50) == []
    assert paging.ignores_pages


def test_a_short_first_page_that_comes_again_is_the_end() -> None:
    paging = Paging(50)
    came(paging, 1, 20)
    assert shows_again(paging, 2, 1, 20) == []
    assert (paging.end, paging.ignores_pages) == (1, False)


def test_a_page_with_one_new_offer_is_no_repetition() -> None:
    paging = Paging(50)
    came(paging, 1, 50)
    assert paging.came(2, [*ids(1, 49), "new"], 50, Hints()) == [3]


def test_a_page_whose_offers_come_again_on_an_earlier_one_is_not_counted_twice() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 150)
    came(paging, 3, 50, 150)
    assert shows_again(paging, 2, 3, 50, total=150) == [3]
    assert paging.offers_seen == 100


def test_rows_without_ids_are_no_repetition() -> None:
    paging = Paging(50)
    came(paging, 1, 50)
    assert paging.came(2, [], 50, Hints()) == [3]


def test_an_empty_first_page_is_a_search_of_one_page() -> None:
    paging = Paging(50)
    came(paging, 1, 0, 0, 0)
    assert (paging.expected, paging.end) == (1, 1)


@pytest.mark.parametrize("total", [None, 0, 60, 10**9])
def test_a_search_ends_at_the_page_limit_however_much_comes(total: int | None) -> None:
    paging, asked = Paging(50), [1]
    for page in asked:
        asked += came(paging, page, 50, total)
    assert asked == list(range(1, PAGE_LIMIT + 1))
    assert paging.is_at_limit


# a page that will not come


def test_a_page_that_was_given_up_ends_nothing() -> None:
    paging = Paging(50)
    came(paging, 1, 50, 150)
    assert paging.failed(2) == []
    assert came(paging, 3, 50, 150) == []
    assert (paging.end, paging.expected) == (None, 3)


# what it comes to


@pytest.mark.parametrize(
    ("pages", "limits", "expected"),
    [
        pytest.param([(50, 892, None)], {}, 892, id="total"),
        pytest.param([(50, None, 18)], {}, 900, id="page-count-of-full-pages"),
        pytest.param([(10, 800000, 2), (10, 800000, 2)], {}, 20, id="fewer-pages-than-the-total"),
        pytest.param([(50, None, 2), (20, None, 2)], {}, 70, id="a-last-page-that-came-short"),
        pytest.param([(50, 892, 18)], {"max_pages": 2}, 100, id="limited-by-pages"),
        pytest.param([(50, 892, 18)], {"max_rows": 30}, 30, id="limited-by-offers"),
        pytest.param([(50, 30, None)], {}, 50, id="a-total-that-was-too-low"),
        pytest.param([(50, None, None), (20, None, None)], {}, None, id="nothing-told"),
    ],
)
def test_what_a_gateway_can_return_is_the_least_that_it_says(
    pages: list[tuple[int, int | None, int | None]], limits: dict[str, int], expected: int | None
) -> None:
    paging = Paging(50, **limits)
    for number, (rows, total, page_count) in enumerate(pages, start=1):
        came(paging, number, rows, total, page_count)
    assert paging.can_return() == expected


@pytest.mark.parametrize(
    ("seen", "most", "expected"),
    [(331, 500, 0.662), (99_999, 100_000, 0.9999), (999_999, 1_000_000, 0.9999), (5, 4, 1.0),
     (0, 10, 0.0), (3, None, None), (0, 0, None)],
)  # fmt: skip
def test_coverage_is_never_rounded_up_to_the_whole(
    seen: int, most: int | None, expected: float | None
) -> None:
    assert coverage(seen, most) == expected


def test_a_second_pass_looks_where_pages_repeated_each_other() -> None:
    paging = Paging(50, passes=2)
    came(paging, 1, 50, 150)
    paging.came(2, ids(1, 40) + ids(2, 10), 50, Hints(150))
    again = shows_again(paging, 3, 2, 50, total=150)
    assert again == [1, 2, 3]
    assert [came(paging, page, 50, 150) for page in again] == [[], [], []]
    assert paging.offers_seen == 150


def test_a_total_that_lies_is_not_paid_for_twice() -> None:
    paging = Paging(50, passes=2)
    came(paging, 1, 50, 150)
    came(paging, 2, 0, 150)
    came(paging, 2, 0, 150)
    assert came(paging, 3, 0, 150) == []


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
        if not paging.is_wanted(page):
            waiting += paging.dropped(page)
            continue
        rows = gateway.rows(page, paging.asked_size)
        seen.update(rows)
        hints = Hints(gateway.total(page), gateway.page_count(page))
        waiting += paging.came(page, rows, len(rows), hints)
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

    is_in_order = data is None or data.draw(st.booleans())

    follow(gateway, Paging(size), (lambda waiting: 0) if is_in_order else shuffled(data))

    real_pages = -(-number // min(size, cap))
    assert len(gateway.calls) <= real_pages + (1 if is_in_order else 2) * AHEAD + 1


def follow_in_parallel(gateway: Gateway, paging: Paging, parallel: int, next_of: Order) -> set[str]:
    """As the crawl does: the lowest page goes first, if it is wanted when its turn comes, up to so
    many calls at once, whose answers come in any order.
    """
    seen: set[str] = set()
    waiting, under_way = [1], list[tuple[int, list[str]]]()
    while waiting or under_way:
        while waiting and len(under_way) < parallel:
            page = waiting.pop(waiting.index(min(waiting)))
            if paging.is_wanted(page):
                under_way.append((page, gateway.rows(page, paging.asked_size)))
            else:
                waiting += paging.dropped(page)
        if under_way:
            page, rows = under_way.pop(next_of([each for each, _ in under_way]))
            seen.update(rows)
            hints = Hints(gateway.total(page), gateway.page_count(page))
            waiting += paging.came(page, rows, len(rows), hints)
    return seen


@given(
    number=NUMBERS,
    cap=CAPS,
    past_end=PAST_END,
    parallel=st.sampled_from([1, 2, 8, 64]),
    data=st.data(),
)
def test_with_calls_in_parallel_every_row_comes_and_a_total_that_lies_costs_little(
    number: int, cap: int, past_end: str, parallel: int, data: st.DataObject
) -> None:
    total = data.draw(st.sampled_from([number, 2000, 10**6]) | st.none())
    gateway = Gateway(number, cap, always(total), always(None), past_end)

    seen = follow_in_parallel(gateway, Paging(cap), parallel, shuffled(data))

    assert seen == {str(row) for row in range(number)}
    most = AHEAD + 1 if past_end == "empty" or parallel == 1 else 2 * AHEAD + 1
    assert len(gateway.calls) <= max(-(-number // cap), 1) + most


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
def test_whatever_comes_no_page_is_asked_more_than_three_times(
    answers: list[tuple[int, int | None, int | None, bool]], data: st.DataObject
) -> None:
    paging, asked, waiting = Paging(20), [1], [1]
    for rows, total, page_count, has_ids in answers:
        if not waiting:
            break
        page = waiting.pop(shuffled(data)(waiting))
        named = ids(page, rows if has_ids else 0)
        new = paging.came(page, named, rows, Hints(total, page_count))
        asked += new
        waiting += new
    assert max(asked) <= PAGE_LIMIT
    assert max(asked.count(page) for page in asked) <= 3
    assert 1 <= paging.expected <= PAGE_LIMIT
