"""The least of Scrapy: one middleware, no item, pipeline, signal or feed. The callback makes the
checks of by_hand.py and writes the lines itself. What a spider does beyond this is on top of it.

    scrapy runspider benchmarks/clients/lean_scrapy.py -a gateway=URL -a pictures=N -a out=out.jsonl
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import scrapy
from scrapy.http import Response

from benchmarks.clients.by_hand import offer
from benchmarks.clients.calls import form

_UNZIP = "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware"


class LeanSpider(scrapy.Spider):
    name = "lean"
    custom_settings = {  # noqa: RUF012
        "LOG_LEVEL": "INFO",
        "DOWNLOADER_MIDDLEWARES_BASE": {_UNZIP: 590},
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {},
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
        "CONCURRENT_ITEMS": 1,
        "WARN_ON_GENERATOR_RETURN_VALUE": False,
    }
    gateway: str
    pictures: str
    out: str

    async def start(self) -> AsyncIterator[scrapy.Request]:
        self._seen: set[str] = set()
        self._file = Path(self.out).open("wb")  # noqa: ASYNC230, SIM115  before anything is asked
        for number in range(int(self.pictures)):
            yield self.search(f"https://pictures.invalid/{number}.jpg", 1)

    def closed(self, reason: str) -> None:
        self._file.close()

    def search(self, picture: str, page: int) -> scrapy.Request:
        return scrapy.Request(
            f"{self.gateway}/router/rest",
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form(picture, page)),
            dont_filter=True,
            cb_kwargs={"picture": picture, "page": page},
        )

    def parse(self, response: Response, picture: str, page: int) -> Iterator[scrapy.Request]:
        answer = orjson.loads(response.body)
        if page == 1:
            for following in range(2, answer["items"]["pagecount"] + 1):
                yield self.search(picture, following)
        self._keep(answer, picture, page)

    def _keep(self, answer: dict[str, Any], picture: str, page: int) -> None:
        source = {
            "seed_id": picture.rpartition("/")[2], "seed_image": picture, "seed_extra": {},
            "extra": {}, "page": page, "gateway": "router", "request_id": answer["request_id"],
            "fetched_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }  # fmt: skip
        first, lines = (page - 1) * 100 + 1, list[bytes]()
        for place, raw in enumerate(answer["items"]["item"]):
            made = offer(raw, source, first + place)
            if made["num_iid"] not in self._seen:
                self._seen.add(made["num_iid"])
                lines.append(orjson.dumps(made) + b"\n")
        self._file.write(b"".join(lines))
