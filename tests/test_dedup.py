"""Offers seen before, in one process: exactly those, in few bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.offers import dedup
from pailitao_spider.offers.dedup import DEDUP_KEYS, LocalSeen
from pailitao_spider.offers.int_set import NumberSet
from pailitao_spider.results.resume import WrittenOffer

FEW = 5
BUCKETS = 32_749
TRAPS = [
    "", "0", "00", "7", "07", "007", "-1", "-0", "+1", "1", "1_0", "10", " 1", "1 ", "1\n", "1.0",
    "1e3", "0x1", "12", "１２", "1２", "١٢", "²", "①", "一", "12\x00", "nan",
    "9" * 13, "9" * 14, "1" + "0" * 13, "1" + "0" * 14, str(2**32), str(2**48), str(2**63),
    str(2**64 - 1), str(2**64), "9" * 5000, str(BUCKETS), str(BUCKETS * 2**32),
]  # fmt: skip

ids = st.one_of(
    st.sampled_from(TRAPS),
    st.integers(0, 40).map(str),
    st.integers(10**8, 10**13 - 1).map(str),
    st.integers(0, 2**66).map(str),
    st.integers(0, 9).map(lambda number: str(7 + number * BUCKETS)),  # all in one bucket
    st.text(max_size=4),
    st.text("0123456789", max_size=16),
)
sightings = st.builds(
    WrittenOffer,
    st.one_of(ids, st.integers(1, 9).map(str)),
    st.sampled_from([None, "a", "1", "1 1"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, 1, 2]),
)


def told_apart(keys: Iterable[str], few: int = FEW) -> bool:
    """A set of numbers answers as Python's own does."""
    numbers, model = NumberSet(few), set[str]()
    for key in keys:
        if numbers.add(key) != (key not in model):
            return False
        model.add(key)
    return True


@given(st.lists(ids, max_size=60), st.integers(1, 20))
def test_a_key_is_new_exactly_once(keys: list[str], few: int) -> None:
    assert told_apart([*keys, *reversed(keys)], few)


@pytest.mark.parametrize("few", [1, len(TRAPS) // 2, 1000])
def test_what_python_reads_as_the_same_number_is_not_the_same(few: int) -> None:
    assert told_apart([*TRAPS, *TRAPS], few)


def test_many_numbers_are_told_apart() -> None:
    chance = random.Random(1)
    dense = [str(chance.randrange(10**11, 10**11 + 50_000)) for _ in range(50_000)]
    sparse = [str(chance.randrange(10**8, 10**14)) for _ in range(50_000)]
    one_bucket = [str(chance.randrange(5_000) * BUCKETS) for _ in range(5_000)]
    assert told_apart([*dense, *sparse, *dense, *one_bucket, *sparse], few=1000)


def test_numbers_that_come_after_many_others_find_their_place() -> None:
    texts = [f"{number} a" for number in range(3 * FEW)]
    digits = [str(number) for number in range(3 * FEW)]
    assert told_apart([*texts, *digits, *texts, *digits])


@pytest.mark.parametrize("number", [0, 1])
def test_numbers_seen_before_the_plain_set_was_full_are_still_seen(number: int) -> None:
    keys = [str(number + each) for each in range(FEW)]
    numbers = NumberSet(FEW)
    assert all(numbers.add(key) for key in keys)
    assert not any(numbers.add(key) for key in keys)


@pytest.mark.parametrize("step", [1, 7919])
def test_many_ids_take_at_most_20_bytes_each(step: int) -> None:
    numbers, many = NumberSet(), 400_000
    for number in range(many):
        numbers.add(str(600_000_000_000 + number * step))
    assert numbers.nbytes <= 20 * many


def test_few_ids_stay_in_the_plain_set() -> None:
    few, plain = NumberSet(), set[str]()
    empty = few.nbytes
    for number in range(1000):
        few.add(str(number))
        plain.add(str(number))
    held = plain.__sizeof__() + sum(map(str.__sizeof__, plain))
    assert few.nbytes - empty <= held


# pages


@pytest.fixture(autouse=True)
def _soon_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain set of LocalSeen is full after FEW keys."""
    monkeypatch.setattr(dedup, "NumberSet", lambda: NumberSet(FEW))


async def crawled(scope: str, pages: list[list[WrittenOffer]], chance: random.Random) -> None:
    """Pages are asked for and their offers added as they come, each page's in order."""
    key, model = DEDUP_KEYS[scope], set[str]()
    seen = LocalSeen(key)
    waiting, underway = list(pages), list[list[WrittenOffer]]()
    while waiting or underway:
        if waiting and (not underway or chance.random() < 0.3):
            await seen.ask(waiting[-1])
            underway.append(waiting.pop())
            continue
        page = chance.choice(underway)
        if not page:
            underway.remove(page)
            continue
        offer = page.pop(0)
        assert seen.add(offer) == (key(offer) not in model)
        model.add(key(offer))


@given(
    st.sampled_from(sorted(DEDUP_KEYS)),
    st.lists(st.lists(sightings, max_size=12), max_size=6),
    st.randoms(use_true_random=False),
)
def test_pages_that_interleave_find_each_offer_new_once(
    scope: str, pages: list[list[WrittenOffer]], chance: random.Random
) -> None:
    asyncio.run(crawled(scope, pages, chance))


def test_an_offer_of_two_pages_that_asked_before_either_was_added_is_new_once() -> None:
    async def both() -> list[bool]:
        seen = LocalSeen(DEDUP_KEYS["crawl"])
        page = [WrittenOffer(str(number)) for number in range(2 * FEW)]
        await seen.ask(page)
        await seen.ask(page)
        return [seen.add(offer) for offer in (*page, *page)]

    assert asyncio.run(both()) == [True] * 2 * FEW + [False] * 2 * FEW


def test_an_offer_that_nobody_asked_for_is_known_all_the_same() -> None:
    seen = LocalSeen(DEDUP_KEYS["crawl"])
    offers = [WrittenOffer(str(number)) for number in range(3 * FEW)]
    assert all(seen.add(offer) for offer in offers)
    assert not any(seen.add(offer) for offer in offers)


def test_a_seed_s_name_never_makes_another_offer_s_key_a_number() -> None:
    seen = LocalSeen(DEDUP_KEYS["seed"])
    sights = [WrittenOffer("1", "2"), WrittenOffer("12", ""), WrittenOffer("1", None)]
    fill = [WrittenOffer(str(number), "x") for number in range(2 * FEW)]
    assert all(seen.add(sight) for sight in [*fill, *sights])
