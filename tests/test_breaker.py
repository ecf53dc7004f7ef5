"""When the same refusal for picture after picture takes its key out."""

from __future__ import annotations

import pytest

from pailitao_spider.keys.breaker import Breaker

WORDS = "400 what"


def refuse(breaker: Breaker, pictures: range, at: float = 0.0, words: str = WORDS) -> list[bool]:
    return [breaker.refused(words, str(each), is_known=False, now=at) for each in pictures]


def test_before_any_good_answer_five_pictures_are_enough() -> None:
    assert refuse(Breaker(), range(5)) == [False] * 4 + [True]


def test_one_picture_is_one_however_often_it_is_tried() -> None:
    breaker = Breaker()
    assert not any(refuse(breaker, range(1)) + refuse(breaker, range(1)) * 20)


def test_other_words_are_counted_apart() -> None:
    breaker = Breaker()
    for words in ("a", "b", "c"):
        assert not any(refuse(breaker, range(4), words=words))
    assert refuse(breaker, range(4, 5), words="b") == [True]


@pytest.mark.parametrize(
    ("pictures", "seconds", "is_open"),
    [(20, 60, True), (19, 60, False), (20, 59, False), (40, 59, False), (5, 600, False)],
)
def test_after_a_good_answer_it_takes_twenty_pictures_and_a_minute(
    pictures: int, seconds: float, is_open: bool
) -> None:
    breaker = Breaker()
    breaker.good()
    assert not any(refuse(breaker, range(pictures - 1), at=1000.0))
    assert refuse(breaker, range(pictures - 1, pictures), at=1000.0 + seconds) == [is_open]
    assert breaker.needs_others(WORDS) == (pictures < 20)


def test_a_good_answer_begins_the_count_anew() -> None:
    breaker = Breaker()
    refuse(breaker, range(19))
    breaker.good()
    assert not any(refuse(breaker, range(19), at=100.0))
    assert breaker.needs_others(WORDS)


def test_what_is_told_of_the_picture_itself_needs_fifty() -> None:
    breaker = Breaker()
    told = [breaker.refused("400 imgid", str(n), is_known=True, now=0.0) for n in range(50)]
    assert told == [False] * 49 + [True]


@pytest.mark.parametrize(
    ("pictures", "seconds", "is_undecided"),
    [(4, 0, False), (5, 0, True), (5, 59, True), (5, 60, False), (30, 59, True)],
)
def test_while_it_may_be_the_run_s_fault_no_picture_is_given_up(
    pictures: int, seconds: float, is_undecided: bool
) -> None:
    breaker = Breaker()
    breaker.good()
    refuse(breaker, range(pictures))
    assert breaker.is_undecided(WORDS, seconds) == is_undecided
    breaker.good()
    assert not breaker.is_undecided(WORDS, seconds)


def test_ever_new_words_are_forgotten() -> None:
    breaker = Breaker()
    for number in range(500):
        refuse(breaker, range(1), words=str(number))
    assert len(breaker._streaks) == 100
