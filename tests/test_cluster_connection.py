"""The Redis that the settings name: of every kind, with every lock on its door, and not there."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.connection import Client, connect, shown_address
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer, server_program
from pailitao_spider.cluster.redis.server_checks import check_server, open_client
from pailitao_spider.cluster.shared.tokens import RedisTokens
from pailitao_spider.cluster.shared.upload_cache import RedisUploads
from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.gateways.oauth import Renewed
from pailitao_spider.keys.tokens import Token
from tests.redis_proxy import RedisProxy

KEYS = AppKeys("http://gateway", "key")
HERE = "127.0.0.1"


def use(url: str | None, work: Callable[[Client], Awaitable[Any]], **settings: Any) -> Any:
    """Opens the Redis at `url`, does some work with it, and closes it."""

    async def run() -> Any:
        client = await open_client(Settings({"REDIS_URL": url, **settings}), {})
        try:
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


async def ping(client: Client) -> Any:
    return await client.ping()


def refusal(url: str | None, **settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        use(url, ping, **settings)
    text = str(caught.value)
    assert "\n" not in text
    return text


async def renewed(client: Client) -> Any:
    """A script run on the server, and what it left: proof that a worker can work there."""
    link = Link(client)

    async def fetch(refresh_token: str) -> Renewed:
        return Renewed("new", "R2")

    async def upload() -> str:
        return "id"

    await RedisUploads(link, KEYS).imgid("a", upload)
    tokens = RedisTokens(link, KEYS, Credential("key", "secret"), Token("old", "R"))
    return (await tokens.renew(0, fetch)).access, await RedisUploads(link, KEYS).imgid("a", upload)


WORKS = ("new", "id")


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HERE, 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LocalServer]]:
    """Starts servers, each in a folder of its own."""
    started: list[LocalServer] = []

    def begin(**options: Any) -> LocalServer:
        server = LocalServer(tmp_path / f"redis-{len(started)}", **options)
        started.append(server)
        return server.start()

    yield begin
    for server in started:
        server.kill()


# addresses


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://user:secret@host:6380/1?password=secret", "redis://host:6380/1"),
        ("rediss://:s%40cret@host", "rediss://host"),
        ("redis+sentinel://:secret@a:1,b:2/mymaster/0", "redis+sentinel://a:1,b:2/mymaster/0"),
        ("redis://u:pa#ss@host:1/0", "redis://host:1/0"),
        ("redis://u:pa/ss@host:1/0", "redis://host:1/0"),
        ("redis://u:p?a=s@s@host:1/0", "redis://host:1/0"),
        ("redis://:12345/x@host", "redis://host"),
        ("127.0.0.1:6379", "127.0.0.1:6379"),
        ("redis://host/0?client_name=a@b", "redis://host/0"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, expected: str) -> None:
    assert shown_url(url) == expected


@pytest.mark.parametrize(
    "password", ["PASS#x", "PASS/x", "PASS?x", "12345/PASS", "#PASS", "PASS@x/y"]
)
@pytest.mark.parametrize(
    "scheme", ["redis", "rediss", "redis+cluster", "redis+sentinel", "nonsense"]
)
def test_no_part_of_an_odd_password_is_printed(scheme: str, password: str) -> None:
    url = f"{scheme}://u:{password}@127.0.0.1:1/0"
    with pytest.raises(ConfigError) as told:
        connect(Settings({"REDIS_URL": url}))
    assert "PASS" not in str(told.value)
    assert "12345" not in str(told.value)
    assert "127.0.0.1:1" in str(told.value)
    assert "%23" in str(told.value)


def test_the_address_may_be_given_in_the_words_of_scrapy_redis() -> None:
    settings = Settings({"REDIS_HOST": "host", "REDIS_PARAMS": {"host": "x", "port": 6380}})
    assert shown_address(settings, {}) == "redis://host:6380"
    assert shown_address(settings, {"REDIS_URL": "redis://:secret@other"}) == "redis://other"


def test_host_and_port_of_scrapy_redis_are_connected_to(redis_server: LocalServer) -> None:
    assert use(None, ping, REDIS_HOST=HERE, REDIS_PORT=redis_server.port)


@pytest.mark.parametrize(
    "url", ["ftp://host", "redis://host:port", "redis+sentinel://host:1", "redis+sentinel://h:x/m"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL"):
        connect(Settings({"REDIS_URL": url}), {})


# servers that are as they should be


def test_a_plain_server_is_worked_with(redis_server: LocalServer) -> None:
    assert use(redis_server.url, renewed) == WORKS


def test_a_client_answers_in_bytes(redis_server: LocalServer) -> None:
    async def kept(client: Client) -> Any:
        await client.set("{pailitao}:x", "1")
        return await client.get("{pailitao}:x")

    assert use(redis_server.url, kept, REDIS_DECODE_RESPONSES=True) == b"1"


def test_a_password_in_the_address_is_used(start: Callable[..., LocalServer]) -> None:
    server = start(requirepass="p@ss")
    assert use(f"redis://:p%40ss@{HERE}:{server.port}", renewed) == WORKS


def test_a_password_in_the_parameters_is_used(start: Callable[..., LocalServer]) -> None:
    server = start(requirepass="pass")
    assert use(server.url, renewed, REDIS_PARAMS={"password": "pass"}) == WORKS


async def let_in(client: Client, *rights: str) -> None:
    await client.execute_command("ACL", "SETUSER", "worker", "on", ">pass", *rights)


def test_a_user_with_the_rights_that_are_named_can_work(redis_server: LocalServer) -> None:
    use(redis_server.url, lambda client: let_in(client, "+multi"))
    url = redis_server.url.replace("//", "//worker:pass@")
    rights = refusal(url).rpartition("ACL SETUSER USER ")[2].split()
    use(redis_server.url, lambda client: let_in(client, *rights))
    assert use(url, renewed) == WORKS
    assert use(url, check_server) == []


# TLS


class Authority:
    """A CA and a certificate for 127.0.0.1, in files."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.chain = folder / "ca.pem", folder / "server.pem"
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("ca")
        made = _certificate(name, name, key.public_key(), key.public_key(), is_ca=True)
        ca = made.sign(key, hashes.SHA256())
        self.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        own = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name("redis"), name, own.public_key(), key.public_key())
        signed = made.sign(key, hashes.SHA256())
        private = own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.chain)
        return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    is_ca: bool = False,
) -> x509.CertificateBuilder:
    """With the key identifiers and uses that Python 3.13 insists on."""
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    signs = x509.KeyUsage(True, False, False, False, False, is_ca, is_ca, False, False)
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))])
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(here, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(by, critical=False)
        .add_extension(signs, critical=True)
    )


