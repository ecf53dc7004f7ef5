"""The whole run, as one of its workers sees it in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pailitao_spider.cluster.link import AwayError
from pailitao_spider.cluster.standing import standing
from pailitao_spider.progress.snapshot import SharedRun

if TYPE_CHECKING:
    from pailitao_spider.cluster.session import ClusterSession

__all__ = ["shared_run"]

_SILENT_SECONDS = 10.0


async def shared_run(session: ClusterSession) -> SharedRun | None:
    """One look, changing nothing; None when Redis does not answer, or has no right to it here."""
    name = session.config.run
    try:
        seen = await standing(session.link, session.keys, name)
    except AwayError:
        return None
    return SharedRun(
        name=name,
        waiting=seen.waiting,
        open=seen.open,
        ended=seen.done + seen.empty + seen.partial + seen.failed,
        pages_ready=seen.pages_ready,
        pages_leased=seen.pages_leased,
        buried=seen.buried,
        workers=sum(each.silent_seconds < _SILENT_SECONDS for each in seen.workers),
    )
