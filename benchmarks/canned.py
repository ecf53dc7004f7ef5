"""A gateway that is never the limit: answers made beforehand, looked up by picture and page.

    python -m benchmarks.canned --pages 5 --rows 100

It answers as the router dialect does, without checking anything, and prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re

from aiohttp import web

_PAGE = re.compile(rb"(?:^|&)page=(\d+)")
_PICTURE = re.compile(rb"(?:^|&)imgid=[^&]*?(\d+)\.jpg")
_FIRST_ID = 600_000_000_000


def row(number: int) -> dict[str, object]:
    """One offer with all the documented fields."""
    num_iid = str(_FIRST_ID + number)
    return {
        "num_iid": num_iid,
        "detail_url": f"https://detail.1688.com/offer/{num_iid}.html",
        "title": f"夏季新款运动鞋 透气网面 {number}",
        "similarity": "0.91",
        "seller_id": f"b2b-{number % 9999}",
        "price": "29.90",
        "promotion_price": "27.50",
        "min_order": "2",
        "sales": "1.1万+",
        "unit": "双",
        "price_range": "25.90-35.00",
        "pic_url": f"//cbu01.alicdn.com/img/ibank/{number}.jpg",
        "pic_small_url": f"//cbu01.alicdn.com/img/ibank/{number}.jpg_270x270xzq60.jpg",
        "cid": "1038378",
        "category_name": "运动鞋",
        "property": "材质:网面;颜色:白色",
        "seller_nick": f"晋江鞋厂{number % 99}",
        "area": "福建 晋江",
        "shop_type": "factory",
        "post_fee": "0.00",
        "freight_template": "包邮",
        "is_onsale": "true",
        "one_stop_service": "1",
        "create_time": "2024-04-20 08:00:00",
        "update_time": "2024-05-20 08:00:00",
        "score": "4.9",
        "trade_num": "310",
        "feedback_rate": "99.5%",
    }


class Canned:
    """`pages` for each picture, `rows` on each; every second offer is another picture's too."""

    def __init__(self, pages: int, rows: int) -> None:
        self.pages, self.rows = pages, rows
        self.calls = 0
        self._made: dict[tuple[int, int], bytes] = {}

    def body(self, picture: int, page: int) -> bytes:
        key = (picture, page)
        if key not in self._made:
            first = (picture * self.pages + page - 1) * self.rows // 2
            items = {
                "page": str(page),
                "real_total_results": self.pages * self.rows,
                "total_results": self.pages * self.rows,
                "pagecount": self.pages,
                "page_size": str(self.rows),
                "item": [row(first + number) for number in range(self.rows)],
            }
            answer = {"code": 200, "msg": "success", "request_id": "r", "items": items}
            self._made[key] = json.dumps(answer, ensure_ascii=False).encode()
        return self._made[key]

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.read()
        page, picture = _PAGE.search(form), _PICTURE.search(form)
        if page is None or picture is None:
            raise web.HTTPBadRequest
        self.calls += 1
        body = self.body(int(picture[1]), int(page[1]))
        return web.Response(body=body, content_type="application/json")

    async def told(self, request: web.Request) -> web.Response:
        return web.json_response({"calls": self.calls})


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=400)
    given = parser.parse_args()
    canned = Canned(given.pages, given.rows)
    for picture in range(given.pictures):
        for page in range(1, given.pages + 1):
            canned.body(picture, page)
    app = web.Application()
    app.router.add_post("/router/rest", canned.answer)
    app.router.add_get("/calls", canned.told)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
