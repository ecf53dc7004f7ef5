"""What real answers do to a row: the shapes that a reader of rows has to survive."""

from __future__ import annotations

import random
from collections.abc import Callable

from pailitao_spider.sandbox.catalogue.listings import Row

__all__ = ["ODDITIES", "roughened"]

Oddity = Callable[[Row, random.Random], None]
LOST_ID_SHARE = 0.05


def roughened(row: Row, rng: random.Random) -> Row:
    """A copy of the row with one to three oddities, now and then without its id."""
    rough = dict(row)
    chosen = rng.sample(list(ODDITIES), rng.randint(1, 3))
    for name in sorted(chosen, key=list(ODDITIES).index):
        ODDITIES[name](rough, rng)
    if rng.random() < LOST_ID_SHARE:
        del rough["num_iid"]
    return rough


def rounded_counts(row: Row, rng: random.Random) -> None:
    sales = row["sales"]
    if sales >= 10_000:
        row["sales"] = rng.choice((f"{sales // 1000 / 10}万+", f"已拼: {sales // 10_000}万+件"))
    else:
        row["sales"] = f"{sales // 100 * 100}+" if sales >= 100 else str(sales)


def price_spans(row: Row, rng: random.Random) -> None:
    low, high = row["price_range"].split("-")
    if rng.random() < 0.5:
        row["price"] = f"{low}-{high}"
    else:
        row["price_range"] = {"min_price": float(low), "max_price": float(high)}


def bare_numbers(row: Row, rng: random.Random) -> None:
    row["num_iid"], row["cid"] = int(row["num_iid"]), int(row["cid"])
    row["score"], row["min_order"] = float(row["score"]), str(row["min_order"])


def currency_signs(row: Row, rng: random.Random) -> None:
    row["promotion_price"] = f"¥{row['promotion_price']}"


def highlighted_titles(row: Row, rng: random.Random) -> None:
    first, _, rest = row["title"].partition(" ")
    row["title"] = f"<font color=red>{first}</font> {rest}"


def unknown_fields(row: Row, rng: random.Random) -> None:
    row["turnHead"] = f"{rng.randint(3, 40)}%"
    row["rankScore"] = round(rng.uniform(1, 99), 3)
    row["offerIdentities"] = ["tp_member"]


def schemeless_links(row: Row, rng: random.Random) -> None:
    for name in ("detail_url", "pic_url", "pic_small_url"):
        row[name] = row[name].removeprefix("https:")


def paid_ads(row: Row, rng: random.Random) -> None:
    offer = row["detail_url"].rpartition("/")[2]
    row["detail_url"] = (
        f"https://detailp4p.1688.com/offer/{offer}?trace_log=p4p&clickid={rng.randrange(16**8):08x}"
    )


def spoken_booleans(row: Row, rng: random.Random) -> None:
    yes, no = rng.choice((("true", "false"), ("1", "0"), (1, 0), ("是", "否"), ("Y", "N")))
    for name in ("is_onsale", "one_stop_service"):
        row[name] = yes if row[name] else no


def missing_values(row: Row, rng: random.Random) -> None:
    row[rng.choice(("score", "feedback_rate", "area"))] = None
    row[rng.choice(("promotion_price", "property", "post_fee"))] = ""
    row.pop(rng.choice(("trade_num", "shop_type", "update_time", "similarity")))


# In this order: what takes values away comes last.
ODDITIES: dict[str, Oddity] = {
    oddity.__name__: oddity
    for oddity in (
        rounded_counts, price_spans, bare_numbers, currency_signs, highlighted_titles,
        unknown_fields, schemeless_links, paid_ads, spoken_booleans, missing_values,
    )
}  # fmt: skip
