"""`scrapy pailitao similarity`: how alike offers and photos look, and what is said of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pailitao_spider.analysis.feed_reader import Feeds
from pailitao_spider.analysis.find import OfferFilter, find
from pailitao_spider.analysis.similarity import joined
from pailitao_spider.offer_pictures import PictureCache
from pailitao_spider.pictures.visual_descriptor import TILTS, describe, resemblance
from pailitao_spider.sandbox.catalogue.drawing import jpeg, photo, view
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.tables.columns import Kind, columns_of
from pailitao_spider.verbs import similarity
from tests.crawling import REPOSITORY
from tests.picture_server import PictureServer, running
from tests.test_question_verbs import _CHILD
from tests.test_questions import D, feed, line

NAMES = ("mug-07", "lamp-04", "handbag-03")


class Told:
    """What the verb answered, and the lines that it wrote."""

    def __init__(self, code: int, out: str, err: str, written: Path) -> None:
        self.code, self.out, self.err, self._written = code, out, err, written

    @property
    def raw(self) -> list[bytes]:
        return self._written.read_bytes().splitlines(keepends=True)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(each, parse_float=Decimal) for each in self.raw]

    @property
    def values(self) -> list[Any]:
        return [each["visual_similarity"] for each in self.lines]


Look = Callable[..., Told]


@pytest.fixture
def look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Look:
    """The verb in this process, in a folder of its own, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str, out: str = "looked.jsonl") -> Told:
        parser = argparse.ArgumentParser()
        similarity.add_options(parser)
        code = similarity.run(parser.parse_args([*arguments, "-O", out]))
        return Told(code, *capsys.readouterr(), tmp_path / out)

    return run


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def photos(tmp_path: Path, catalogue: Catalogue) -> Path:
    """A buyer's photo of each of some designs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.jpg").write_bytes(jpeg(catalogue.design(name), 7, 240))
    return folder


def offer(num_iid: str, seed: str, shown: str | None, **fields: Any) -> bytes:
    """An offer of the sandbox with a picture of the design `shown`."""
    link = shown and f"https://cbu01.alicdn.com/sandbox/{shown}-{num_iid}.jpg"
    said = {"gateway": "sandbox", "seed_image": f"photos/{seed}.jpg", "similarity": None,
             "pic_url": link, "pic_small_url": link and f"{link}_270x270xzq60.jpg"}  # fmt: skip
    return line(num_iid, **(said | fields))


# what is compared


def test_an_offer_of_the_same_design_looks_most_like_its_photo(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    pairs = [(seed, shown) for seed in NAMES for shown in NAMES]
    feed(tmp_path, *(offer(str(n), *pair) for n, pair in enumerate(pairs, 1)))
    told = look("offers.jsonl")
    assert told.code == 0, told.err
    table = np.array(told.values, float).reshape(len(NAMES), len(NAMES))
    assert (table.argmax(axis=1) == range(len(NAMES))).all()
    assert (table.diagonal() > 0.8).all()
    assert all(0 <= value <= 1 for value in told.values)
    assert "9 compared, 0 unknown, 0 passed by: 9 offers in looked.jsonl" in told.err


def test_a_line_stays_byte_for_byte_but_for_one_member(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    odd = offer("1", "mug-07", "mug-07", price=D("29.900"), title='女鞋 "}', extra={"a": [1]})
    spaced = odd.replace(b":", b" : ", 1).rstrip() + b" \r\n"
    feed(tmp_path, odd, spaced)
    first, second = look("offers.jsonl").raw
    member = b',"visual_similarity":'
    assert first.startswith(odd.rstrip()[:-1] + member)
    assert second.startswith(spaced.rstrip()[:-1] + member)
    assert (first[-2:], second[-4:]) == (b"}\n", b"} \r\n")
    assert len(first.partition(member)[2]) == len("0.1234}\n")


def test_what_the_gateway_said_stays_and_is_passed_by(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    said = [offer("1", "mug-07", "mug-07", similarity=D("0.91")), offer("2", "mug-07", "mug-07")]
    feed(tmp_path, *said)
    known, unknown = look("offers.jsonl").lines
    assert (known["similarity"], known["visual_similarity"]) == (D("0.91"), None)
    assert (unknown["similarity"], unknown["visual_similarity"] is not None) == (None, True)
    known, unknown = look("offers.jsonl", "--all").lines
    assert known["similarity"] == D("0.91")
    assert known["visual_similarity"] > D("0.8")


def test_looked_at_again_a_line_has_the_member_once(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    kept = offer("2", "mug-07", "mug-07", similarity=D("0.9"), visual_similarity=D("0.5"))
    feed(tmp_path, offer("1", "mug-07", "mug-07", visual_similarity=None), kept)
    told = look("offers.jsonl")
    assert told.raw[0].count(b"visual_similarity") == 1
    assert told.raw[1] == kept
    assert told.values[0] > D("0.8")
    again = look("looked.jsonl", out="again.jsonl")
    assert again.raw == told.raw


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())),
    st.none() | st.floats(0, 1),
    st.sampled_from([None, (", ", ": ")]),
)
def test_a_joined_line_says_what_it_said_and_the_member(
    said: dict[str, Any], value: float | None, separators: tuple[str, str] | None
) -> None:
    said = {"num_iid": "1", **said}
    said.pop("visual_similarity", None)
    raw = json.dumps(said, ensure_ascii=True, separators=separators).encode() + b"\n"
    wanted = None if value is None else float(f"{value:.4f}")
    assert json.loads(joined(raw, value)) == {**said, "visual_similarity": wanted}


# what is unknown


def test_what_cannot_be_had_is_unknown_and_told_with_its_reason(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    (photos / "text.jpg").write_text("no picture")
    Image.effect_noise((90, 90), 90).save(photos / "busy.jpg")
    Image.new("RGB", (90, 90), "grey").save(photos / "blank.jpg")
    feed(
        tmp_path,
        offer("1", "gone", "mug-07"),
        offer("2", "mug-07", "mug-07", seed_image="base64:0123456789abcdef"),
        offer("3", "mug-07", "mug-07", seed_image=None),
        offer("4", "text", "mug-07"),
        offer("5", "mug-07", None),
        offer("6", "mug-07", "teapot-01"),
        offer("7", "mug-07", "mug-07", gateway="router", pic_small_url="https://127.0.0.1/x.jpg"),
        offer("8", "mug-07", "mug-07", pic_small_url=5, pic_url=["x"]),
        offer("9", "mug-07", "mug-07", pic_small_url=None),
        offer("10", "mug-07", "mug-07", seed_image="photos/\x00.jpg"),
        offer("11", "busy", "mug-07"),
        offer("12", "blank", "mug-07"),
    )
    told = look("offers.jsonl")
    assert [value is None for value in told.values] == [n != 9 for n in range(1, 13)]
    assert told.code == 0
    assert "1 compared, 11 unknown" in told.err
    for said in (
        "2 no_picture, the first: an offer: it names no picture",
        "1 not_drawn, the first: https://cbu01.alicdn.com/sandbox/teapot-01-6.jpg",
        "1 private_address, the first: https://127.0.0.1/x.jpg",
        "photos of seeds: 2 no_such_file, the first: photos/",
        "photos of seeds: 2 not_kept, the first: ",
        "photos of seeds: 1 not_a_picture, the first: photos/text.jpg",
        "photos of seeds: 1 busy_ground, the first: photos/busy.jpg",
        "photos of seeds: 1 no_product, the first: photos/blank.jpg",
    ):
        assert said in told.err
    assert "Traceback" not in told.err


def test_when_nothing_at_all_could_be_compared_the_exit_code_says_so(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    feed(tmp_path, offer("1", "gone", "mug-07"))
    assert look("offers.jsonl").code == 1


def test_a_photo_lies_where_the_crawl_was_or_beside_the_feed(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    (tmp_path / "out").mkdir()
    feed(tmp_path / "out", offer("1", "mug-07", "mug-07"))
    assert look("out/offers.jsonl").values[0] > D("0.8")
    photos.rename(tmp_path / "out" / "photos")
    assert look("out/offers.jsonl").values[0] > D("0.8")


def test_torn_lines_are_told_left_out_and_exit_code_1(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    feed(tmp_path, offer("1", "mug-07", "mug-07"), b'{"num_iid":"2","ti')
    told = look("offers.jsonl")
    assert (told.code, len(told.raw)) == (1, 1)
    assert "1 line could not be read" in told.err


# mistakes


@pytest.mark.parametrize(
    ("arguments", "out", "said"),
    [
        (["offers.jsonl"], "offers.jsonl", "is what is read"),
        (["offers.jsonl"], "crawled.jsonl", "is a crawl's feed"),
        (["offers.jsonl"], "looked.csv", "give the name of a .jsonl file"),
        (["gone.jsonl"], "looked.jsonl", "does not exist"),
        ([], "looked.jsonl", "no feed"),
        (["offers.jsonl", "--max-pictures", "few"], "looked.jsonl", "--max-pictures few: must be"),
        (["offers.jsonl", "--trust-host", "x/y"], "looked.jsonl", "--trust-host x/y: give a host"),
        (["offers.jsonl"], "no/such/looked.jsonl", "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    tmp_path: Path, look: Look, arguments: list[str], out: str, said: str
) -> None:
    feed(tmp_path, offer("1", "gone", "mug-07"))
    (tmp_path / "crawled.seeds.jsonl").touch()
    before = (tmp_path / "offers.jsonl").read_bytes()
    told = look(*arguments, out=out)
    assert (told.code, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert said in told.err
    assert (tmp_path / "offers.jsonl").read_bytes() == before
    assert not list(tmp_path.glob("*looked*"))


# from the web, as it is run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureServer]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


def test_a_second_run_fetches_nothing_and_says_the_same(
    tmp_path: Path, photos: Path, server: PictureServer
) -> None:
    links = [server.url(f"/shop/{name}-{n}.jpg", "127.0.0.1") for name in NAMES for n in range(4)]
    links += [server.url(path, "127.0.0.1") for path in ("/html", "/bomb", "/torn", "/busy")]
    seed = server.url("/mug-07-7.jpg", "127.0.0.1")
    feed(tmp_path, *(offer(str(n), "", None, gateway="router", pic_url=link, seed_image=seed)
                     for n, link in enumerate(links, 1)))  # fmt: skip
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY),
        "SSL_CERT_FILE": str(server.certificate),
    }  # fmt: skip
    command = [sys.executable, "-W", "error", "-m", "scrapy", "pailitao", "similarity",
               "offers.jsonl", "--trust-host", f"127.0.0.1:{server.port}"]  # fmt: skip
    runs = [
        subprocess.run([*command, "-O", f"{n}.jsonl"], cwd=tmp_path, env=environ, timeout=60,
                       capture_output=True, text=True)
        for n in range(2)
    ]  # fmt: skip
    first, second = (run.stderr for run in runs)
    assert [run.returncode for run in runs] == [0, 0], first + second
    assert "12 compared, 4 unknown" in first
    assert "pictures: 16 fetched, 0 from the cache" in first
    for said in ("1 not_a_picture", "1 too_many_pixels", "1 truncated_picture", "1 busy_ground"):
        assert said in first
    assert "pictures: 2 fetched, 14 from the cache" in second
    assert len(server.seen.requests) == 17 + 3
    written = (tmp_path / "0.jsonl").read_bytes()
    assert written == (tmp_path / "1.jsonl").read_bytes()
    values = [json.loads(each)["visual_similarity"] for each in written.splitlines()]
    assert min(values[:4]) > max(values[4:12])


# what others make of it


def test_find_keeps_and_sorts_by_it_and_never_mixes_it_with_the_gateways(tmp_path: Path) -> None:
    said = [
        line("1", similarity=D("0.99"), visual_similarity=D("0.4")),
        line("2", similarity=D("0.10"), visual_similarity=D("0.8")),
        line("3", similarity=D("0.95"), visual_similarity=None),
        line("4", visual_similarity=D("0.6")),
    ]
    feeds = Feeds([feed(tmp_path, *said)])

    def ids(wanted: OfferFilter, sort: str | None = None) -> str:
        return "".join(each.offer.num_iid for each in find(feeds, wanted, sort))

    assert ids(OfferFilter(), "visual") == "2413"
    assert ids(OfferFilter(min_visual_similarity=D("0.5"))) == "234"
    assert ids(OfferFilter(min_visual_similarity=D("0.5"), keeps_unknown=False)) == "24"
    assert ids(OfferFilter(min_similarity=D("0.5"), keeps_unknown=False)) == "13"


def test_a_table_shows_it_as_a_rate() -> None:
    assert [column.kind for column in columns_of(["visual_similarity", "other"])] == [
        Kind.RATE,
        Kind.ANY,
    ]


# memory


def peak_megabytes(folder: Path, catalogue: Catalogue, count: int) -> int:
    """Of the verb over that many offers, 50 a seed, whose pictures are all in the cache."""
    cache = PictureCache(folder / "pailitao_spider" / "pictures")
    drawn = [jpeg(design, 3, 200) for design in catalogue.designs]
    urls = [f"https://a.invalid/{n}.jpg" for n in range(count)]
    for n, url in enumerate(urls):
        cache.put(url, drawn[n % len(drawn)])
    feed(folder, *(line(str(n), gateway="router", seed_image=urls[(n - 1) // 50 * 50], pic_url=url)
                   for n, url in enumerate(urls, 1)))  # fmt: skip
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY),
               "XDG_CACHE_HOME": str(folder)}  # fmt: skip
    command = [sys.executable, "-c", _CHILD, "similarity", "offers.jsonl", "-O", "looked.jsonl"]
    done = subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True,
                          text=True)  # fmt: skip
    assert f"{count} compared, 0 unknown" in done.stderr
    return int(done.stderr.rpartition("PEAK ")[2])


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_stays_flat_over_thousands_of_pictures(tmp_path: Path, catalogue: Catalogue) -> None:
    peaks = []
    for count in (500, 10_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        peaks.append(peak_megabytes(folder, catalogue, count))
    assert peaks[1] - peaks[0] < 20, peaks


# how good it is on drawings


def test_another_shops_picture_of_a_design_is_found_among_all_designs(
    catalogue: Catalogue,
) -> None:
    """Buyer's view 7 against the shops' views 3, one of each of 96 designs."""
    shops = np.concatenate([describe(photo(each, view(each, 3), 96)) for each in catalogue.designs])
    places = []
    for design in catalogue.designs[::3]:
        alike = resemblance(describe(photo(design, view(design, 7), 96), TILTS), shops)
        places.append(int((alike > alike[design.number]).sum()))
    assert sum(place < 1 for place in places) / len(places) >= 0.9
    assert sum(place < 5 for place in places) / len(places) >= 0.97


@pytest.mark.parametrize("size", [(240, 120), (90, 240), (1, 500), (1, 1), (3000, 2)])
def test_a_picture_of_any_proportions_can_be_looked_at(size: tuple[int, int]) -> None:
    rows = describe(Image.new("RGB", size, "red"), TILTS)
    assert rows.shape[0] == len(TILTS)
    assert np.isfinite(rows).all()


def test_more_ground_around_a_product_changes_little(catalogue: Catalogue) -> None:
    """A phone's photo is 3 by 4, an offer's picture is square."""
    square = photo(catalogue.design("mug-07"), pixels=240)
    tall = Image.new("RGB", (240, 320), (246, 246, 246))
    tall.paste(square, (0, 40))
    alike = resemblance(describe(tall, TILTS), describe(square))
    assert float(alike[0]) > 0.9


def test_what_a_clusters_sandbox_invented_is_drawn_not_asked_for(
    tmp_path: Path, photos: Path, look: Look
) -> None:
    url = "https://sandbox.invalid/5/photos/mug-07-1.jpg"
    feed(tmp_path, offer("1", "mug-07", "mug-07", gateway="router"),
         offer("2", "mug-07", "mug-07", gateway="router", seed_image=url),
         offer("3", "mug-07", None, gateway="router", seed_image=url, pic_url=url))  # fmt: skip
    told = look("offers.jsonl")
    assert told.code == 0
    assert "3 compared, 0 unknown" in told.err
    assert "0 fetched" in told.err
