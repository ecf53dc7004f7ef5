"""What Scrapy's stats say of a crawl, typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pailitao_spider import stat_keys
from pailitao_spider.gateways.refusals import RefusalClass
from pailitao_spider.monitoring.snapshot import Counts

if TYPE_CHECKING:
    from scrapy.statscollectors import StatsCollector

__all__ = ["counted"]

_SEEDS = {status: stat_keys.seeds(status) for status in ("done", "empty", "partial", "failed")}
_OFFERS = {
    "new": stat_keys.OFFERS_NEW,
    "duplicate": stat_keys.OFFERS_DUPLICATE,
    "filtered": stat_keys.OFFERS_FILTERED,
    "rejected": stat_keys.OFFERS_REJECTED,
}
_REFUSED = {str(kind): stat_keys.refused(kind) for kind in RefusalClass}
_LEASES = {
    "taken": stat_keys.LEASES_TAKEN,
    "acked": stat_keys.LEASES_ACKED,
    "reclaimed": stat_keys.LEASES_RECLAIMED,
    "buried": stat_keys.LEASES_BURIED,
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
        known=number(stat_keys.SEEDS_KNOWN),
        pages=number(stat_keys.PAGES),
        rows=number(stat_keys.ROWS),
        offers=numbers(_OFFERS),
        calls=number(stat_keys.CALLS),
        billed=number(stat_keys.CALLS_BILLED),
        refused=numbers(_REFUSED),
        uploaded=number(stat_keys.PICTURES_UPLOADED),
        renewed=number(stat_keys.TOKEN_REFRESHED),
        leases=numbers(_LEASES),
        log_lines=numbers(_LOG_LINES),
    )
