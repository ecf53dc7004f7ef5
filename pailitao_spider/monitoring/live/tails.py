"""What a run has written lately: its last offers, and the seeds that failed, with their reasons."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.results.paths import ResultPaths

__all__ = ["Tails"]

_MOST_BYTES = 1 << 20
_OFFERS, _FAILED = 24, 200


class _Offer(msgspec.Struct):
    num_iid: str
    title: str | None = None
    price: msgspec.Raw = msgspec.Raw(b"null")
    seed_id: str | None = None
    seller_nick: str | None = None


class _End(msgspec.Struct):
    seed_id: str
    status: str
    reason: str | None = None


_OFFER = msgspec.json.Decoder(_Offer)
_END = msgspec.json.Decoder(_End)


class Tails:
    """Reads what was added since the last look; of a long file the end alone at first."""

    def __init__(self, feeds: Callable[[], Iterable[Path]]) -> None:
        self._feeds = feeds
        self._places: dict[Path, int] = {}
        self._offers: deque[dict[str, Any]] = deque(maxlen=_OFFERS)
        self._failed: dict[str, dict[str, Any]] = {}

    def look(self) -> dict[str, Any]:
        """Blocks on the disk; what cannot be read is left out."""
        for feed in self._feeds():
            for offer in _read(_OFFER, self._added(feed)):
                self._offers.appendleft(_shown(offer))
            for end in _read(_END, self._added(ResultPaths.beside(feed).seeds)):
                self._note(end)
        failed = list(self._failed.values())
        return {"offers": list(self._offers), "failed": failed[-_FAILED:][::-1],
                "failed_count": len(failed)}  # fmt: skip

    def _note(self, end: _End) -> None:
        """The last line of a seed holds."""
        self._failed.pop(end.seed_id, None)
        if end.status in ("failed", "partial"):
            self._failed[end.seed_id] = msgspec.structs.asdict(end)

    def _added(self, path: Path) -> list[bytes]:
        """Whole lines only."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                place = self._places.get(path, max(0, size - _MOST_BYTES))
                place = 0 if place > size else place
                file.seek(place)
                added = file.read(_MOST_BYTES)
        except OSError:
            return []
        whole = added[: added.rfind(b"\n") + 1]
        self._places[path] = place + len(whole)
        return whole.splitlines()


def _read(decoder: msgspec.json.Decoder[Any], lines: Iterable[bytes]) -> Iterator[Any]:
    for raw in lines:
        try:
            yield decoder.decode(raw)
        except NO_LINE:
            continue


def _shown(offer: _Offer) -> dict[str, Any]:
    price = bytes(offer.price).decode(errors="replace")
    return {"id": offer.num_iid, "title": offer.title, "seed": offer.seed_id,
            "seller": offer.seller_nick,
            "price": price if price.replace(".", "", 1).isdigit() else None}  # fmt: skip
