"""Makes what lies beside this file: results, state and a run in Redis as version 0.1 left them.

To be run with a checkout of commit d6c5fa8, the last one of 0.1, in front:

    cd CHECKOUT && PYTHONPATH=. python .../tests/version_0_1/make.py
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLACE = "http://gateway.invalid"
"""Stands for the address of the gateway that was asked."""
ADDRESS = "https://sandbox.invalid/{0}/photos/mug-0{1}-1.jpg"
LIST = (
    "image,seed_id,sku",
    f"{ADDRESS.format(0, 1)},a,S0",
    f"{ADDRESS.format(1, 2)},b,S1",
    "photos/mug-01.jpg,,S2",
    f"{ADDRESS.format(1, 2)},twin,S3",
)
FAILED = (f"{ADDRESS.format(2, 3)},e,S4", f"{ADDRESS.format(3, 4)},f,S5")


def local(served: Any) -> None:
    """Four seeds done, two failed, as `-o` finds them."""
    from tests.conftest import Gateway
    from tests.crawling import REPOSITORY, Crawler
    from tests.test_faults import CATALOGUE, parse_fault

    folder = Path(tempfile.mkdtemp())
    crawler = Crawler(folder)
    (folder / "photos").mkdir()
    shutil.copy(REPOSITORY / "examples/photos/mug-01.jpg", folder / "photos")
    good = served.gateway(Gateway(CATALOGUE))
    crawler.use(good, rate=100)
    crawler.seeds(*LIST, name="list.csv")
    assert crawler.crawl(seeds="list.csv").exit_code == 0
    crawler.use(served.gateway(Gateway(CATALOGUE, faults=[parse_fault("500")])), rate=100)
    crawler.env["PAILITAO_TRANSIENT_TRIES"] = "1"
    crawler.seeds(*LIST, *FAILED, name="list.csv")
    assert crawler.crawl(seeds="list.csv", out="-o").exit_code == 1
    for path in folder.glob("offers.*"):
        shutil.copy(path, HERE / "local")


def run_in_redis(served: Any) -> None:
    """A worker was killed, another one stopped, in the middle of twelve seeds."""
    import redis

    from tests.clusters import Cluster
    from tests.conftest import Gateway, LocalServer
    from tests.crawling import REPOSITORY
    from tests.test_faults import CATALOGUE, photo

    folder = Path(tempfile.mkdtemp())
    site = served.gateway(Gateway(CATALOGUE, latency_seconds=0.1))
    server = LocalServer(folder / "redis").start()
    cluster = Cluster(folder, server, site, rate=12)
    (folder / "photos").mkdir()
    shutil.copy(REPOSITORY / "examples/photos/mug-01.jpg", folder / "photos")
    numbered = [f"{photo(number)},n{number},S{number}" for number in range(12)]
    cluster.push(*LIST, *numbered, name="list.csv")
    for how in (signal.SIGKILL, signal.SIGTERM):
        worker = cluster.start("-a", "page_size=20")
        before = len(cluster.lines("results/*/*.seeds.jsonl"))
        cluster.until(lambda n=before: len(cluster.lines("results/*/*.seeds.jsonl")) > n + 1)
        worker.send_signal(how)
        worker.wait(timeout=20)
    client, here = redis.from_url(server.url), site.url.rpartition("/router")[0].encode()
    dump = [entry(client, key, here) for key in client.scan_iter("{pailitao:*")]
    text = json.dumps([each for each in dump if each is not None], indent=0, sort_keys=True)
    (HERE / "cluster" / "redis.json").write_text(f"{text}\n")
    for number, path in enumerate(sorted(folder.glob("results/*/offers-*.jsonl"))):
        kind = "".join(path.suffixes[-2:]) if path.suffixes[-2:-1] == [".seeds"] else ".jsonl"
        raw = path.read_bytes().replace(here, PLACE.encode())
        start = f"offers-old-{number // 2}-20260101T000000.000"
        (HERE / "cluster" / f"{start}{kind}").write_bytes(raw)
    server.kill()


def entry(client: Any, key: bytes, here: bytes) -> dict[str, Any] | None:
    """A key of Redis as JSON, without what is of the machine."""
    name, kind = key.decode().partition("}:")[2], client.type(key).decode()
    if name == "workers" or name.startswith("last:"):
        return None
    read = {"string": client.get, "hash": client.hgetall, "set": client.smembers,
            "list": lambda k: client.lrange(k, 0, -1),
            "zset": lambda k: client.zrange(k, 0, -1, withscores=True)}  # fmt: skip
    return {"key": name, "kind": kind, "value": plain(read[kind](key), here)}


def plain(value: Any, here: bytes) -> Any:
    if isinstance(value, bytes):
        clean = value.replace(socket.gethostname().encode(), b"old").replace(here, PLACE.encode())
        return base64.b64encode(clean).decode()
    if isinstance(value, dict):
        return [[plain(name, here), plain(each, here)] for name, each in value.items()]
    return (
        [plain(each, here) for each in value]
        if isinstance(value, list | set)
        else ([plain(value[0], here), value[1]] if isinstance(value, tuple) else value)
    )


def main() -> None:
    from tests.conftest import Served

    for name in ("local", "cluster"):
        shutil.rmtree(HERE / name, ignore_errors=True)
        (HERE / name).mkdir()
    served = Served()
    local(served)
    run_in_redis(served)
    served.close()


if __name__ == "__main__":
    main()
