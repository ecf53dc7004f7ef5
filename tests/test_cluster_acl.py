"""The users of `deploy/users.acl` on a real server: enough for their work, and nothing besides."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.errors import ConfigError
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.clusters import Cluster
from tests.crawling import REPOSITORY
from tests.redis_programs import PROGRAMS, first_on_the_path
from tests.test_crawl import PHOTOS, truth
from tests.test_faults import CATALOGUE, photo, rows_of

USERS = (REPOSITORY / "deploy" / "users.acl").read_text()
LUA = REPOSITORY / "pailitao_spider" / "cluster" / "lua"
PASSWORDS = {name: f"{name}-secret" for name in ("producer", "worker", "scaler", "admin")}


def rights(user: str) -> set[str]:
    return next(set(line.split()) for line in USERS.splitlines() if f"user {user} " in line)


def hashed(user: str) -> str:
    return hashlib.sha256(PASSWORDS[user].encode()).hexdigest()


def protected(folder: Path, program: str | None = None) -> LocalServer:
    """A server with these users, their passwords filled in, and one who may look at its log."""
    users = USERS.replace("SHA256_OF_THE_PRODUCERS_PASSWORD", hashed("producer"))
    users = users.replace("SHA256_OF_THE_WORKERS_PASSWORD", hashed("worker"))
    users = users.replace("user scaler off", f"user scaler on #{hashed('scaler')}")
    path = folder / "users.acl"
    path.write_text(f"{users}user admin on #{hashed('admin')} +@all ~*\n")
    server = LocalServer(folder / "redis", aclfile=str(path))
    if program is None:
        return server.start()
    with first_on_the_path(program, folder / "bin"):
        return server.start()


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LocalServer]:
    """Of the test's own; the program that `on_each_server` names."""
    server = protected(tmp_path, getattr(request, "param", None))
    yield server
    server.kill()


on_each_server = pytest.mark.parametrize("server", PROGRAMS, indirect=True)


