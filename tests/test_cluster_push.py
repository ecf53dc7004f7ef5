"""Seeds into the run that workers share: every source, nothing doubled, as on one machine."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.admin.push import Pushed, SeedPusher
from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.seed_codec import IntakeSeed, read_line
from pailitao_spider.cluster.worker.messages import Ack
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.results.ledger import Books
from pailitao_spider.results.seed_index import KnownSeed
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Site
from pailitao_spider.seeds.model import BadLine, FileImage, Seed, StoredImage, UrlImage
from pailitao_spider.seeds.sources import open_source
from tests.clusters import Cluster
from tests.exchanges import Exchanges, Talker
from tests.test_crawl import PHOTOS

CATALOGUE = Catalogue()
LIMITS = dialect("router").limits.picture
MUG, LAMP = PHOTOS / "mug-01.jpg", PHOTOS / "lamp-04.jpg"
Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]


# in this process: seeds in, lines in Redis


def link_to(redis: Exchanges) -> Link:
    port = redis.client.connection_pool.connection_kwargs["port"]
    return Link(connect(Settings({"REDIS_URL": f"redis://127.0.0.1:{port}"})))


def pushed(redis: Exchanges, seeds: Iterable[Seed | BadLine], **given: Any) -> Pushed:
    async def push() -> Pushed:
        link = link_to(redis)
        try:
            return await SeedPusher(link, redis.keys, LIMITS, 2**30, **given).push(seeds)
        finally:
            await link.close()

    return asyncio.run(push())


def taken_in(redis: Exchanges) -> list[IntakeSeed]:
    return [read_line(raw) for raw in redis.snapshot().get("waiting", [])]


def names(redis: Exchanges) -> list[str]:
    return [found.seed.seed_id for found in taken_in(redis)]


def jpeg(path: Path, picture: Path = MUG) -> Path:
    path.parent.mkdir(exist_ok=True)
    shutil.copy(picture, path)
    return path


URLS = ["https://sandbox.invalid/1.jpg", "HTTPS://sandbox.invalid/照片 2.jpg?a=|b#c"]
TABLE = """image,seed_id,price,备注
{0},M1,3.5,现货
{1},,,
pics/a  b.jpg,M3,4,
nowhere.jpg,M4,5,
"""


def text_list(folder: Path) -> Path:
    return written(folder / "seeds.txt", "\n".join([*URLS, "ftp://x/y.jpg"]))


def table(folder: Path) -> Path:
    jpeg(folder / "pics" / "a  b.jpg")
    return written(folder / "seeds.csv", TABLE.format(*URLS))


def json_lines(folder: Path) -> Path:
    more = {"n": 10**30, "deep": {"a": [1, None, "\u0007"]}, "x": 1e-7}
    lines = [{"image": URLS[0], "seed_id": "J", **more}, {"image": URLS[1]}, {"image": 5}]
    return written(folder / "seeds.jsonl", "\n".join(map(json.dumps, lines)))


def picture_folder(folder: Path) -> Path:
    for name in ("b.jpg", "a  b.jpg", "ö/b.jpg", "ö/b  2.jpg"):
        jpeg(folder / "pics" / name)
    return folder / "pics"


def base64_list(folder: Path) -> Path:
    text = base64.b64encode(MUG.read_bytes()).decode()
    return written(folder / "b.txt", f"{text}\ndata:image/jpeg;base64,{text}\n")


def single_picture(folder: Path) -> Path:
    return jpeg(folder / "one.jpg")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def facts(seed: Seed | BadLine) -> tuple[Any, ...]:
    """What comes back of a seed when a worker reads it."""
    if isinstance(seed, BadLine):
        return seed.seed_id, seed.image, None, f"{seed.code}: {seed.text}"
    extra = json.loads(json.dumps(seed.extra))
    return seed.seed_id, seed.image.label, extra, None


@pytest.mark.parametrize(
    "source",
    [text_list, table, json_lines, picture_folder, base64_list, single_picture,
     lambda folder: URLS[0]],
    ids=["txt", "csv", "jsonl", "folder", "base64", "picture", "url"],
)  # fmt: skip
def test_a_worker_reads_of_each_seed_what_stood_in_the_source(
    redis: Exchanges, tmp_path: Path, source: Callable[[Path], Path | str]
) -> None:
    path = str(source(tmp_path))
    wanted = list(open_source(path))

    told = pushed(redis, open_source(path))

    found = taken_in(redis)
    assert [(each.seed.seed_id, each.seed.image.label, None if each.bad else each.seed.extra,
             each.bad) for each in found] == [facts(seed) for seed in wanted]  # fmt: skip
    assert told.new == len(wanted)
    assert told.bad == sum(isinstance(seed, BadLine) for seed in wanted)
    _check_pictures(redis, wanted, found)


def _check_pictures(
    redis: Exchanges, wanted: list[Seed | BadLine], found: list[IntakeSeed]
) -> None:
    """Pictures of one's own are stored once, by their bytes; of a path nothing is kept but text."""
    stored = {name[4:] for name in redis.snapshot() if name.startswith("pic:")}
    assert stored == {each.sha256 for each in found if each.sha256}
    for seed, each in zip(wanted, found, strict=True):
        if isinstance(seed, Seed):
            kind = UrlImage if isinstance(seed.image, UrlImage) else StoredImage
            assert isinstance(each.seed.image, kind)


def test_a_picture_s_bytes_are_those_that_are_sent(redis: Exchanges, tmp_path: Path) -> None:
    pushed(redis, open_source(str(jpeg(tmp_path / "one.jpg"))))
    raw = MUG.read_bytes()
    assert redis.snapshot()[f"pic:{hashlib.sha256(raw).hexdigest()}"] == raw


