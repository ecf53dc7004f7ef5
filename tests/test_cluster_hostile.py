"""Whoever writes to Redis runs no code in a worker; whoever reads it finds no secret."""

from __future__ import annotations

import json
import os
import pickle
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from pailitao_spider.cluster.redis.key_names import RunKeys
from pailitao_spider.cluster.seed_codec import (
    NoSeedError,
    digest_of,
    line_of,
    read_line,
    read_payload,
    written_payload,
)
from pailitao_spider.cluster.worker.intake import ReadLines
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.seeds.model import StoredImage, UrlImage
from tests.clusters import Cluster
from tests.test_crawl import PHOTOS
from tests.test_faults import photo, rows_of
from tests.test_secrets import CANARIES, Recording
from tests.watched import NOTED, WATCH

Serve = Callable[..., Site]
MakeCluster = Callable[..., Cluster]
KEYS = RunKeys("default")


class Pickled:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary-ran",)


def line(**members: Any) -> bytes:
    return json.dumps({"image": photo(9), **members}).encode()


def nested(depth: int) -> bytes:
    return line(extra={"a": 0}).replace(b"0}", b"[" * depth + b"]" * depth + b"}")


LINES = {
    "a pickle": pickle.dumps(Pickled()),
    "an old pickle": pickle.dumps(Pickled(), 0),
    "a class": line(_class="canary_code.Seed"),
    "a callback": line(callback="os.system", cb_kwargs={"command": "touch canary-ran"}),
    "a URL of Scrapy": line(url="https://evil.invalid", method="GET"),
    "a file URL": line(image="file:///tmp/canary.jpg"),
    "a path": line(image="/tmp/canary.jpg"),
    "a path upwards": line(image="../../canary.jpg"),
    "another scheme": line(image="gopher://evil.invalid/1.jpg"),
    "no host": line(image="http:///1.jpg"),
    "half a hash": line(image="sha256:00"),
    "deep": nested(20_000),
    "deeper": nested(100_000),
    "50 MB": b'{"image":"' + b"x" * 50_000_000 + b'"}',
    "no UTF-8": b'{"image":"\xff\xfe"}',
    "an address without UTF-8": b"https://evil.invalid/\xff.jpg",
    "a number for an image": line(image=5),
    "a list for columns": line(extra=[1]),
    "a number for a name": line(seed_id=5),
    "an empty name": line(seed_id="\u200b"),
    "a list": b"[]",
    "null": b"null",
    "nothing": b"",
    "bytes": b"\x00\x01\x1b[31m\n",
    "words": b"hello",
}


@pytest.mark.parametrize("raw", LINES.values(), ids=LINES)
def test_what_is_no_seed_is_refused_with_a_reason_of_one_line(raw: bytes) -> None:
    (refusal,) = ReadLines.of([raw]).refusals
    assert refusal.why
    assert len(refusal.why) < 400
    assert (refusal.why + refusal.shown).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["image", "seed_id", "label", "extra", "bad", "_class", "url"])
IMAGES = st.text() | st.text().map("https://".__add__) | st.just("sha256:" + "a" * 64)
RAW = (
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(NAMES, JSON | IMAGES).map(lambda value: json.dumps(value).encode())
    | IMAGES.map(lambda image: json.dumps({"image": image}).encode())
    | st.text().map(lambda text: f"https://{text}".encode())
)


@given(RAW)
@example(b"HTTPS://x/1.jpg")
def test_whatever_stands_in_the_intake_is_a_seed_on_the_web_or_in_redis_or_is_refused(
    raw: bytes,
) -> None:
    try:
        found = read_line(raw)
    except NoSeedError:
        return
    image = found.seed.image
    assert isinstance(image, UrlImage | StoredImage)
    if isinstance(image, UrlImage) and found.bad is None:
        assert image.url[:8].lower().startswith(("http://", "https://"))
    assert read_line(line_of(found)) == found
    again = read_payload(found.seed.seed_id, written_payload(found))
    assert (again, digest_of(again)) == (found, digest_of(found))


@given(st.text(), RAW.map(lambda raw: raw.decode("utf-8", "replace")))
def test_whatever_a_page_carries_is_a_seed_or_is_refused(seed_id: str, payload: str) -> None:
    try:
        read_payload(seed_id, payload)
    except NoSeedError:
        return


@pytest.fixture
def foreign_host() -> Iterator[socket.socket]:
    """A host that a seed names: nobody but the gateway may ask it for anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def put_hostile_entries(client: Redis, healthy: bytes) -> None:
    """Whatever else can stand in a run's keys; `healthy` is a payload that can be worked with."""
    pages = {"no id": 1, "ghost/1": 2, b"\xff\xfe/1": 3, "ghost/99999": 4, "\x1b[31m\n/0": 5}
    payloads = {"pickled": pickle.dumps(Pickled()), "binary": b"\xff\xfe", "empty": b"",
                "path": line(image="/tmp/canary.jpg"), "huge": b"x" * 1_000_000,
                "odd-number": healthy, "odd-plan": healthy}  # fmt: skip
    for number, (name, payload) in enumerate(payloads.items()):
        client.hset(f"{KEYS.prefix}seed:{name}",
                    mapping={"payload": payload, "open": 1, "planned": 1})  # fmt: skip
        pages[f"{name}/1"] = 10 + number
    client.hset(f"{KEYS.prefix}seed:odd-plan", "planned", "x")
    client.hset(KEYS.deliveries, "odd-number/1", "many")
    client.set(f"{KEYS.prefix}seed:wrong-type", "x")
    pages["wrong-type/1"] = 30
    client.zadd(KEYS.ready, pages)
    client.zadd(KEYS.lease, {"expired": 1, b"\xff": 1})
    client.zadd(KEYS.ended, {"ghost": 0, b"\xfe": 0, "wrong-type": 0})
    client.hset(KEYS.workers, mapping={
        "[/red]": "nonsense", b"\xff\n": b"\xff", "[bold": "1e999 {}", "x": 'nan {"pages": "y"}',
        "deep": "1 " + "[" * 100_000, "more": '1 {"silent_seconds": 1}'})  # fmt: skip
    client.hset(KEYS.dead, mapping={
        "odd": b"\xc1", "\x1b[31m\nred": b"\x81\xa3why\xa3\x1b[m", "late": b"\x82\xa3why\xa1x"
        b"\xa2at\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"})  # fmt: skip


