"""The code that articles on this API show: one call after the other, 11 fields, every row kept,
all written at the end. Only the sleep of one second after each page is taken out.

    python -m benchmarks.clients.article GATEWAY PICTURES OUT
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from benchmarks.clients.calls import arguments, form

_FIELDS = (
    "num_iid", "title", "price", "promotion_price", "sales", "seller_nick", "area", "pic_url",
    "detail_url", "similarity", "shop_type",
)  # fmt: skip


def search(gateway: str, picture: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        answer = requests.post(f"{gateway}/router/rest", data=form(picture, page), timeout=10)
        data = answer.json()
        if data["code"] != 200:
            raise SystemExit(data)
        pages = data["items"]["pagecount"]
        found += [{name: raw.get(name) for name in _FIELDS} for raw in data["items"]["item"]]
        page += 1
    return found


def main() -> None:
    given = arguments(__doc__)
    rows: list[dict[str, Any]] = []
    for number in range(given.pictures):
        rows += search(given.gateway, f"https://pictures.invalid/{number}.jpg")
    with Path(given.out).open("w") as out:
        json.dump(rows, out, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main()
