"""Questions asked of what was crawled: pure functions, and the laws that they keep."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.analysis import set_cover
from pailitao_spider.analysis.compare import compare, margin
from pailitao_spider.analysis.current import Current
from pailitao_spider.analysis.diff import Change, Run, changes
from pailitao_spider.analysis.feed_reader import Feeds, OfferLine, Tally, check_feeds
from pailitao_spider.analysis.find import OfferFilter, find, fits
from pailitao_spider.analysis.landed_cost import PriceRange, Terms, cost_of, unit_price
from pailitao_spider.analysis.matches import Relations
from pailitao_spider.analysis.set_cover import cover
from pailitao_spider.analysis.suppliers import Suppliers, suppliers_of
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.errors import ResultsError
from pailitao_spider.offers.model import Offer
from pailitao_spider.pipelines import fits as crawl_keeps
from pailitao_spider.results.lines import ENCODER

D = Decimal


def line(num_iid: Any = "1", **fields: Any) -> bytes:
    """A line of a feed; numbers keep their digits."""
    return ENCODER.encode({"num_iid": num_iid, "seed_id": "a", **fields}) + b"\n"


def feed(folder: Path, *lines: bytes, name: str = "offers.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


def ledger(feed_path: Path, **statuses: str) -> None:
    path = feed_path.with_name(f"{feed_path.stem}.seeds.jsonl")
    path.write_text("".join(json.dumps({"seed_id": seed, "status": status}) + "\n"
                            for seed, status in statuses.items()))  # fmt: skip


def matches(feed_path: Path, *pairs: tuple[str, str]) -> Path:
    path = feed_path.with_name(f"{feed_path.stem}.matches.jsonl")
    path.write_text("".join(json.dumps({"num_iid": num_iid, "seed_id": seed}) + "\n"
                            for num_iid, seed in pairs))  # fmt: skip
    return path


def ids(lines: Iterable[Any]) -> list[str]:
    return [each.offer.num_iid for each in lines]


# reading


def test_a_torn_line_is_counted_and_placed_and_the_others_are_read(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1"), b'{"num_iid":"2","ti\n', b"\n", line("3"), b'{"num_iid":"4"')
    feeds = Feeds([path])
    assert ids(feeds) == ["1", "3"]
    assert feeds.tally == Tally(offers=2, torn=2, first_torn=f"{path}:2")


@pytest.mark.parametrize(
    "raw",
    [b"[]", b"1", b"null", b"{}", b'{"num_iid":""}', b'{"num_iid":null}', b'{"num_iid":[1]}',
     b'{"num_iid":"1","title":"\xff"}', b'{"num_iid":"1","extra":"\xff"}', b"[" * 5000,
     b'{"num_iid":1.5}'],
    ids=lambda raw: raw[:24].decode("ascii", "replace"),
)  # fmt: skip
def test_what_is_no_offer_is_torn(tmp_path: Path, raw: bytes) -> None:
    feeds = Feeds([feed(tmp_path, raw + b"\n")])
    assert list(feeds) == []
    assert feeds.tally.torn == 1


def test_a_field_of_another_type_is_unknown_and_the_offer_is_kept(tmp_path: Path) -> None:
    odd = line(7, price={"x": 1}, min_order="12", sales=[3], title="t", similarity=True)
    feeds = Feeds([feed(tmp_path, odd)])
    ((offer, raw, _),) = feeds
    assert (offer.num_iid, offer.price, offer.min_order, offer.sales) == ("7", None, 12, None)
    assert (offer.title, offer.similarity) == ("t", None)
    assert raw == odd
    assert feeds.tally == Tally(offers=1, odd=1)


@pytest.mark.parametrize("price", ['"NaN"', '"Infinity"', "-1", "1e13", "1e999999999", '"x"'])
def test_a_price_that_is_no_amount_is_unknown(tmp_path: Path, price: str) -> None:
    ((offer, _, _),) = Feeds([feed(tmp_path, b'{"num_iid":"1","price":%s}\n' % price.encode())])
    assert offer.price is None


def test_lines_are_found_again_by_their_places(tmp_path: Path) -> None:
    one = feed(tmp_path, line("1"), b"torn\n", line("2"), name="a.jsonl")
    two = feed(tmp_path, line("3"), line("4")[:-1], name="b.jsonl")
    feeds = Feeds([one, two])
    lines = list(feeds)
    assert list(feeds.lines_at(each.place for each in lines)) == lines
    two.write_bytes(b"torn\n")
    with pytest.raises(ResultsError, match=r"b\.jsonl was changed meanwhile"):
        list(feeds.lines_at(each.place for each in lines))


def test_what_cannot_be_asked_is_said_in_one_line(tmp_path: Path) -> None:
    good = feed(tmp_path, line())
    (tmp_path / "link.jsonl").symlink_to(good)
    feed(tmp_path, name="empty.jsonl")
    feed(tmp_path, line(), name="offers.csv")
    feed(tmp_path, line(), name="offers.matches.jsonl")
    for given_, said in (
        ([], "no feed"),
        (["gone.jsonl"], "does not exist"),
        ([""], "is a folder"),
        (["empty.jsonl"], "is empty"),
        (["offers.csv"], "no .jsonl file"),
        (["offers.matches.jsonl"], "beside a feed"),
        (["offers.jsonl", "link.jsonl"], "given twice"),
    ):
        with pytest.raises(ResultsError, match=said) as raised:
            check_feeds([tmp_path / each for each in given_])
        assert "\n" not in str(raised.value)


# find

FULL = OfferLine(
    "1", title="Red LED Lamp", price=D("29.90"), similarity=D("0.95"), min_order=5, sales=9,
    one_stop_service=True, is_ad=False, seller_id="b2b-1", seller_nick="义乌 灯具厂",
    area="浙江 金华", shop_type="源头工厂", seed_id="a", title_translated="Desk light",
    repurchase_rate=D("0.15"), is_factory=True, is_patented=False, shop_years=5,
    ship_within_hours=48, dropship_price=D("31.00"),
)  # fmt: skip
FILTERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"min_similarity": D("0.95")}, {"min_similarity": D("0.951")}),
    ({"min_price": D("29.9")}, {"min_price": D("29.91")}),
    ({"max_price": D("29.90")}, {"max_price": D("29.89")}),
    ({"dropship": True}, {}),
    ({"not_ad": True}, {}),
    ({"max_moq": 5}, {"max_moq": 4}),
    ({"area": "浙江"}, {"area": "广东"}),
    ({"shop_type": "工厂"}, {"shop_type": "经销"}),
    ({"text": "lamp RED"}, {"text": "lamp blue"}),
    ({"seller": "灯具厂"}, {"seller": "b2b"}),
    ({"seller": "b2b-1"}, {"seller": "b2b-2"}),
    ({"seed": "a"}, {"seed": "A"}),
    ({"min_repurchase": D("0.15")}, {"min_repurchase": D("0.16")}),
    ({"factory": True}, {}),
    ({"not_patented": True}, {}),
    ({"min_years": 5}, {"min_years": 6}),
    ({"ship_within": 48}, {"ship_within": 47}),
    ({"max_dropship_price": D("31.00")}, {"max_dropship_price": D("30.99")}),
    ({"text": "desk LIGHT"}, {"text": "desk lamp"}),
]


@pytest.mark.parametrize(("fitting", "failing"), FILTERS, ids=lambda value: str(value))
def test_a_filter_lets_through_what_fits_and_nothing_else(
    fitting: dict[str, Any], failing: dict[str, Any]
) -> None:
    assert fits(FULL, OfferFilter(**fitting))
    assert not failing or not fits(FULL, OfferFilter(**failing))


@pytest.mark.parametrize("filters", [fitting for fitting, _ in FILTERS], ids=str)
def test_what_is_unknown_is_kept_unless_it_is_to_be_dropped(filters: dict[str, Any]) -> None:
    unknown = OfferLine("1")
    assert fits(unknown, OfferFilter(**filters))
    assert not fits(unknown, OfferFilter(**filters, keeps_unknown=False))


def test_an_advertisement_and_an_offer_without_dropship_are_told_apart() -> None:
    assert not fits(OfferLine("1", is_ad=True), OfferFilter(not_ad=True))
    assert not fits(OfferLine("1", one_stop_service=False), OfferFilter(dropship=True))


maybe_money = st.none() | st.decimals("0", "100", places=2)
maybe_share = st.none() | st.decimals("0", "1", places=2)


@given(
    price=maybe_money, low=maybe_money, high=maybe_money, similarity=maybe_share,
    dropship=st.none() | st.booleans(), least=maybe_money, most=maybe_money, alike=maybe_share,
    only=st.booleans(), unknown=st.sampled_from(["keep", "drop"]),
)  # fmt: skip
def test_find_keeps_what_the_crawl_would_have_kept(
    price: Any, low: Any, high: Any, similarity: Any, dropship: Any, least: Any, most: Any,
    alike: Any, only: bool, unknown: Any,
) -> None:  # fmt: skip
    fields = {"price": price, "price_min": low, "price_max": high, "similarity": similarity,
              "one_stop_service": dropship}  # fmt: skip
    limits = {"min_price": least, "max_price": most, "min_similarity": alike}
    crawl = Arguments(**limits, dropship_only=only, unknown=unknown)
    wanted = OfferFilter(**limits, dropship=only, keeps_unknown=unknown == "keep")
    assert fits(OfferLine("1", **fields), wanted) == crawl_keeps(Offer("1", **fields), crawl)


@pytest.mark.parametrize(
    ("sort", "order"),
    [("price", "2415 3"), ("sales", "5124 3"), ("similarity", "1254 3"), (None, "12345")],
)
def test_the_best_comes_first_and_the_unknown_last(
    tmp_path: Path, sort: str | None, order: str
) -> None:
    path = feed(
        tmp_path,
        line("1", price=D("9.10"), sales=7, similarity=D("0.9")),
        line("2", price=D("1.00"), sales=5, similarity=D("0.8")),
        line("3"),
        line("4", price_min=D("1.00"), sales=0, similarity=D("0.1")),
        line("5", price=D("10.00"), sales=100000, similarity=D("0.5")),
    )
    wanted = list(order.replace(" ", ""))
    assert ids(find(Feeds([path]), OfferFilter(), sort)) == wanted
    for limit in range(1, 7):
        assert ids(find(Feeds([path]), OfferFilter(), sort, limit)) == wanted[:limit]


def test_a_found_line_stands_as_it_stood(tmp_path: Path) -> None:
    raw = '{"num_iid":"1","price":29.90,"extra":{"更":[1.10,null]},  "new_field":1e2}\n'.encode()
    (found,) = find(Feeds([feed(tmp_path, raw)]), OfferFilter(max_price=D(30)), "price")
    assert found.raw == raw


def test_a_match_with_the_seed_counts_with_its_own_similarity() -> None:
    wanted = OfferFilter(seed="b", min_similarity=D("0.9"), sighted={"1": D("0.97"), "2": D("0.5")})
    assert fits(OfferLine("1", seed_id="a", similarity=D("0.1")), wanted)
    assert not fits(OfferLine("2", seed_id="a", similarity=D("0.99")), wanted)
    assert not fits(OfferLine("3", seed_id="a", similarity=D("0.99")), wanted)


# prices


@pytest.mark.parametrize(
    ("fields", "quantity", "span", "lacks"),
    [
        ({"price": "5", "min_order": 1}, 1, ("5", "5"), ()),
        ({"price": "5"}, 1, ("5", "5"), ("min_order",)),
        ({"price": "5", "min_order": 10}, 9, (None, None), ("quantity",)),
        ({"price_min": "3", "price_max": "5", "min_order": 2}, 50, ("3", "5"), ()),
        ({"price_min": "3", "price_max": "5", "min_order": 2}, 2, ("5", "5"), ()),
        ({"price": "5", "price_min": "3", "price_max": "5", "min_order": 1}, 9, ("3", "5"), ()),
        ({"price": "5", "promotion_price": "4", "min_order": 1}, 1, ("4", "5"), ()),
        ({"price": "5", "promotion_price": "6", "min_order": 1}, 1, ("5", "5"), ()),
        ({"promotion_price": "4", "min_order": 1}, 1, ("4", None), ("upper_price",)),
        ({"price_min": "4", "min_order": 1}, 1, ("4", None), ("upper_price",)),
        ({"price_max": "4", "min_order": 1}, 2, (None, "4"), ("lower_price",)),
        (
            {"price_max": "4", "promotion_price": "4", "min_order": 1},
            2,
            (None, "4"),
            ("lower_price",),
        ),
        ({}, 1, (None, None), ("price", "min_order")),
        ({"price": "0.00", "min_order": 1}, 1, (None, None), ("price",)),
        ({"price_min": "5", "price_max": "3", "min_order": 1}, 9, ("3", "5"), ()),
        ({"price": "5", "min_order": 1, "is_onsale": False}, 1, (None, None), ("on_sale",)),
    ],
)
def test_a_unit_price_is_what_is_known_and_says_what_is_not(
    fields: dict[str, Any], quantity: int, span: tuple[Any, Any], lacks: tuple[str, ...]
) -> None:
    known = {name: D(value) if isinstance(value, str) else value for name, value in fields.items()}
    expected = PriceRange(*(None if end is None else D(end) for end in span))
    assert unit_price(OfferLine("1", **known), quantity) == (expected, lacks)


def test_the_landed_cost_is_goods_postage_freight_and_duty_on_all() -> None:
    offer = OfferLine("1", price=D("20"), post_fee=D("10"), min_order=1)
    terms = Terms(quantity=10, rate=D("0.14"), freight=D("1.06"), duty=D("10"))
    assert cost_of(offer, terms).landed.worst == (D("21") * D("0.14") + D("1.06")) * D("1.1")


def test_unknown_postage_leaves_the_landed_cost_unknown_unless_one_is_given() -> None:
    offer = OfferLine("1", price=D("20"), min_order=1)
    cost = cost_of(offer, Terms())
    assert (cost.unit, cost.landed, cost.lacks) == (
        PriceRange(D(20), D(20)),
        PriceRange(),
        ("postage",),
    )
    assert cost_of(offer, Terms(postage=D(8))).landed == PriceRange(D(28), D(28))


offer_lines = st.builds(
    OfferLine, st.just("1"), price=maybe_money, promotion_price=maybe_money,
    price_min=maybe_money, price_max=maybe_money, post_fee=maybe_money,
    min_order=st.none() | st.integers(1, 50), is_onsale=st.none() | st.booleans(),
)  # fmt: skip
terms_given = st.builds(
    Terms,
    st.integers(1, 100),
    st.decimals("0.01", "9", places=2),
    st.decimals("0", "9", places=2),
    st.decimals("0", "99", places=1),
    maybe_money,
)
_DEARER = st.sampled_from(["rate", "freight", "duty", "postage"])


@given(offer_lines, terms_given, _DEARER, st.decimals("0", "9", places=2))
def test_dearer_terms_never_land_cheaper(
    offer: OfferLine, terms: Terms, name: str, more: Decimal
) -> None:
    dearer_terms = Terms(
        **{field: getattr(terms, field) for field in Terms.__slots__}
        | {name: (getattr(terms, name) or 0) + more}
    )
    cost, dearer = cost_of(offer, terms), cost_of(offer, dearer_terms)
    for before, after in zip(cost.landed, dearer.landed, strict=True):
        assert before is None or (after is not None and after >= before)


@given(offer_lines, terms_given)
def test_the_worst_case_is_never_below_the_best_and_what_is_missing_is_named(
    offer: OfferLine, terms: Terms
) -> None:
    cost = cost_of(offer, terms)
    if None not in cost.landed:
        assert cost.landed.best <= cost.landed.worst  # type: ignore[operator]
    if None in cost.landed:
        assert set(cost.lacks) - {"min_order"}


@given(offer_lines, terms_given, st.integers(0, 100))
def test_more_pieces_never_cost_more_each(offer: OfferLine, terms: Terms, more: int) -> None:
    larger = Terms(terms.quantity + more, terms.rate, terms.freight, terms.duty, terms.postage)
    few, many = cost_of(offer, terms).landed, cost_of(offer, larger).landed
    assert few.worst is None or (many.worst is not None and many.worst <= few.worst)


def test_the_margin_is_best_where_the_cost_is() -> None:
    assert margin(D(10), PriceRange(D(4), D(7))) == PriceRange(D(6), D(3))
    assert margin(D(10), PriceRange(D(4), None)) == PriceRange(D(6), None)
    assert margin(None, PriceRange(D(4), D(7))) == PriceRange()


# compare


def compared(path: Path, terms: Terms | None = None, **more: Any) -> list[Any]:
    beside = path.with_name("offers.matches.jsonl")
    with closing(Relations([beside] if beside.exists() else [], Tally())) as relations:
        feeds = Current([path])
        extras = feeds.extras
        return list(compare(feeds, relations, terms or Terms(), extras=extras, **more))


def test_offers_of_a_seed_are_sorted_by_landed_cost_with_the_unknown_last(tmp_path: Path) -> None:
    free = {"post_fee": 0, "min_order": 1}
    path = feed(
        tmp_path,
        line("none", **free),
        line("dear", price=9, **free),
        line("few", price=1, post_fee=0, min_order=100),
        line("range", price_min=1, price_max=8, **free),
        line("posted", price=1, min_order=1),
        line("half", price_min=2, **free),
        line("cheap", price=7, **free),
        line("other", price=1, **free, seed_id="b"),
    )
    one, two = compared(path, Terms(quantity=2))
    order = ["cheap", "range", "dear", "half", "posted", "none", "few"]
    assert [each.offer.num_iid for each in one.choices] == order
    assert (one.seed_id, one.offers, one.landed) == ("a", 7, 3)
    assert [each.offer.num_iid for each in two.choices] == ["other"]
    (top, _) = compared(path, Terms(quantity=2), top=2)
    assert [each.offer.num_iid for each in top.choices] == order[:2]


@pytest.mark.parametrize(
    ("given_", "price", "unread"),
    [(12.5, D("12.5"), None), ("12.50", D("12.50"), None), ("12 USD", None, "12 USD"),
     ("", None, None), (None, None, None), ("-3", None, "-3"), ("NaN", None, "NaN")],
)  # fmt: skip
def test_the_selling_price_comes_from_the_seed_file(
    tmp_path: Path, given_: Any, price: Any, unread: Any
) -> None:
    path = feed(tmp_path, line(price=5, post_fee=0, min_order=1, seed_extra={"sell_price": given_}))
    (seed,) = compared(path)
    assert (seed.sell_price, seed.unread_sell_price) == (price, unread)
    assert seed.choices[0].margin.worst == (None if price is None else price - 5)


def test_an_offer_stands_under_every_seed_that_the_matches_give_it(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", price=1), line("2", seed_id="b", similarity=D("0.2")))
    matches(path, ("1", "b"), ("1", "a"), ("9", "b"))
    seeds = {each.seed_id: [one.offer.num_iid for one in each.choices] for each in compared(path)}
    assert seeds == {"a": ["1"], "b": ["1", "2"]}
    seeds = {each.seed_id: each.offers for each in compared(path, min_similarity=D("0.9"))}
    assert seeds == {"a": 1, "b": 1}


def test_an_offer_whose_seed_only_the_matches_know_stands_under_that(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seed_id=None), line("2", seed_id=None))
    matches(path, ("1", "b"))
    seeds = {each.seed_id: [one.offer.num_iid for one in each.choices] for each in compared(path)}
    assert seeds == {"b": ["1"], None: ["2"]}


def test_an_offer_that_stands_twice_in_a_feed_is_one_choice(tmp_path: Path) -> None:
    (seed,) = compared(feed(tmp_path, line("1", price=3), line("1", price=3), line("2")))
    assert [each.offer.num_iid for each in seed.choices] == ["1", "2"]


# suppliers

Sets = list[set[int]]
families = st.lists(st.sets(st.integers(0, 8), min_size=1), min_size=1, max_size=7)


def smallest(sets: Sets, target: int) -> int:
    return next(
        size
        for size in range(len(sets) + 1)
        for some in combinations(sets, size)
        if len(set().union(*some)) >= target
    )


def arrays(sets: Sets) -> list[np.ndarray]:
    return [np.array(sorted(each), dtype=np.int64) for each in sets]


@given(families, st.integers(0, 9))
def test_on_small_inputs_no_smaller_set_of_suppliers_exists(sets: Sets, target: int) -> None:
    found = cover(arrays(sets), 9, target)
    union = set().union(*sets)
    covered = set().union(*(sets[index] for index in found.picks))
    assert found.covered == len(covered) >= min(target, len(union))
    assert found.is_smallest
    assert len(found.picks) == smallest(sets, min(target, len(union)))


@given(families, st.integers(1, 9))
def test_greedy_covers_and_is_within_its_bound(sets: Sets, target: int) -> None:
    target = min(target, len(set().union(*sets)))
    picks = set_cover._greedy(arrays(sets), 9, target)
    assert len(set().union(*(sets[index] for index in picks))) >= target
    harmonic = sum(1 / n for n in range(1, max(map(len, sets)) + 1))
    assert harmonic <= 1 + math.log(max(map(len, sets)))
    assert len(picks) <= harmonic * smallest(sets, target) + 1e-9


def test_the_exact_search_beats_greedy_where_greedy_is_known_to_err() -> None:
    sets = [{0, 1, 2, 3, 7, 8, 9, 10}, set(range(7)), set(range(7, 14)), {4, 5, 11, 12}, {6, 13}]
    assert len(set_cover._greedy(arrays(sets), 14, 14)) == 3
    found = cover(arrays(sets), 14, 14)
    assert (sorted(found.picks), found.gains, found.is_smallest) == ([1, 2], (7, 7), True)
    found = cover(arrays([*sets, {14}]), 15, 14)
    assert (sorted(found.picks), found.is_smallest) == ([1, 2], True)


def test_a_large_input_is_covered_greedily_and_says_so() -> None:
    rng = random.Random(5)
    sets = [set(rng.sample(range(1000), rng.randint(1, 40))) for _ in range(500)]
    found = cover(arrays(sets), 1000, 900)
    assert not found.is_smallest
    assert len(set().union(*(sets[index] for index in found.picks))) == found.covered >= 900
    assert list(found.gains) == sorted(found.gains, reverse=True)


def test_a_search_that_would_take_too_long_is_given_up() -> None:
    rng = random.Random(3)
    sets = [set(rng.sample(range(200), 9)) for _ in range(400)]
    found = cover(arrays(sets), 200, 200)
    assert found.covered >= len(set().union(*sets)) * 0.99
    assert not found.is_smallest


def supplied(path: Path, share: str = "1", known: Iterable[str] = ()) -> Suppliers:
    beside = path.with_name("offers.matches.jsonl")
    with closing(Relations([beside] if beside.exists() else [], Tally())) as relations:
        return suppliers_of(Feeds([path]), relations, D(share), known)


def test_suppliers_come_by_the_seeds_they_have_and_what_they_ask(tmp_path: Path) -> None:
    path = feed(
        tmp_path,
        line("1", seller_id="s1", seller_nick="One", price=D(30), score=4, one_stop_service=True),
        line("2", seller_id="s1", price=D(10), seed_id="b", area="浙江", score=5),
        line("3", seller_nick="Two", price=D(10), one_stop_service=False),
        line("4", seller_id="s3", price=D(20)),
        line("5", seller_id="s3", seed_id="b"),
        line("6"),
        line("7", seller_id="", seller_nick=""),
    )
    found = supplied(path)
    assert [(each.name, each.seeds, each.offers) for each in found.ranked] == [
        ("s3", 2, 2), ("One", 2, 2), ("Two", 1, 1)]  # fmt: skip
    one = found.ranked[1]
    assert (one.area, one.score, one.dropship, one.dropship_unknown) == ("浙江", D("4.5"), 1, 1)
    assert [each.price_level for each in found.ranked] == [D(1), D("1.25"), D("0.5")]
    assert (found.nameless, found.nameless_count) == (("6", "7"), 2)
    assert (found.cover.picks, found.seeds, found.is_reached) == ((0,), 2, True)


def test_seeds_without_an_offer_stay_uncovered_and_are_named(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s1"), line("2", seed_id="b"))
    found = supplied(path, known=["a", "c"])
    assert (found.seeds, found.target, found.cover.covered) == (3, 3, 1)
    assert (found.uncovered, found.is_reached) == (("c", "b"), False)
    assert supplied(path, "0.3", known=["a", "c"]).is_reached


@pytest.mark.parametrize("more", [{"seller_id": "s"}, {}], ids=["a seller", "nobody"])
def test_offers_of_no_known_seed_cover_nothing(tmp_path: Path, more: dict[str, Any]) -> None:
    found = supplied(feed(tmp_path, line("1", seed_id=None, price=3, **more)))
    assert (found.seeds, found.cover.picks, found.is_reached) == (0, (), True)
    assert [each.price_level for each in found.ranked] == [None] * len(more)


def test_matches_tell_of_more_seeds_than_the_offers(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s1"), line("2", seller_id="s2", seed_id="b"))
    matches(path, ("1", "b"), ("1", "a"))
    found = supplied(path)
    assert [(each.name, each.seeds) for each in found.ranked] == [("s1", 2), ("s2", 1)]


# diff


def differences(*paths: Path, misses: int = 2) -> dict[str, Change]:
    return {each.num_iid: each for each in changes([Run(path) for path in paths], misses)}


def kinds(*paths: Path, misses: int = 2) -> dict[str, str]:
    return {num_iid: each.kind for num_iid, each in differences(*paths, misses=misses).items()}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"price": D("29.90")}, {"price": D("28.90")}, {"price": (D("29.90"), D("28.90"))}),
        ({"price": D("29.90")}, {"price": D("29.9")}, {}),
        ({"price": D("29.90")}, {}, {}),
        ({}, {"price": D("29.90"), "sales": 3, "seller_id": "s"}, {}),
        ({"price": D(5)}, {"price_min": D(4), "price_max": D(6)}, {}),
        ({"price": D(5)}, {"price_min": D(6), "price_max": D(9)}, {"price": ("5", "6-9")}),
        ({"price_min": D(3), "price_max": D(5)}, {"price_min": D("3.0"), "price_max": D(6)},
         {"price": ("3-5", "3-6")}),
        ({"price_min": D(3), "price_max": D(5)}, {"price_min": D(3), "price_max": D(5),
                                                  "price": D(5)}, {}),
        ({"price": D(5), "price_min": D(3)}, {"price": D(5), "price_min": D(2)},
         {"price_min": (D(3), D(2))}),
        ({"min_order": 2}, {"min_order": 10}, {"min_order": (2, 10)}),
        ({"sales": 2, "sales_window": "30d"}, {"sales": 9, "sales_window": "30d"},
         {"sales": (2, 9)}),
        ({"sales": 2, "sales_window": "30d"}, {"sales": 9, "sales_window": "total"}, {}),
        ({"sales": 900, "sales_at_least": True}, {"sales": 946, "sales_at_least": False}, {}),
        ({"sales": 946}, {"sales": 900, "sales_at_least": True}, {}),
        ({"sales": 900, "sales_at_least": True}, {"sales": 870}, {"sales": (900, 870)}),
        ({"sales": 900, "sales_at_least": True}, {"sales": 1000, "sales_at_least": True},
         {"sales": (900, 1000)}),
        ({"seller_id": "s", "seller_nick": "S"}, {"seller_id": "t", "seller_nick": "S"},
         {"seller": ("s", "t")}),
        ({"seller_id": "s", "seller_nick": "S"}, {"seller_nick": "S"}, {}),
        ({"is_onsale": True}, {"is_onsale": False}, {"is_onsale": (True, False)}),
        ({"title": "a"}, {"title": "b"}, {}),
    ],
)  # fmt: skip
def test_a_change_is_between_two_known_values(
    tmp_path: Path, old: dict[str, Any], new: dict[str, Any], told: dict[str, Any]
) -> None:
    before = feed(tmp_path, line("1", **old), name="1.jsonl")
    after = feed(tmp_path, line("1", **new), name="2.jsonl")
    found = differences(before, after)
    assert {name: dict(each.fields) for name, each in found.items()} == (
        {"1": told} if told else {}
    )


def runs_of(folder: Path, *runs: str) -> list[Path]:
    """Each run's offers, one a letter; all of seed `a`, all done."""
    paths = []
    for number, offers in enumerate(runs):
        lines = [line(each) for each in offers]
        paths.append(feed(folder, *lines, name=f"{number}.jsonl"))
        ledger(paths[-1], a="done")
    return paths


