"""Who a seller is, over gateways that write him differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.test_question_verbs import Ask, ask
from tests.test_questions import feed, line

__all__ = ["ask"]

ROUTER = {"gateway": "router"}
NICK = {"seller_nick": "义乌锦程商行"}
ONE, TWO = ({**ROUTER, **NICK, "seller_id": f"b2b-{n}"} for n in "12")


def suppliers(ask: Ask, folder: Path, *lines: dict[str, Any]) -> dict[str, Any]:
    feed(folder, *(line(str(n), seed_id=f"s{n}", **each) for n, each in enumerate(lines)))
    told: dict[str, Any] = ask("suppliers", "offers.jsonl", "--json").lines[-1]
    return told


@pytest.mark.parametrize(
    ("lines", "count", "ambiguous"),
    [
        ([ONE, {**NICK, "gateway": "tmapi"},
          {**NICK, "gateway": "onebound", "seller_id": "1"}], 1, 0),
        ([{"seller_id": "b2b-7"}, {"seller_id": "7"}], 1, 0),
        ([ONE,
          {**NICK, "gateway": "onebound", "seller_id": "999"}], 1, 0),
        ([ONE, TWO], 2, 0),
        ([ONE, TWO, NICK],
         3, 1),
        ([{**ONE, "area": "浙江 金华"},
          {**TWO, "area": "广东 广州"},
          {**NICK, "area": "浙江省金华市"}], 2, 0),
        ([{**NICK, "area": "浙江 金华"}, {**NICK, "area": "广东 广州"}], 2, 0),
        ([{"seller_nick": "ABC Ltd"}, {"seller_nick": "ＡＢＣ ltd"}], 1, 0),
        ([NICK, {"seller_nick": "另一家"}], 2, 0),
    ],
    ids=["id, name, other id", "two ways of an id", "ids of two gateways", "namesakes",
         "a name of two", "a name and an area", "two places", "full width", "two names"],
)  # fmt: skip
def test_a_seller_is_one_as_far_as_ids_names_and_areas_tell(
    ask: Ask, tmp_path: Path, lines: list[dict[str, Any]], count: int, ambiguous: int
) -> None:
    found = suppliers(ask, tmp_path, *lines)
    assert (found["suppliers"], found["ambiguous"]) == (count, ambiguous)
    assert found["set"] == count


def test_the_smallest_set_is_claimed_only_as_far_as_ids_tell(ask: Ask, tmp_path: Path) -> None:
    suppliers(ask, tmp_path, ONE,
              TWO, NICK)  # fmt: skip
    told = ask("suppliers", "offers.jsonl").out
    assert "no smaller set does, as far as ids tell" in told
    assert "1 name fits several sellers and nothing tells which" in told


def test_a_seller_of_several_identities_counts_as_one_with_all_its_offers(
    ask: Ask, tmp_path: Path
) -> None:
    feed(
        tmp_path,
        line("1", seed_id="a", **NICK, price=10),
        line("2", seed_id="b", seller_id="b2b-1", **NICK, area="浙江", score=4, price=10),
        line("3", seed_id="b", seller_id="1", score=5, one_stop_service=True, price=20),
    )
    one, *_ = ask("suppliers", "offers.jsonl", "--json").lines
    assert (one["offers"], one["seeds"], one["seller_id"], one["area"]) == (3, 2, "b2b-1", "浙江")
    assert (one["score"], one["dropship"], one["dropship_unknown"]) == (4.5, 1, 2)
