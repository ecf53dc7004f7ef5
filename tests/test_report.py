"""`scrapy pailitao report`: what is on the page, what the verb says, and that nothing escapes."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from PIL import Image

from pailitao_spider.gateways.refusals import RefusalClass
from pailitao_spider.offer_pictures import PictureCache, default_folder
from pailitao_spider.report import album
from pailitao_spider.report.album import ImageMode, small_photo
from pailitao_spider.report.contents import Contents, contents_of
from pailitao_spider.report.page import embedded_json, page
from pailitao_spider.report.words import WORDS, word_of
from pailitao_spider.verbs import report
from tests.crawling import REPOSITORY
from tests.test_question_verbs import large
from tests.test_questions import feed, ledger, line, matches

D = Decimal
Told = tuple[int, str]
Ask = Callable[..., Told]
LINK = "https://cbu01.alicdn.com/img/ibank/shoe.jpg"
HOSTILE = "</script><script>alert(1)</script><!-- \"'><img src=x onerror=alert(1)>"


def nothing(addresses: Sequence[str], room_bytes: int) -> Mapping[str, bytes | None]:
    return dict.fromkeys(addresses)


NO_PICTURES = ImageMode(nothing, shown=False)
LINKED = ImageMode(nothing)


def contents(*paths: Path, way: ImageMode = NO_PICTURES, limit: int = 20_000) -> Contents:
    return contents_of(paths, way, limit, "2026-11-25 05:00")


def data_of(html: str) -> dict[str, Any]:
    """What the script would read."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    read: dict[str, Any] = json.loads(found, parse_float=Decimal)
    return read


def offers_of(html: str) -> dict[str, dict[str, Any]]:
    data = data_of(html)
    rows = (dict(zip(data["columns"], row, strict=True)) for row in data["offers"])
    return {row["id"]: row for row in rows}


def seeds_of(html: str) -> dict[str | None, dict[str, Any]]:
    """By id; `found` names offers, with how similar they are."""
    data = data_of(html)
    ids = [row[0] for row in data["offers"]]
    return {
        seed["id"]: {**seed, "found": {ids[place]: alike for place, alike in
                                       zip(seed["found"], seed["similarity"], strict=True)}}
        for seed in data["seeds"]
    }  # fmt: skip


