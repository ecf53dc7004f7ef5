"""The drawn catalogue: what it sells, what a photo finds in it, and that it is always the same."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pailitao_spider.pictures.visual_descriptor import TILTS, describe, resemblance
from pailitao_spider.sandbox.catalogue.designs import KINDS
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.market import NOTHING, Catalogue
from pailitao_spider.sandbox.catalogue.photos import write_examples
from pailitao_spider.sandbox.catalogue.references import drawn, kept

FIELDS = [
    "num_iid",
    "detail_url",
    "title",
    "similarity",
    "seller_id",
    "price",
    "promotion_price",
    "min_order",
    "sales",
    "unit",
    "price_range",
    "pic_url",
    "pic_small_url",
    "cid",
    "category_name",
    "property",
    "seller_nick",
    "area",
    "shop_type",
    "post_fee",
    "freight_template",
    "is_onsale",
    "one_stop_service",
    "create_time",
    "update_time",
    "score",
    "trade_num",
    "feedback_rate",
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(scope="module", params=[8, pytest.param(1, marks=pytest.mark.soak)])
def ranks(catalogue: Catalogue, request: pytest.FixtureRequest) -> list[int]:
    """At which place an unseen view of each design, or of each eighth, finds that design."""
    references = kept()
    found = []
    for design in catalogue.designs[:: request.param]:
        view = Image.open(io.BytesIO(jpeg(design, 3, 240)))
        alike = resemblance(describe(view, TILTS), references)
        found.append(int((alike > alike[design.number]).sum()))
    return found


def test_another_view_finds_its_own_design_first(ranks: list[int]) -> None:
    assert sum(rank < 1 for rank in ranks) / len(ranks) >= 0.75


def test_another_view_finds_its_own_design_among_the_first_five(ranks: list[int]) -> None:
    assert sum(rank < 5 for rank in ranks) / len(ranks) >= 0.9


def test_a_recognised_photo_finds_exactly_what_the_url_of_its_design_finds(
    catalogue: Catalogue,
) -> None:
    for name in ("mug-07", "lamp-02", "tshirt-12"):
        seen = catalogue.search(jpeg(catalogue.design(name), 5), 2, "price_asc")
        assert [row["num_iid"] for row in seen] == catalogue.truth(name, 2, "price_asc")


def test_a_photo_of_something_else_still_finds_what_is_nearest(catalogue: Catalogue) -> None:
    stranger = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(stranger).polygon([(20, 180), (100, 15), (185, 150)], fill=(10, 200, 40))
    alike = catalogue.sight(stranger)
    assert max(alike) < 0.78
    assert catalogue.search(stranger)


def test_the_kept_looks_are_those_that_the_designs_have_when_drawn(catalogue: Catalogue) -> None:
    """Else: `python -m pailitao_spider.sandbox.catalogue.references`."""
    np.testing.assert_allclose(kept(), drawn(catalogue.designs), atol=0.002)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_picture_mode_can_be_looked_at(catalogue: Catalogue, mode: str) -> None:
    assert len(catalogue.sight(Image.new("RGB", (30, 50), "red").convert(mode))) == 96


def test_one_seed_gives_one_catalogue_and_another_seed_another() -> None:
    assert Catalogue(7, 16).search("mug-02") == Catalogue(7, 16).search("mug-02")
    assert Catalogue(7, 16).truth("mug-02") != Catalogue(8, 16).truth("mug-02")


def test_a_view_is_drawn_the_same_every_time(catalogue: Catalogue) -> None:
    design = catalogue.design("backpack-03")
    assert jpeg(design, 4, 120) == jpeg(design, 4, 120)
    assert jpeg(design, 4, 120) != jpeg(design, 5, 120)


def test_every_row_has_the_documented_fields_in_their_order(catalogue: Catalogue) -> None:
    rows = [row for design in catalogue.designs for row in catalogue.search(design)]
    assert {tuple(row) for row in rows} == {tuple(FIELDS)}


def test_offer_ids_are_fifteen_digits_from_nine_on_and_no_two_are_alike(
    catalogue: Catalogue,
) -> None:
    ids = {iid for design in catalogue.designs for iid in catalogue.truth(design.name, 2)}
    assert all(len(iid) == 15 and iid.isdigit() and iid.startswith("9") for iid in ids)
    sold = {row["pic_url"] for d in catalogue.designs for row in catalogue.search(d, 2)}
    assert len(ids) == len(sold)


def test_searches_give_from_a_few_rows_to_several_pages(catalogue: Catalogue) -> None:
    totals = [len(catalogue.truth(design.name)) for design in catalogue.designs]
    assert min(totals) < 10
    assert 150 < max(totals) <= 240


def test_different_seeds_meet_the_same_offers(catalogue: Catalogue) -> None:
    met = Counter(iid for design in catalogue.designs for iid in catalogue.truth(design.name))
    assert 0.3 < sum(times > 1 for times in met.values()) / len(met) < 1


def test_a_similar_search_holds_every_offer_of_the_same_item_and_more(catalogue: Catalogue) -> None:
    for design in catalogue.designs:
        assert set(catalogue.truth(design.name, 1)) < set(catalogue.truth(design.name, 2))


def test_rows_come_in_the_order_asked_for(catalogue: Catalogue) -> None:
    sales = [row["sales"] for row in catalogue.search("chair-05", 2, "sale_desc")]
    prices = [float(row["price"]) for row in catalogue.search("chair-05", 2, "price_asc")]
    alike = [row["similarity"] for row in catalogue.search("chair-05", 2)]
    assert sales == sorted(sales, reverse=True)
    assert prices == sorted(prices)
    assert alike == sorted(alike, reverse=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://sandbox.invalid/photos/mug-07-1.jpg",
        "https://sandbox.invalid/photos/mug-07.jpg?x=1",
        "//cbu01.alicdn.com/sandbox/mug-07-12.jpg",
        "https://cbu01.alicdn.com/sandbox/mug-07-12.jpg_270x270xzq60.jpg",
    ],
)
def test_a_url_is_known_by_its_last_part(catalogue: Catalogue, url: str) -> None:
    assert catalogue.sight_url(url) == catalogue.sight_design(catalogue.design("mug-07"))


def test_urls_of_no_design_are_told_apart_from_empty_photos(catalogue: Catalogue) -> None:
    assert catalogue.sight_url("https://sandbox.invalid/empty.jpg") == NOTHING
    assert catalogue.sight_url("https://sandbox.invalid/photos/mug-99-1.jpg") is None
    assert catalogue.sight_url("https://sandbox.invalid/") is None


def test_a_messy_catalogue_shows_every_oddity_and_sells_the_same_offers(
    catalogue: Catalogue,
) -> None:
    messy = Catalogue(messy=True)
    rows = [row for design in messy.designs for row in messy.search(design)]
    texts = [str(row) for row in rows]
    for sign in ("万+", "<font color=red>", "'//cbu01", "p4p", "¥", "rankScore", "min_price"):
        assert any(sign in text for text in texts), sign
    assert any("num_iid" not in row for row in rows)
    assert any(isinstance(row.get("num_iid"), int) for row in rows)
    assert set(messy.truth("mug-07")) <= set(catalogue.truth("mug-07"))


def test_example_photos_are_small_varied_and_found(catalogue: Catalogue, tmp_path: Path) -> None:
    paths = write_examples(tmp_path, 12, catalogue)
    assert all(path.stat().st_size < 25_000 for path in paths)
    assert len({path.name.split("-")[0] for path in paths}) == len(KINDS)
    found = [
        catalogue.sight(Image.open(path)) == catalogue.sight_design(catalogue.design(path.stem))
        for path in paths
    ]
    assert sum(found) >= 10
