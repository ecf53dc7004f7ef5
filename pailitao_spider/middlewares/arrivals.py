"""A page that has come: what its rows say, before any of them goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pailitao_spider import stats
from pailitao_spider.responses import PageResponse

if TYPE_CHECKING:
    from pailitao_spider.session import Session

__all__ = ["Arrivals"]


class Arrivals:
    """Reads a page's rows next to its callback: they go on while they are at hand."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stats = session.crawler.stats

    def take_in(self, response: PageResponse) -> bool:
        """Counts the rows. False when the run ends for what they have become."""
        page = response.page
        self._stats.inc_value(stats.ROWS, len(page.rows))
        for name in page.unreadable:
            self._stats.inc_value(stats.field_unreadable(name))
        why = self._session.watch(page)
        if why is None:
            return True
        self._session.stop(
            "pailitao_schema_drift",
            f"{why}: the gateway has changed, or another one answers. Offers of before are "
            "kept; look for a newer version, or go on with a higher PAILITAO_DRIFT_LIMIT",
        )
        return False