def test_an_offer_is_vanished_when_so_many_runs_lack_it(tmp_path: Path) -> None:
    paths = runs_of(tmp_path, "xyz", "xy", "xw", "xw")
    assert kinds(*paths) == {"y": "vanished", "z": "vanished"}
    assert kinds(*paths, misses=3) == {"y": "missed", "z": "vanished"}
    assert kinds(*paths[:3]) == {"w": "new", "y": "missed", "z": "vanished"}
    assert kinds(*paths[:2]) == {"z": "missed"}
    assert kinds(*paths[:2], misses=1) == {"z": "vanished"}


@pytest.mark.parametrize("status", ["failed", "partial", None])
def test_a_seed_that_was_not_searched_to_its_end_makes_nothing_vanish(
    tmp_path: Path, status: str | None
) -> None:
    paths = runs_of(tmp_path, "xy", "x", "x")
    ledger(paths[1], **({"a": status} if status else {"other": "done"}))
    assert kinds(*paths) == {"y": "missed"}
    assert kinds(*paths, misses=1) == {"y": "vanished"}
    ledger(paths[2], **({"a": status} if status else {"other": "done"}))
    assert kinds(*paths, misses=1) == {}


def test_an_offer_of_two_seeds_vanishes_only_when_both_were_searched(tmp_path: Path) -> None:
    paths = runs_of(tmp_path, "xy", "x")
    matches(paths[0], ("y", "b"), ("y", "a"))
    ledger(paths[1], a="done", b="failed")
    assert kinds(*paths, misses=1) == {}
    ledger(paths[1], a="done", b="empty")
    assert kinds(*paths, misses=1) == {"y": "vanished"}


