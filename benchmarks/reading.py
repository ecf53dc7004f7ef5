"""Reading a page: microseconds of CPU a row, and how many times what orjson takes to decode it.

    .venv/bin/python -m benchmarks.reading [--rounds 7]

Rows are those of `tests/golden`, as the gateways document them, a hundred a page, each with its own
id, title, price and picture. Then with one odd cell in a hundred rows, as a share of the same page
without. Alternating rounds, the fastest counts.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.protocol import Dialect
from pailitao_spider.gateways.registry import dialect

GOLDEN = Path(__file__).parent.parent / "tests/golden"
ANSWERS = {
    "router": ("router/2026-article", "items.item", "price"),
    "imagequery": ("imagequery/2025-search", "result.result.data", "subject"),
    "linkplus": ("linkplus/2026-search", "result.result", "oldPrice"),
    "onebound": ("onebound/2026-search", "items.item", "price"),
    "tmapi": ("tmapi/2026-search-image", "data.items", "price"),
    "tmapi, global": ("tmapi/2025-global-search-image", "data.items", "price"),
}
"""Where the rows stand, and the member that is made odd."""
ROWS = 100
TIMES = 20
Row = dict[str, Any]
ODD: dict[str, Callable[[Row, str], object]] = {
    "text": lambda row, name: row.update({name: "面议"}),
    "list": lambda row, name: row.update({name: [1]}),
    "null": lambda row, name: row.update({name: None}),
    "gone": lambda row, name: row.pop(name),
    "new": lambda row, name: row.update({"新": 1}),
}


def page_of(name: str, odd: str | None = None) -> bytes:
    """A page of rows as documented, the middle one with an odd cell if asked."""
    file, path, member = ANSWERS[name]
    answer = json.loads((GOLDEN / f"{file}.json").read_text(encoding="utf-8"))
    *outer, last = path.split(".")
    place = answer
    for each in outer:
        place = place[each]
    place[last] = [_varied(place[last][0], number) for number in range(ROWS)]
    if odd is not None:
        ODD[odd](place[last][ROWS // 2], member)
    return json.dumps(answer, ensure_ascii=False).encode()


def _varied(row: Row, number: int) -> Row:
    row = copy.deepcopy(row)
    name = next(each for each in ("num_iid", "item_id", "offerId") if each in row)
    row[name] = type(row[name])(int(row[name]) + 7919 * number)
    for each in ("detail_url", "product_url", "detailUrl"):
        if each in row:
            row[each] = f"https://detail.1688.com/offer/{row[name]}.html"
    for each in ("title", "subject"):
        if each in row:
            row[each] += str(number)
    for each in ("pic_url", "img", "imageUrl", "pic_small_url"):
        if each in row:
            row[each] = row[each].replace(".jpg", f"{number}.jpg")
    if isinstance(row.get("price"), str):
        row["price"] = f"{10 + number % 89}.90"
    if "oldPrice" in row:
        row["oldPrice"] = 1010 + 30 * number
    return row


def seconds(work: Callable[[], object]) -> float:
    """CPU of one call."""
    begun = time.process_time()
    for _ in range(TIMES):
        work()
    return (time.process_time() - begun) / TIMES


def fastest(rounds: int, **works: Callable[[], object]) -> dict[str, float]:
    """The least of each, in turns."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            best[name] = min(best[name], seconds(work))
    return best


def read(spoken: Dialect, body: bytes) -> object:
    page = spoken.page(200, {}, body)
    assert isinstance(page, Page), page
    return page.rows


def measured(name: str, rounds: int) -> str:
    """A line of the table."""
    spoken, plain_body = dialect(name.partition(",")[0]), page_of(name)
    works: dict[str, Callable[[], object]] = {
        odd: partial(read, spoken, page_of(name, odd)) for odd in ODD
    }
    took = fastest(
        rounds,
        orjson=partial(orjson.loads, plain_body),
        plain=partial(read, spoken, plain_body),
        **works,
    )
    plain, bare = 1e6 * took["plain"] / ROWS, 1e6 * took["orjson"] / ROWS
    shares = " | ".join(f"{took[odd] / took['plain']:.2f}" for odd in ODD)
    return f"| {name} | {plain:.1f} | {bare:.2f} | {plain / bare:.1f} | {shares} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print("| rows of | µs a row | orjson | times | one odd cell: " + " | ".join(ODD) + " |")
    print("|---" * (4 + len(ODD)) + "|")
    for name in ANSWERS:
        print(measured(name, rounds), flush=True)


if __name__ == "__main__":
    main()
