"""What Scrapy's stats say of a crawl, typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pailitao_spider import stats
from pailitao_spider.gateways.refusals import RefusalClass
from pailitao_spider.progress.snapshot import Counts

if TYPE_CHECKING:
    from scrapy.statscollectors import StatsCollector

__all__ = ["counted"]

_SEEDS = {status: stats.seeds(status) for status in ("done", "empty", "partial", "failed")}
_OFFERS = {
    "new": stats.OFFERS_NEW,
    "duplicate": stats.OFFERS_DUPLICATE,
    "filtered": stats.OFFERS_FILTERED,
    "rejected": stats.OFFERS_REJECTED,
}
_REFUSED = {str(kind): stats.refused(kind) for kind in RefusalClass}
_LEASES = {
    "taken": stats.LEASES_TAKEN,
    "acked": stats.LEASES_ACKED,
    "reclaimed": stats.LEASES_RECLAIMED,
    "buried": stats.LEASES_BURIED,
}
_LOG_LINES = {"warning": "log_count/WARNING", "error": "log_count/ERROR"}


def counted(collector: StatsCollector) -> Counts:
    """All of it as it is now."""

    def number(stat: str) -> int:
        return int(collector.get_value(stat, 0))

    def numbers(named: Mapping[str, str]) -> dict[str, int]:
        return {name: number(stat) for name, stat in named.items()}

    return Counts(
        seeds=numbers(_SEEDS),
        known=number(stats.SEEDS_KNOWN),
        pages=number(stats.PAGES),
        rows=number(stats.ROWS),
        offers=numbers(_OFFERS),
        calls=number(stats.CALLS),
        billed=number(stats.CALLS_BILLED),
        refused=numbers(_REFUSED),
        uploaded=number(stats.PICTURES_UPLOADED),
        renewed=number(stats.TOKEN_REFRESHED),
        leases=numbers(_LEASES),
        log_lines=numbers(_LOG_LINES),
    )
