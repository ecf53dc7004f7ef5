"""What a call that is admitted gets, whichever dialect it speaks: rows, or a picture's id."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

from pailitao_spider.sandbox.catalogue.drifting import RowDrift
from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.catalogue.market import Catalogue, LineKey, Match
from pailitao_spider.sandbox.envelopes import Found, Misreporting, Page
from pailitao_spider.sandbox.uploads import Uploads, decoded

__all__ = ["Answers"]


class Answers:
    """The one catalogue beneath all dialects, and the pictures that were sent."""

    def __init__(
        self, catalogue: Catalogue, lies: Misreporting, drift: RowDrift | None = None
    ) -> None:
        self.catalogue = catalogue
        self.uploads = Uploads()
        self._lies = lies
        self._drift = drift
        self._searches = 0
        self._seen: dict[bytes, LineKey] = {}

    def search(
        self,
        sighting: LineKey,
        page: Page,
        write: Callable[[Match], Row],
        search_type: int = 1,
        sort: str | None = None,
        reach: int | None = None,
    ) -> Found:
        """A page of what a picture finds, its rows written by `write`.

        `reach` is how many offers can be paged through, None all; the total tells of all.
        """
        self._searches += 1
        matches = self.catalogue.matches(sighting, search_type, sort)
        shown = matches[:reach][page.part(len(matches[:reach]), self._lies)]
        return Found.told(page, [self._drifted(write(each)) for each in shown], len(matches),
                          self._lies)  # fmt: skip

    def at_url(self, url: str) -> LineKey | None:
        """What the picture at a URL shows: an uploaded one, or one that the catalogue knows."""
        kept = self.uploads.get(url)
        return self.catalogue.sight_url(url) if kept is None else kept

    async def look(self, imgcode: str) -> LineKey:
        """What Base64 text shows. Looking is heavy: in a thread, once for each picture."""
        digest = hashlib.sha256(imgcode.encode()).digest()
        if digest not in self._seen:
            self._seen[digest] = await asyncio.to_thread(self._sight, imgcode)
        return self._seen[digest]

    def _sight(self, imgcode: str) -> LineKey:
        return self.catalogue.sight(decoded(imgcode))

    def _drifted(self, row: Row) -> Row:
        return self._drift.apply(row, self._searches) if self._drift else row
