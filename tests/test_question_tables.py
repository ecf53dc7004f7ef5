"""Tables on terminals of any width: no id and no number is ever cut."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.test_question_verbs import Ask, ask
from tests.test_questions import feed, line

__all__ = ["ask"]

D = Decimal
WIDTHS = (30, 40, 60, 80, 120)
SELLER = "南通市瑞丰供应链有限公司"


def offer(number: int, **fields: object) -> bytes:
    num_iid = str(942410448529186 + number)
    title = f"便携大容量不锈钢保温杯 波浪橘橙 {750 + number}ml 源头好货"
    facts = {"title": title, "price_min": D("47.93"), "price_max": D("49.68"), "min_order": 1000,
             "post_fee": D("12.50"), "sales": 1234567, "similarity": D("0.95"),
             "visual_similarity": D("0.8812"), "score": D("4.60"), "area": "江苏 南通",
             "seller_id": f"s{number}", "seller_nick": SELLER, "seed_id": "handbag-0007.jpg",
             "seed_extra": {"sell_price": "1099.90"}}  # fmt: skip
    return line(num_iid, **{**facts, **fields})


@pytest.fixture
def shown(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int, list[str]], str]:
    cheaper = {"price_min": D("39.93"), "price_max": D("41.68"), "sales": 7654321}
    feed(tmp_path, *(offer(number) for number in range(3)))
    feed(tmp_path, *(offer(number, **cheaper) for number in range(1, 4)), name="new.jsonl")

    def show(width: int, words: list[str]) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        return re.sub(r"\x1b\[[\d;]*m", "", ask(*words).out)

    return show


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"[^\s│┃:,]*\d[^\s│┃:,]*", text))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [["compare", "offers.jsonl", "--quantity", "1000"], ["find", "offers.jsonl"],
     ["suppliers", "offers.jsonl"], ["diff", "offers.jsonl", "new.jsonl", "--misses", "1"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_an_id_or_a_number_is_whole_or_not_there(
    shown: Callable[[int, list[str]], str], words: list[str], width: int
) -> None:
    told = shown(width, words)
    titles = ("波浪", "ml")
    found = {each for each in numbers_of(told) if not any(word in each for word in titles)}
    assert found <= numbers_of(shown(400, words))
    assert "942410448529187" in told or words[0] == "suppliers"
    if words[0] == "compare":
        assert {"49.68", "1099.90"} <= {part for each in found for part in each.split("–")}


def test_what_a_narrow_terminal_goes_without_is_named(
    shown: Callable[[int, list[str]], str],
) -> None:
    words = ["compare", "offers.jsonl", "--quantity", "1000"]
    assert "not shown: seller, sim., postage, MOQ; give a wider terminal, or --json" in shown(
        62, words
    )
    assert "not shown" not in shown(160, words)
    card = shown(30, words)
    assert f"  seller   {SELLER}\n" in card
    assert "not shown" not in card
