from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.errors import FieldError
from pailitao_spider.offers import values
from pailitao_spider.offers.values import Count

READERS = [
    values.money,
    values.money_range,
    values.count,
    values.rate,
    values.score,
    values.flag,
    values.text,
    values.title,
    values.link,
    values.is_ad_link,
    values.offer_id,
    values.moment,
]
EVERY_READER = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
BAD = FieldError
D = Decimal
HUGE = 10**5000
NESTED: Any = []
for _ in range(100_000):
    NESTED = [NESTED]


def check(reader: Any, raw: Any, expected: Any) -> None:
    if expected is BAD:
        with pytest.raises(FieldError) as caught:
            reader(raw)
        assert len(str(caught.value)) < 300
        assert "\n" not in str(caught.value)
        return
    found = reader(raw)
    assert found == expected
    assert str(found) == str(expected)  # 29.90 is not 29.9, True is not 1


def name(raw: Any) -> str:
    return "huge" if isinstance(raw, int) and abs(raw) > 10**100 else ascii(raw)[:40]


def table(*rows: tuple[Any, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("raw", "expected"), [pytest.param(*row, id=name(row[0])) for row in rows]
    )


@table(
    ("90.00", D("90.00")),
    (29.9, D("29.9")),
    (D("29.90"), D("29.90")),
    (D("1E+2"), D("100")),
    ("¥29.90", D("29.90")),
    ("￥ 1,299.00", D("1299.00")),
    ("29.90元", D("29.90")),
    ("１２．５０", D("12.50")),
    ("￥２９", D("29")),
    (0, D(0)),
    ("0", D(0)),
    (-0.0, D("0.0")),
    (1e-07, D("0.0000001")),
    ("999999999999.99", D("999999999999.99")),
    ("1000000000000", BAD),
    (10**12, BAD),
    ("-5", BAD),
    (-5, BAD),
    ("NaN", BAD),
    (float("nan"), BAD),
    (float("inf"), BAD),
    (D("sNaN"), BAD),
    ("1e400", BAD),
    (D("1e400"), BAD),
    (D("1e-999999"), BAD),
    (1e300, BAD),
    (5e-324, BAD),
    (HUGE, BAD),
    ("25.90-35.00", BAD),
    ("1,29", BAD),
    ("10²", BAD),
    ("¥", BAD),
    ("面议", BAD),
    (True, BAD),
    ([1], BAD),
    ({}, BAD),
)
def test_money(raw: Any, expected: Any) -> None:
    check(values.money, raw, expected)


LOW, HIGH = D("25.90"), D("35.00")


@table(
    ("25.90-35.00", (LOW, HIGH)),
    ("25.90~35.00", (LOW, HIGH)),
    ("¥25.90 - ¥35.00", (LOW, HIGH)),
    ("25.90—35.00", (LOW, HIGH)),
    ("25.90——35.00", (LOW, HIGH)),
    ("25.90－35.00", (LOW, HIGH)),
    ("25.90～35.00元", (LOW, HIGH)),
    ("35.00-25.90", (LOW, HIGH)),
    ({"min_price": 95, "max_price": 135}, (D(95), D(135))),
    ({"price_min": "9.5", "price_max": "13.5"}, (D("9.5"), D("13.5"))),
    ({"price_min": 5, "price_max": None}, (D(5), None)),
    ({"min_price": 9, "max_price": 3}, (D(3), D(9))),
    ("29.90", (D("29.90"), D("29.90"))),
    (29, (D(29), D(29))),
    ("", (None, None)),
    ("-", (None, None)),
    (None, (None, None)),
    ({}, (None, None)),
    ("25-", BAD),
    ("-25", BAD),
    ("~", BAD),
    ("1-2-3", BAD),
    ({"low": 1}, BAD),
    ({"min_price": []}, BAD),
    ([1, 2], BAD),
    (False, BAD),
)
def test_money_range(raw: Any, expected: Any) -> None:
    check(values.money_range, raw, expected)


@table(
    (803, Count(803, False)),
    ("2810", Count(2810, False)),
    ("1.1万+", Count(11_000, True)),
    ("400万+", Count(4_000_000, True)),
    ("100+", Count(100, True)),
    ("已拼: 10万+件", Count(100_000, True)),
    ("已售1.1万+件", Count(11_000, True)),
    ("月销 100+ 件", Count(100, True)),
    ("1,234", Count(1234, False)),
    ("2.5千", Count(2500, False)),
    ("1.2亿", Count(120_000_000, False)),
    ("1w+", Count(10_000, True)),
    ("1.1W+", Count(11_000, True)),
    ("3k", Count(3000, False)),
    ("１．１万＋", Count(11_000, True)),
    ("100以上", Count(100, True)),
    ("超1万", Count(10_000, True)),
    (803.0, Count(803, False)),
    ("803.0", Count(803, False)),
    (D("1E+3"), Count(1000, False)),
    (0, Count(0, False)),
    (10**15, Count(10**15, False)),
    (10**15 + 1, BAD),
    ("9999999999亿", BAD),
    (1.5, BAD),
    ("1.12345万", BAD),
    (-1, BAD),
    ("-1", BAD),
    ("近1万", BAD),
    ("100以下", BAD),
    ("10万亿", BAD),
    ("1万5千", BAD),
    ("近30天成交100", BAD),
    ("many", BAD),
    (True, BAD),
)
def test_count(raw: Any, expected: Any) -> None:
    check(values.count, raw, expected)


@table(
    ("13%", D("0.13")),
    ("99.5%", D("0.995")),
    ("0.5%", D("0.005")),
    ("９９％", D("0.99")),
    (0.93, D("0.93")),
    ("0.93", D("0.93")),
    (1, D(1)),
    (0, D(0)),
    (99.5, D("0.995")),
    (100, D("1.00")),
    (101, BAD),
    ("150%", BAD),
    ("-1%", BAD),
    (-0.1, BAD),
    ("1e400", BAD),
    (True, BAD),
)
def test_rate(raw: Any, expected: Any) -> None:
    check(values.rate, raw, expected)


@table(("5.0", D("5.0")), (4.8, D("4.8")), (100, D(100)), (100.1, BAD), (-1, BAD), ("good", BAD))
def test_score(raw: Any, expected: Any) -> None:
    check(values.score, raw, expected)


@pytest.mark.parametrize("raw", [True, "true", "TRUE", 1, "1", "是", "Y", "yes", "有", " True "])
def test_a_flag_is_true(raw: Any) -> None:
    assert values.flag(raw) is True


@pytest.mark.parametrize("raw", [False, "false", "False", 0, "0", "否", "N", "no", "无", "没有"])
def test_a_flag_is_false(raw: Any) -> None:
    assert values.flag(raw) is False


@pytest.mark.parametrize("raw", [2, -1, "maybe", "10", 0.5, [], {}, [True]])
def test_a_flag_that_is_neither_is_unreadable(raw: Any) -> None:
    check(values.flag, raw, BAD)


@table(
    ("  a\t b\n c ", "a b c"),
    ("a\x00b\x1b", "ab"),
    ("a\u200bb\ufeff", "ab"),
    ("\ud800x", "\ufffdx"),
    (12, "12"),
    (1e25, "1" + 25 * "0"),
    (D("1E+3"), "1000"),
    (D("29.90"), "29.90"),
    ("无", "无"),
    ("\x00", None),
    (" N/A ", None),
    (True, BAD),
    ([], BAD),
    ({}, BAD),
    (HUGE, BAD),
)
def test_text(raw: Any, expected: Any) -> None:
    check(values.text, raw, expected)


@table(
    ("<font color=red>运动</font>鞋", "运动鞋"),
    ("a<br/>b", "a b"),
    ("&lt;b&gt;x", "x"),
    ("&amp;lt;b&amp;gt;x", "x"),
    ("&amp;amp;amp;lt;b&gt;x", "x"),
    ("<<b>b>x", "x"),
    ("<\x00b>x", "x"),
    ("a < b", "a < b"),
    ("a &lt; b &gt; c", "a < b > c"),
    ("AT&amp;T", "AT&T"),
    ("a&nbsp;&nbsp;b", "a b"),
    ("<!-- <b>x</b> -->y", "y"),
    ("<b></b>", None),
    ("&#" + "9" * 5000 + ";", BAD),
    (50 * "<" + 50 * "b>", BAD),
    (123, "123"),
    (False, BAD),
)
def test_title(raw: Any, expected: Any) -> None:
    check(values.title, raw, expected)


@table(
    ("//cbu01.alicdn.com/a.jpg", "https://cbu01.alicdn.com/a.jpg"),
    ("http://a.com/x?y#z", "https://a.com/x?y#z"),
    ("HTTPS://a.com", "https://a.com"),
    (" https://a.com:8080/鞋.jpg ", "https://a.com:8080/鞋.jpg"),
    ("", None),
    ("null", None),
    ("/img/a.jpg", BAD),
    ("a.jpg", BAD),
    ("javascript:alert(1)", BAD),
    ("data:image/png;base64,AA", BAD),
    ("ftp://a.com/x", BAD),
    ("https://", BAD),
    ("https:///x", BAD),
    ("http://[", BAD),
    ("https://user:pw@a.com/", BAD),
    ("https://a.com/a b", BAD),
    ("https://a.com/\x00", BAD),
    ("https://a.com/\n", "https://a.com/"),
    ("https://a.com/\ud800", BAD),
    ('https://a.com/"onload=', BAD),
    ("https://" + "a" * 9000, BAD),
    (5, BAD),
    (["//a.com"], BAD),
)
def test_link(raw: Any, expected: Any) -> None:
    check(values.link, raw, expected)


@table(
    ("https://detailp4p.1688.com/offer/1.html", True),
    ("//detail.1688.com/offer/1.html?trace_log=p4p", True),
    ("https://detail.1688.com/offer/1.html?a=b&trace_log=p4p&c", True),
    ("http://dj.1688.com/ci_bb?a=1", True),
    ("https://detail.1688.com/offer/123.html", False),
    ("http://m.1688.com/offer/123.html?x", False),
    ("https://detail.1688.com/offer/1.html?to=detailp4p.1688.com", False),
    ("https://detail.1688.com.evil.com/offer/1.html", None),
    ("https://shop.1688.com/", None),
    ("offer/1.html", None),
    (None, None),
    ([], None),
)
def test_is_ad_link(raw: Any, expected: Any) -> None:
    check(values.is_ad_link, raw, expected)


@table(
    ("612345678901", "612345678901"),
    (612345678901, "612345678901"),
    (" 00123 ", "123"),
    ("9" * 20, "9" * 20),
    ("9" * 21, BAD),
    (10**20, BAD),
    (HUGE, BAD),
    ("123.0", BAD),
    (123.0, BAD),
    (-5, BAD),
    ("+5", BAD),
    ("１２３", BAD),
    ("0", BAD),
    (0, BAD),
    (True, BAD),
    (["1"], BAD),
    ("", None),
)
def test_offer_id(raw: Any, expected: Any) -> None:
    check(values.offer_id, raw, expected)


@table(
    ("2024-04-20 08:00:00", "2024-04-20T08:00:00+08:00"),
    ("2024/04/20 08:00", "2024-04-20T08:00:00+08:00"),
    ("2024-4-2", "2024-04-02"),
    ("2024-04-20", "2024-04-20"),
    ("20240420", "2024-04-20"),
    (1713571200, "2024-04-20T08:00:00+08:00"),
    ("1713571200", "2024-04-20T08:00:00+08:00"),
    (1713571200.0, "2024-04-20T08:00:00+08:00"),
    (1713571200123, "2024-04-20T08:00:00.123000+08:00"),
    ("20121222222222+0800", "2012-12-22T22:22:22+08:00"),
    ("20170126094556000+0800", "2017-01-26T09:45:56+08:00"),
    ("2024-04-20T00:00:00Z", "2024-04-20T00:00:00+00:00"),
    ("2024-04-20T00:00:00.5-03:30", "2024-04-20T00:00:00.500000-03:30"),
    ("1989-12-31", BAD),
    ("2101-01-01", BAD),
    (0, BAD),
    (-1, BAD),
    ("2024-02-30", BAD),
    ("2024-04-20 25:00", BAD),
    ("2024-04-20T00:00:00+99:00", BAD),
    ("0000-00-00 00:00:00", BAD),
    ("yesterday", BAD),
    ("²" * 10, BAD),
    (1713571200.5, BAD),
    (True, BAD),
    ([], BAD),
)
def test_moment(raw: Any, expected: Any) -> None:
    check(values.moment, raw, expected)


SAYS_NOTHING = [None, "", " ", "-", "null", "N/A", "NULL", "\t\n", "\u3000"]


@EVERY_READER
@pytest.mark.parametrize("raw", SAYS_NOTHING, ids=ascii)
def test_a_value_that_says_nothing_is_none(reader: Any, raw: Any) -> None:
    assert reader(raw) in {None, (None, None)}


def huge(unit: str) -> str:
    return (unit * (2**20 // len(unit) + 1))[: 2**20]


UNITS = [
    "<a",
    "&amp;",
    "&amp",
    "<",
    "1",
    "1,",
    " ",
    "- ",
    "x",
    "&lt;",
    "<<b>b>",
    "\u0301\u0316",
    "9.",
]


@EVERY_READER
@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_a_megabyte_is_read_or_refused(reader: Any, unit: str) -> None:
    for raw in (huge(unit), f"<a {huge(unit)}", f"1{huge(unit)}1"):
        try:
            reader(raw)
        except FieldError:
            continue


@EVERY_READER
def test_deep_nesting_is_no_value(reader: Any) -> None:
    try:
        assert reader(NESTED) is None
    except FieldError:
        return


numbers = st.integers() | st.floats() | st.decimals() | st.integers(10**4000, 10**4400)
pieces = st.text("0123456789.,-+~¥元万亿kw%<>&;#/: zZT是否\x00\ud800²１", max_size=30)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters()) | pieces,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("min_price"), inner),
    max_leaves=10,
)