@asynccontextmanager
async def tls_before(server: LocalServer, authority: Authority) -> AsyncIterator[int]:
    """A port that speaks TLS in the name of a server that cannot."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(HERE, server.port)
        await asyncio.gather(
            pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True
        )

    proxy = await asyncio.start_server(serve, HERE, 0, ssl=authority.context())
    async with proxy:
        yield proxy.sockets[0].getsockname()[1]


def over_tls(
    server: LocalServer, authority: Authority, url: str, work: Callable[[Client], Awaitable[Any]]
) -> Any:
    async def run() -> Any:
        async with tls_before(server, authority) as port:
            client = await open_client(Settings({"REDIS_URL": url.format(port=port)}), {})
            try:
                return await work(client)
            finally:
                await client.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize("lost", [{1}, {2}, {1, 2, 3, 4}], ids=str)
def test_a_line_that_breaks_at_first_is_tried_again(
    redis_server: LocalServer, lost: set[int]
) -> None:
    with RedisProxy(redis_server.port, lambda n: "lost" if n in lost else None) as proxy:
        assert use(proxy.url, ping) is True
    assert proxy.faults == len(lost)


def test_a_line_that_breaks_each_time_is_told_after_a_second(redis_server: LocalServer) -> None:
    began_at = time.monotonic()
    with RedisProxy(redis_server.port, lambda n: "lost") as proxy:
        assert "the line broke" in refusal(proxy.url)
    assert proxy.faults == 5
    assert time.monotonic() - began_at < 60


def test_a_server_behind_tls_is_worked_with(redis_server: LocalServer, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    url = f"rediss://{HERE}:{{port}}?ssl_ca_certs={authority.ca}"
    assert over_tls(redis_server, authority, url, renewed) == WORKS


def test_a_certificate_that_is_not_trusted_is_told_with_the_remedy(
    redis_server: LocalServer, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"not trusted .*ssl_ca_certs="):
        over_tls(redis_server, Authority(tmp_path), f"rediss://:secret@{HERE}:{{port}}", ping)


def test_a_certificate_for_another_host_is_not_trusted(
    redis_server: LocalServer, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    url = f"rediss://localhost:{{port}}?ssl_ca_certs={authority.ca}"
    with pytest.raises(ConfigError, match=r"not trusted .*localhost"):
        over_tls(redis_server, authority, url, ping)


def test_who_speaks_no_tls_to_a_server_with_it_is_told(
    redis_server: LocalServer, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="rediss://"):
        over_tls(redis_server, Authority(tmp_path), f"redis://{HERE}:{{port}}", ping)


def test_who_speaks_tls_to_a_server_without_it_is_told(redis_server: LocalServer) -> None:
    assert "redis://" in refusal(f"rediss://{HERE}:{redis_server.port}")


# sentinels


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[Callable[[int], int]]:
    """Starts a sentinel that watches the master at a port; gives its own port."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(master: int) -> int:
        port, folder = free_port(), tmp_path / "sentinel"
        folder.mkdir()
        (folder / "sentinel.conf").write_text(
            f"port {port}\nbind {HERE}\ndir {folder}\nlogfile sentinel.log\n"
            f"sentinel monitor mymaster {HERE} {master} 1\n"
            "sentinel down-after-milliseconds mymaster 500\n"
            "sentinel failover-timeout mymaster 2000\n"
        )
        command = [server_program(), str(folder / "sentinel.conf"), "--sentinel"]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        until = time.monotonic() + 120
        while not _listens(port):
            assert time.monotonic() < until, "the sentinel does not start"
            time.sleep(0.02)
        return port

    yield begin
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=240)