class Structure(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The verb in this process, where the feeds are: its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def ask_(*arguments: str) -> Told:
        parser = argparse.ArgumentParser()
        report.add_options(parser)
        code = report.run(parser.parse_args(arguments))
        return code, capsys.readouterr().err

    return ask_


# what is on the page


def test_an_offer_keeps_its_digits_and_what_it_does_not_say_stays_unknown(tmp_path: Path) -> None:
    path = feed(
        tmp_path,
        line("1", title="Shoe", price=D("29.90"), min_order=2, sales=5, sales_at_least=True,
             similarity=D("0.95"), one_stop_service=False, seller_id="s1", area="浙江 义乌"),
        line("2"),
    )  # fmt: skip
    shoe, bare = offers_of(page(contents(path))).values()
    assert (shoe["price"], shoe["moq"], shoe["sales"], shoe["dropship"]) == ("29.90", 2, 5, False)
    assert {name for name, value in bare.items() if value is not None} == {"id"}


def test_an_offer_of_several_seeds_stands_under_each_with_its_own_similarity(
    tmp_path: Path,
) -> None:
    path = feed(tmp_path, line("1", similarity=D("0.9")), line("2", seed_id="b"),
                line("1", seed_id="c", similarity=D("0.5")))  # fmt: skip
    matches(path, ("1", "b"))
    html = page(contents(path))
    assert len(data_of(html)["offers"]) == 2
    assert {seed: each["found"] for seed, each in seeds_of(html).items()} == {
        "a": {"1": D("0.9")}, "b": {"1": None, "2": None}, "c": {"1": D("0.5")}}  # fmt: skip


def test_seeds_stand_in_natural_order_and_the_ledger_says_how_they_ended(tmp_path: Path) -> None:
    path = feed(tmp_path, line(seed_id="mug-10"), line("2", seed_id="mug-9"), line("3"))
    ledger(path, **{"mug-10": "partial", "mug-9": "done", "lamp": "failed", "door": "empty"})
    found = contents(path)
    assert [(seed.seed_id, seed.status) for seed in found.seeds] == [
        ("a", "open"), ("door", "empty"), ("lamp", "failed"), ("mug-9", "done"),
        ("mug-10", "partial")]  # fmt: skip
    assert [seed.seed_id for seed in found.problems] == ["lamp", "mug-10"]
    assert found.statuses == {"done": 1, "empty": 1, "partial": 1, "failed": 1, "open": 1}


def test_the_reasons_of_failed_seeds_and_rejected_rows_stand_on_the_page(tmp_path: Path) -> None:
    path = feed(tmp_path, line())
    path.with_name("offers.seeds.jsonl").write_text(
        '{"seed_id":"a","image":"a.jpg","status":"partial","reason":"throttled: page <2>",'
        '"pages_expected":3,"pages_fetched":1}\n'
    )
    path.with_name("offers.rejected.jsonl").write_text('{"reason":"no_id"}\n' * 2)
    html = page(contents(path))
    assert ">calls came faster than the gateway allows (throttled: page &lt;2&gt;)<" in html
    assert ">without an id that can be read (no_id)<" in html
    assert ">2 rows were no offer:<" in html
    assert ">1 / 3<" in html


def test_above_the_limit_the_best_of_each_seed_are_shown_and_the_page_says_so(
    tmp_path: Path,
) -> None:
    many = [line(f"1{n}", similarity=D(n) / 10) for n in range(9)]
    path = feed(tmp_path, *many, line("2", seed_id="b"), line("3", seed_id="b", similarity=D(1)))
    found = contents(path, limit=4)
    html = page(found)
    assert set(offers_of(html)) == {"18", "17", "2", "3"}
    assert (found.shown, found.offers) == (4, 11)
    assert "4 of 11 offers are shown" in html
    assert {seed: each["offers"] for seed, each in seeds_of(html).items()} == {"a": 9, "b": 2}
    assert "are shown" not in re.sub(r"<script.*", "", page(contents(path)), flags=re.S)


def test_prices_are_counted_once_and_those_unknown_or_nought_are_not_drawn(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", price=D(10)), line("2", price_min=D(1000), price_max=D(2000)),
                line("3"), line("4", price=D(0)), line("1", seed_id="b", price=D(10)))  # fmt: skip
    found = contents(path)
    assert (found.priced, found.median) == (2, "505.00")
    assert sum(int(bar.label.partition(":")[0]) for bar in found.bars) == 2
    assert "2 of 4 offers tell a price above 0." in page(found)


def test_prices_that_are_all_the_same_are_drawn_too(tmp_path: Path) -> None:
    found = contents(feed(tmp_path, line("1", price=D("9.90")), line("2", price=D("9.90"))))
    assert len(found.bars) == 1
    assert "<svg" in page(found)


def test_suppliers_are_listed_with_what_they_cover(tmp_path: Path) -> None:
    path = feed(tmp_path, line("1", seller_id="s1", seller_nick="Ann & Co", price=D(8)),
                line("2", seed_id="b", seller_id="s1", price=D(9)),
                line("3", seller_id="s2", price=D(12)), line("4"))  # fmt: skip
    found = contents(path)
    assert [(each.name, each.seeds) for each in found.suppliers] == [("Ann & Co", 2), ("s2", 1)]
    assert [dot.is_picked for dot in found.dots] == [True, False]
    html = page(found)
    assert 'data-seller="Ann &amp; Co"' in html
    assert "1 offer names no seller." in html


def test_a_report_of_offers_without_anything_else_can_be_made(tmp_path: Path) -> None:
    html = page(contents(feed(tmp_path, line("no digits", seed_id=None))))
    assert seeds_of(html)[None]["found"] == {"no digits": None}
    assert "No ledger lies beside the feed" in html


# nothing escapes


def test_hostile_text_is_text_wherever_it_stands(tmp_path: Path) -> None:
    path = feed(tmp_path, *(
        line(str(n), title=HOSTILE, seller_nick=HOSTILE, area=HOSTILE, shop_type=HOSTILE,
             unit=HOSTILE, seed_id=HOSTILE, pic_url=HOSTILE, price=D(n + 1)) for n in range(3)
    ))  # fmt: skip
    end = {"seed_id": HOSTILE, "image": HOSTILE, "status": "failed", "reason": HOSTILE}
    path.with_name("offers.seeds.jsonl").write_text(json.dumps(end) + "\n")
    path.with_name("offers.rejected.jsonl").write_text(json.dumps({"reason": HOSTILE}) + "\n")
    html = page(contents(path, way=LINKED))
    assert "<script>alert" not in html
    assert "<!--" not in html
    page_ = Structure(html)
    assert len(page_.named("script")) == 2
    assert not page_.named("img")
    handlers = {name for _, attributes in page_.elements for name in attributes if name[:2] == "on"}
    assert not handlers
    assert offers_of(html)["0"]["title"] == HOSTILE


def test_json_in_a_page_has_no_sign_of_html() -> None:
    value = {"a": HOSTILE + "&amp;\u2028"}
    text = embedded_json(value)
    assert not set("<>&") & set(text)
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("way", "sources"),
    [(NO_PICTURES, "img-src data:;"), (LINKED, "img-src data: https://cbu01.alicdn.com;")],
    ids=["none", "linked"],
)
def test_the_policy_lets_only_the_pages_own_style_and_script_run(
    tmp_path: Path, way: ImageMode, sources: str
) -> None:
    html = page(contents(feed(tmp_path, line(pic_url=LINK)), way=way))
    policies = [each["content"] for each in Structure(html).named("meta")
                if each.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    (policy,) = policies
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert sources in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_page_names_no_other_host_but_the_offers_own(tmp_path: Path) -> None:
    html = page(contents(feed(tmp_path, line())))
    hosts = set(re.findall(r"https?://([\w.]+)", html))
    assert hosts == {"detail.1688.com", "www.w3.org"}


# pictures


@pytest.mark.parametrize(
    "address",
    ["http://a.example/x.jpg", "javascript:alert(1)", "https://a.example/x.jpg\" onerror=\"x",
     "data:text/html,x", "//a.example/x.jpg", "https://user@a.example/x.jpg"],
)  # fmt: skip
def test_a_picture_is_linked_by_plain_https_alone(tmp_path: Path, address: str) -> None:
    path = feed(tmp_path, line("1", pic_url=address), line("2", pic_url=LINK))
    html = page(contents(path, way=LINKED))
    assert data_of(html)["pictures"] == [LINK]
    assert [offer["picture"] for offer in offers_of(html).values()] == [None, 0]


def test_the_same_picture_is_embedded_once(tmp_path: Path) -> None:
    def same(addresses: Sequence[str], room_bytes: int) -> dict[str, bytes | None]:
        return {each: b"JPEG" for each in addresses if "gone" not in each}

    path = feed(tmp_path, *(line(str(n), pic_url=f"{LINK}?{n}") for n in range(3)),
                line("9", pic_url="https://a.example/gone.jpg"))  # fmt: skip
    found = contents(path, way=ImageMode(nothing, same, links=False))
    html = page(found)
    assert data_of(html)["pictures"] == ["data:image/jpeg;base64,SlBFRw=="]
    assert [offer["picture"] for offer in offers_of(html).values()] == [0, 0, 0, None]
    assert found.pictures_left_out == 1


def test_pictures_stop_where_the_page_is_full_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(album, "MAX_BYTES", 10)

    def large(addresses: Sequence[str], room_bytes: int) -> dict[str, bytes | None]:
        return {each: each[-8:].encode() for each in addresses}

    path = feed(tmp_path, *(line(str(n), pic_url=f"{LINK}?picture{n}") for n in range(3)))
    html = page(contents(path, way=ImageMode(nothing, large, links=False)))
    assert len(data_of(html)["pictures"]) == 1
    assert "2 pictures are left out" in html


def test_a_seeds_photo_is_found_beside_the_feed_and_made_small_without_its_exif(
    tmp_path: Path,
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.new("RGB", (900, 600), "teal").save(tmp_path / "mug.jpg", exif=exif)
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    path = feed(tmp_path, line("1", seed_image="mug.jpg"),
                line("2", seed_id="b", seed_image="torn.jpg"),
                line("3", seed_id="c", seed_image="gone.jpg"))  # fmt: skip
    html = page(contents(path, way=LINKED))
    (source,) = data_of(html)["pictures"]
    raw = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
    with Image.open(BytesIO(raw)) as small:
        assert small.size == (320, 213)
    assert b"where I live" not in raw
    assert [seed["picture"] for seed in seeds_of(html).values()] == [0, None, None]
    assert small_photo(tmp_path) is None


def test_what_the_sandbox_invents_is_drawn_and_never_linked(ask: Ask, tmp_path: Path) -> None:
    known = "https://cbu01.alicdn.com/sandbox/mug-01-7.jpg"
    same = "https://cbu01.alicdn.com/sandbox/mug-01-12.jpg_270x270xzq60.jpg"
    gone = "https://cbu01.alicdn.com/sandbox/none-01-1.jpg"
    feed(tmp_path, *(line(str(n), pic_url=each, gateway="sandbox", seed_image=known)
                     for n, each in enumerate((known, same, gone))))  # fmt: skip
    assert ask("offers.jsonl")[0] == 0
    html = (tmp_path / "offers.html").read_text(encoding="utf-8")
    (source,) = data_of(html)["pictures"]
    assert source.startswith("data:image/jpeg;base64,/9j/")
    assert [offer["picture"] for offer in offers_of(html).values()] == [0, 0, None]
    assert "These offers are invented" in html
    assert "img-src data:;" in html


def test_pictures_that_cannot_be_fetched_are_told_and_the_report_is_made(
    ask: Ask, tmp_path: Path
) -> None:
    feed(tmp_path, line(pic_url="https://127.0.0.1/x.jpg"))
    code, said = ask("offers.jsonl", "--pictures", "embedded")
    assert code == 0
    assert "pictures: 0 fetched" in said
    assert "127.0.0.1" in said
    assert data_of((tmp_path / "offers.html").read_text(encoding="utf-8"))["pictures"] == []


def test_embedded_pictures_are_small_jpegs_and_one_that_is_damaged_is_told(
    ask: Ask, tmp_path: Path
) -> None:
    stream = BytesIO()
    Image.new("RGB", (800, 400), "teal").save(stream, "PNG")
    cache = PictureCache(default_folder())
    cache.put(LINK, stream.getvalue())
    cache.put(f"{LINK}?torn", stream.getvalue()[:200])
    feed(tmp_path, line("1", pic_small_url=LINK, pic_url="https://127.0.0.1/large.jpg"),
         line("2", pic_url=f"{LINK}?torn"))  # fmt: skip
    code, said = ask("offers.jsonl", "--pictures", "embedded", "--max-pictures", "0")
    assert code == 0
    assert "pictures: 0 fetched, 2 from the cache" in said
    assert "truncated_picture" in said
    html = (tmp_path / "offers.html").read_text(encoding="utf-8")
    (source,) = data_of(html)["pictures"]
    with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as small:
        assert (small.format, small.size) == ("JPEG", (220, 110))
    assert "img-src data:;" in html


# the verb


def test_the_report_lies_beside_the_feed_unless_told_otherwise(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line())
    assert ask("offers.jsonl") == (0, "1 offer of 1 photo in offers.html\n")
    assert ask("offers.jsonl", "-O", "r.html") == (0, "1 offer of 1 photo in r.html\n")
    assert {each.name for each in tmp_path.iterdir()} == {"offers.jsonl", "offers.html", "r.html"}


def test_the_terminal_too_says_how_many_of_how_many_are_shown(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, *(line(str(n)) for n in range(5)))
    said = "2 of 5 offers, the most similar of each photo (--limit) of 1 photo in offers.html\n"
    assert ask("offers.jsonl", "--limit", "2") == (0, said)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_feed_whose_name_is_no_text_is_reported_too(tmp_path: Path) -> None:
    path = feed(tmp_path, line(), b"{", name=os.fsdecode(b"m\xffugs.jsonl"))
    html = page(contents(path)).encode()
    assert b"<h1>m?ugs.jsonl</h1>" in html
    assert b"m?ugs.jsonl:2." in html


def test_torn_lines_are_told_on_the_page_too_and_are_exit_code_1(ask: Ask, tmp_path: Path) -> None:
    feed(tmp_path, line(), b'{"num_iid":"9","tit')
    code, said = ask("offers.jsonl")
    assert code == 1
    assert "1 line could not be read and is left out, the first at offers.jsonl:2\n" in said
    assert "the first at offers.jsonl:2." in (tmp_path / "offers.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no feed; give a crawl's offers.jsonl"),
        (["gone.jsonl"], "gone.jsonl does not exist"),
        (["torn.jsonl"], "there is no offer"),
        (["offers.jsonl", "-O", "offers.jsonl"], "give the name of a .html file"),
        (["offers.jsonl", "-O", "no/such/r.html"], "cannot be written"),
        (["offers.jsonl", "--limit", "0"], "--limit 0: must be a whole number"),
        (["offers.jsonl", "--pictures", "some"], "must be linked or embedded or none"),
        (["offers.jsonl", "--max-pictures", "9"], "is for --pictures embedded"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    ask: Ask, tmp_path: Path, arguments: list[str], said: str
) -> None:
    feed(tmp_path, line())
    feed(tmp_path, b"{", name="torn.jsonl")
    code, told = ask(*arguments)
    assert code == 2
    assert said in told
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.glob("*.html*"))


# words


def test_every_word_is_there_in_both_languages_with_the_same_values() -> None:
    for name, pair in WORDS.items():
        assert all(pair), name
        english, chinese = ({field for _, field, _, _ in Formatter().parse(text) if field}
                            for text in pair)  # fmt: skip
        assert english == chinese, name


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("page 2: transient: 500 denied: x", "code_transient"),
        ("no_id", "code_no_id"),
        ("same_picture: searched once, for a; bad_seed: 15", "code_bad_seed"),
        ("no_idea", None),
        ("of another kind", None),
        (None, None),
    ],
)
def test_a_reason_whose_code_is_known_has_plain_words(reason: str | None, word: str | None) -> None:
    assert word_of(reason) == word