# Readers are drawn, not parametrized: pytest-twisted wraps the inner test anew for each.
@given(st.sampled_from(READERS), anything)
def test_nothing_but_field_error_is_raised(reader: Any, raw: Any) -> None:
    try:
        reader(raw)
    except FieldError as error:
        message = str(error)
        assert message.isprintable()


@given(st.decimals(0, 10**12 - 1, places=2))
def test_money_keeps_every_digit(amount: D) -> None:
    for raw in (str(amount), amount, f"¥{amount:,}", f"{amount} 元"):
        assert str(values.money(raw)) == str(abs(amount))


@given(st.floats(1e-6, 999_999_999))
def test_money_reads_a_float_as_it_is_written(amount: float) -> None:
    assert values.money(amount) == D(repr(amount))


money_text = st.decimals(0, 10**6, places=2).map(abs)


@given(money_text, money_text, st.sampled_from(["-", "~", " - ", "—", "至"]))
def test_a_range_is_in_order(one: D, other: D, mark: str) -> None:
    assert values.money_range(f"{one}{mark}{other}") == (min(one, other), max(one, other))


@given(st.integers(0, 10**10), st.sampled_from(["", "+"]))
def test_a_formatted_count_is_read_back(number: int, plus: str) -> None:
    for raw in (f"{number}{plus}", f"{number:,}{plus}", f"已售{number}{plus}件"):
        assert values.count(raw) == Count(number, bool(plus))


