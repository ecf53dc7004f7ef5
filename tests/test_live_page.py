"""The live page of a run: what it serves to whom, and what a browser shows of a real run."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from axe_playwright_python.sync_playwright import Axe

from pailitao_spider.monitoring.live.figures import of_progress
from pailitao_spider.monitoring.live.server import LivePage, is_loopback
from pailitao_spider.monitoring.live.tails import Tails
from pailitao_spider.sandbox.server import Gateway
from tests.clusters import Cluster
from tests.crawling import Crawler
from tests.test_cluster_crawl import CATALOGUE, Serve
from tests.test_crawl import photo
from tests.test_metrics import free_port
from tests.test_panel import PROGRESS
from tests.test_report_browser import Reader, browser, reader, window
from tests.warm import SCRAPY, start

__all__ = ["browser", "reader", "window"]


# who may see it


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("127.8.8.8", True),
     ("0.0.0.0", False), ("192.168.1.5", False), ("::", False), ("evil.example", False)],
)  # fmt: skip
def test_a_host_is_this_machine_alone_or_not(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


async def look() -> dict[str, Any]:
    return {**of_progress(PROGRESS), "failed": [], "failed_count": 0, "recent": []}


def asked(host: str, *paths: str, name: str | None = None) -> list[tuple[int, str, str]]:
    """Status, policy and the beginning of each answer, of a page that believes to be on `host`."""

    async def ask() -> list[tuple[int, str, str]]:
        page, app = LivePage(look, host, every_seconds=0.05), web.Application()
        page.add_to(app)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            base = f"http://127.0.0.1:{runner.addresses[0][1]}"
            headers = {} if name is None else {"Host": name}
            found = []
            async with aiohttp.ClientSession() as session:
                for path in paths:
                    url = base + path.replace("TOKEN", page.token)
                    async with session.get(url, headers=headers) as answer:
                        policy = answer.headers.get("Content-Security-Policy", "")
                        text = (await answer.content.readany()).decode()
                        found.append((answer.status, policy, text))
            return found
        finally:
            await runner.cleanup()

    return asyncio.run(ask())


def test_the_page_runs_its_own_script_alone_and_events_are_looks() -> None:
    page, events = asked("127.0.0.1", "/", "/events")
    assert page[0] == 200
    assert page[1].startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r'(?:src|href)="(?!data:)', page[2])
    seen = json.loads(events[2].removeprefix("data: ").partition("\n")[0])
    assert (seen["through"], seen["total"]) == (PROGRESS.through, PROGRESS.total)
    assert [key["name"] for key in seen["keys"]] == [key.name for key in PROGRESS.keys]


def test_on_another_host_both_want_the_token() -> None:
    answers = asked("0.0.0.0", "/", "/events", "/?token=x", "/?token=TOKEN", "/events?token=TOKEN")
    assert [status for status, _, _ in answers] == [403, 403, 403, 200, 200]


def test_another_site_cannot_read_it_by_a_name_that_leads_here() -> None:
    assert asked("127.0.0.1", "/", name="evil.example")[0][0] == 403
    assert asked("127.0.0.1", "/", name="localhost:1")[0][0] == 200


# what was written lately


def test_tails_tell_the_last_offers_and_the_seeds_that_failed(tmp_path: Path) -> None:
    feed, ledger = tmp_path / "offers.jsonl", tmp_path / "offers.seeds.jsonl"
    tails = Tails(lambda: [feed])
    assert tails.look() == {"offers": [], "failed": [], "failed_count": 0}
    feed.write_text('{"num_iid":"1","price":9.90}\n{"num_iid":"2","price":null}\n{"num_iid":"3"')
    ledger.write_text(
        '{"seed_id":"a","status":"failed","reason":"bad_seed"}\n{"seed_id":"b","status":"done"}\n'
    )
    seen = tails.look()
    assert [(each["id"], each["price"]) for each in seen["offers"]] == [("2", None), ("1", "9.90")]
    assert seen["failed"] == [{"seed_id": "a", "status": "failed", "reason": "bad_seed"}]
    with feed.open("a") as file:
        file.write("}\nno line\n")
    with ledger.open("a") as file:
        file.write('{"seed_id":"a","status":"done"}\n')
    seen = tails.look()
    assert [each["id"] for each in seen["offers"]] == ["3", "2", "1"]
    assert seen["failed_count"] == 0


def test_of_a_long_feed_the_end_is_read(tmp_path: Path) -> None:
    feed = tmp_path / "offers.jsonl"
    feed.write_text("".join(f'{{"num_iid":"{n}","title":"{"x" * 500}"}}\n' for n in range(9000)))
    offers = Tails(lambda: [feed]).look()["offers"]
    assert (len(offers), offers[0]["id"]) == (24, "8999")


# real runs in a browser


@pytest.fixture
def crawl(tmp_path: Path) -> Iterator[int]:
    """A crawl under way, and the port of its page."""
    crawler, port = Crawler(tmp_path), free_port()
    crawler.env |= {"PAILITAO_SANDBOX": "rate=2", "PAILITAO_RATE": "1"}
    crawler.env["PAILITAO_METRICS_PORT"] = str(port)
    names = ("mug-01", "lamp-02", "chair-05", "tote-01", "plush-09", "watch-11")
    crawler.seeds("missing.jpg", *(photo(name) for name in names))
    process = crawler.start()
    try:
        yield port
    finally:
        process.kill()
        process.communicate(timeout=30)


def opened(reader: Reader, url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            reader.page.goto(url)
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_a_crawl_is_seen_while_it_runs(reader: Reader, crawl: int) -> None:
    page = reader.page
    opened(reader, f"http://127.0.0.1:{crawl}/")
    page.wait_for_selector("#offers a")
    page.wait_for_function("/[1-9] of 7/.test(document.getElementById('seeds').textContent)")
    assert "missing.jpg failed · no_such_file" in page.inner_text("#failed")
    assert "router" in page.inner_text("#keys")
    assert Axe().run(page).response["violations"] == []
    assert {each["url"].split("/")[2] for each in reader.asked} == {f"127.0.0.1:{crawl}"}
    page.goto("about:blank")
    reader.requests.clear()


def test_a_run_in_redis_is_seen_by_status(
    reader: Reader, serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    run = cluster(serve_sandbox(Gateway(CATALOGUE)), rate=200)
    run.push(*(str(photo(name)) for name in ("mug-01", "lamp-02")))
    assert run.crawl("-a", "until_empty=1", workers=1) == [0]
    serving = start(
        [*SCRAPY, "pailitao", "status", "--serve", "0"], cwd=run.folder,
        env=run.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        assert serving.stdout is not None
        said = serving.stdout.readline()
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+/", said)
        opened(reader, url)
        reader.page.wait_for_selector("#offers a")
        assert "2 of 2 · 100 %" in reader.page.inner_text("#seeds")
        assert "run default" in reader.page.inner_text("#name")
        assert Axe().run(reader.page).response["violations"] == []
        reader.page.goto("about:blank")
        reader.requests.clear()
    finally:
        serving.terminate()
        serving.communicate(timeout=20)