def test_hostile_entries_are_buried_and_the_healthy_seeds_among_them_are_searched(
    serve_sandbox: Serve, cluster: MakeCluster, foreign_host: socket.socket
) -> None:
    site = serve_sandbox(Gateway(Catalogue()))
    run = cluster(site, rate=200)
    (run.folder / "canary_code.py").write_text("open('canary-ran', 'w')")
    port = foreign_host.getsockname()[1]
    run.push(photo(1), photo(2), f"http://127.0.0.1:{port}/1.jpg", photo(5))
    with Redis.from_url(run.server.url) as client:
        for raw in LINES.values():
            client.lpush(KEYS.waiting, raw)
        client.rpush(KEYS.waiting, photo(3), line(image=photo(4)))
        healthy = written_payload(read_line(photo(6).encode())).encode()
        put_hostile_entries(client, healthy)
        spoiled = read_line(client.lindex(KEYS.waiting, -3)).seed
        assert spoiled.image.label == photo(5)
        client.hset(KEYS.seeds, spoiled.seed_id, b"\xc1")
        assert run.status()["waiting"] == 4 + len(LINES) + 2
    assert run.command("pailitao", "status").exit_code == 0

    codes = run.crawl(*WATCH, workers=2)

    assert set(codes) <= {0, 1}, run.logs[-3000:]
    assert "Traceback" not in run.logs
    assert (run.folder / NOTED).read_text() == ""
    assert not (run.folder / "canary-ran").exists()
    with pytest.raises(BlockingIOError):
        foreign_host.accept()
    wanted = {iid for number in (1, 2, 3, 4, 6) for iid in rows_of(number)}
    assert set(run.feed_ids) == wanted
    assert {photo(number) for number in (1, 2, 3, 4)} <= {
        each["image"] for each in run.lines("results/*/*.seeds.jsonl") if each["status"] == "done"
    }
    told = run.command("pailitao", "dead").log.splitlines()
    with Redis.from_url(run.server.url) as client:
        assert len(told) == client.hlen(KEYS.dead)
    assert sum("intake:" in each for each in told) == len(LINES) + 1
    assert all(each.isprintable() for each in told)
    for reason in ("no such seed", "no page of a seed", "is no http(s) address", "bytes", "spoiled",
                   "an end without a seed", "cannot be read", "recursion"):  # fmt: skip
        assert any(reason in each for each in told), reason
    assert run.command("pailitao", "dead", "--replay").exit_code == 0
    assert run.command("pailitao", "status").exit_code == 0


_READ: dict[bytes, Callable[[Redis, bytes], object]] = {
    b"string": lambda client, key: client.get(key),
    b"hash": lambda client, key: client.hgetall(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    b"none": lambda client, key: None,  # it expired meanwhile
}


def all_of(client: Redis) -> dict[str, bytes]:
    """Every key with what it holds."""
    return {
        f"redis {key!r}": repr((key, _READ[client.type(key)](client, key))).encode()
        for key in client.scan_iter()
    }


def files_below(run: Cluster) -> dict[str, bytes]:
    """Feeds, ledgers, logs, stats, and what Redis keeps on disk."""
    return {
        str(path.relative_to(run.folder)): path.read_bytes()
        for path in run.folder.rglob("*")
        if path.is_file() and "home" not in path.parts
    }


def test_a_run_of_the_cluster_leaves_no_secret_anywhere(
    serve_sandbox: Serve, cluster: MakeCluster
) -> None:
    faults = ["401@3", "500@5", "reset@6", "html@7", "429@8", "400@9", "lost-upload@11:search"]
    gateway = Recording(Catalogue(), Account(**CANARIES), faults=[*map(parse_fault, faults)])
    run = cluster(serve_sandbox(gateway), rate=50, gateway="router?upload=yes")
    (run.folder / "pics").symlink_to(PHOTOS)
    assert run.command("pailitao", "push", "pics").exit_code == 0
    run.push(*map(photo, range(12)))
    with Redis.from_url(run.server.url) as client:
        workers = [run.start("-L", "DEBUG", "-s", "STATS_DUMP=1") for _ in range(2)]
        run.until(lambda: gateway.log.good > 10)
        places = {f"midway {name}": text for name, text in all_of(client).items()}
        run.until(lambda: run.status()["over"])
        for worker in workers:
            worker.terminate()
            run.wait(worker)
        places |= all_of(client) | files_below(run)
    assert gateway.log.by_method["token"] == 1, "a token was renewed on the way"

    account = gateway.account
    wanted = {*CANARIES.values(), *gateway.seen, account.access_token, account.refresh_token}
    wanted.discard("")
    assert len(wanted) > 20, "signatures were seen on the wire"
    for part in ("stats-", ".aof", "worker-1.log", ".seeds.jsonl", "token", "midway", "uploads"):
        assert any(part in name for name in places), part
    assert {
        (name, secret) for name, text in places.items() for secret in wanted
        if secret.encode() in text
    } == set()  # fmt: skip
