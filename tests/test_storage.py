"""Files that are whole or not there, scratch databases, undecodable lines, ids apart."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from pailitao_spider.cluster.admin.push import _Entry
from pailitao_spider.cluster.seed_codec import IntakeSeed, line_of
from pailitao_spider.errors import UNDECODABLE, ResultsError
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.seed_index import KnownSeed
from pailitao_spider.seeds.ids import id_apart
from pailitao_spider.seeds.model import FileImage, Seed, UrlImage
from pailitao_spider.storage.atomic_file import AtomicFile, replacing
from pailitao_spider.storage.scratch import scratch_database


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    target.write_bytes(b"old\n")
    with replacing(target) as file:
        file.write(b"new\n")
        file.flush()
        assert target.read_bytes() == b"old\n"
    assert (target.read_bytes(), names(tmp_path)) == (b"new\n", {"a.jsonl"})


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
def test_what_goes_wrong_leaves_the_old_file_alone(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.jsonl"
    target.write_bytes(b"old\n")

    def write() -> None:
        with replacing(target) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert (target.read_bytes(), names(tmp_path)) == (b"old\n", {"a.jsonl"})


def test_only_what_killed_writers_of_this_file_left_is_swept(tmp_path: Path) -> None:
    others = {"a.jsonl.new", "a.jsonl.x1234567.new", "b.jsonl.0123abcd.new", "a.jsonl.0123abcd"}
    for name in (*others, "a.jsonl.0123abcd.new"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "a.jsonl", sweeps=True):
        pass
    assert names(tmp_path) == others | {"a.jsonl"}


def test_two_writers_never_mix_their_bytes(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    first, second = AtomicFile(target), AtomicFile(target)
    first.append(b"1")
    second.append(b"2")
    for each in (first, second):
        each.finish()
        each.publish()
        each.discard()
    assert (target.read_bytes(), names(tmp_path)) == (b"2\n", {"a.jsonl"})


def test_a_writer_that_was_swept_says_so(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    first = AtomicFile(target)
    with replacing(target, sweeps=True) as file:
        file.write(b"2\n")
    first.finish()
    with pytest.raises(ResultsError, match="another command writes this result too"):
        first.publish()
    assert target.read_bytes() == b"2\n"


@pytest.mark.parametrize(("is_private", "mode"), [(True, 0o600), (False, 0o640)])
def test_a_private_file_is_its_owners(tmp_path: Path, is_private: bool, mode: int) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a", is_private=is_private) as file:
            file.write(b"secret")
    finally:
        os.umask(before)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_scratch_database_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    database = scratch_database("CREATE TABLE t (a BLOB)", cache_kib=10)
    database.executemany("INSERT INTO t VALUES (?)", ((bytes(1000),) for _ in range(500)))
    assert database.execute("SELECT count(*) FROM t").fetchone() == (500,)
    database.close()
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"a": 1}x', b'"\xff"', b"[" * 3000 + b"]" * 3000, b'["a"]', b"\x00\x01"],
    ids=["empty", "cut", "more", "no utf-8", "nested", "another shape", "noise"],
)
def test_a_line_that_cannot_be_decoded_is_one_of_a_known_set(raw: bytes) -> None:
    class Line(msgspec.Struct):
        a: int | None = None
        b: str | None = None

    for decode in (msgspec.json.Decoder(Line).decode, msgspec.msgpack.Decoder(Line).decode):
        with pytest.raises(UNDECODABLE):
            decode(raw)


@pytest.mark.parametrize("width", [3, 400], ids=["short", "long"])
@pytest.mark.parametrize("label", ["b/a.jpg", "b/\udce9.jpg"], ids=["plain", "no utf-8"])
def test_one_machine_and_push_give_another_picture_the_same_id(label: str, width: int) -> None:
    ledger = Books(ResultPaths.beside(Path("nowhere/offers.jsonl")), list)
    seed_id = "a" * width
    ledger.roster.note_seed(seed_id, KnownSeed("https://x.example/other.jpg", "done"))
    seed = Seed(seed_id, FileImage(Path(label)))

    apart = ledger.named_apart(seed).seed_id

    assert apart == id_apart(seed_id, seed.image.label)
    assert len(apart) <= 200
    pushed = Seed(seed_id, UrlImage("https://x.example/a.jpg"))
    found = IntakeSeed(pushed)
    entry = _Entry(found, line_of(found)).renamed()
    assert entry.seed_id == ledger.named_apart(pushed).seed_id
    ledger.abandon()
