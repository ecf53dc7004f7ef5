"""requests in 16 threads, each with a session, and json; each offer once, JSON Lines.

    python -m benchmarks.clients.threads GATEWAY PICTURES OUT

Rows are written as they came: no field is typed or checked.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from benchmarks.clients.calls import arguments, form

_THREADS = 16


class Client:
    def __init__(self, gateway: str, out: Any) -> None:
        self._url = f"{gateway}/router/rest"
        self._out = out
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def search(self, number: int) -> None:
        """All pages of one picture."""
        picture = f"https://pictures.invalid/{number}.jpg"
        pages = self._page(picture, 1)
        for page in range(2, pages + 1):
            self._page(picture, page)

    def _page(self, picture: str, page: int) -> int:
        if not hasattr(self._mine, "session"):
            self._mine.session = requests.Session()
        answer = self._mine.session.post(self._url, data=form(picture, page))
        answer.raise_for_status()
        items = json.loads(answer.content)["items"]
        with self._lock:
            self._out.writelines(
                json.dumps(raw, ensure_ascii=False) + "\n" for raw in self._new(items["item"])
            )
        return int(items["pagecount"])

    def _new(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        new = [raw for raw in rows if raw["num_iid"] not in self._seen]
        self._seen.update(raw["num_iid"] for raw in new)
        return new


def main() -> None:
    given = arguments(__doc__)
    with Path(given.out).open("w") as out, ThreadPoolExecutor(_THREADS) as pool:
        client = Client(given.gateway, out)
        list(pool.map(client.search, range(given.pictures)))


if __name__ == "__main__":
    main()
