"""The report of what is no plain run: invented, killed, or with offers under other photos."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from pailitao_spider.report.page import page
from tests.test_feed_files import ended
from tests.test_questions import feed, line, matches
from tests.test_report import Ask, ask, contents, data_of, seeds_of

__all__ = ["ask"]

D = Decimal


def words_of(html: str) -> str:
    """What is read of the page: its text on one line."""
    body = html.partition('<script type="application/json"')[0]
    return " ".join(re.sub(r"<[^>]+>", "", body).split())


def test_offers_of_a_clusters_sandbox_are_told_from_real_ones(ask: Ask, tmp_path: Path) -> None:
    photo = "https://sandbox.invalid/7/photos/mug-01-1.jpg"
    drawn = "https://cbu01.alicdn.com/sandbox/mug-01-7.jpg"
    feed(tmp_path, line("1", gateway="router", seed_image=photo, pic_url=drawn), name="a.jsonl")
    feed(tmp_path, line("1", gateway="router", seed_image=photo), name="b.jsonl")
    for name, pictures in (("a", 2), ("b", 1)):
        assert ask(f"{name}.jsonl", "--pictures", "embedded")[0] == 0
        html = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert "These offers are invented" in words_of(html)
        assert len(data_of(html)["pictures"]) == pictures
        assert all(each.startswith("data:") for each in data_of(html)["pictures"])
        assert "sandbox.invalid" not in "".join(data_of(html)["pictures"])


def test_a_real_offer_is_not_held_to_be_invented(tmp_path: Path) -> None:
    url = "https://cbu01.alicdn.com/img/sandbox/shoe.jpg"
    near = "https://notsandbox.invalid/a.jpg"
    path = feed(tmp_path, line("1", gateway="router", seed_image=near, pic_url=url))
    assert not contents(path).is_invented


def test_a_photo_whose_offers_are_another_ones_says_so(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s"))
    ended(path, a=(1, 1), twin=(3, 0), none=(0, 0))
    html = page(contents(path))
    assert {seed: each["elsewhere"] for seed, each in seeds_of(html).items()} == {
        "a": None, "none": None, "twin": 3}  # fmt: skip
    assert "1 photo found nothing new: these offers stand under other photos" in words_of(html)
    assert "3 rows, under other photos" in words_of(html)
    matches(path, ("1", "a"), ("1", "twin"))
    html = page(contents(path))
    assert "nothing new" not in words_of(html)
    assert seeds_of(html)["twin"]["elsewhere"] is None


def test_a_run_that_has_not_ended_says_so_among_what_is_missing(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1"), line("2", seed_id="b"), line("3", seed_id="c"))
    assert "has not ended" not in words_of(page(contents(path)))
    ended(path, a=(1, 1))
    told = words_of(page(contents(path)))
    assert f"This run has not ended: 2 photos have no result yet; go on with -o {path} (a" in told
    assert "What is missing" in told


def test_what_is_filled_is_what_was_found(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s"), line("2", seller_id="t", seed_id="b"))
    all_said = "Filled are the fewest that together have all 2 photos: 2."
    assert all_said in words_of(page(contents(path)))
    ended(path, a=(1, 1), b=(1, 1), c=(0, 0))
    told = words_of(page(contents(path)))
    assert "have as many photos as can be had, 2 of 3: 2." in told
    sellers = [line(f"{n}{m}", seller_id=f"s{n}", seed_id=f"p{(n * 7 + m * m) % 300}")
               for n in range(300) for m in range(4)]  # fmt: skip
    found = contents(feed(tmp_path, *sellers, name="many.jsonl"))
    assert found.picked == "picked_greedily"
    assert "found greedily, fewer may do" in words_of(page(found))


def test_that_a_report_took_anothers_place_is_said(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line("1"), name="a.jsonl")
    feed(tmp_path, line("2"), name="b.jsonl")
    assert ask("a.jsonl")[1] == "1 offer of 1 photo in a.html\n"
    said = "2 offers of 1 photo in a.html, which was replaced\n"
    assert ask("a.jsonl", "b.jsonl")[1] == said