def test_pushing_twice_doubles_nothing(redis: Exchanges, tmp_path: Path) -> None:
    path = str(table(tmp_path))
    pushed(redis, open_source(path))
    before = redis.snapshot()

    told = pushed(redis, open_source(path))

    assert (told.new, told.known) == (0, 4)
    assert redis.snapshot() == before


def test_a_name_of_another_picture_gets_the_suffix_that_it_gets_on_one_machine(
    redis: Exchanges, tmp_path: Path
) -> None:
    books = Books(None, list)
    books.roster.note_seed("S", KnownSeed("another", "done"))
    pushed(redis, [Seed("S", UrlImage("https://sandbox.invalid/0.jpg"))])
    path, wanted = tmp_path / "x.jpg", []
    for number, picture in enumerate((MUG, LAMP, PHOTOS / "chair-05.jpg")):
        seed = Seed("S", FileImage(jpeg(path, picture)))
        wanted.append(books.named_apart(seed).seed_id + (f"-{number + 1}" if number else ""))
        assert pushed(redis, [seed]).renamed == 1

    books.close()
    assert names(redis) == ["S", *wanted]
    assert pushed(redis, [Seed("S", FileImage(path))]).known == 1


def end(redis: Exchanges, seed_id: str, **fact: Any) -> None:
    """A worker lets in all that waits, and ends the seed by its first page."""
    worker = Talker(redis, f"worker-{time.monotonic_ns()}")
    worker.admit_all()
    worker.say(want=9, is_empty_handed=True)
    worker.say(acks=[Ack(seed_id, 1, 1, **fact)])


def test_again_searches_anew_what_ended_partial_or_failed_and_nothing_else(
    redis: Exchanges,
) -> None:
    seeds = [Seed(name, UrlImage(f"https://sandbox.invalid/{name}.jpg")) for name in "abc"]
    pushed(redis, seeds)
    end(redis, "a", gone="transient: 500")
    end(redis, "b", rows=0)

    assert pushed(redis, seeds).new == 0
    assert pushed(redis, seeds, again=True).new == 1
    assert names(redis) == ["a"]


def test_a_failed_seed_s_name_and_memory_go_to_the_mended_picture(
    redis: Exchanges, tmp_path: Path
) -> None:
    path = jpeg(tmp_path / "x.jpg")
    pushed(redis, [Seed("S", FileImage(path))])
    end(redis, "S", gone="bad_seed: no picture")
    jpeg(path, LAMP)

    told = pushed(redis, [Seed("S", FileImage(path))])

    sha256 = hashlib.sha256(LAMP.read_bytes()).hexdigest()
    assert (told.new, told.renamed, names(redis)) == (1, 0, ["S"])
    assert [name for name in redis.snapshot() if name.startswith("pic:")] == [f"pic:{sha256}"]


def test_no_more_pictures_are_let_in_than_there_is_room_for(
    redis: Exchanges, tmp_path: Path
) -> None:
    seeds = [Seed(f"{path.name}", FileImage(path)) for path in sorted(PHOTOS.glob("*.jpg"))[:6]]
    sizes = [path.stat().st_size for path in sorted(PHOTOS.glob("*.jpg"))[:6]]
    room, told, most = sizes[0] + sizes[1] + 10, [], 0

    async def push() -> Pushed:
        nonlocal most
        link = link_to(redis)
        pusher = SeedPusher(link, redis.keys, LIMITS, room, tell=told.append)
        task = asyncio.ensure_future(pusher.push(seeds))
        while not task.done():
            await asyncio.sleep(0.1)
            kept = redis.snapshot()
            most = max(most, sum(len(kept[name]) for name in kept if name.startswith("pic:")))
            for name in names(redis)[:1]:
                end(redis, name, rows=0)
        await link.close()
        return await task

    assert asyncio.run(push()).new == 6
    assert 0 < most <= room
    assert sum("waiting until workers have used up" in line for line in told) >= 1


@pytest.mark.parametrize("room", [0, 10])
def test_a_picture_larger_than_the_room_is_let_in_alone(redis: Exchanges, room: int) -> None:
    async def push() -> Pushed:
        link = link_to(redis)
        pusher = SeedPusher(link, redis.keys, LIMITS, room)
        try:
            return await asyncio.wait_for(pusher.push([Seed("a", FileImage(MUG))]), 5)
        finally:
            await link.close()

    assert asyncio.run(push()).new == 1


def test_columns_that_no_line_can_hold_are_told_and_end_as_failed(redis: Exchanges) -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    image, told = UrlImage("https://sandbox.invalid/1.jpg"), []
    seeds = [Seed("long", image, {"a": "x" * 70_000}), Seed("deep", image, {"a": nested}),
             Seed("odd", image, {"a": object()})]  # fmt: skip

    assert pushed(redis, seeds, tell=told.append).bad == 3
    assert [str(found.bad).partition(":")[0] for found in taken_in(redis)] == [
        "too_long", "bad_columns", "bad_columns"]  # fmt: skip
    assert len(told) == 3


def test_a_record_that_cannot_be_read_is_left_alone(redis: Exchanges) -> None:
    redis.client.hset(redis.keys.seeds, "one.jpg", b"\xc1")
    seed = Seed("one.jpg", FileImage(MUG))
    assert pushed(redis, [seed]).renamed == 1
    assert pushed(redis, [seed]).known == 1
    assert redis.snapshot()["seeds"]["one.jpg"] == b"\xc1"