@pytest.fixture(scope="module", params=PROGRAMS)
def kept(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[LocalServer]:
    """Each server in turn, for tests that leave nothing in it."""
    server = protected(tmp_path_factory.mktemp("kept"), request.param)
    yield server
    server.kill()


def url_of(server: LocalServer, user: str) -> str:
    return server.url.replace("//", f"//{user}:{PASSWORDS[user]}@")


def client_of(server: LocalServer, user: str) -> Redis:
    """It asks for nothing but what it is told to."""
    return Redis.from_url(url_of(server, user), driver_info=None, protocol=2)


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def log_in(server: LocalServer, clients: ExitStack) -> Callable[[str], Redis]:
    return lambda user: clients.enter_context(client_of(server, user))


@pytest.fixture
def log_in_kept(kept: LocalServer, clients: ExitStack) -> Callable[[str], Redis]:
    return lambda user: clients.enter_context(client_of(kept, user))


def test_no_server_starts_with_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "users.acl"
    path.write_text(USERS)
    server = LocalServer(tmp_path / "redis", aclfile=str(path))

    with pytest.raises(ConfigError):
        server.start()

    assert "password hash" in (tmp_path / "redis" / "server.log").read_text()


@on_each_server
def test_a_producer_pushes_and_a_worker_does_all_the_rest(
    server: LocalServer,
    serve_sandbox: Callable[..., Site],
    log_in: Callable[[str], Redis],
    tmp_path: Path,
) -> None:
    site = serve_sandbox(Gateway(Catalogue(), Account(token_life_seconds=1)))
    run = Cluster(tmp_path, server, site, rate=40, daily_calls=1000)
    run.env["REDIS_URL"] = url_of(server, "producer")
    assert run.command("pailitao", "push", str(PHOTOS)).exit_code == 0
    run.push(*map(photo, range(30)))
    log_in("producer").rpush("{pailitao:default}:waiting", "no seed")

    run.env["REDIS_URL"] = url_of(server, "worker")
    try:
        assert run.crawl("-a", "page_size=50", workers=2) == [0, 0], run.logs
    finally:
        run.close()
    merged = run.merge()
    assert merged.exit_code == 0, merged.log
    wanted = truth(*(path.stem for path in PHOTOS.iterdir()))
    assert sorted(merged.ids) == sorted(wanted.union(*map(rows_of, range(30))))
    assert site.gateway.log.by_method["token"] > 0, "a token was renewed"
    assert run.status()["done"] == 42
    assert "no seed" in run.command("pailitao", "dead").log
    assert "0 of 1 back" in run.command("pailitao", "dead", "--replay").log
    assert "keys removed" in run.command("pailitao", "clear", "--yes").log
    assert log_in("admin").acl_log() == [], "what they were refused"


@pytest.mark.parametrize("keys", ["{pailitao:*", "{pailitao-app:*"])
def test_a_worker_without_a_right_says_so_and_takes_no_seed(
    server: LocalServer,
    serve_sandbox: Callable[..., Site],
    log_in: Callable[[str], Redis],
    tmp_path: Path,
    keys: str,
) -> None:
    run = Cluster(tmp_path, server, serve_sandbox(Gateway(CATALOGUE)), rate=40)
    run.env["REDIS_URL"] = url_of(server, "producer")
    run.push(*map(photo, range(3)))
    log_in("admin").acl_setuser("worker", enabled=True, reset_keys=True, keys=[keys])

    run.env["REDIS_URL"] = url_of(server, "worker")
    try:
        assert run.crawl("-a", "until_empty=1", workers=1) == [2]
    finally:
        run.close()
    [line] = run.logs.splitlines()
    assert re.search("Redis refuses: .*[Nn]o permissions", line)
    assert "docs/cluster.md" in line
    assert log_in("admin").llen("{pailitao:default}:waiting") == 3


@pytest.mark.parametrize("left", ["{pailitao:*", "{pailitao-app:*"])
def test_rights_that_are_taken_away_for_a_while_cost_no_seed(
    server: LocalServer,
    serve_sandbox: Callable[..., Site],
    log_in: Callable[[str], Redis],
    tmp_path: Path,
    left: str,
) -> None:
    site = serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.2))
    run = Cluster(tmp_path, server, site, rate=20)
    run.env["REDIS_URL"] = url_of(server, "producer")
    run.push(*map(photo, range(20)))
    admin = log_in("admin")

    run.env["REDIS_URL"] = url_of(server, "worker")
    try:
        worker = run.start("-a", "until_empty=1", "-a", "page_size=50")
        run.until(lambda: site.gateway.log.calls >= 5)
        admin.acl_setuser("worker", enabled=True, reset_keys=True, keys=[left])
        run.until(lambda: "Redis refuses" in run.logs)
        time.sleep(1)
        assert worker.poll() is None
        admin.acl_setuser("worker", enabled=True, keys=["{pailitao*"])
        assert run.wait(worker) == 0, run.logs
    finally:
        run.close()
    assert run.logs.count("Redis refuses") == 1
    assert "Traceback" not in run.logs
    run.env["REDIS_URL"] = server.url.replace("//", f"//admin:{PASSWORDS['admin']}@")
    assert run.status()["done"] == 20
    merged = run.merge()
    assert sorted(merged.ids) == sorted(set().union(*map(rows_of, range(20))))


@pytest.mark.parametrize("script", sorted(LUA.rglob("*.lua")), ids=lambda path: path.stem)
def test_each_command_of_each_script_is_granted(script: Path) -> None:
    called = set(re.findall(r"call\('(\w+)'", script.read_text()))
    user = "producer" if script.stem == "push" else "worker"
    assert called
    assert {f"+{command.lower()}" for command in called} <= rights(user)


def test_a_producer_may_touch_the_keys_of_push_and_no_others() -> None:
    names = set(re.findall(r"\bP \.\. '([\w:]+)'", (LUA / "push.lua").read_text()))
    patterns = {f"~{{pailitao:*}}:{name}{'*' * name.endswith(':')}" for name in names}
    assert {right for right in rights("producer") if right[0] in "~%"} == {
        "~{pailitao:*}:",
        *patterns,
    }


