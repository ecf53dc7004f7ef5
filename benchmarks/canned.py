"""A gateway that is never the limit: whole HTTP answers made beforehand, looked up by picture and
page.

    python -m benchmarks.canned --pages 5 --rows 100

It answers as the router dialect does, with rows as documented, without checking anything, gzipped
where that is accepted. `GET /calls` tells how many searches it answered. It prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re

__all__ = ["row"]

_PAGE = re.compile(rb"(?:^|&|\?)page(?:_no)?=(\d+)")
_PICTURE = re.compile(rb"(?:^|&)imgid=[^&]*?(\d+)\.jpg")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_GZIP = re.compile(rb"\r\naccept-encoding:[^\r]*gzip", re.IGNORECASE)
_FIRST_ID = 600_000_000_000


def row(number: int) -> dict[str, object]:
    """One offer with the 28 documented fields; ids lie as far apart as real ones do."""
    num_iid = str(_FIRST_ID + number * 7919 % 300_000_000_000)
    return {
        "num_iid": num_iid,
        "detail_url": f"https://detail.1688.com/offer/{num_iid}.html",
        "title": f"夏季新款运动鞋 透气网面 {number}",
        "similarity": "0.91",
        "seller_id": f"b2b-{number % 9999}",
        "price": f"{number % 89 + 10}.90",
        "promotion_price": f"{number % 89 + 9}.50",
        "min_order": 2,
        "sales": number % 5000,
        "unit": "双",
        "price_range": f"{number % 89 + 9}.50-{number % 89 + 15}.00",
        "pic_url": f"https://cbu01.alicdn.com/img/ibank/{number}.jpg",
        "pic_small_url": f"https://cbu01.alicdn.com/img/ibank/{number}.jpg_270x270xzq60.jpg",
        "cid": "1038378",
        "category_name": "运动鞋",
        "property": "材质:网面;颜色:白色",
        "seller_nick": f"晋江鞋厂{number % 99}",
        "area": "福建 晋江",
        "shop_type": "factory",
        "post_fee": "0.00",
        "freight_template": "包邮",
        "is_onsale": True,
        "one_stop_service": number % 2 == 0,
        "create_time": "2024-04-20 08:00:00",
        "update_time": "2024-05-20 08:00:00",
        "score": "4.9",
        "trade_num": 310,
        "feedback_rate": "99.5%",
    }


class Canned:
    """`pages` for each picture, `rows` on each; of each page the first `shared` rows out of a
    hundred stand on the page before, too.
    """

    def __init__(self, pages: int, rows: int, shared: int) -> None:
        self.pages, self.rows = pages, rows
        self.step = rows - rows * shared // 100
        self.calls = 0
        self._made: dict[tuple[int, int, bool], bytes] = {}

    def answer(self, picture: int, page: int, zipped: bool) -> bytes:
        key = (picture, page, zipped)
        if key not in self._made:
            body = self._body(picture, page)
            self._made[key] = _whole(gzip.compress(body, 6) if zipped else body, zipped)
        return self._made[key]

    def _body(self, picture: int, page: int) -> bytes:
        first = (picture * self.pages + page - 1) * self.step
        items = {
            "page": str(page),
            "real_total_results": self.pages * self.rows,
            "total_results": self.pages * self.rows,
            "pagecount": self.pages,
            "page_size": str(self.rows),
            "item": [row(first + number) for number in range(self.rows)],
        }
        answer = {"code": 200, "msg": "success", "request_id": "r", "items": items}
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _whole(body: bytes, zipped: bool) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    head += "Content-Encoding: gzip\r\n" if zipped else ""
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One client: requests come one after the other, bodies by Content-Length."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(self._waiting) < end + 4 + length:
                return
            body = self._waiting[end + 4 : end + 4 + length]
            self._waiting = self._waiting[end + 4 + length :]
            self._transport.write(self._reply(head, body))  # type: ignore[attr-defined]

    def _reply(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET /calls"):
            return _whole(json.dumps({"calls": self._canned.calls}).encode(), False)
        page, picture = _PAGE.search(body), _PICTURE.search(body)
        if page is None or picture is None:
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        self._canned.calls += 1
        zipped = _GZIP.search(head) is not None
        return self._canned.answer(int(picture[1]), int(page[1]), zipped)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--shared", type=int, default=50, help="percent of a page seen before")
    given = parser.parse_args()
    canned = Canned(given.pages, given.rows, given.shared)
    for picture in range(given.pictures):
        for page in range(1, given.pages + 1):
            canned.answer(picture, page, True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(canned), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
