"""Scrapy as one writes it first: a dict for each row, every setting as it comes, a JSON Lines feed.

    scrapy runspider benchmarks/clients/bare_scrapy.py -a gateway=URL -a pictures=N -O out.jsonl

In its favour, the log begins at INFO: at Scrapy's own DEBUG every row is printed. Nor is the delay
of one second there that `scrapy startproject` writes into a new project's settings.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

import scrapy
from scrapy.http import Response

from benchmarks.clients.calls import FIELDS, form


class BareSpider(scrapy.Spider):
    name = "bare"
    custom_settings = {"LOG_LEVEL": "INFO", "FEED_EXPORT_ENCODING": "utf-8"}  # noqa: RUF012
    gateway: str
    pictures: str

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for number in range(int(self.pictures)):
            yield self.search(f"https://pictures.invalid/{number}.jpg", 1)

    def search(self, picture: str, page: int) -> scrapy.Request:
        return scrapy.Request(
            f"{self.gateway}/router/rest",
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form(picture, page)),
            cb_kwargs={"picture": picture, "page": page},
        )

    def parse(self, response: Response, picture: str, page: int) -> Iterator[Any]:
        items = json.loads(response.body)["items"]
        if page == 1:
            for following in range(2, items["pagecount"] + 1):
                yield self.search(picture, following)
        for raw in items["item"]:
            yield {name: raw[name] for name in FIELDS}