def _listens(port: int) -> bool:
    with socket.socket() as line:
        line.settimeout(1)
        return line.connect_ex((HERE, port)) == 0


def test_the_master_that_a_sentinel_names_is_worked_with(
    redis_server: LocalServer, sentinel: Callable[[int], int]
) -> None:
    port = sentinel(redis_server.port)
    url = f"redis+sentinel://{HERE}:1,{HERE}:{port}/mymaster/0"
    assert use(url, renewed) == WORKS


def test_the_login_is_for_the_master_and_not_for_its_sentinel(
    start: Callable[..., LocalServer], sentinel: Callable[[int], int]
) -> None:
    server = start(requirepass="pass")
    port = sentinel(server.port)
    assert use(f"redis+sentinel://:pass@{HERE}:{port}/mymaster", renewed) == WORKS
    assert "wrong user or password" in refusal(f"redis+sentinel://:x@{HERE}:{port}/mymaster")


def test_a_service_that_no_sentinel_knows_is_told(
    redis_server: LocalServer, sentinel: Callable[[int], int]
) -> None:
    port = sentinel(redis_server.port)
    assert "no sentinel there knows" in refusal(f"redis+sentinel://{HERE}:{port}/other")


def test_a_sentinel_that_is_taken_for_a_server_is_warned_about(
    redis_server: LocalServer, sentinel: Callable[[int], int]
) -> None:
    port = sentinel(redis_server.port)
    (warning,) = use(f"redis://{HERE}:{port}", check_server)
    assert "redis+sentinel://" in warning


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


def test_after_a_fail_over_work_goes_on_at_the_new_master(
    start: Callable[..., LocalServer], sentinel: Callable[[int], int]
) -> None:
    master = start()
    replica = start(replicaof=f"{HERE} {master.port}", repl_diskless_sync_delay="0")

    async def copied(client: Client) -> None:
        async def is_online() -> bool:
            info = await client.info("replication")
            return bool(info.get("slave0", {}).get("state") == "online")

        await until(is_online)

    async def work(client: Client) -> Any:
        link = Link(client, sleep=lambda seconds: asyncio.sleep(seconds / 10))
        await link.patient_script("tokens", KEYS.token, "keep", "", 0, 1, "record")
        await client.execute_command("WAIT", 1, 1000)
        master.kill()
        return await link.patient_script("tokens", KEYS.token, "keep", "", 0, 2, "newer")

    use(master.url, copied)  # a sentinel asks for replicas at its start, and then every 10 s
    port = sentinel(master.port)
    answer = use(f"redis+sentinel://{HERE}:{port}/mymaster", work)
    assert answer[:2] == [2, b"newer"]
    held = use(replica.url, lambda client: client.hget(KEYS.token, "version"))
    assert held == b"2"


# a cluster


