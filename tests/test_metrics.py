"""The metrics of a run: what is served, what the docs say of it, what the dashboard asks for."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pailitao_spider.config.setting_table import Config, serves_metrics
from pailitao_spider.errors import ConfigError
from pailitao_spider.monitoring.prometheus import METRICS, ProgressCollector
from pailitao_spider.sandbox.server import Site
from tests.clusters import Cluster
from tests.crawling import REPOSITORY, Crawled, Crawler
from tests.test_config import config
from tests.test_crawl import photo
from tests.test_panel import PROGRESS

DASHBOARD = REPOSITORY / "deploy" / "grafana.json"
DOCS = REPOSITORY / "docs" / "watching.md"
LIBRARY = "prometheus_client"

Samples = dict[tuple[str, ...], float]


def read(text: str) -> tuple[set[str], Samples]:
    """The names served, and the samples by name and label values."""
    names, samples = set(), {}
    for family in text_string_to_metric_families(text):
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
        for sample in family.samples:
            samples[(sample.name, *sample.labels.values())] = sample.value
    return names, samples


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def scraped(port: int, holds: Callable[[Samples], bool]) -> str:
    """What is served, once it is so."""
    end = time.monotonic() + 120
    text = ""
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            text = ""
        if text and holds(read(text)[1]):
            return text
        time.sleep(0.1)
    raise AssertionError(f"it did not come about:\n{text}")


@dataclass(frozen=True)
class Scraped:
    """A crawl that was scraped while it ran."""

    text: str
    crawled: Crawled
    port: int

    @property
    def samples(self) -> Samples:
        return read(self.text)[1]


KEYS = """
[[key]]
name = "主号"
app_key = "sandbox"
app_secret = "sandbox-secret"
access_token = "sandbox-token"
daily_calls = 5000
price = 0.02
rate = 6
"""


@pytest.fixture(scope="module")
def scraping(tmp_path_factory: pytest.TempPathFactory) -> Scraped:
    crawler, port = Crawler(tmp_path_factory.mktemp("scraped")), free_port()
    crawler.env |= {"PAILITAO_SANDBOX": "rate=6", "PAILITAO_CREDENTIALS": "keys.toml"}
    crawler.env["PAILITAO_METRICS_PORT"] = str(port)
    (crawler.folder / "keys.toml").write_text(KEYS, encoding="utf-8")
    crawler.seeds(*(photo(name) for name in ("mug-01", "lamp-02", "chair-05")))
    process = crawler.start("-a", "page_size=10")
    try:
        text = scraped(port, lambda samples: samples["pailitao_pages_total",] >= 3)
    except BaseException:
        process.kill()
        raise
    finally:
        log, _ = process.communicate(timeout=240)
    return Scraped(text, Crawled(process.returncode, log, crawler.folder), port)


def test_a_crawl_is_scraped_while_it_runs(scraping: Scraped) -> None:
    samples, crawled = scraping.samples, scraping.crawled
    assert crawled.exit_code == 0, crawled.log
    assert samples["pailitao_source_seeds",] == 3
    assert samples["pailitao_open_seeds",] + samples["pailitao_seeds_total", "done"] == 3
    assert 3 <= samples["pailitao_pages_total",] <= crawled.stats["pailitao/pages"]
    assert samples["pailitao_offers_total", "new"] > 0
    assert samples["pailitao_key_calls_per_second_limit", "主号"] == 6
    assert samples["pailitao_key_calls_today_limit", "主号"] == 5000
    assert samples["pailitao_key_calls_today", "主号"] == samples["pailitao_calls_total",]
    assert samples["pailitao_key_yuan_spent_today", "主号"] > 0
    assert samples["pailitao_key_out", "主号"] == 0


def test_what_never_happened_is_0_and_what_is_unknown_is_not_served(scraping: Scraped) -> None:
    samples = scraping.samples
    assert samples["pailitao_refused_total", "denied"] == 0
    assert samples["pailitao_seeds_total", "failed"] == 0
    unknown = ("token_life_seconds", "login_life_seconds")
    assert not any(("pailitao_key_" + name, "主号") in samples for name in unknown)
    assert not any(name.startswith(("pailitao_run_", "pailitao_queue")) for name, *_ in samples)
    assert not any(name == "pailitao_pages_in_hand" for name, *_ in samples)


def test_no_secret_is_served(scraping: Scraped) -> None:
    assert not any(secret in scraping.text for secret in ("sandbox-secret", "sandbox-token"))


def test_the_port_is_free_again_after_the_run(scraping: Scraped) -> None:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", scraping.port))


def test_a_port_in_use_is_told_and_the_run_goes_on(crawler: Crawler) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        crawler.env |= {"PAILITAO_SANDBOX": "1", "PAILITAO_METRICS_PORT": str(port)}
        crawler.seeds(photo("mug-01"))
        crawled = crawler.crawl()
    assert crawled.exit_code == 0, crawled.log
    assert f"PAILITAO_METRICS_PORT={port} cannot be opened on 127.0.0.1" in crawled.log
    assert "this run goes on without metrics" in crawled.log
    assert crawled.statuses == {"done": 1}


# names


def test_all_that_is_served_stands_in_the_docs(scraping: Scraped) -> None:
    documented = re.findall(r"^\| `(pailitao_\w+)", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    names, _ = read(scraping.text)
    assert names == {each.name for each in METRICS}
    assert sorted(documented) == sorted(names)


def test_the_docs_name_each_metric_with_its_labels() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for each in METRICS:
        labels = f"{{{','.join(each.labels)}}}" if each.labels else ""
        assert f"| `{each.name}{labels}` |" in text


def test_the_dashboard_asks_for_what_is_served() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {name for each in asked for name in re.findall(r"pailitao_\w+", each)}
    assert names <= {each.name for each in METRICS}
    assert all(re.search(r"pailitao_\w+\{[^}]*\$job", each) for each in asked)
    assert '"uid": "${datasource}"' in DASHBOARD.read_text(encoding="utf-8")


def test_names_follow_the_conventions() -> None:
    for each in METRICS:
        assert re.fullmatch(r"pailitao_[a-z_]+", each.name)
        assert each.help[0].isupper() or each.help.startswith(("1 ", "PAILITAO_"))
        assert not each.help.endswith(".")
    assert len({each.name for each in METRICS}) == len(METRICS)


def test_the_collector_counts_nothing_itself() -> None:
    looks = iter((PROGRESS, PROGRESS))
    registry = CollectorRegistry()
    registry.register(ProgressCollector(lambda: next(looks)))
    first, second = (generate_latest(registry) for _ in range(2))
    assert first == second
    _, samples = read(first.decode())
    assert samples["pailitao_offers_total", "new"] == 18_204
    assert samples["pailitao_key_token_life_seconds", "router"] == 3120


# settings


@pytest.mark.parametrize("value", ["", "0", "off"])
def test_without_a_port_nothing_is_served(value: str) -> None:
    assert config(PAILITAO_METRICS_PORT=value).metrics_port is None
    assert not serves_metrics({}, {"PAILITAO_METRICS_PORT": value})  # type: ignore[arg-type]


def test_the_port_is_read_and_served_on_this_machine_only() -> None:
    read = config(PAILITAO_METRICS_PORT="9464")
    assert (read.metrics_port, read.metrics_host) == (9464, "127.0.0.1")
    assert config(PAILITAO_METRICS_PORT="9464", PAILITAO_METRICS_HOST="::").metrics_host == "::"


@pytest.mark.parametrize("value", ["port", "65536", "-1"])
def test_a_port_that_is_none_is_told(value: str) -> None:
    with pytest.raises(
        ConfigError, match=r"PAILITAO_METRICS_PORT: .* is not a whole number from 1"
    ):
        config(PAILITAO_METRICS_PORT=value)


@pytest.fixture
def _no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY, None)  # as the interpreter has it for what is missing


@pytest.mark.usefixtures("_no_library")
def test_a_missing_library_is_one_line_before_anything_is_sent() -> None:
    line = "PAILITAO_METRICS_PORT needs one more package: pip install prometheus-client"
    with pytest.raises(ConfigError, match=re.escape(line)):
        config(PAILITAO_METRICS_PORT="9464")
    assert config() == Config(app_key="a-key", app_secret="a-secret"), "only where it is wanted"


# a worker


@pytest.fixture
def worked(
    serve_sandbox: Callable[..., Site], cluster: Callable[..., Cluster]
) -> tuple[Cluster, int]:
    port = free_port()
    made = cluster(serve_sandbox(rate_per_second=4.0), rate=4, metrics_port=port)
    made.push(*(photo(f"mug-0{number}") for number in range(1, 5)))
    made.start("-a", "page_size=10")
    return made, port


def test_a_worker_tells_of_the_whole_run(worked: tuple[Cluster, int]) -> None:
    made, port = worked
    text = scraped(port, lambda samples: ("pailitao_run_seeds", "open") in samples)
    _, samples = read(text)
    states = ("waiting", "open", "ended")
    assert sum(samples["pailitao_run_seeds", state] for state in states) == 4, text
    assert samples["pailitao_source_seeds",] == 4
    assert samples["pailitao_run_workers",] == 1
    assert samples["pailitao_leases_total", "taken"] >= samples["pailitao_pages_in_hand",]
    assert ("pailitao_open_seeds",) not in samples
    made.close()
    assert "Traceback" not in made.logs
