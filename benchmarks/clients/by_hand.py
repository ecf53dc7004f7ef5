"""aiohttp and orjson, written by hand, with the same checks: what one writes without a framework.
Every field typed, its source beside it, each offer once, JSON Lines.

    python -m benchmarks.clients.by_hand GATEWAY PICTURES OUT [--redis URL]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

_AT_ONCE = 64
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_LINK = re.compile(r"https://[a-z0-9.-]+/[!-~]*")
_TEXTS = (
    "seller_id", "seller_nick", "area", "shop_type", "unit", "cid", "category_name", "property",
    "freight_template",
)  # fmt: skip


def number(text: Any) -> float | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def moment(text: str | None) -> str | None:
    return None if text is None else f"{datetime.fromisoformat(text).isoformat()}+08:00"


def link(text: str | None) -> str | None:
    if text is not None and not _LINK.fullmatch(text):
        raise ValueError(text)
    return text


def title(text: str | None) -> str | None:
    if text is not None and (not text.isprintable() or "<" in text or "&" in text):
        raise ValueError(text)
    return text


def offer(raw: dict[str, Any], source: dict[str, Any], rank: int) -> dict[str, Any]:
    num_iid = raw["num_iid"]
    if not (num_iid.isascii() and num_iid.isdigit()):
        raise ValueError(num_iid)
    low, _, high = raw["price_range"].partition("-")
    rate = raw["feedback_rate"]
    made = {
        "num_iid": num_iid,
        "title": title(raw["title"]),
        "detail_url": f"https://detail.1688.com/offer/{num_iid}.html",
        "price": number(raw["price"]),
        "promotion_price": number(raw["promotion_price"]),
        "price_min": number(low),
        "price_max": number(high),
        "post_fee": number(raw["post_fee"]),
        "min_order": raw["min_order"],
        "sales": raw["sales"],
        "trade_num": raw["trade_num"],
        "similarity": number(raw["similarity"]),
        "feedback_rate": float(rate[:-1]) / 100,
        "score": number(raw["score"]),
        "is_onsale": raw["is_onsale"],
        "one_stop_service": raw["one_stop_service"],
        "is_ad": "p4p" in raw["detail_url"],
        "pic_url": link(raw["pic_url"]),
        "pic_small_url": link(raw["pic_small_url"]),
        "create_time": moment(raw["create_time"]),
        "update_time": moment(raw["update_time"]),
        "rank": rank,
    }
    for name in _TEXTS:
        made[name] = raw[name]
    made.update(source)
    return made


class Client:
    """Searches for pictures; `redis`, if given, says which offers are new, a page at a time."""

    def __init__(self, gateway: str, out: Any, redis: Any) -> None:
        self._url = f"{gateway}/router/rest"
        self._out = out
        self._redis = redis
        self._seen: set[str] = set()
        self.pages = self.offers = 0

    async def crawl(self, pictures: int) -> None:
        self._gate = asyncio.Semaphore(_AT_ONCE)
        connector = aiohttp.TCPConnector(limit=_AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as self._http:
            seeds = iter(range(pictures))
            await asyncio.gather(*(self._worker(seeds) for _ in range(32)))

    async def _worker(self, seeds: Any) -> None:
        for number in seeds:
            count = await self._page(number, 1)
            await asyncio.gather(*(self._page(number, page) for page in range(2, count + 1)))

    async def _page(self, picture: int, page: int) -> int:
        image = f"https://pictures.invalid/{picture}.jpg"
        form = {
            "method": "1688.item_search_img", "imgid": image, "search_type": "1",
            "page": str(page), "page_size": "100", "sort": "sale_desc", "app_key": "bench",
            "timestamp": str(int(time.time())), "format": "json", "v": "2.0",
        }  # fmt: skip
        text = "secret" + "".join(f"{key}{form[key]}" for key in sorted(form)) + "secret"
        form["sign"] = hashlib.md5(text.encode()).hexdigest().upper()
        async with self._gate, self._http.post(self._url, data=form) as response:
            body = await response.read()
        answer = orjson.loads(body)
        if answer["code"] != 200:
            raise SystemExit(answer)
        await self._keep(answer, image, page)
        return int(answer["items"]["pagecount"])

    async def _keep(self, answer: dict[str, Any], image: str, page: int) -> None:
        source = {
            "seed_id": image.rpartition("/")[2], "seed_image": image, "seed_extra": {}, "extra": {},
            "page": page, "gateway": "router", "request_id": answer["request_id"],
            "fetched_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }  # fmt: skip
        first = (page - 1) * 100 + 1
        offers = [offer(raw, source, first + place)
                  for place, raw in enumerate(answer["items"]["item"])]  # fmt: skip
        new = await self._new(offers)
        self._out.write(b"".join([orjson.dumps(each) + b"\n" for each in new]))
        self.pages += 1
        self.offers += len(new)

    async def _new(self, offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self._redis is not None:
            pipeline = self._redis.pipeline(transaction=False)
            for each in offers:
                pipeline.sadd("by_hand:offers", each["num_iid"])
            added = await pipeline.execute()
            return [each for each, is_new in zip(offers, added, strict=True) if is_new]
        new = []
        for each in offers:
            if each["num_iid"] not in self._seen:
                self._seen.add(each["num_iid"])
                new.append(each)
        return new


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("pictures", type=int)
    parser.add_argument("out")
    parser.add_argument("--redis")
    given = parser.parse_args()
    redis = None
    if given.redis:
        from redis.asyncio import Redis

        redis = Redis.from_url(given.redis)
    with Path(given.out).open("wb") as out:  # noqa: ASYNC230  one file, before anything is asked
        client = Client(given.gateway, out, redis)
        await client.crawl(given.pictures)
    if redis is not None:
        await redis.aclose()
    print(f"{client.pages} pages, {client.offers} offers")


if __name__ == "__main__":
    asyncio.run(main())
