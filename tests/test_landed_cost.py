"""Sums that respect their words, held against a reckoning of the tests' own."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pailitao_spider.analysis.feed_reader import Feeds, OfferLine
from pailitao_spider.analysis.landed_cost import cost_of, unit_price
from pailitao_spider.analysis.postage import basis_of
from pailitao_spider.analysis.terms import Terms, read_terms
from pailitao_spider.analysis.units import measure_of
from pailitao_spider.errors import ConfigError
from pailitao_spider.offers.values.prices import PriceRange
from tests.test_question_verbs import Ask, ask
from tests.test_questions import feed, ledger, line

__all__ = ["ask"]

D = Decimal


# postage


@pytest.mark.parametrize(
    ("template", "basis"),
    [
        ("包邮", "free"), ("全国包邮", "free"), ("卖家承担运费", "free"), ("Free shipping", "free"),
        ("不包邮", "unknown"), ("满99元包邮", "free_from"), ("部分地区包邮", "free_from"),
        ("按件计费", "piece"), ("按件数", "piece"), ("by piece", "piece"),
        ("按重量计费", "weight"), ("按重量", "weight"), ("按体积计费", "volume"),
        ("按单计费", "order"), ("一口价", "order"), (None, "unknown"), ("运费模板A", "unknown"),
    ],
)  # fmt: skip
def test_words_of_a_freight_template_say_what_its_fee_is_for(
    template: str | None, basis: str
) -> None:
    assert basis_of(template) == basis


@pytest.mark.parametrize(
    ("fields", "best", "worst", "lacks"),
    [
        ({"freight_template": "包邮", "post_fee": D(8)}, "24", "24", ()),
        ({"freight_template": "包邮"}, "24", "24", ()),
        ({"freight_template": "按件计费", "post_fee": D(8)}, "24.16", "32", ()),
        ({"freight_template": "按重量计费", "post_fee": D(8)}, "24.16", "32",
         ("postage_by_weight",)),
        ({"freight_template": "按重量计费", "post_fee": D(8), "weight_kg": D("2.2")},
         "24.16", "48", ()),
        ({"freight_template": "按重量计费", "post_fee": D(0)}, "24", "24", ()),
        ({"freight_template": "按单计费", "post_fee": D(8)}, "24.16", "24.16", ()),
        ({"post_fee": D(8)}, "24.16", "24.16", ()),
        ({"freight_template": "按件计费"}, None, None, ("postage",)),
        ({"freight_template": "满99包邮", "post_fee": D(8)}, "24", "32", ("postage_free_from",)),
    ],
)  # fmt: skip
def test_postage_is_what_its_words_say(
    fields: dict[str, Any], best: str | None, worst: str | None, lacks: tuple[str, ...]
) -> None:
    cost = cost_of(OfferLine("1", price=D(24), min_order=1, **fields), Terms(quantity=50))
    assert cost.landed == PriceRange(*(None if end is None else D(end) for end in (best, worst)))
    assert cost.lacks == lacks


def test_a_fee_without_words_is_a_pieces_where_the_buyer_says_so() -> None:
    offer = OfferLine("1", price=D(24), min_order=1, post_fee=D(8))
    assert cost_of(offer, Terms(quantity=50, postage_per_piece=True)).landed.worst == D(32)


# units


@pytest.mark.parametrize(
    ("unit", "title", "pieces", "piece"),
    [
        ("箱", "马克杯 48个/箱", 48, "个"), ("箱", "马克杯 每箱48只", 48, "个"),
        ("箱", "马克杯 48 个／箱", 48, "个"), ("箱", "马克杯", 1, "箱"),
        ("箱", "24个/箱 或 48个/箱", 1, "箱"), ("箱", "6个/盒", 1, "箱"),
        ("箱(48个)", None, 48, "个"),
        ("48个/箱", None, 48, "个"), ("打", "x", 12, "个"), ("件", "啤酒 24瓶/件", 24, "瓶"),
        ("件", "T恤", 1, "个"), ("只", "48个/箱", 1, "个"), ("box", "mug 48pcs/box", 48, "个"),
        ("百个", None, 100, "个"), ("双", "袜子 10双/包", 1, "双"),
        ("包", "袜子 10双/包", 10, "双"),
        (None, "48个/箱", 1, None), ("", "x", 1, None), ("套", "4个/套", 4, "个"),
    ],
)  # fmt: skip
def test_a_pack_is_read_where_the_row_says_what_it_holds(
    unit: str | None, title: str | None, pieces: int, piece: str | None
) -> None:
    measure = measure_of(unit, title)
    assert (measure.pieces, measure.piece) == (pieces, piece)


def test_packs_are_ranked_by_the_piece_and_other_units_after_and_marked(
    ask: Ask, tmp_path: Path
) -> None:
    free = {"post_fee": 0, "min_order": 1}
    feed(
        tmp_path,
        line("box", price=120, unit="箱", title="马克杯 48个/箱", **free),
        line("one", price=5, unit="个", **free),
        line("more", price=6, unit="只", **free),
        line("dozen", price=36, unit="打", **free),
        line("set", price=1, unit="套", **free),
        line("what", price="5.50", **free),
    )
    told = ask("compare", "offers.jsonl", "--quantity", "50", "--json")
    *choices, summary = told.lines
    assert [(each["num_iid"], each["landed_worst"]) for each in choices] == [
        ("box", D("2.5")), ("dozen", 3), ("one", 5), ("what", D("5.5")), ("more", 6), ("set", 1),
    ]  # fmt: skip
    assert [each["unknown"] for each in choices[3:]] == [["unit_unknown"], [], ["unit"]]
    assert (choices[0]["unit"], choices[0]["unit_worst"], choices[0]["pieces"]) == ("箱", 120, 96)
    assert summary["other_units"] == 1
    table = ask("compare", "offers.jsonl", "--quantity", "50").out
    assert "箱 = 48 个" in table
    assert "1 offer sold by another unit than 个" in table


# one price


def laddered(**fields: Any) -> OfferLine:
    raw = line("1", price_breaks=[{"min_quantity": 100, "price": D(3)},
                                  {"min_quantity": 2, "price": D(5)}], **fields)  # fmt: skip
    path = Path("/dev/null")
    return Feeds([path])._offer(raw) or OfferLine("")


@pytest.mark.parametrize(
    ("quantity", "span", "lacks"),
    [(1, (None, None), ("quantity",)), (2, (5, 5), ()), (99, (5, 5), ()), (100, (3, 3), ())],
)
def test_prices_by_quantity_decide_where_there_are_some(
    quantity: int, span: tuple[Any, Any], lacks: tuple[str, ...]
) -> None:
    assert unit_price(laddered(price=D(5)), quantity) == (PriceRange(*span), lacks)


def test_a_ladder_that_cannot_be_read_is_unknown() -> None:
    raw = line("1", price=5, price_breaks=[{"min_quantity": "x"}], min_order=1)
    offer = Feeds([Path("/dev/null")])._offer(raw)
    assert offer is not None
    assert unit_price(offer, 500)[0] == PriceRange(D(5), D(5))


PROMOTED = line("3001", price=D("52.60"), price_min=D("44.71"), price_max=D("52.60"),
                promotion_price=D("47.34"), min_order=1, post_fee=0)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--max-price", "50"], 1), (["--max-price", "44.71"], 1), (["--max-price", "44"], 0),
        (["--min-price", "52.60"], 1), (["--min-price", "53"], 0),
        (["--max-price", "47", "--quantity", "1"], 0),
        (["--max-price", "48", "--quantity", "1"], 1),
        (["--max-price", "45", "--quantity", "2"], 1),
    ],
)  # fmt: skip
def test_find_drops_nothing_that_compare_would_call_as_cheap(
    ask: Ask, tmp_path: Path, words: list[str], found: int
) -> None:
    feed(tmp_path, PROMOTED)
    assert len(ask("find", "offers.jsonl", *words).lines) == found


def test_a_price_of_another_currency_is_never_taken_for_yuan(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1", price=5, currency="USD", post_fee=0, min_order=1),
         line("2", price=20, currency="CNY", post_fee=0, min_order=1))  # fmt: skip
    assert len(ask("find", "offers.jsonl", "--max-price", "10", "--unknown", "drop").lines) == 0
    order = [each.get("num_iid") for each in ask("find", "offers.jsonl", "--sort", "price").lines]
    assert order == ["2", "1"]
    yuan, dollar, _ = ask("compare", "offers.jsonl", "--rate", "0.14", "--json").lines
    assert (yuan["num_iid"], dollar["unknown"], dollar["landed_worst"]) == ("2", ["currency"], None)
    assert dollar["currency"] == "USD"
    first, *_ = ask(
        "compare", "offers.jsonl", "--rate", "0.14", "--currency", "usd", "--json"
    ).lines
    assert (first["num_iid"], first["landed_worst"]) == ("2", D("2.8"))


# newest line


@pytest.mark.parametrize("order", [("m1", "m2"), ("m2", "m1")])
def test_the_newest_line_of_an_offer_counts_whatever_file_is_named_first(
    ask: Ask, tmp_path: Path, order: tuple[str, str]
) -> None:
    more = {"post_fee": 0, "min_order": 1}
    for name, price, day in (("m1", 10, "01"), ("m2", 15, "08")):
        when = f"2026-11-{day}T00:00:00+00:00"
        feed(tmp_path, line("1", price=price, fetched_at=when, **more),
             line("2", price=11, fetched_at=when, **more), name=f"{name}.jsonl")  # fmt: skip
    names = [f"{name}.jsonl" for name in order]
    *choices, summary = ask("compare", *names, "--quantity", "50", "--json").lines
    assert [(each["num_iid"], each["landed_worst"]) for each in choices] == [("2", 11), ("1", 15)]
    assert summary["offers"] == 2
    assert "1 of 2 offers" in ask("compare", *names, "--top", "1").out
    found = ask("find", *names, "--json").lines
    assert {each["num_iid"]: each["price"] for each in found[:-1]} == {"1": 15, "2": 11}


def test_an_older_line_still_tells_with_which_seed_the_offer_was_found(
    ask: Ask, tmp_path: Path
) -> None:
    for name, seed, day in (("old", "a", "01"), ("new", "b", "08")):
        feed(tmp_path, line("1", price=5, seed_id=seed, fetched_at=f"2026-11-{day}T00:00:00Z"),
             name=f"{name}.jsonl")  # fmt: skip
    seeds = [
        each.get("seed_id") for each in ask("compare", "old.jsonl", "new.jsonl", "--json").lines
    ]
    assert seeds == ["b", "a", None]
    assert len(ask("find", "old.jsonl", "new.jsonl", "--seed", "a").lines) == 1


def test_in_one_feed_find_keeps_an_offers_line_of_each_seed(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1", price=5), line("1", seed_id="b", price=5), line("1", price=5))
    assert [each["seed_id"] for each in ask("find", "offers.jsonl").lines] == ["a", "b"]


def test_compare_and_find_say_which_photos_have_their_offers_elsewhere(
    ask: Ask, tmp_path: Path
) -> None:
    path = feed(tmp_path, line("1", price=5))
    path.with_name("offers.seeds.jsonl").write_text(
        '{"seed_id":"a","status":"done","rows_seen":1,"offers_new":1}\n'
        '{"seed_id":"b","status":"done","rows_seen":9,"offers_new":0}\n'
    )
    told = ask("compare", "offers.jsonl", "--json")
    assert told.lines[-1]["elsewhere"] == ["b"]
    assert "1 photo found nothing new, the offers stand under other photos" in told.err
    assert "1 photo found nothing new" in ask("find", "offers.jsonl", "--seed", "b").err


# sales


def test_sales_of_different_days_are_told_apart(ask: Ask, tmp_path: Path) -> None:
    feed(
        tmp_path,
        line("all", sales=5000, sales_window="total"),
        line("month", sales=4500, sales_window="30d"),
        line("week", sales=4000, sales_window="7d"),
        line("when", sales=9000),
        line("none"),
    )
    order = [each["num_iid"] for each in ask("find", "offers.jsonl", "--sort", "sales").lines]
    assert order == ["week", "month", "all", "when", "none"]
    two = ask("find", "offers.jsonl", "--sort", "sales", "--limit", "2").lines
    assert [each["num_iid"] for each in two] == ["week", "month"]


# five hundred rows against another reckoning


def _mine(row: dict[str, Any], n: int) -> tuple[Decimal | None, Decimal | None]:
    """Landed cost of a piece in the best and the worst case, from the words of the docs alone."""
    if row["is_onsale"] is False or (row["min_order"] or 0) > n:
        return None, None
    told = [D(row[key]) for key in ("price", "price_min", "price_max") if row[key]]
    low, high = (min(told), max(told)) if told else (None, None)
    if row["price"] is None and (row["price_min"] is None or row["price_max"] is None):
        low, high = row["price_min"], row["price_max"]
    if row["min_order"] == n and high is not None:
        low = high
    promotion = row["promotion_price"]
    if promotion and (high is None or promotion < high):
        low = promotion if low is None else min(promotion, low)
    fee = row["post_fee"]
    once = {"包邮": D(0), "按件计费": fee, "按单": fee, None: fee}[row["freight_template"]]
    most = fee * n if row["freight_template"] == "按件计费" and fee is not None else once
    ends = []
    for price, postage in ((low, once), (high, most)):
        if price is None or postage is None:
            ends.append(None)
            continue
        goods, post = price * n * D("0.14"), postage * D("0.14")
        freight = D("0.35") * n + D("1.2") * D("0.4") * n + 80
        insured = (goods + post + freight) * D("0.005")
        customs = (goods + post + freight + insured) * D("0.12")
        fees = (goods + post) * D("0.03") + 50 + 30
        ends.append((goods + post + freight + insured + customs + fees) / n)
    return ends[0], ends[1]


TERMS = """
quantity = 50
currency = "usd"
insurance = 0.5
vat = 20
agent = 3
[rate]
CNY = 0.14
date = 2026-11-28
source = "my bank"
[freight]
per_piece = 0.35
per_kg = 1.2
per_order = 80
weight_kg = 0.4
[duty]
percent = 12
on = "CIF"
[fixed]
broker = 50
inspection = 30
"""


def test_500_rows_land_where_another_reckoning_lands_them(ask: Ask, tmp_path: Path) -> None:
    rng = random.Random(11)

    def amount(share: float, most: int) -> Decimal | None:
        return None if rng.random() < share else D(rng.randint(1, most)) / 100

    rows = [
        {"num_iid": str(n), "price": amount(0.2, 9000), "price_min": amount(0.4, 4000),
         "price_max": amount(0.4, 9000), "promotion_price": amount(0.6, 9000),
         "post_fee": amount(0.2, 2000), "min_order": rng.choice([None, 1, 2, 50, 60]),
         "freight_template": rng.choice(["包邮", "按件计费", "按单", None]),
         "is_onsale": rng.choice([True, True, True, None, False]), "unit": "个",
         "seed_id": f"s{n % 7}"} for n in range(500)
    ]  # fmt: skip
    feed(tmp_path, *(line(row["num_iid"], **{k: v for k, v in row.items() if k != "num_iid"})
                     for row in rows))  # fmt: skip
    (tmp_path / "terms.toml").write_text(TERMS)
    *choices, summary = ask("compare", "offers.jsonl", "--terms", "terms.toml", "--top", "500",
                            "--json").lines  # fmt: skip
    told = {each["num_iid"]: (each["landed_best"], each["landed_worst"]) for each in choices}
    expected = {row["num_iid"]: tuple(None if end is None else round(end, 4)
                                      for end in _mine(row, 50)) for row in rows}  # fmt: skip
    assert told == expected
    assert summary["landed_unknown"] == sum(worst is None for _, worst in expected.values())
    for seed in {each["seed_id"] for each in choices}:
        worst = [each["landed_worst"] for each in choices if each["seed_id"] == seed]
        known = [each for each in worst if each is not None]
        assert worst[: len(known)] == known == sorted(known)


def test_the_worked_example_of_the_docs(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS)
    terms = Terms(**read_terms(path))
    sums = cost_of(OfferLine("1", price=D(20), post_fee=D(10), min_order=1), terms).sums[1]
    assert sums is not None
    told = {name: round(value, 2) for name, value in sums._asdict().items()}
    assert told == {
        "goods": D("140.00"), "postage": D("1.40"), "agent": D("4.24"), "freight": D("121.50"),
        "insurance": D("1.31"), "duty": D("31.71"), "fixed": D("80.00"), "vat": D("59.18"),
    }  # fmt: skip
    assert round(sums.total, 2) == D("380.16")
    assert (terms.currency, terms.rate_date, terms.rate_source) == ("USD", "2026-11-28", "my bank")
    assert (terms.rate_of("USD"), terms.rate_of("EUR"), terms.rate_of(None)) == (1, None, D("0.14"))


def test_duty_on_fob_leaves_freight_and_insurance_out() -> None:
    offer = OfferLine("1", price=D(20), post_fee=D(10), min_order=1)
    terms = Terms(quantity=10, freight=D(3), insurance=D(1), duty=D(10), duty_on="fob")
    sums = cost_of(offer, terms).sums[0]
    assert sums is not None
    assert sums.duty == D(21)


def test_seeds_have_a_duty_and_a_weight_of_their_own(ask: Ask, tmp_path: Path) -> None:
    more = {"price": 10, "post_fee": 0, "min_order": 1}
    feed(
        tmp_path,
        line("1", seed_extra={"duty": "20", "weight_kg": "0.5", "sell_price": "20"}, **more),
        line("2", seed_id="b", seed_extra={"duty": "x"}, weight_kg=D("0.25"), **more),
        line("3", seed_id="c", **more),
    )
    told = ask("compare", "offers.jsonl", "--freight-kg", "4", "--duty", "10", "--json")
    a, b, c, _ = told.lines
    assert (a["landed_worst"], b["landed_worst"]) == (D("14.4"), D("12.1"))
    assert (c["landed_worst"], c["unknown"]) == (None, ["weight"])
    assert (a["margin_worst"], a["margin_percent_worst"]) == (D("5.6"), 28)
    assert "duty 'x' of this seed is no number" in ask("compare", "offers.jsonl").out


def test_a_seeds_columns_are_found_in_the_ledger_where_no_line_has_them(
    ask: Ask, tmp_path: Path
) -> None:
    path = feed(tmp_path, line("1", price=10, post_fee=0, min_order=1))
    ledger(path, a="done")
    path.with_name("offers.seeds.jsonl").write_text(
        json.dumps({"seed_id": "a", "status": "done", "seed_extra": {"sell_price": "15"}}) + "\n"
    )
    assert ask("compare", "offers.jsonl", "--json").lines[0]["margin_best"] == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantity = 0", "quantity must be a whole number of at least 1"),
        ('rate = "x"', "rate must be a number, not 'x'"),
        ("rate = 0", "rate must be above 0"),
        ("dutty = 3", "dutty is not known; known are quantity"),
        ("[freight]\nper_mile = 3", "freight.per_mile is not known"),
        ('[duty]\non = "exw"', "duty.on must be cif or fob"),
        ("vat = -3", "vat must be at least 0"),
        ("x", "is no TOML"),
    ],
)
def test_a_term_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_terms(path)


def test_what_is_typed_stands_above_the_file(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1", price=10, post_fee=0, min_order=1))
    (tmp_path / "terms.toml").write_text("quantity = 5\nduty = 10\n")
    told = ask("compare", "offers.jsonl", "--terms", "terms.toml", "--duty", "20", "--json").lines
    assert (told[0]["landed_worst"], told[0]["quantity"]) == (12, 5)
    assert ask("compare", "offers.jsonl", "--terms", "no.toml").code == 2
