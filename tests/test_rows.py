"""Rows to offers: as documented, odd, and none at all; many rows are read as each of them is."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.gateways.json_bodies import decode
from pailitao_spider.gateways.router.rows import SHAPE
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.offers.row_reader import NO_ID, NO_OBJECT, RowsToRead, read_rows
from pailitao_spider.results.lines import ENCODER

D = Decimal

DOCUMENTED: dict[str, Any] = {
    "num_iid": "610947572360",
    "detail_url": "https://detail.1688.com/offer/610947572360.html",
    "title": "夏季新款女士凉鞋",
    "similarity": D("0.95"),
    "seller_id": "2208012345",
    "price": "29.90",
    "promotion_price": "25.50",
    "min_order": 2,
    "sales": 12580,
    "unit": "双",
    "price_range": "25.50-29.90",
    "pic_url": "https://cbu01.alicdn.com/img/ibank/1.jpg",
    "pic_small_url": "https://cbu01.alicdn.com/img/ibank/1.jpg_270x270xzq60.jpg",
    "cid": "1037003",
    "category_name": "凉鞋",
    "property": "材质:PU",
    "seller_nick": "温州鞋业",
    "area": "浙江 温州",
    "shop_type": "源头工厂",
    "post_fee": "5.00",
    "freight_template": "全国包邮",
    "is_onsale": True,
    "one_stop_service": False,
    "create_time": "2024-04-20 08:00:00",
    "update_time": "2025-01-05 10:30:00",
    "score": D("4.8"),
    "trade_num": 803,
    "feedback_rate": "99.5%",
}
EXPECTED = Offer(
    num_iid="610947572360",
    title="夏季新款女士凉鞋",
    detail_url="https://detail.1688.com/offer/610947572360.html",
    price=D("29.90"),
    promotion_price=D("25.50"),
    price_min=D("25.50"),
    price_max=D("29.90"),
    post_fee=D("5.00"),
    min_order=2,
    sales=12580,
    sales_at_least=False,
    sales_window="total",
    trade_num=803,
    similarity=D("0.95"),
    feedback_rate=D("0.995"),
    score=D("4.8"),
    is_onsale=True,
    one_stop_service=False,
    is_ad=False,
    seller_id="2208012345",
    seller_nick="温州鞋业",
    area="浙江 温州",
    shop_type="源头工厂",
    unit="双",
    cid="1037003",
    category_name="凉鞋",
    property="材质:PU",
    freight_template="全国包邮",
    pic_url="https://cbu01.alicdn.com/img/ibank/1.jpg",
    pic_small_url="https://cbu01.alicdn.com/img/ibank/1.jpg_270x270xzq60.jpg",
    create_time="2024-04-20T08:00:00+08:00",
    update_time="2025-01-05T10:30:00+08:00",
)


def raw(row: Any) -> bytes:
    return ENCODER.encode(row)


def rows_of(bodies: list[bytes], unreadable: list[str]) -> list[Offer | RejectedRow]:
    """The rows of a page, by the way that they really go."""
    return read_rows(decode(b"[" + b",".join(bodies) + b"]"), SHAPE, unreadable, Drift())


def row_of(row: Any) -> tuple[Any, list[str]]:
    unreadable: list[str] = []
    [read] = rows_of([raw(row)], unreadable)
    return read, unreadable


def read(**changed: Any) -> Offer:
    """The documented row with some values changed."""
    offer, _ = read_with_faults(**changed)
    return offer


def read_with_faults(**changed: Any) -> tuple[Offer, list[str]]:
    offer, unreadable = row_of(DOCUMENTED | changed)
    assert isinstance(offer, Offer), offer
    return offer, unreadable


# as documented


def test_a_row_as_documented_is_read() -> None:
    assert row_of(DOCUMENTED) == (EXPECTED, [])


def test_the_digits_of_money_are_kept() -> None:
    offer = read()
    assert [str(each) for each in (offer.price, offer.promotion_price, offer.post_fee)] == [
        "29.90",
        "25.50",
        "5.00",
    ]


def test_digits_of_numbers_are_kept_where_equal_ones_came_before() -> None:
    rows = rows_of([raw(DOCUMENTED | {"price": D(each)}) for each in ("1.0", "1.00", "1")], [])
    assert [str(row.price) for row in rows if isinstance(row, Offer)] == ["1.0", "1.00", "1"]


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if name != "num_iid"])
@pytest.mark.parametrize("gone", ["absent", "null"])
def test_a_row_without_a_field_is_read_beside_whole_ones(name: str, gone: str) -> None:
    row = {key: value for key, value in DOCUMENTED.items() if key != name}
    if gone == "null":
        row[name] = None
    alone, _ = row_of(row)
    assert rows_of([raw(DOCUMENTED), raw(row), raw(DOCUMENTED)], []) == [EXPECTED, alone, EXPECTED]
    assert getattr(alone, name, None) in (None, EXPECTED.detail_url)


def test_a_row_of_nothing_but_an_id_is_an_offer() -> None:
    assert row_of({"num_iid": "7"}) == (
        Offer("7", detail_url="https://detail.1688.com/offer/7.html"),
        [],
    )


# odd values


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"num_iid": 610947572360}, {"num_iid": "610947572360"}, id="id-as-number"),
        pytest.param({"price": 29.9}, {"price": D("29.9")}, id="price-as-number"),
        pytest.param({"price": "¥29.90"}, {"price": D("29.90")}, id="price-with-sign"),
        pytest.param({"price": 0}, {"price": D(0)}, id="price-zero-is-zero"),
        pytest.param({"price": ""}, {"price": None}, id="price-empty"),
        pytest.param({"price": None}, {"price": None}, id="price-null"),
        pytest.param(
            {"price": "25.90-35.00", "price_range": None},
            {"price": None, "price_min": D("25.90"), "price_max": D("35.00")},
            id="price-is-a-range",
        ),
        pytest.param(
            {"price": "25.90-35.00"},
            {"price": None, "price_min": D("25.90"), "price_max": D("35.00")},
            id="price-is-a-range-beside-a-price-range",
        ),
        pytest.param(
            {"price": {"min_price": 95, "max_price": 135}},
            {"price": None, "price_min": D(95), "price_max": D(135)},
            id="price-is-a-range-object",
        ),
        pytest.param(
            {"price_range": {"price_min": "9.50", "price_max": "13.50"}},
            {"price_min": D("9.50"), "price_max": D("13.50")},
            id="range-object",
        ),
        pytest.param(
            {"price_min": "1.00", "price_max": "2.00"},
            {"price_min": D("1.00"), "price_max": D("2.00")},
            id="ends-of-their-own",
        ),
        pytest.param(
            {"sales": "1.1万+"},
            {"sales": 11000, "sales_at_least": True, "sales_window": "total"},
            id="sales-lower-bound",
        ),
        pytest.param(
            {"sales": "已拼: 10万+件"},
            {"sales": 100_000, "sales_at_least": True},
            id="sales-in-words",
        ),
        pytest.param(
            {"sales": "2810"}, {"sales": 2810, "sales_at_least": False}, id="sales-as-text"
        ),
        pytest.param(
            {"sales": None},
            {"sales": None, "sales_at_least": None, "sales_window": None},
            id="sales-unknown",
        ),
        pytest.param({"min_order": "3"}, {"min_order": 3}, id="min-order-as-text"),
        pytest.param({"similarity": "95%"}, {"similarity": D("0.95")}, id="similarity-percent"),
        pytest.param({"similarity": 0}, {"similarity": D(0)}, id="similarity-zero"),
        pytest.param({"similarity": None}, {"similarity": None}, id="similarity-unknown"),
        pytest.param(
            {"similarity": None, "rankScore": D("0.5")}, {"similarity": D("0.5")}, id="rank-score"
        ),
        pytest.param({"is_onsale": "false"}, {"is_onsale": False}, id="the-word-false-is-false"),
        pytest.param({"is_onsale": "是"}, {"is_onsale": True}, id="yes-in-chinese"),
        pytest.param({"is_onsale": 0}, {"is_onsale": False}, id="zero-is-no"),
        pytest.param(
            {"title": "<font color=red>凉鞋</font> 女 &amp; 男"},
            {"title": "凉鞋 女 & 男"},
            id="markup",
        ),
        pytest.param(
            {"pic_url": "//cbu01.alicdn.com/a.jpg"},
            {"pic_url": "https://cbu01.alicdn.com/a.jpg"},
            id="link-without-scheme",
        ),
        pytest.param({"cid": 1037003}, {"cid": "1037003"}, id="category-as-number"),
        pytest.param(
            {"create_time": 1713571200000},
            {"create_time": "2024-04-20T08:00:00+08:00"},
            id="time-in-milliseconds",
        ),
    ],
)
def test_an_odd_value_is_read(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    offer, unreadable = read_with_faults(**changed)
    assert {name: getattr(offer, name) for name in expected} == expected
    assert unreadable == []
    assert offer.extra == {}


@pytest.mark.parametrize(
    ("link", "is_ad", "extra"),
    [
        pytest.param("https://detail.1688.com/offer/1.html", False, False, id="ordinary"),
        pytest.param("//detail.1688.com/offer/1.html", False, False, id="without-scheme"),
        pytest.param("https://detailp4p.1688.com/offer/1.html?trace_log=p4p", True, True, id="ad"),
        pytest.param("https://dj.1688.com/ci_bb?a=1", True, True, id="counted-click"),
        pytest.param("https://elsewhere.test/1", None, True, id="elsewhere"),
        pytest.param("", None, False, id="empty"),
        pytest.param(None, None, False, id="null"),
        pytest.param(7, None, True, id="number"),
    ],
)
def test_the_link_is_rebuilt_and_an_ad_is_told_and_kept(
    link: Any, is_ad: bool | None, extra: bool
) -> None:
    offer = read(detail_url=link)
    assert offer.detail_url == EXPECTED.detail_url
    assert offer.is_ad is is_ad
    assert offer.extra == ({"detail_url": link} if extra else {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "面议"),
        ("price", -1),
        ("price", [1]),
        ("promotion_price", "25.90-35.00"),
        ("sales", "近百"),
        ("sales", -5),
        ("min_order", D("1.5")),
        ("similarity", "high"),
        ("feedback_rate", "good"),
        ("score", 101),
        ("is_onsale", "maybe"),
        ("one_stop_service", 2),
        ("pic_url", "javascript:alert(1)"),
        ("create_time", "yesterday"),
        ("title", ["a"]),
        ("price_range", "cheap"),
    ],
    ids=str,
)
def test_an_unreadable_field_is_null_kept_raw_and_named(name: str, value: Any) -> None:
    offer, unreadable = read_with_faults(**{name: value})
    assert getattr(offer, name, None) is None
    assert offer.extra == {name: value}
    assert unreadable == [name]


def test_an_unreadable_field_leaves_the_others_as_they_are() -> None:
    offer, _ = read_with_faults(score="good")
    assert (offer.price, offer.sales, offer.title) == (D("29.90"), 12580, EXPECTED.title)


def test_an_unreadable_name_of_a_field_gives_way_to_the_next_one() -> None:
    offer, unreadable = read_with_faults(similarity="high", rankScore=D("0.5"))
    assert offer.similarity == D("0.5")
    assert offer.extra == {"similarity": "high"}
    assert unreadable == ["similarity"]


def test_unknown_fields_go_to_extra_as_they_came() -> None:
    unknown = {"turnHead": "15%", "offerIdentities": ["tp_member"], "x": {"y": [1, None]}}
    assert read(**unknown).extra == unknown


def test_the_digits_of_an_unknown_number_are_kept() -> None:
    assert str(read(weight=D("1.50")).extra["weight"]) == "1.50"


def test_each_row_has_an_extra_of_its_own() -> None:
    first, second = rows_of([b'{"num_iid":"1"}', b'{"num_iid":"2"}'], [])
    assert isinstance(first, Offer)
    assert isinstance(second, Offer)
    assert first.extra is not second.extra


# rows that are none


@pytest.mark.parametrize(
    "num_iid",
    [None, "", "0", 0, "000", "abc", "12a", "-5", D("1.5"), True, [], "1" * 21],
    ids=ascii,
)
def test_a_row_without_a_usable_id_is_rejected_as_it_came(num_iid: Any) -> None:
    row = DOCUMENTED | {"num_iid": num_iid}
    assert row_of(row) == (RejectedRow(row, NO_ID), [])


def test_a_row_with_no_id_at_all_is_rejected() -> None:
    assert row_of({"title": "x"}) == (RejectedRow({"title": "x"}, NO_ID), [])


def test_a_rejected_row_names_no_field_as_unreadable() -> None:
    assert row_of({"num_iid": "abc", "score": "good"})[1] == []


@pytest.mark.parametrize("name", ["num_iid", "offerId", "item_id"])
def test_an_id_goes_by_several_names(name: str) -> None:
    offer, _ = row_of({name: 7})
    assert isinstance(offer, Offer)
    assert (offer.num_iid, offer.extra) == ("7", {})


@pytest.mark.parametrize(
    "num_iid", ["0610947572360", " 610947572360", "00610947572360", 610947572360]
)
def test_one_id_however_it_is_written(num_iid: Any) -> None:
    assert read(num_iid=num_iid) == EXPECTED


@pytest.mark.parametrize("row", [None, 7, "abc", [], [{}], True, D("1.5")], ids=ascii)
def test_what_is_no_object_is_rejected_beside_what_is(row: Any) -> None:
    read = rows_of([raw(DOCUMENTED), raw(row), raw(DOCUMENTED)], [])
    assert read == [EXPECTED, RejectedRow(row, NO_OBJECT), EXPECTED]


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param(DIGITS, DIGITS, id="5000-digits"),
        pytest.param(f"-{DIGITS}", f"-{DIGITS}", id="below-zero"),
        pytest.param("1e99999999999999999999", "1e99999999999999999999", id="exponent"),
        pytest.param("NaN", "NaN", id="nan"),
        pytest.param("-Infinity", "-Infinity", id="infinity"),
        pytest.param("[1,NaN]", [1, "NaN"], id="within-a-list"),
    ],
)
def test_what_json_cannot_hold_costs_its_field_and_no_row(value: str, kept: Any) -> None:
    whole = raw(DOCUMENTED | {"title": 'of "NaN", 7: [NaN]'})
    odd = raw(DOCUMENTED).replace(b'"score":4.8', b'"score":' + value.encode())
    unreadable: list[str] = []
    rows = rows_of([whole, odd], unreadable)
    assert [row.title for row in rows if isinstance(row, Offer)] == [
        'of "NaN", 7: [NaN]',
        EXPECTED.title,
    ]
    assert isinstance(rows[1], Offer)
    assert (rows[1].score, rows[1].extra, unreadable) == (None, {"score": kept}, ["score"])
    assert json.loads(ENCODER.encode(rows))


def test_half_a_surrogate_pair_costs_its_character() -> None:
    odd = raw(DOCUMENTED).replace("凉鞋".encode(), rb"\\ud83d\ud83d\ud83d\ude00", 1)
    assert rows_of([odd], [])[0] == replace(EXPECTED, title="夏季新款女士\\ud83d\ufffd😀")


# many rows and one

NUMBERS = (
    st.integers(-3, 10**16)
    | st.decimals(-1, 10**13, places=2)
    | st.decimals(0, 1, places=3)
    | st.sampled_from([D("0"), D("0.00"), D("1E+2"), D("1E-7"), D("1E-400"), D("99.999999"), 2**70])
    | st.floats(allow_nan=False, allow_infinity=False)
)
WORDS = st.sampled_from(
    [
        *("", " ", "-", "null", "0", "1", "29.90", " 29.90 ", "¥29.90", "29.9元", "1e3", "2E+1"),
        *("1,299.00", "25.90-35.00", "35~25.9", "+5", "05", ".5", "5.", "0x1", "1_000", "NaN"),
        *("1.1万+", "100+", "13%", "99.5%", "150%", "是", "N", "true", "false", "面议"),
        *("<b>a</b>", "a &amp; b", "a  b", "\x00a", "//a.test/b.jpg", "http://a.test/b", "ftp://x"),
        *(
            "//detail.1688.com/offer/1.html",
            "https://detailp4p.1688.com/offer/1.html?trace_log=p4p",
        ),
        *("2024-04-20", "2024-04-20 08:00:00", "20240420080000000+0800", "1713571200", "soon"),
        *(
            "1234567890123456",
            "99999999999999999999",
            "000",
            "１２",
            "\u200b",
            "Infinity",
            "\ud800",
        ),
    ]
)
VALUES = (
    NUMBERS
    | WORDS
    | st.text(max_size=8)
    | st.none()
    | st.booleans()
    | st.just([])
    | st.just({"price_min": 1})
)
CHANGES = st.dictionaries(
    st.sampled_from(
        [*DOCUMENTED, "price_min", "is_ad", "extra", "seed_id", "rankScore", "offerId", "新"]
    ),
    VALUES,
    max_size=5,
)


def as_json(row: dict[str, Any]) -> bytes:
    """Also with half a surrogate pair, which only the standard library writes."""
    return json.dumps(row, default=str).encode()


def digits_of(rows: list[Any]) -> str:
    """What they are, to the last digit."""
    return repr(rows)


@given(
    st.lists(
        st.tuples(
            st.just({}) | st.just({}) | CHANGES,
            st.sets(st.sampled_from(list(DOCUMENTED)), max_size=3),
        ),
        max_size=9,
    )
)
@example([({}, set()), ({}, set()), ({"price": "面议"}, set()), ({"num_iid": 0}, set())])
@example([({}, set()), ({"num_iid": "\ud800"}, set())])
@example([({"title": "\ud800"}, set())])
@example([({"price": D("-0.00")}, set()), ({"price": D("0.00")}, set())])
@example([({"similarity": 1}, set()), ({"similarity": True}, set()), ({"similarity": D(1)}, set())])
@example([({"rankScore": D("0.5")}, {"similarity"}), ({"rankScore": D("0.7")}, set())])
@example([({"新": 1}, set()), ({}, set()), ({}, {"unit", "cid"})])
def test_a_page_reads_like_its_rows_one_by_one(
    page: list[tuple[dict[str, Any], set[str]]],
) -> None:
    raws = [
        as_json({name: value for name, value in (DOCUMENTED | new).items() if name not in gone})
        for new, gone in page
    ]
    alone, together = list[str](), list[str]()
    expected = [row for each in raws for row in rows_of([each], alone)]
    found = rows_of(raws, together)
    assert found == expected
    assert digits_of(found) == digits_of(expected) or found == expected
    assert sorted(together) == sorted(alone)


@given(VALUES, st.sampled_from([name for name in DOCUMENTED if name != "num_iid"]))
def test_an_odd_value_touches_no_other_row_and_no_other_field(value: Any, name: str) -> None:
    odd = as_json(DOCUMENTED | {name: value})
    before, changed, after = rows_of([raw(DOCUMENTED), odd, raw(DOCUMENTED)], [])
    assert (before, after) == (EXPECTED, EXPECTED)
    assert isinstance(changed, Offer)
    touched = {
        each.name
        for each in fields(Offer)
        if getattr(changed, each.name) != getattr(EXPECTED, each.name)
    }
    assert touched <= {name, "extra", "is_ad", *ALSO.get(name, ())}


ALSO = {
    "price": ("price_min", "price_max", "price_breaks"),
    "price_range": ("price_min", "price_max", "price_breaks"),
    "sales": ("sales_at_least", "sales_window"),
}


def test_a_page_of_nothing_is_empty_before_it_is_read() -> None:
    assert RowsToRead([], SHAPE).is_empty
    assert not RowsToRead([None], SHAPE).is_empty


def test_rows_of_made_up_names_take_no_more_memory_than_they_bring() -> None:
    rows = [{"num_iid": str(n + 1)} | {f"x{n}_{i}": i for i in range(100)} for n in range(1000)]
    tracemalloc.start()
    read = read_rows(rows, SHAPE, [], Drift())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000, "a column for each name would take 800 MB"
    assert [row.extra for row in read if isinstance(row, Offer)] == [
        {name: value for name, value in row.items() if name != "num_iid"} for row in rows
    ]


@given(CHANGES)
def test_nothing_of_a_row_is_lost(changes: dict[str, Any]) -> None:
    row = decode(raw({k: v for k, v in (DOCUMENTED | changes).items() if v != "\ud800"}))
    [read_once] = read_rows([row], SHAPE, unreadable := [])
    if isinstance(read_once, RejectedRow):
        assert read_once.raw == row
        return
    known = {each.name for each in fields(Offer)} - {"extra"}
    strangers = set(row) - known - {"price_range", "rankScore", "offerId"}
    assert strangers <= set(read_once.extra)
    assert all(read_once.extra[name] == row[name] for name in set(read_once.extra) & set(row))
    assert set(read_once.extra) <= set(row)
    assert set(unreadable) - {"num_iid"} <= set(read_once.extra) | {"similarity"}