def test_the_last_line_of_a_seed_in_the_ledger_holds(tmp_path: Path) -> None:
    paths = runs_of(tmp_path, "xy", "x")
    with (tmp_path / "1.seeds.jsonl").open("a") as file:
        file.write('{"seed_id":"a","status":"partial"}\n')
    assert kinds(*paths, misses=1) == {}


def test_a_run_without_a_ledger_is_held_to_be_whole(tmp_path: Path) -> None:
    paths = runs_of(tmp_path, "xy", "x")
    (tmp_path / "1.seeds.jsonl").unlink()
    assert kinds(*paths, misses=1) == {"y": "vanished"}


def test_what_changed_is_told_against_the_last_run_that_had_it(tmp_path: Path) -> None:
    prices = (D(1), D(2), None, D(3))
    paths = [
        feed(tmp_path, line("x"), *([] if price is None else [line("1", price=price)]),
             name=f"{number}.jsonl")
        for number, price in enumerate(prices)
    ]  # fmt: skip
    assert differences(*paths)["1"].fields == {"price": (D(2), D(3))}


def test_a_run_without_any_offer_is_refused(tmp_path: Path) -> None:
    paths = [feed(tmp_path, line(), name="1.jsonl"), feed(tmp_path, b"torn\n", name="2.jsonl")]
    with pytest.raises(ResultsError, match="no offer in it"):
        differences(*paths)