def port_of_a_node() -> int:
    """With the one 10 000 above it, where nodes speak to each other; Redis 6.2 knows no other."""
    for _ in range(100):
        port = random.randrange(20_000, 30_000)
        with socket.socket() as own, socket.socket() as bus, suppress(OSError):
            own.bind((HERE, port))
            bus.bind((HERE, port + 10_000))
            return port
    raise AssertionError("no two ports are free")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A cluster of one node; it takes two seconds to come up."""
    folder = tmp_path_factory.mktemp("cluster")
    server = LocalServer(folder, port_of_a_node(), cluster_enabled="yes", cluster_announce_ip=HERE)
    server.start()

    async def own_all(client: Client) -> None:
        await client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))

        async def is_up() -> bool:
            return b"cluster_state:ok" in await client.execute_command("CLUSTER", "INFO")

        await until(is_up)

    use(server.url, own_all)
    yield server
    server.kill()


@pytest.fixture
def cluster(node: LocalServer) -> LocalServer:
    use(node.url, lambda client: client.flushall())
    return node


def test_a_cluster_is_worked_with(cluster: LocalServer) -> None:
    url = f"redis+cluster://{HERE}:{cluster.port}"
    assert use(url, renewed) == WORKS
    assert use(url, check_server) == []


def test_scripts_keep_to_the_slot_of_their_key(cluster: LocalServer) -> None:
    async def looked_at(client: Client) -> Any:
        return await Link(client).script("tokens", KEYS.token, "look")

    assert use(f"redis+cluster://{HERE}:{cluster.port}", looked_at) == [0, b"", b"", 0]


def test_a_cluster_that_is_gone_is_waited_for(cluster: LocalServer) -> None:
    async def work(client: Client) -> Any:
        link = Link(client, sleep=lambda seconds: asyncio.sleep(seconds / 10))
        await link.patient_script("tokens", KEYS.token, "keep", "", 0, 1, "record")
        cluster.kill()
        looking = asyncio.create_task(link.patient_script("tokens", KEYS.token, "look"))
        await asyncio.sleep(0.5)
        cluster.start()
        return await looking

    assert use(f"redis+cluster://{HERE}:{cluster.port}", work) == [1, b"record", b"", 0]


def test_a_node_that_is_taken_for_a_server_of_its_own_is_warned_about(
    cluster: LocalServer,
) -> None:
    (warning,) = use(cluster.url, check_server)
    assert "redis+cluster://" in warning


# servers that are not as they should be


@pytest.mark.parametrize("kind", ["redis", "rediss", "redis+cluster", "redis+sentinel"])
def test_where_nothing_listens_it_is_told(kind: str) -> None:
    port = free_port()
    text = refusal(f"{kind}://:secret@{HERE}:{port}/{'mymaster' if 'sentinel' in kind else 0}")
    assert f"Redis at {kind}://{HERE}:{port}" in text
    assert "nothing listens there" in text or "no sentinel there" in text
    assert "secret" not in text


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:pass@"], ids=["none", "wrong", "user"])
@pytest.mark.parametrize("kind", ["redis", "redis+cluster"])
def test_a_wrong_password_is_told_and_not_shown(
    start: Callable[..., LocalServer], login: str, kind: str
) -> None:
    server = start(requirepass="pass")
    text = refusal(f"{kind}://{login}{HERE}:{server.port}")
    assert "wrong user or password, or none given" in text
    assert "nobody" not in text
    assert ":wrong" not in text


def test_a_host_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*args: Any, **named: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert "no host of this name" in refusal("redis://no-such-host:6379")


def test_a_server_that_is_no_cluster_is_told(redis_server: LocalServer) -> None:
    assert "Cluster mode is not enabled" in refusal(f"redis+cluster://{HERE}:{redis_server.port}")


def test_a_server_that_gives_no_answer_is_told() -> None:
    with socket.create_server((HERE, 0)) as silent:
        url = f"redis://{HERE}:{silent.getsockname()[1]}"
        text = refusal(url, REDIS_PARAMS={"socket_timeout": 0.2, "socket_connect_timeout": 0.2})
    assert "no answer in time" in text


# what is warned about


def test_a_server_that_is_fit_is_not_warned_about(start: Callable[..., LocalServer]) -> None:
    assert use(start(maxmemory="100mb").url, check_server) == []


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"appendonly": "no"}, "appendonly yes"),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}, "maxmemory-policy noeviction"),
        ({"replicaof": f"{HERE} 1"}, "name its master"),
    ],
    ids=["no-log", "eviction", "replica"],
)
def test_what_is_not_safe_is_warned_about_with_its_remedy(
    start: Callable[..., LocalServer], options: dict[str, str], remedy: str
) -> None:
    (warning,) = use(start(**options).url, check_server)
    assert remedy in warning


def test_eviction_without_a_limit_is_no_danger(start: Callable[..., LocalServer]) -> None:
    assert use(start(maxmemory_policy="allkeys-lru").url, check_server) == []


@pytest.mark.parametrize(
    ("version", "is_old"), [("6.0.16", True), ("5", True), ("6.2.0", False), ("7.2.4", False)]
)
def test_an_old_version_is_warned_about(version: str, is_old: bool) -> None:
    class Old:
        async def info(self) -> dict[str, str]:
            return {"redis_version": version}

    warnings = asyncio.run(check_server(Old()))  # type: ignore[arg-type]
    assert [version in warning for warning in warnings] == [True] * is_old


def test_where_info_is_forbidden_nothing_is_said(redis_server: LocalServer) -> None:
    use(redis_server.url, lambda client: let_in(client, "+ping", "+hello"))
    assert use(redis_server.url.replace("//", "//worker:pass@"), check_server) == []


def test_a_server_that_is_busy_at_first_is_asked_again(redis_server: LocalServer) -> None:
    redis_server.freeze()
    thawing = threading.Timer(3.0, redis_server.thaw)
    thawing.start()
    try:
        assert use(redis_server.url, ping) is True
    finally:
        thawing.join()
