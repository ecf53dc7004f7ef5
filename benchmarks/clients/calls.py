"""What the clients here that are written without this project ask for: the documented form, signed,
and the 28 documented fields.
"""

from __future__ import annotations

import argparse
import hashlib
import time

from benchmarks.canned import row

__all__ = ["FIELDS", "arguments", "form"]

FIELDS = tuple(row(0))


def form(picture: str, page: int) -> dict[str, str]:
    """The signed call for one page of 100."""
    made = {
        "method": "1688.item_search_img",
        "imgid": picture,
        "search_type": "1",
        "page": str(page),
        "page_size": "100",
        "sort": "sale_desc",
        "app_key": "bench",
        "timestamp": str(int(time.time())),
        "format": "json",
        "v": "2.0",
    }
    text = "secret" + "".join(f"{key}{made[key]}" for key in sorted(made)) + "secret"
    made["sign"] = hashlib.md5(text.encode()).hexdigest().upper()
    return made


def arguments(told: str | None) -> argparse.Namespace:
    """`gateway`, its address; `pictures`, how many to search for; `out`, a file."""
    parser = argparse.ArgumentParser(description=told)
    parser.add_argument("gateway")
    parser.add_argument("pictures", type=int)
    parser.add_argument("out")
    return parser.parse_args()
