"""Text lists as people save them: encodings, line ends, quotes, Base64 of any spelling.

The names of reports that a case comes from stand in the names of the tests.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pailitao_spider.crawl.bad_lines import BadLines
from pailitao_spider.seeds.headers import image_places, key_of
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Base64Image, FileImage, Seed, UrlImage
from pailitao_spider.seeds.sources import open_source

URL = "https://a.com/img/shoe.jpg"
Write = Callable[[str, bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    return written


def seeds(source: str, stdin: Any = None, tell: Callable[[str], None] = lambda line: None) -> Any:
    return list(open_source(source, stdin, tell=tell))


def only(source: str) -> Any:
    (seed,) = seeds(source)
    return seed


def jpeg(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(stream, "JPEG")
    return stream.getvalue()


# --- encodings ---------------------------------------------------------------------------

LISTS = {
    "GB18030 whose lines are UTF-8 by accident, objectui#2556": (
        "gb18030", "GB18030", ["单位", "双", "台", "只", "件"],
    ),
    "GB18030 of one letter": ("gb18030", "GB18030", ["size", "小"]),
    "the Notepad word 联通": ("gb18030", "GB18030", ["name", "联通"]),
    "Excel's CSV in Taiwan": ("big5", "Big5", ["顏色", "紅色的鞋子", "黑"]),
    "Excel's CSV in the West": ("cp1252", "Windows-1252", ["n", "Müller Größe", "prix 12 €", "é"]),
    "UTF-16 without its mark": ("utf-16-le", "UTF-16", ["名称", "鞋"]),
    "UTF-8": ("utf-8", None, ["单位", "双", "Größe"]),
    "UTF-8 of Cyrillic": ("utf-8", None, ["имя", "Красный дом"]),
    "UTF-8 with its mark": ("utf-8-sig", None, ["单位", "双"]),
    "UTF-16 with its mark": ("utf-16", None, ["单位", "双"]),
    "plain": ("ascii", None, ["n", "x"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr of Excel for Mac"])
def test_the_encoding_of_a_file_is_decided_for_the_file(write: Write, name: str, end: str) -> None:
    encoding, told_as, (title, *values) = LISTS[name]
    lines = [f"image,{title}", *(f"https://a.com/{n},{each}" for n, each in enumerate(values))]
    told: list[str] = []
    source = write("a.csv", "".join(line + end for line in lines).encode(encoding))
    assert [seed.extra for seed in seeds(source, tell=told.append)] == [
        {title: value} for value in values
    ]
    assert len(told) == (told_as is not None)
    assert all(told_as in line for line in told if told_as)


def test_a_damaged_line_leaves_the_encoding_of_the_file_alone(write: Write) -> None:
    lines = [*("https://a.com/鞋.jpg",) * 3, "https://a.com/坏"]
    raw = "\n".join(lines).encode() + b"\xff\xfe"
    assert [getattr(seed, "code", "") for seed in seeds(write("a.txt", raw))] == [
        "", "", "", "bad_encoding",
    ]  # fmt: skip


def test_gb18030_is_known_by_its_mark(write: Write) -> None:
    raw = b"\x84\x31\x95\x33" + f"image,名\n{URL},鞋\n".encode("gb18030")
    assert only(write("a.csv", raw)).extra == {"名": "鞋"}


def test_standard_input_is_decided_when_a_line_shows_it() -> None:
    raw = "https://a.com/1\nhttps://a.com/漏洞.jpg\nhttps://a.com/双.jpg\n".encode("gb18030")
    found = seeds("-", io.BytesIO(raw))
    assert [seed.seed_id for seed in found] == ["1", "漏洞.jpg", "双.jpg"]


# --- what stands around a table --------------------------------------------------------------

AROUND = {
    "sep=; of Excel": f"sep=;\nimage;n\n{URL};1\n",
    "quoted sep": f'"sep=;"\nimage;n\n{URL};1\n',
    "empty rows of a sheet": f"\n\n,,\nimage,n\n{URL},1\n,,\n",
    "a title row": f"Einkauf 2026,\n,\nimage,n\n{URL},1\n",
    "bars": f"image|n\n{URL}|1\n",
    "a header with invisible letters": f"\u200bimage\ufeff,n\n{URL},1\n",
    "a required column": f"*Image URL（必填）,n\n{URL},1\n",
}


@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_a_table_is_passed_over(write: Write, name: str) -> None:
    assert only(write("a.csv", AROUND[name].encode())) == Seed(
        "shoe.jpg", UrlImage(URL), {"n": "1"}
    )


@pytest.mark.parametrize(
    "title",
    ["image", "Images", "image_url", "Image Src", "图片", "图片链接", "主图", "商品图片", "photo",
     "Picture URL", "圖片", "foto", "img", "*产品图（800x800）", "Main Image"],
)  # fmt: skip
def test_the_column_of_pictures_is_known_by_its_usual_names(title: str) -> None:
    assert image_places(["sku", title]) == [1]


@pytest.mark.parametrize(
    "title", ["url", "链接", "image size", "图片数量", "imaginary", "1688链接"]
)
def test_a_column_that_only_sounds_alike_is_none_of_pictures(title: str) -> None:
    assert image_places(["sku", title]) == []
    assert key_of(title)


def test_of_several_columns_of_pictures_the_first_that_says_something_is_taken(
    write: Write,
) -> None:
    told: list[str] = []
    source = write("a.csv", f"主图,图片链接\nx.jpg,{URL}\n{URL}?2,\n".encode())
    first, second = seeds(source, tell=told.append)
    assert (first.image, first.extra) == (UrlImage(URL), {"主图": "x.jpg"})
    assert second.image == UrlImage(f"{URL}?2")
    assert "图片链接" in told[0]


# --- paths -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    ['"{0}"', "'{0}'", "“{0}”", "file://{0}", "file://localhost{0}", "~/shoe.jpg",
     "\u202a{0}", ".\\shoe.jpg"],
    ids=["WinDbg-Feedback#259", "single", "curly", "file", "localhost", "home",
         "the mark that Windows' properties dialog copies", "backslash"],
)  # fmt: skip
def test_a_path_may_be_spelled_as_programs_copy_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = write("shoe.jpg", jpeg())
    seed = only(write("a.txt", f"# my list\n{spelling.format(picture)}\n".encode()))
    assert isinstance(seed, Seed)
    assert load(seed.image) == jpeg()  # type: ignore[arg-type]


def test_a_picture_whose_name_begins_with_a_hash_is_no_remark(write: Write) -> None:
    write("#1.jpg", jpeg())
    assert [seed.seed_id for seed in seeds(write("a.txt", b"#1.jpg\n# 2 of them\n"))] == ["#1.jpg"]


ADDRESSES = {
    "https：//a.com/x.jpg": "https://a.com/x.jpg",
    "https://CBU01.alicdn.com/X.jpg#frag": "https://cbu01.alicdn.com/X.jpg",
    "https://a.com/x.jpg\u200b": "https://a.com/x.jpg",
    '"https://a.com/x.jpg"': "https://a.com/x.jpg",
    "<https://a.com/x.jpg>": "https://a.com/x.jpg",
    "http://www.papirnisvet.com/801_klar,p-724211,s-700.jpg": (  # woocommerce#17390
        "http://www.papirnisvet.com/801_klar,p-724211,s-700.jpg"
    ),
}


@pytest.mark.parametrize(("typed", "meant"), ADDRESSES.items(), ids=ascii)
def test_an_address_is_taken_as_it_is_meant(write: Write, typed: str, meant: str) -> None:
    assert only(write("a.txt", typed.encode())).image == UrlImage(meant)


# --- Base64 ------------------------------------------------------------------------------

PLAIN = base64.b64encode(jpeg()).decode()
SPELLINGS = {
    "standard": PLAIN,
    "without padding, openedai-vision#4": PLAIN.rstrip("="),
    "url-safe": base64.urlsafe_b64encode(jpeg()).decode(),
    "b'…' of Python": f"b'{PLAIN}'",
    "quoted": f'"{PLAIN}"',
    "percent": PLAIN.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
    "data": f"data:image/jpeg;base64,{PLAIN}",
    "data without its type": f"data:;base64,{PLAIN}",
    "data of bytes": f"data:application/octet-stream;base64,{PLAIN.rstrip('=')}",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_base64_is_read_however_it_was_spelled(write: Write, name: str) -> None:
    seed = only(write("a.txt", SPELLINGS[name].encode()))
    assert isinstance(seed, Seed), seed
    assert isinstance(seed.image, Base64Image)
    assert load(seed.image) == jpeg()


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_data_address_that_its_comma_cut_is_joined_again(write: Write, delimiter: str) -> None:
    cells = ["a", f"data:image/jpeg;base64,{PLAIN}", "1"]
    text = f"seed_id,image,n\n{','.join(cells)}\n"
    if delimiter == ";":
        text = f"seed_id;image;n\n{';'.join(cells)}\n"
    seed = only(write("a.csv", text.encode()))
    assert load(seed.image) == jpeg()
    assert (seed.seed_id, seed.extra) == ("a", {"n": "1"})


# --- a bad line ----------------------------------------------------------------------------


def test_a_bad_line_has_the_id_that_it_would_have_if_it_were_good(write: Write) -> None:
    source = write("a.csv", b"image,seed_id,sku\nphotos/x.jpg,,1\ny.jpg,mine,2\n")
    bad = seeds(source)
    assert [(each.seed_id, each.extra) for each in bad] == [
        ("x.jpg", {"sku": "1"}), ("mine", {"sku": "2"}),
    ]  # fmt: skip
    write("photos/x.jpg", jpeg())
    write("y.jpg", jpeg())
    good = seeds(source)
    assert [each.seed_id for each in good] == ["x.jpg", "mine"]
    assert all(isinstance(each, BadLine) for each in bad)
    assert all(isinstance(each.image, FileImage) for each in good)


# --- folders -------------------------------------------------------------------------------


def test_a_folder_is_searched_by_what_its_files_are_jpegview_168(write: Write) -> None:
    names = ("a.jpg", "b.jfif", "c", "d.heic", "e.nef", "f.psd", "notes.txt", "Thumbs.db")
    for name in names:
        write(f"in/{name}", b"some words" if name[:1] in "nTe" else jpeg())
    write("in/g.dat", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    told: list[str] = []
    found = seeds(str(Path(write("in/a.jpg", jpeg())).parent), tell=told.append)
    assert [seed.seed_id for seed in found] == [
        "a.jpg", "b.jfif", "c", "d.heic", "e.nef", "f.psd", "g.dat",
    ]  # fmt: skip
    assert "2 files left out, no pictures: Thumbs.db, notes.txt" in told[0]


@pytest.mark.parametrize("name", ["shoe.jfif", "shoe", "shoe.dat"])
def test_a_single_picture_is_known_by_its_bytes(write: Write, name: str) -> None:
    assert only(write(name, jpeg())).seed_id == name


def test_of_ten_thousand_bad_lines_ten_are_told_and_then_their_number() -> None:
    told: list[str] = []
    bad = BadLines(told.append)
    for number in range(10_000):
        bad.tell("no_such_file" if number % 2 else "bad_url", f"list.csv:{number}: gone")
    bad.end()
    assert told[:10] == [f"list.csv:{number}: gone" for number in range(10)]
    assert len(told) == 12
    assert "9990 more seeds" in told[-1]
    assert "5000 bad_url, 5000 no_such_file" in told[-1]
