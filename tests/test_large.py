"""A million seeds: started at once, in flat memory."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import Crawler
from tests.test_faults import photo


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_million_lines_start_at_once_and_stay_flat(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    site = serve_sandbox(Gateway(Catalogue()))
    crawler.use(site, rate=1000)
    with (crawler.folder / "seeds.txt").open("w") as file:
        file.writelines(f"{photo(number)}\n" for number in range(1_000_000))
    started = time.monotonic()
    process = crawler.start()
    while not site.gateway.log.good and time.monotonic() - started < 10:
        time.sleep(0.05)
    first_answer_seconds = time.monotonic() - started
    time.sleep(10)
    early = resident_mib(process.pid)
    time.sleep(30)
    late = resident_mib(process.pid)
    calls = site.gateway.log.calls
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)

    print(
        f"first answer {first_answer_seconds:.1f} s, {early:.0f} -> {late:.0f} MiB, {calls} calls"
    )
    assert first_answer_seconds < 3
    assert late - early < 10