maybe_text = st.none() | st.text("ab", max_size=2)
feed_lines = st.lists(
    st.fixed_dictionaries(
        {"num_iid": st.sampled_from("12345"), "seed_id": maybe_text, "price": maybe_money,
         "price_min": maybe_money, "price_max": maybe_money, "sales": st.none() | st.integers(0, 5),
         "seller_id": maybe_text, "seller_nick": maybe_text, "is_onsale": st.none() | st.booleans()}
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(feed_lines)
def test_a_feed_does_not_differ_from_itself(tmp_path: Path, offers: list[dict[str, Any]]) -> None:
    path = feed(tmp_path, *(ENCODER.encode(each) + b"\n" for each in offers))
    assert differences(path, path, path) == {}


@given(feed_lines, feed_lines)
def test_new_and_gone_are_each_others_mirror(
    tmp_path: Path, one: list[dict[str, Any]], two: list[dict[str, Any]]
) -> None:
    a, b = (
        feed(tmp_path, *(ENCODER.encode(each) + b"\n" for each in offers), name=name)
        for name, offers in (("a.jsonl", one), ("b.jsonl", two))
    )
    there, back = kinds(a, b, misses=1), kinds(b, a, misses=1)
    mirror = {"new": "vanished", "vanished": "new", "changed": "changed"}
    assert back == {num_iid: mirror[kind] for num_iid, kind in there.items()}


@given(feed_lines, st.sampled_from([None, "price", "sales"]), st.integers(1, 9))
def test_find_without_filters_gives_each_line_once(
    tmp_path: Path, offers: list[dict[str, Any]], sort: Any, limit: int
) -> None:
    lines = [ENCODER.encode(each) + b"\n" for each in offers]
    path = feed(tmp_path, *lines)
    found = [each.raw for each in find(Feeds([path]), OfferFilter(), sort)]
    assert sorted(found) == sorted(lines)
    assert [each.raw for each in find(Feeds([path]), OfferFilter(), sort, limit)] == found[:limit]


def test_every_field_that_is_read_is_one_of_the_schema() -> None:
    newer = {"visual_similarity", "currency", "weight_kg", "price_breaks"}
    assert set(OfferLine.__struct_fields__) - newer <= set(Offer.__slots__)
