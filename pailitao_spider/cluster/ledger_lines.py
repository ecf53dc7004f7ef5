"""A seed's end, as Redis keeps it, to its line in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from pailitao_spider.cluster.codec import NoSeedError, read_payload
from pailitao_spider.cluster.messages import Line
from pailitao_spider.paging import coverage
from pailitao_spider.results.ledger import LedgerLine, Status
from pailitao_spider.seeds import Seed, StoredImage

__all__ = ["ledger_line"]


def ledger_line(line: Line) -> LedgerLine:
    """The same line for whoever writes it."""
    seed = _seed(line)
    image = None if seed is None else seed.image
    return LedgerLine(
        seed_id=line.seed,
        image="" if image is None else image.label,
        status=cast("Status", line.status),
        reason=line.reason,
        pages_expected=line.expected,
        pages_fetched=line.fetched,
        rows_seen=line.rows,
        offers_seen=line.seen,
        offers_expected=line.most,
        coverage=coverage(line.seen, line.most),
        offers_new=line.offers,
        total_reported=line.total,
        calls=line.calls,
        started_at=_text(line.started),
        finished_at=_text(line.ended),
        seed_extra={} if seed is None else seed.extra,
        image_sha256=image.sha256 if isinstance(image, StoredImage) else None,
    )


def _seed(line: Line) -> Seed | None:
    try:
        return read_payload(line.seed, line.payload).seed
    except NoSeedError:
        return None


def _text(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