def test_every_class_of_refusal_has_plain_words() -> None:
    assert all(word_of(f"{kind}: 7 text") == f"code_{kind}" for kind in RefusalClass)


def test_every_word_that_is_asked_for_is_there_and_no_other() -> None:
    room = Path(report.__file__).parent.parent / "report"
    template = (room / "page.html.j2").read_text(encoding="utf-8")
    script = "".join(each.read_text(encoding="utf-8") for each in room.glob("script/*.js"))
    asked = set(re.findall(r"""\b(?:t|english)\(["'](\w+)["'][,)]""", template))
    asked |= set(re.findall(r'data-word(?:-\w+)?="(\w+)"', template))
    asked |= set(re.findall(r'\bsay\("(\w+)"', script))
    assert asked <= set(WORDS)
    quoted = set(re.findall(r'"(\w+)"', script))
    made = {
        name
        for name in WORDS
        if name.startswith(
            ("status_", "theme_", "picked_", "code_", "lack_", "fact_", "change_", "order_")
        )
    }
    made |= {"running", "running_on", "not_ended", "killed"}
    assert set(WORDS) - asked - quoted - made == set()


# large


_CHILD = """
import argparse, pathlib, sys
from pailitao_spider.verbs import report
parser = argparse.ArgumentParser()
report.add_options(parser)
code = report.run(parser.parse_args(["offers.jsonl"]))
status = pathlib.Path("/proc/self/status").read_text()
sys.stderr.write(f"PEAK {int(status.partition('VmHWM:')[2].split()[0]) // 1024}")
sys.exit(code)
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_a_million_offers_take_no_more_memory_than_a_laptop_has(tmp_path: Path) -> None:
    with (tmp_path / "offers.jsonl").open("wb") as file:
        file.writelines(large(1_000_000))
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], cwd=tmp_path, check=True, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, text=True,
    )  # fmt: skip
    assert "20000 of 1000000 offers" in done.stderr
    assert int(done.stderr.rpartition("PEAK ")[2]) < 600
    assert (tmp_path / "offers.html").stat().st_size < 20_000_000
