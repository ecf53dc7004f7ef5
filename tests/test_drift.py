"""Rows that come otherwise than documented: told, and beyond a bound the run's end."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.drift_monitor import DriftMonitor
from pailitao_spider.offers.row_reader import RowShape, read_rows
from pailitao_spider.sandbox.server import Site
from tests.crawling import Crawler
from tests.test_faults import photo

SHAPE = RowShape(
    kinds={"num_iid": "text", "title": "text", "price": "text number", "shop.name": "text"},
    nested=("shop",),
    always=("title", "price"),
)


def drifted(*rows: Any) -> Drift:
    drift = Drift()
    read_rows(rows, SHAPE, [], drift)
    return drift


def test_a_row_as_documented_shows_nothing() -> None:
    row = {"num_iid": "1", "title": None, "price": Decimal("1.5"), "shop": {"name": "x"}}
    assert drifted(row) == Drift()


def test_an_unknown_field_is_counted_with_an_example() -> None:
    drift = drifted({"num_iid": "1", "new": "a" * 100}, {"num_iid": "2", "new": "b"})
    assert drift.unknown["new"].rows == 2
    assert drift.unknown["new"].example == '"' + "a" * 58 + "…"
    assert drift.flipped == {}


@pytest.mark.parametrize(
    ("row", "name", "example"),
    [
        ({"num_iid": 7}, "num_iid", "7"),
        ({"num_iid": "1", "price": True}, "price", "true"),
        ({"num_iid": "1", "price": {"amount": 1}}, "price", '{"amount": 1}'),
        ({"num_iid": "1", "shop": {"name": ["x"]}}, "shop.name", '["x"]'),
    ],
)
def test_another_type_is_counted_with_an_example(
    row: dict[str, Any], name: str, example: str
) -> None:
    [(found, sign)] = drifted(row).flipped.items()
    assert (found, sign.rows, sign.example) == (name, 1, example)


def test_an_example_is_what_the_gateway_sent_on_one_line() -> None:
    value = {"min_price": Decimal("6.54"), "名": "a\n\u202e\ud800", "none": None}
    [sign] = drifted({"num_iid": "1", "price_range": value}).unknown.values()
    assert sign.example == (r'{"min_price": 6.54, "名": "a\n\u202e\ud800", "none": null}')


def test_a_nested_member_that_is_no_object_any_more_is_unknown() -> None:
    assert list(drifted({"num_iid": "1", "shop": "x"}).unknown) == ["shop"]


def test_names_beyond_all_bounds_take_no_memory() -> None:
    row = {"num_iid": "1"} | {f"n{i}": i for i in range(1000)} | {"x" * 1000: 1}
    assert len(drifted(row).unknown) == 200
    assert max(map(len, drifted({"x" * 1000: 1}).unknown)) == 60


# the run


def watched(*pages: list[Any], limit: str = "0.2") -> DriftMonitor:
    watch = DriftMonitor("router", SHAPE, Decimal(limit))
    for page in pages:
        unreadable, drift = list[str](), Drift()
        rows = read_rows(page, SHAPE, unreadable, drift)
        watch.note(rows, unreadable, drift)
    return watch


def rows(number: int, **values: Any) -> list[dict[str, Any]]:
    return [{"num_iid": str(i), "title": "t", "price": "1"} | values for i in range(1, number + 1)]


def test_good_rows_are_gone_on_with() -> None:
    assert watched(rows(500)).excess is None
    assert list(watched(rows(500)).words()) == []


def test_of_few_rows_nothing_is_said() -> None:
    assert watched(rows(49, num_iid=None, price={"amount": 1})).excess is None
    assert watched(rows(49, price=None)).excess is None
    assert watched(rows(49, price=None)).vanished == []


@pytest.mark.parametrize(
    "spoiled",
    [{"num_iid": None}, {"price": {"amount": 1}}, {"title": ["x"]}, {"price": None}, {"title": ""}],
)
def test_more_unreadable_rows_than_the_limit_end_the_run(spoiled: dict[str, Any]) -> None:
    assert watched(rows(80), rows(20, **spoiled)).excess is None
    why = watched(rows(79), rows(21, **spoiled)).excess
    assert why is not None
    assert why.startswith("21 of the last 100 rows of router have no usable id")


def test_rows_of_long_ago_do_not_hide_that_all_is_spoiled_now() -> None:
    assert watched(*[rows(100)] * 50, rows(60, price={"amount": 1})).excess is not None


def test_a_limit_of_one_lets_everything_pass() -> None:
    assert watched(rows(100, num_iid=None), limit="1").excess is None


def test_a_field_that_has_not_come_for_long_is_gone() -> None:
    watch = watched(rows(100), rows(60, price=None), limit="1")
    assert watch.vanished == ["price (not in the last 60 rows)"]
    assert watched(rows(100), rows(60, price=None), rows(1)).vanished == []
    both = watched(rows(100), rows(60, price=None, title=None))
    assert both.vanished == ["title, price (not in the last 60 rows)"]


def test_the_words_name_the_commonest_first_and_few() -> None:
    spoiled = {f"n{i}": 1 for i in range(8)}
    [line] = watched(rows(3, **spoiled) + rows(5, often="x")).words()
    assert line.startswith('router: fields that nobody documents: often (5 rows, such as "x"), n0')
    assert line.endswith("and 4 more")


# a crawl


@pytest.mark.parametrize("kind", ["drop", "flip"])
def test_a_crawl_whose_rows_turn_unreadable_stops_and_goes_on_later(
    serve_sandbox: Callable[..., Site], crawler: Crawler, kind: str
) -> None:
    from pailitao_spider.sandbox.options import SandboxOptions, build

    site = serve_sandbox(build(SandboxOptions.from_text(f"drift={kind}@5")))
    crawler.use(site, rate=200)
    crawler.seeds(*(photo(number) for number in range(30)))

    stopped = crawler.crawl()

    assert stopped.exit_code == 1
    assert stopped.stats["finish_reason"] == "pailitao_schema_drift"
    assert "the gateway has changed" in stopped.log
    assert "Nothing is lost" in stopped.log
    if kind == "flip":
        assert ' rows, such as {"amount": "' in " ".join(stopped.log.split())
    unpriced = [offer for offer in stopped.offers if offer["price"] is None]
    assert len(unpriced) < 200, "rubbish is not written on and on"

    crawler.use(serve_sandbox(), rate=200)
    gone_on = crawler.crawl(out="-o")

    assert gone_on.exit_code == 0, gone_on.log
    assert len(gone_on.ledger) == 30


def test_drift_that_can_be_read_is_told_at_the_end(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    from pailitao_spider.sandbox.options import SandboxOptions, build

    site = serve_sandbox(build(SandboxOptions.from_text("drift=rename@2")))
    crawler.use(site, rate=200)
    crawler.seeds(*(photo(number) for number in range(8)))

    crawled = crawler.crawl("-s", "PAILITAO_DRIFT_LIMIT=1")

    assert crawled.exit_code == 0, crawled.log
    log = " ".join(crawled.log.split())
    assert "drift: router: fields that nobody documents: new_price (" in log
    assert "drift: router: documented fields that are gone: price (not in the last " in log
