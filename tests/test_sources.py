from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import sys
import threading
import tracemalloc
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pailitao_spider.errors import SourceError
from pailitao_spider.seeds.ids import TakenIds
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Base64Image, FileImage, Seed, UrlImage
from pailitao_spider.seeds.sources import open_source

URL = "https://a.com/img/shoe.jpg"
Write = Callable[[str, str | bytes], str]


def png(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(stream, "PNG")
    return stream.getvalue()


BASE64 = base64.b64encode(png()).decode()
LABEL = f"base64:{hashlib.sha256(png()).hexdigest()[:16]}"


def short(text: str, digits: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return written


def seeds(source: str, stdin: Any = None) -> list[Seed | BadLine]:
    return list(open_source(source, stdin))


def ids(source: str) -> list[str]:
    return [seed.seed_id for seed in seeds(source)]


def only(source: str) -> Any:
    (seed,) = seeds(source)
    return seed


def refusal(source: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(source)
    assert str(caught.value).isprintable()
    return str(caught.value)


# --- one picture, a folder ----------------------------------------------------------------


def test_a_picture_file_is_one_seed(write: Write) -> None:
    path = write("Shoe.JPG", png())
    assert seeds(path) == [Seed("Shoe.JPG", FileImage(Path(path)))]


def test_a_picture_url_is_one_seed() -> None:
    url = "https://a.com/%E9%9E%8B.jpg?x=/y.png#z"
    assert seeds(url) == [Seed("鞋.jpg", UrlImage(url.removesuffix("#z")))]


def test_a_folder_gives_its_pictures_in_order(
    write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("b.png", "a.jpg", "sub/a.jpg", "sub/c.avif", ".hidden.png", ".git/x.png", "notes.txt")
    for name in names:
        write(name, "a note" if name == "notes.txt" else png())
    with caplog.at_level(logging.INFO, "pailitao_spider.seeds"):
        found = seeds(str(tmp_path))
    inner = tmp_path / "sub" / "a.jpg"
    expected = {
        "a.jpg": tmp_path / "a.jpg",
        "b.png": tmp_path / "b.png",
        f"a.jpg-{short(str(inner))}": inner,
        "c.avif": tmp_path / "sub" / "c.avif",
    }
    assert found == [Seed(name, FileImage(path)) for name, path in expected.items()]
    assert "1 files left out" in caplog.text
    assert "notes.txt" in caplog.text


def test_in_a_folder_what_cannot_be_a_picture_is_a_bad_line(write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to("gone")
    assert [seed.code for seed in seeds(str(tmp_path))] == ["not_a_file", "no_such_file"]


@pytest.fixture
def not_utf8(write: Write, tmp_path: Path) -> Path:
    """Pictures, a link to nothing, no picture and a list, each with a name that is no UTF-8."""
    try:
        write("caf\udce8.png", png("red"))
        write("caf\udce9.png", png("blue"))
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (tmp_path / "x\udce9.png").symlink_to("gone")
    write("notes\udce9.doc", "")
    write("list\udce9.txt", "gone.png\n")
    return tmp_path


def test_pictures_whose_names_are_no_utf8_are_opened_and_told_apart(not_utf8: Path) -> None:
    first, second, _ = seeds(str(not_utf8))
    assert isinstance(first, Seed)
    assert isinstance(second, Seed)
    assert [load(first.image), load(second.image)] == [png("red"), png("blue")]  # type: ignore[arg-type]
    assert first.image.label == str(not_utf8 / r"caf\udce8.png")
    assert first.image.label != second.image.label
    assert first.seed_id != second.seed_id


def test_what_is_said_of_a_name_that_is_no_utf8_can_be_written(
    not_utf8: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "pailitao_spider.seeds"):
        found = [*seeds(str(not_utf8)), *seeds(str(not_utf8 / "list\udce9.txt"))]
    said = [caplog.text]
    for seed in found:
        said.append(seed.seed_id)
        said += [seed.image, seed.text] if isinstance(seed, BadLine) else [seed.image.label]
    assert [getattr(seed, "code", "") for seed in found] == ["", "", *["no_such_file"] * 2]
    assert "notes" in caplog.text
    assert "".join(said).encode("utf-8")


# --- a seed's text ------------------------------------------------------------------------


def one_line(write: Write, text: str) -> Any:
    return only(write("seeds.txt", text + "\n"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"  {URL} ", URL),
        ("HTTP://A.com/X", "http://a.com/X"),
        ("https://a.com/鞋 1.jpg", "https://a.com/%E9%9E%8B%201.jpg"),
        ("https://例子.com/a.jpg", "https://xn--fsqu00a.com/a.jpg"),
        ("//cbu01.alicdn.com/a.jpg", "https://cbu01.alicdn.com/a.jpg"),
    ],
)
def test_a_web_address_is_a_picture_on_the_web(write: Write, text: str, url: str) -> None:
    assert one_line(write, text).image == UrlImage(url)


@pytest.mark.parametrize(
    "text", [BASE64, f"data:image/png;base64,{BASE64}", f"DATA:image/x-y;q=1;base64, {BASE64}"]
)
def test_base64_is_a_picture(write: Write, text: str) -> None:
    assert one_line(write, text) == Seed(short(LABEL, 12), Base64Image(BASE64, LABEL))


BAD_TEXTS = {
    "ftp://a.com/x.jpg": "bad_scheme",
    "file://elsewhere/a.jpg": "bad_scheme",
    "file:///gone.jpg": "no_such_file",
    "https://a.com/list.csv": "no_picture_address",
    "https://docs.google.com/spreadsheets/d/x/edit": "no_picture_address",
    "https://a.com/export?format=xlsx": "no_picture_address",
    "https://detail.1688.com/offer/610947572360.html": "no_picture_address",
    "https://a.com/1.jpg https://a.com/2.jpg": "several_addresses",
    "javascript:alert(1)": "bad_scheme",
    "https://": "bad_url",
    "https:///x.jpg": "bad_url",
    "http://[": "bad_url",
    "http://a.com:99999/": "bad_url",
    "http:a.jpg": "bad_url",
    "gone.jpg": "no_such_file",
    "a\0b.jpg": "no_such_file",
    "x" * 5000: "no_such_file",
    ".": "not_a_file",
    BASE64[:-7]: "bad_base64",
    f"data:image/png;base64,{BASE64[:-7]}": "bad_base64",
    "data:text/plain,hello": "bad_base64",
    "data:image/png;base64,": "empty_file",
}


@pytest.mark.parametrize(("text", "code"), BAD_TEXTS.items(), ids=ascii)
def test_a_text_that_is_no_picture_is_a_bad_line(write: Write, text: str, code: str) -> None:
    bad = one_line(write, text)
    assert isinstance(bad, BadLine)
    named = {"gone.jpg": "gone.jpg", "file:///gone.jpg": "gone.jpg", "a\0b.jpg": "ab.jpg"}
    assert (bad.seed_id, bad.code) == (named.get(text, "seeds.txt:1"), code)
    assert bad.image == "".join(c for c in text if c.isprintable())[:200]
    assert bad.text.startswith("seeds.txt:1: ")
    assert len(bad.text) < 400
    assert bad.text.isprintable()


def test_a_pipe_is_no_picture(write: Write, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert one_line(write, "x.jpg").code == "not_a_file"


def test_a_path_is_looked_up_beside_the_list_and_then_here(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lists/a.jpg", "here/a.jpg", "here/b:1.jpg"):
        write(name, png())
    monkeypatch.chdir(tmp_path / "here")
    source = write("lists/seeds.txt", "a.jpg\nb:1.jpg\n")
    paths = [seed.image for seed in seeds(source)]  # type: ignore[union-attr]
    assert paths == [FileImage(tmp_path / "lists" / "a.jpg"), FileImage(Path("b:1.jpg"))]


# --- names --------------------------------------------------------------------------------


def test_a_name_that_is_taken_gets_the_hash_and_then_a_number(write: Write) -> None:
    other = "https://b.com/shoe.jpg"
    source = write("seeds.txt", "\n".join([URL, other, other, other, URL]))
    hashed = f"shoe.jpg-{short(other)}"
    expected = ["shoe.jpg", hashed, f"{hashed}-2", f"{hashed}-3", f"shoe.jpg-{short(URL)}"]
    assert ids(source) == expected
    assert ids(source) == expected


def test_a_url_without_a_file_name_is_named_by_its_hash(write: Write) -> None:
    for url in ("https://a.com", "https://a.com/", "https://a.com/x/?y=z/w.jpg"):
        assert one_line(write, url).seed_id == short(url, 12)


def test_a_name_is_short_and_clean(write: Write) -> None:
    assert one_line(write, f"https://a.com/%00%0A{'x' * 300}").seed_id == "x" * 200


@given(st.lists(st.tuples(st.sampled_from(["a", "a-2", "x" * 300]), st.sampled_from("pq"))))
def test_names_are_unique_and_repeatable(wanted: list[tuple[str, str]]) -> None:
    def taken() -> list[str]:
        names = TakenIds()
        found = [names.take(*one) for one in wanted]
        names.close()
        return found

    first = taken()
    assert len(set(first)) == len(wanted)
    assert max(map(len, first), default=0) <= 200
    assert taken() == first


# --- tables -------------------------------------------------------------------------------

EXPECTED = [
    Seed("s1", UrlImage(URL), {"note": "a, b", "n": "1"}),
    Seed("shoe.jpg", UrlImage(URL), {"note": "", "n": "2"}),
]
TABLES = {
    "comma.csv": f'image,seed_id,note,n\n{URL},s1,"a, b",1\n{URL},,,2\n',
    "semicolon.csv": f"image;seed_id;note;n\r\n{URL};s1;a, b;1\r\n\r\n{URL};;;2\r\n",
    "tab.csv": f"image\tseed_id\tnote\tn\n{URL}\ts1\ta, b\t1\n{URL}\t\t\t2\n",
    "tab.tsv": f"\nnote\t Seed ID\tn\t IMAGE \na, b\ts1\t1\t{URL}\n\t\t2\t{URL}\n",
    "quoted.csv": f'"image";"seed_id";"note";"n"\n"{URL}";"s1";"a, b";"1"\n;;;\n{URL};;;2',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_by_its_columns(write: Write, name: str, encoding: str) -> None:
    assert seeds(write(name, TABLES[name].encode(encoding))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom", "gb18030"])
def test_chinese_is_read_in_every_usual_encoding(write: Write, encoding: str) -> None:
    text = f"image,备注\n{URL},上海运动鞋上\n"
    raw = ("\ufeff" + text).encode("utf-16-be") if "be" in encoding else text.encode(encoding)
    assert only(write("a.csv", raw)).extra == {"备注": "上海运动鞋上"}


def test_json_lines_keep_their_values(write: Write) -> None:
    source = write("a.jsonl", f'{{"Image": "{URL}", "seed_id": 17, "n": 1.5, "tags": [null]}}\n\n')
    assert seeds(source) == [Seed("17", UrlImage(URL), {"n": 1.5, "tags": [None]})]


def codes(source: str) -> list[tuple[str, str]]:
    return [(seed.seed_id, getattr(seed, "code", "")) for seed in seeds(source)]


def test_bad_json_lines_do_not_stop_the_others(write: Write) -> None:
    good = f'{{"image": "{URL}"}}'
    lines = [good, "{", "[1]", "[" * 100_000, '{"n": 1}', '{"image": 5}', '{"image": null}', good]
    lines[6:6] = [f'{{"image": "{URL}", "seed_id": []}}', '{"image": "gone", "seed_id": "mine"}']
    assert codes(write("a.jsonl", "\n".join(lines))) == [
        ("shoe.jpg", ""),
        ("a.jsonl:2", "bad_json"),
        ("a.jsonl:3", "bad_json"),
        ("a.jsonl:4", "bad_json"),
        ("a.jsonl:5", "no_image"),
        ("a.jsonl:6", "no_image"),
        ("a.jsonl:7", "bad_seed_id"),
        ("mine", "no_such_file"),
        ("a.jsonl:9", "no_image"),
        (f"shoe.jpg-{short(URL)}", ""),
    ]


def test_bad_csv_lines_do_not_stop_the_others(write: Write) -> None:
    lines = [
        b"image,note",
        b",only a note",
        b"https://a.com/1,x,y,z",
        b"https://a.com/\xff\xff,x",
        b"https://a.com/2,a\0b",
        b'https://a.com/3,"two\nlines"',
        b"https://a.com/4\rgone,bare return",
        b'https://a.com/5,"never closed',
        b"https://a.com/6",
    ]
    found = seeds(write("a.csv", b"\n".join(lines)))
    assert [(seed.seed_id, getattr(seed, "code", "")) for seed in found] == [
        ("a.csv:2", "no_image"),
        ("1", ""),
        ("a.csv:4", "bad_encoding"),
        ("2", ""),
        ("3", ""),
        ("4", ""),
        ("a.csv:9", "no_such_file"),
        ("a.csv:10", "bad_csv"),
        ("6", ""),
    ]
    assert found[1].extra == {"note": "x", "column_3": "y", "column_4": "z"}  # type: ignore[union-attr]


def test_a_file_full_of_open_quotes_is_read_in_linear_time(write: Write) -> None:
    lines = "".join(f'https://a.com/{n}","\n' for n in range(5000))
    found = seeds(write("a.csv", f"image,b\n{lines}https://a.com/good,\n"))
    assert {getattr(seed, "code", "") for seed in found[:-1]} == {"bad_csv"}
    assert [seed.seed_id for seed in found[-2:]] == ["a.csv:5001", "good"]


def test_a_column_named_twice_or_not_at_all_keeps_its_cells(write: Write) -> None:
    found = only(write("a.csv", f"image,a,a,,image\n{URL},1,2,3,4\n"))
    assert found.extra == {"a": "1", "column_3": "2", "column_4": "3", "column_5": "4"}


def test_a_large_base64_cell_is_read(write: Write) -> None:
    stream = io.BytesIO()
    Image.frombytes("RGB", (900, 900), os.urandom(3 * 900 * 900)).save(stream, "PNG")
    text = base64.encodebytes(stream.getvalue()).decode()
    found = only(write("a.csv", f'image,n\n"{text}",1\n'))
    assert found.image.text == "".join(text.split())


# --- Excel --------------------------------------------------------------------------------


def sheet(path: Path, rows: list[list[Any]], first: int = 0) -> str:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for number, cells in enumerate(rows, first):
            page.write_row(number, 0, cells)
    return str(path)


def test_a_sheet_is_read_by_its_columns(tmp_path: Path) -> None:
    rows = [
        ["image", "seed_id", "n", "on"],
        [URL, 17, 1.5, True],
        ["", "", "", ""],
        ["gone", "", 2],
    ]
    found: list[Any] = seeds(sheet(tmp_path / "a.xlsx", rows))
    assert found[0] == Seed("17", UrlImage(URL), {"n": 1.5, "on": True})
    assert (found[1].seed_id, found[1].code) == ("a.xlsx:4", "no_such_file")


def test_rows_of_a_sheet_are_counted_from_its_top(tmp_path: Path) -> None:
    source = sheet(tmp_path / "a.xlsx", [["image", "n"], ["", 2]], first=3)
    assert only(source).seed_id == "a.xlsx:5"


def test_without_the_extra_a_sheet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    assert "pip install python-calamine" in refusal(sheet(tmp_path / "a.xlsx", [["image"]]))


# --- a source as a whole ------------------------------------------------------------------

BAD_SOURCES = {
    "empty.csv": ("", "is empty"),
    "blank.txt": ("\n \n", "holds no seed"),
    "header.csv": ("image,note\n", "holds no seed"),
    "header.jsonl": ("\n", "holds no seed"),
    "names.csv": ("article,url\nx,y\n", "article, url"),
    "names.jsonl": ('{"url": 1}\n', "url"),
    "undecodable.csv": (b"\xff\xff\xff\n", "UTF-8"),
    "what.doc": ("x", "unknown kind"),
    "damaged.xlsx": ("PK\x03\x04 no", "damaged"),
    "only/notes.txt.bak": ("x", "unknown kind"),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_source_without_seeds_is_refused_at_once(write: Write, name: str) -> None:
    content, hint = BAD_SOURCES[name]
    assert hint in refusal(write(name, content))


def test_a_source_that_is_not_there_is_refused_at_once(write: Write, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    write("other/a.doc", "x")
    os.mkfifo(tmp_path / "p.txt")
    assert "no such file" in refusal(str(tmp_path / "gone.csv"))
    assert "cannot be read" in refusal("x" * 5000)
    assert "no such file" in refusal("a\0b")
    assert "empty" in refusal(str(tmp_path / "none"))
    assert "a.doc" in refusal(str(tmp_path / "other"))
    assert "regular" in refusal(str(tmp_path / "p.txt"))
    assert "neither http(s)" in refusal("ftp://a.com/x.jpg")
    assert "no host" in refusal("https://")


def test_a_sheet_with_only_a_header_is_refused(tmp_path: Path) -> None:
    assert "holds no seed" in refusal(sheet(tmp_path / "a.xlsx", [["image"]]))
    assert "holds no seed" in refusal(sheet(tmp_path / "b.xlsx", []))


# --- standard input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "stdin",
    [
        io.BytesIO(f"\ufeff{URL}\r\n\n".encode()),
        io.StringIO(f"{URL}\n\n"),
        io.TextIOWrapper(io.BytesIO(f"{URL}\n".encode("utf-16"))),
    ],
    ids=["bytes", "text", "wrapped"],
)
def test_standard_input_gives_a_seed_a_line(stdin: Any) -> None:
    assert seeds("-", stdin) == [Seed("shoe.jpg", UrlImage(URL))]


def test_a_bad_line_of_standard_input_is_named_by_its_number() -> None:
    (bad,) = seeds("-", io.BytesIO(b"\ngone"))
    assert bad.seed_id == "stdin:2"


def test_empty_standard_input_is_known_when_it_was_read() -> None:
    opened = open_source("-", io.BytesIO(b"\n"))
    with pytest.raises(SourceError, match="holds no seed"):
        next(opened)


def test_standard_input_is_not_waited_for_before_it_is_asked() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            line = f"{URL}\n".encode()
            buffer[: len(line)] = line
            return len(line)

    opened = open_source("-", io.BufferedReader(Endless()))
    assert [next(opened).seed_id for _ in range(2)] == ["shoe.jpg", f"shoe.jpg-{short(URL)}"]


# --- size and threads ---------------------------------------------------------------------

LINES = 100_000


@pytest.fixture(scope="module", params=["long.txt", "long.csv"])
def long_list(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("long") / request.param
    head = "image\n" if path.suffix == ".csv" else ""
    path.write_text(head + "".join(f"https://a.com/{n}/{n % 1000}.jpg\n" for n in range(LINES)))
    return str(path)


def test_a_long_list_costs_no_memory(long_list: str) -> None:
    opened = open_source(long_list)
    next(opened)
    tracemalloc.start()
    for _ in islice(opened, LINES // 10):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    resident = resident_bytes()
    *_, last = deque(opened, 2)
    assert resident_bytes() - resident < 30_000_000
    assert isinstance(last, Seed)
    assert last.image == UrlImage(f"https://a.com/{LINES - 1}/{(LINES - 1) % 1000}.jpg")


def resident_bytes() -> int:
    """0 where the system has no /proc: there only Python's own memory is watched."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def test_the_first_seed_does_not_wait_for_the_file(
    long_list: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: list[Any] = []
    real_open = Path.open

    def watched(self: Path, *args: Any, **options: Any) -> Any:
        streams.append(real_open(self, *args, **options))
        return streams[-1]

    monkeypatch.setattr(Path, "open", watched)
    opened = open_source(long_list)
    next(opened)
    looking = [stream for stream in streams if not stream.closed]
    assert len(looking) == 1
    assert looking[0].tell() < 100_000
    del opened
    assert looking[0].closed


def test_any_thread_may_ask_for_the_next_seed(write: Write) -> None:
    opened = open_source(write("a.txt", "".join(f"{URL}?{n}\n" for n in range(20))))
    found: list[str] = []
    for _ in range(20):
        thread = threading.Thread(target=lambda: found.append(next(opened).seed_id))
        thread.start()
        thread.join()
    assert len(set(found)) == 20


@given(
    st.sampled_from(["txt", "csv", "tsv", "jsonl", "xlsx"]), st.binary(max_size=200), st.booleans()
)
def test_any_bytes_give_seeds_bad_lines_or_a_source_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, raw: bytes, has_header: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes((b"image,seed_id\n" if has_header else b"") + raw)
    try:
        found = seeds(str(path))
    except SourceError as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        return
    assert len({seed.seed_id for seed in found}) == len(found)
