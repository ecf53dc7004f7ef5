"""Real parts for every test: a sandbox gateway in a thread, `scrapy crawl` in a subprocess."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Gateway, Site, serve
from tests.clusters import Cluster
from tests.crawling import Crawler
from tests.exchanges import Exchanges

# `make test` tries the same few examples each time, `make soak` many and others each time.
_ANY_MACHINE = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("few", max_examples=30, derandomize=True, **_ANY_MACHINE)
settings.register_profile("many", max_examples=1000, **_ANY_MACHINE)
settings.load_profile("few")

# A shell that starts the tests in the background has Ctrl-C ignored, by all that they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)

_LONG = (
    "test_sql",
    "test_cluster",
    "test_going_on",
    "test_keys",
    "test_faults",
    "test_merge",
    "test_drift",
)


# What the tests of one of these files share takes seconds to make.
_TOGETHER = {
    "test_cluster_connection.py", "test_lane.py", "test_metrics.py", "test_panel.py",
    "test_report_browser.py", "test_sandbox_catalogue.py", "test_tables_elsewhere.py",
}  # fmt: skip


class _Scheduling(LoadScopeScheduling):
    """Some files to one process each, whole; all other tests one by one to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        return path if Path(path).name in _TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    return _Scheduling(config, log)


# Fixtures that start a program of the desktop.
_DESKTOP = {"browser", "libreoffice", "postgres"}


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of whole processes first: the short ones fill the gaps that they leave at the end."""
    for item in items:
        if _DESKTOP & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.desktop)
    items.sort(key=lambda item: not item.path.name.startswith(_LONG))


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.soak)], ids=["", "at rest"])
def at_rest(request: pytest.FixtureRequest) -> bool:
    """The machine has nothing else to do, so figures that a late wake spoils must hold as well."""
    return bool(request.param)


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PAILITAO_", "REDIS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PAILITAO_LANG", "en")


class Served:
    """Gateways that listen on 127.0.0.1, in one loop of one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._sites: list[Site] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def gateway(self, gateway: Gateway | None = None, **options: Any) -> Site:
        made = gateway or build(SandboxOptions(**options))
        site = self._run(serve(made)).result(timeout=240)
        self._sites.append(site)
        return site

    def close(self) -> None:
        for site in self._sites:
            self._run(site.close()).result(timeout=240)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _run(self, coroutine: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


@pytest.fixture
def served() -> Iterator[Served]:
    gateways = Served()
    yield gateways
    gateways.close()


@pytest.fixture
def serve_sandbox(served: Served) -> Callable[..., Site]:
    """Serves a sandbox with the given options; ends with the test."""
    return served.gateway


@pytest.fixture
def crawler(tmp_path: Path) -> Crawler:
    """Runs `scrapy crawl pailitao` in a folder of its own, with an empty home."""
    return Crawler(tmp_path)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[LocalServer]:
    """A real Valkey or Redis of the test's own."""
    server = LocalServer(tmp_path / "redis").start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchanges]:
    """The exchange script on a real server, without a crawl around it."""
    server = LocalServer(tmp_path_factory.mktemp("redis")).start()
    made = Exchanges(server)
    yield made
    made.close()
    server.kill()


@pytest.fixture
def redis(exchanges: Exchanges) -> Exchanges:
    """The same, empty."""
    exchanges.client.flushall()
    return exchanges


@pytest.fixture
def cluster(tmp_path: Path, redis_server: LocalServer) -> Iterator[Callable[..., Cluster]]:
    """Makes a cluster in a folder of its own, on a real Redis and the sandbox that is given."""
    made: list[Cluster] = []

    def make(site: Site, **settings: object) -> Cluster:
        made.append(Cluster(tmp_path, redis_server, site, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