RUN, APP = "{pailitao:default}:", "{pailitao-app:0123456789abcdef}:"


@pytest.mark.parametrize(
    "command",
    [
        ("GET", f"{APP}token:0123456789abcdef"),
        ("HGET", f"{APP}token:0123456789abcdef", "record"),
        ("ZADD", f"{RUN}ready", "0", "seed/1"),
        ("HSET", f"{RUN}ready", "seed/1", "0"),
        ("RPUSH", f"{RUN}twins:seed", "another"),
        ("GET", f"{RUN}pic:0"),
        ("LRANGE", f"{RUN}waiting", "0", "-1"),
        ("LREM", f"{RUN}waiting", "1", "seed"),
        ("ZREM", f"{RUN}lease", "seed/1"),
        ("HDEL", f"{RUN}dead", "seed/1"),
        ("UNLINK", f"{RUN}ready"),
        ("UNLINK", f"{APP}calls:2026-01-01"),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("INFO",),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("FLUSHALL",),
        ("SHUTDOWN",),
    ],
    ids=" ".join,
)
def test_a_producer_is_refused(
    log_in_kept: Callable[[str], Redis], command: tuple[str, ...]
) -> None:
    with pytest.raises(NoPermissionError):
        log_in_kept("producer").execute_command(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "somebody's"),
        ("SET", "somebody's", "else"),
        ("HSET", "{pailitaox:default}:seeds", "a", "b"),
        ("UNLINK", "somebody's"),
        ("SETNX", f"{RUN}pic:0", "bytes"),
        ("KEYS", "*"),
        ("CONFIG", "SET", "appendonly", "no"),
        ("SCRIPT", "FLUSH"),
        ("ACL", "LIST"),
        ("MONITOR",),
        ("REPLICAOF", "127.0.0.1", "1"),
        ("FLUSHALL",),
        ("SHUTDOWN",),
    ],
    ids=" ".join,
)
def test_a_worker_is_refused(log_in_kept: Callable[[str], Redis], command: tuple[str, ...]) -> None:
    with pytest.raises(NoPermissionError):
        log_in_kept("worker").execute_command(*command)


def test_a_scaler_reads_how_much_there_is_to_do(log_in_kept: Callable[[str], Redis]) -> None:
    log_in_kept("admin").rpush(f"{RUN}waiting", "a", "b", "c")
    log_in_kept("admin").zadd(f"{RUN}ready", {"seed/1": 1, "seed/2": 2})
    length = """
        local kind = redis.call('type', KEYS[1]).ok
        return redis.call(({list = 'llen', zset = 'zcard', none = 'llen'})[kind], KEYS[1])
    """
    scaler = log_in_kept("scaler")
    assert scaler.ping()
    assert scaler.eval(length, 1, f"{RUN}waiting") == 3
    assert scaler.eval(length, 1, f"{RUN}ready") == 2
    with pytest.raises(NoPermissionError):
        scaler.lrange(f"{RUN}waiting", 0, -1)
    with pytest.raises(NoPermissionError):
        scaler.eval(length, 1, f"{RUN}lease")
    log_in_kept("admin").flushall()


@pytest.mark.parametrize(("user", "key"), [("producer", f"{RUN}ready"), ("worker", "somebody's")])
def test_a_script_of_ones_own_opens_no_other_key(
    log_in_kept: Callable[[str], Redis], user: str, key: str
) -> None:
    with pytest.raises(ResponseError, match=r"can't access|[Nn]o permissions"):
        log_in_kept(user).eval(f"return redis.call('HGET', \"{key}\", 'x')", 1, f"{RUN}waiting")


def test_nobody_comes_in_without_a_password(kept: LocalServer) -> None:
    with (
        Redis.from_url(kept.url) as client,
        pytest.raises(AuthenticationError),
    ):
        client.ping()
