"""The public API is typed: a developer's own mypy sees it, and finds her mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SPIDER = """
from collections.abc import AsyncIterator, Iterator

from scrapy import Request, Spider

from pailitao_spider import ImageSearch, Offer, PageResponse, PailitaoSpider, __version__


class Shoes(Spider):
    name = "shoes"

    async def start(self) -> AsyncIterator[Request]:
        yield ImageSearch("shoe.jpg", seed_id="SKU-1", extra={"cost": 9}).request(self.parse_page)

    def parse_page(self, response: PageResponse) -> Iterator[Offer | Request]:
        for row in response.rows:
            print(row.num_iid)
        for offer in response.offers:
            print(offer.num_iid, offer.price)
        yield from response.offers
        yield from response.next_pages(max_pages=2)


class Mine(PailitaoSpider):
    name = f"mine-{__version__}"
"""


def test_mypy_strict_finds_nothing_but_the_row_that_may_be_no_offer(tmp_path: Path) -> None:
    (tmp_path / "shoes.py").write_text(SPIDER)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "shoes.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = re.findall(r"shoes\.py:\d+: error: .*", done.stdout)
    assert len(found) == 1, done.stdout
    assert 'Item "RejectedRow" of "Offer | RejectedRow" has no attribute "num_iid"' in found[0]
