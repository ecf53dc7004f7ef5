"""Rows to offers: as documented, odd, and none at all; the fast path agrees with the tolerant."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.gateways.json_bodies import decode
from pailitao_spider.gateways.router.rows import SHAPE, RouterRows, offer_of
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer, RejectedRow
from pailitao_spider.offers.row_reader import NO_ID, NO_OBJECT, read_row
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


def tolerant(row: Any) -> tuple[Any, list[str]]:
    unreadable: list[str] = []
    return read_row(decode(raw(row)), unreadable, shape=SHAPE), unreadable


def read(**changed: Any) -> Offer:
    """The documented row with some values changed, by the way that rows really go."""
    offer, _ = read_with_faults(**changed)
    return offer


def rows_of(raws: list[msgspec.Raw], unreadable: list[str]) -> list[Offer | RejectedRow]:
    """The rows of a page."""
    return RouterRows(msgspec.Raw(b"[" + b",".join(map(bytes, raws)) + b"]")).read(
        unreadable, Drift()
    )


def read_with_faults(**changed: Any) -> tuple[Offer, list[str]]:
    unreadable: list[str] = []
    [offer] = rows_of([msgspec.Raw(raw(DOCUMENTED | changed))], unreadable)
    assert isinstance(offer, Offer), offer
    return offer, unreadable


# as documented


def test_a_row_as_documented_is_read_by_the_fast_path() -> None:
    assert offer_of(raw(DOCUMENTED)) == EXPECTED


def test_a_row_as_documented_is_the_same_offer_on_the_tolerant_path() -> None:
    assert tolerant(DOCUMENTED) == (EXPECTED, [])


def test_the_digits_of_money_are_kept() -> None:
    offer = offer_of(raw(DOCUMENTED))
    assert offer is not None
    assert [str(each) for each in (offer.price, offer.promotion_price, offer.post_fee)] == [
        "29.90",
        "25.50",
        "5.00",
    ]


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if name != "num_iid"])
@pytest.mark.parametrize("gone", ["absent", "null"])
def test_a_documented_row_without_a_field_stays_on_the_fast_path(name: str, gone: str) -> None:
    row = {key: value for key, value in DOCUMENTED.items() if key != name}
    if gone == "null":
        row[name] = None
    offer = offer_of(raw(row))
    assert offer is not None
    assert offer == tolerant(row)[0]


def test_a_row_of_nothing_but_an_id_is_an_offer() -> None:
    offer = offer_of(b'{"num_iid":"7"}')
    assert offer == Offer("7", detail_url="https://detail.1688.com/offer/7.html")


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
    first, second = offer_of(b'{"num_iid":"1"}'), offer_of(b'{"num_iid":"2"}')
    assert first is not None
    assert second is not None
    assert first.extra is not second.extra


# rows that are none


@pytest.mark.parametrize(
    "num_iid",
    [None, "", "0", 0, "000", "abc", "12a", "-5", D("1.5"), True, [], "1" * 21],
    ids=ascii,
)
def test_a_row_without_a_usable_id_is_rejected_as_it_came(num_iid: Any) -> None:
    row = DOCUMENTED | {"num_iid": num_iid}
    [rejected] = rows_of([msgspec.Raw(raw(row))], [])
    assert rejected == RejectedRow(row, NO_ID)


def test_a_row_with_no_id_at_all_is_rejected() -> None:
    assert rows_of([msgspec.Raw(b'{"title":"x"}')], []) == [RejectedRow({"title": "x"}, NO_ID)]


def test_a_rejected_row_names_no_field_as_unreadable() -> None:
    unreadable: list[str] = []
    rows_of([msgspec.Raw(b'{"num_iid":"abc","score":"good"}')], unreadable)
    assert unreadable == []


@pytest.mark.parametrize("name", ["num_iid", "offerId", "item_id"])
def test_an_id_goes_by_several_names(name: str) -> None:
    offer, _ = tolerant({name: 7})
    assert isinstance(offer, Offer)
    assert (offer.num_iid, offer.extra) == ("7", {})


@pytest.mark.parametrize("row", [None, 7, "abc", [], [{}], True, D("1.5")], ids=ascii)
def test_what_is_no_object_is_rejected(row: Any) -> None:
    [rejected] = rows_of([msgspec.Raw(raw(row))], [])
    assert isinstance(rejected, RejectedRow)
    assert rejected.reason == NO_OBJECT
    assert rejected.raw == row or str(row) in rejected.raw


def test_a_number_beyond_all_bounds_rejects_its_row_and_no_other() -> None:
    rows = rows_of(
        [
            msgspec.Raw(b'{"num_iid":"1","x":1e99999999999999999999}'),
            msgspec.Raw(b'{"num_iid":"2"}'),
        ],
        [],
    )
    assert isinstance(rows[0], RejectedRow)
    assert isinstance(rows[1], Offer)


# the two paths

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


def same_digits(offer: Any) -> list[str]:
    return [repr(getattr(offer, each.name)) for each in fields(Offer)]


@given(changes=CHANGES, gone=st.sets(st.sampled_from(list(DOCUMENTED)), max_size=3))
@example(changes={"price": "1e3"}, gone=set())
@example(changes={"price": D("-0.00")}, gone=set())
@example(changes={"similarity": "0.5"}, gone=set())
@example(changes={"post_fee": "+5"}, gone=set())
@example(changes={"post_fee": "5."}, gone=set())
@example(changes={"score": "1_0"}, gone=set())
@example(changes={"price": "٣"}, gone=set())
def test_the_fast_path_reads_like_the_tolerant_one_or_not_at_all(
    changes: dict[str, Any], gone: set[str]
) -> None:
    row = {name: value for name, value in (DOCUMENTED | changes).items() if name not in gone}
    body = as_json(row) if "\ud800" in row.values() else raw(row)
    offer = offer_of(body)
    expected = read_row(decode(body), unreadable := [], shape=SHAPE)
    if offer is not None:
        assert offer == expected
        assert same_digits(offer) == same_digits(expected)
        assert unreadable == []


@given(st.lists(st.just({}) | st.just({}) | CHANGES, max_size=9))
@example([{}, {}, {"price": "面议"}, {}, {"num_iid": 0}])
@example([{}, {"num_iid": "\ud800"}])
@example([{"title": "\ud800"}])
def test_a_page_reads_like_its_rows_one_by_one(pages: list[dict[str, Any]]) -> None:
    """All at once where every row is as documented, one by one else."""
    raws = [msgspec.Raw(as_json(DOCUMENTED | changes)) for changes in pages]
    alone, together = list[str](), list[str]()
    expected = [row for each in raws for row in rows_of([each], alone)]
    assert rows_of(raws, together) == expected
    assert together == alone


def test_a_page_of_nothing_is_empty_before_it_is_read() -> None:
    assert RouterRows(msgspec.Raw(b"[ ]")).is_empty
    assert not RouterRows(msgspec.Raw(b"[null]")).is_empty


@given(CHANGES)
def test_nothing_of_a_row_is_lost(changes: dict[str, Any]) -> None:
    row = decode(raw({k: v for k, v in (DOCUMENTED | changes).items() if v != "\ud800"}))
    read_once = read_row(row, unreadable := [], shape=SHAPE)
    if isinstance(read_once, RejectedRow):
        assert read_once.raw == row
        return
    known = {each.name for each in fields(Offer)} - {"extra"}
    strangers = set(row) - known - {"price_range", "rankScore", "offerId"}
    assert strangers <= set(read_once.extra)
    assert all(read_once.extra[name] == row[name] for name in set(read_once.extra) & set(row))
    assert set(read_once.extra) <= set(row)
    assert set(unreadable) - {"num_iid"} <= set(read_once.extra) | {"similarity"}