@given(st.integers(0, 10**5))
def test_ten_thousands_are_exact(tenths: int) -> None:
    assert values.count(f"{tenths / 10}万") == Count(tenths * 1000, False)


@given(numbers | pieces)
def test_a_rate_is_a_share(raw: Any) -> None:
    try:
        share = values.rate(raw)
    except FieldError:
        return
    assert share is None or 0 <= share <= 1


@given(
    st.sampled_from([values.text, values.title, values.link]),
    st.text(st.characters()) | pieces | st.text("<b>&lt;amp#38 /", max_size=40),
)
def test_reading_twice_changes_nothing(reader: Any, raw: str) -> None:
    try:
        once = reader(raw)
    except FieldError:
        return
    assert once is None or reader(once) == once
    json.dumps(once, ensure_ascii=False).encode()


@given(st.text("<>bia&lt;gt ", max_size=40))
def test_a_title_holds_no_tag(raw: str) -> None:
    try:
        plain = values.title(raw) or ""
    except FieldError:
        return
    assert "<b>" not in plain
    assert "</b>" not in plain


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30)), st.sampled_from(["", "Z", "+08:00"])
)
def test_a_moment_is_iso_8601(known: datetime, zone: str) -> None:
    found = datetime.fromisoformat(values.moment(known.isoformat() + zone) or "")
    assert found.replace(tzinfo=None) == known
    assert found.utcoffset() is not None


@given(st.integers() | st.text("0123456789-:/ TZ+", max_size=25))
def test_whatever_is_a_moment_can_be_parsed(raw: Any) -> None:
    try:
        found = values.moment(raw)
    except FieldError:
        return
    assert found is None or 1990 <= datetime.fromisoformat(found).year <= 2100
